"""The words of the expression language: which characters may stand in an expression, and in which pieces.

This scan is linear and comes before any parser, so what is not written here (comments, `;`, parameters, lambdas,
braces, Unicode look-alikes outside quotes, bottomless nesting) never reaches one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from omniseg.expressions.refusal import Refused

TEXT_LIMIT = 4_000  # characters
NESTING_LIMIT = 25  # brackets and cases inside each other; the parser needs 22 of 1,000 Python frames for each
SIGN_LIMIT = 3  # `-`, `+` or `not` in a row
PATH_LIMIT = 20  # parts of a dotted path

PIECE = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<refused>--|/\*|\*/|//|;|->|=>|::)
      | (?P<raw>[rR](?:'[^']*'|"[^"]*"))
      | (?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
      | (?P<quoted>`[^`]+`)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_]))
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign><=>|<=|>=|<>|!=|==|\|\||[()\[\],.+\-*/%=<>])""",
    re.VERBOSE | re.DOTALL,
)
ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t", "r": "\r"}
OPENING = frozenset({"(", "[", "case"})
CLOSING = frozenset({")", "]", "end"})
PREFIXES = frozenset({"-", "+", "not"})


@dataclass(frozen=True)
class Piece:
    """One piece of an expression. `value` is the text meant (strings unescaped, quotes removed); `start` its offset."""

    kind: str  # string, quoted, number, word, sign
    value: str
    start: int
    end: int  # offset of the last character

    @property
    def folded(self) -> str:
        """The word or sign in lower case; empty for names and strings in quotes, which are never keywords."""
        return self.value.lower() if self.kind in ("word", "sign") else ""


def pieces(text: str) -> list[Piece]:
    """All pieces of the text in order, or `Refused` at the first character that has no place in an expression."""
    if len(text) > TEXT_LIMIT:
        raise Refused(f"{len(text)} characters", f"at most {TEXT_LIMIT:,}; split it into several columns", start=0)
    found: list[Piece] = []
    start = 0
    while start < len(text):
        match = PIECE.match(text, start)
        if match is None or match.lastgroup == "refused":
            raise Refused(repr(text[start : start + 10]), "names, literals, operators and functions only", start=start)
        if match.lastgroup != "space":
            found.append(piece(match))
        start = match.end()
    if not found:
        raise Refused("an empty text", "an expression", start=0)
    refuse_nesting(found)
    return found


def piece(match: re.Match[str]) -> Piece:
    """The piece that matched, with its value unescaped."""
    kind, source, start = match.lastgroup or "", match.group(), match.start()
    value = source
    if kind == "string":
        value = unescaped(source, start)
    if kind == "raw":
        kind, value = "string", source[2:-1]
    if kind == "quoted":
        value = source[1:-1]
    if kind in ("string", "quoted"):
        refuse_controls(value, start)
    return Piece(kind, value, start, match.end() - 1)


def unescaped(source: str, start: int) -> str:
    """The value of a quoted string as Spark reads it; escapes that Spark reads in surprising ways are refused."""
    quote, body = source[0], source[1:-1]

    def one(match: re.Match[str]) -> str:
        letter = match.group(1)
        if letter is None:
            return quote
        if letter not in ESCAPES:
            hint = r"\\ \' \" \n \t \r only; for a pattern write a raw string such as r'\d+'"
            raise Refused("\\" + letter, hint, start=start + 1 + match.start())
        return ESCAPES[letter]

    return re.sub(rf"\\(.)|{quote}{quote}", one, body, flags=re.DOTALL)


def refuse_controls(value: str, start: int) -> None:
    """Refuse NUL, other control characters and lone surrogates, which files and engines read differently."""
    for character in value:
        control = ord(character) < 32 and character not in "\n\t\r"
        if control or ord(character) == 127 or 0xD800 <= ord(character) <= 0xDFFF:
            raise Refused(f"the character U+{ord(character):04X}", "printable text", start=start)


def refuse_nesting(found: list[Piece]) -> None:
    """Refuse depth that would exhaust the stack of a recursive parser: brackets, cases, signs before them, long
    paths.
    """
    open_levels: list[int] = []
    signs = dots = indexes = 0
    for one in found:
        word = one.folded
        if word in OPENING:
            open_levels.append(1 + signs)
        elif word in CLOSING and open_levels:
            open_levels.pop()
        signs = signs + 1 if word in PREFIXES else 0
        dots = dots + (word == ".") if word == "." or one.kind in ("word", "quoted") else 0
        indexes += word == "["
        if max(sum(open_levels), indexes) > NESTING_LIMIT:
            raise Refused("deep nesting", f"at most {NESTING_LIMIT} levels", start=one.start)
        if signs > SIGN_LIMIT:
            raise Refused(f"{signs} signs in a row", f"at most {SIGN_LIMIT}", start=one.start)
        if dots >= PATH_LIMIT:
            raise Refused("a long path", f"at most {PATH_LIMIT} parts", start=one.start)
