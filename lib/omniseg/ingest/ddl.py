"""Schema texts (DDL) read without Spark, so that a misspelled column or type is refused before Spark starts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from omniseg.names import nearest
from omniseg.quoting import sql_name

TOKEN = re.compile(r"\s*(?:(`(?:[^`]|``)+`)|([^\W\d]\w*)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|([0-9]+|[<>(),:]))")
SYNONYMS = {
    "integer": "int",
    "long": "bigint",
    "short": "smallint",
    "byte": "tinyint",
    "real": "float",
    "dec": "decimal",
    "numeric": "decimal",
    "timestamp_ltz": "timestamp",
}
CONVERTED = ("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
OTHERS = ("string", "date", "timestamp", "timestamp_ntz", "binary", "variant", "char", "varchar")
NESTED = ("array", "map", "struct")
TYPES = (*CONVERTED, *OTHERS, *NESTED, *SYNONYMS)
MAX_DEPTH = 50


class BadDdl(ValueError):
    """A schema text that is no list of columns; says what was found at which position (from 1)."""

    def __init__(self, found: str, suggestion: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.suggestion = suggestion


def columns_of(ddl: str, *, texts: bool = False) -> dict[str, str]:
    """Type of each column and, by dotted path, of each field of a struct. Raises BadDdl.

    Types come in Spark's own short spelling: decimal(18,2), array<struct<a:int>>. With `texts` they are those that an
    expression meets in JSON and CSV: string, but for numbers and booleans that are columns of their own.
    """
    return Parser(tokens(ddl), texts).columns()


def tokens(ddl: str) -> list[tuple[str, int]]:
    """The words, numbers, texts and signs of a schema text with their positions; a last empty one marks the end."""
    found: list[tuple[str, int]] = []
    at, end = 0, len(ddl.rstrip())
    while at < end:
        match = TOKEN.match(ddl, at)
        if match is None:
            rest = ddl[at:end].lstrip()
            raise BadDdl(f"{rest[:10]!r} at position {end - len(rest) + 1}")
        at = match.end()
        found.append((match[0].strip(), at - len(match[0].lstrip()) + 1))
    return [*found, ("", len(ddl) + 1)]


@dataclass
class Parser:
    """Reads columns from the tokens of one schema text."""

    tokens: list[tuple[str, int]]
    texts: bool
    at: int = 0
    depth: int = 0

    def columns(self) -> dict[str, str]:
        """All columns up to the end of the text."""
        return flattened(self.fields(""))

    def fields(self, closing: str) -> dict[str, tuple[str, dict[str, str]]]:
        """Fields up to `closing`: name -> (type, types of what lies inside by dotted path)."""
        found: dict[str, tuple[str, dict[str, str]]] = {}
        while True:
            name = self.name()
            if name in found:
                raise self.bad("the column twice", back=1)
            self.skip(":")
            found[name] = self.type()
            self.attributes()
            if self.skip(closing):
                return found
            self.expect(",")

    def name(self) -> str:
        """The name of a field, backticks taken off."""
        token = self.tokens[self.at][0]
        if not (token.startswith("`") or token.isidentifier()):
            raise self.bad("no column name")
        self.at += 1
        return token[1:-1].replace("``", "`") if token.startswith("`") else token

    def type(self) -> tuple[str, dict[str, str]]:
        """A type in short spelling, and what lies inside a struct."""
        word = self.tokens[self.at][0].lower()
        kind = SYNONYMS.get(word, word)
        if kind not in TYPES:
            raise self.bad("no type", nearest(word, TYPES))
        self.at += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.bad(f"types nested deeper than {MAX_DEPTH}", back=1)
        result = self.nested(kind) if kind in NESTED else (self.leaf(kind + self.sizes(kind)), {})
        self.depth -= 1
        return result

    def leaf(self, kind: str) -> str:
        """The type that a value without inside has for an expression."""
        converted = self.depth == 1 and kind.startswith(CONVERTED)
        return "string" if self.texts and not converted else kind

    def nested(self, kind: str) -> tuple[str, dict[str, str]]:
        """The inside of an array, a map or a struct."""
        self.expect("<")
        if kind == "struct":
            found = self.fields(">")
            listed = ",".join(f"{quoted(name)}:{inner}" for name, (inner, _) in found.items())
            return f"struct<{listed}>", flattened(found)
        types = [self.type()[0]]
        if kind == "map":
            self.expect(",")
            types.append(self.type()[0])
        self.expect(">")
        return f"{kind}<{','.join(types)}>", {}

    def sizes(self, kind: str) -> str:
        """The numbers in parentheses after decimal, char and varchar."""
        if kind not in ("decimal", "char", "varchar") or not self.skip("("):
            return "(10,0)" if kind == "decimal" else ""
        numbers = [self.number()]
        if self.skip(","):
            numbers.append(self.number())
        self.expect(")")
        return f"({','.join(numbers if len(numbers) == 2 or kind != 'decimal' else [*numbers, '0'])})"

    def number(self) -> str:
        """A number."""
        token = self.tokens[self.at][0]
        if not token.isdigit():
            raise self.bad("no number")
        self.at += 1
        return token

    def attributes(self) -> None:
        """NOT NULL and COMMENT after a type, which say nothing about it."""
        if self.tokens[self.at][0].lower() == "not":
            self.at += 1
            self.expect("null")
        if self.tokens[self.at][0].lower() == "comment":
            self.at += 2

    def skip(self, token: str) -> bool:
        """Whether `token` comes next; if so it is passed."""
        if self.tokens[self.at][0].lower() != token:
            return False
        self.at += 1
        return True

    def expect(self, token: str) -> None:
        """Pass `token`, which must come next."""
        if not self.skip(token):
            raise self.bad(f"no {token!r}")

    def bad(self, what: str, suggestion: str = "", *, back: int = 0) -> BadDdl:
        """The error for the token at hand, or for one `back`."""
        token, position = self.tokens[self.at - back]
        return BadDdl(f"{what} at position {position} ({token or 'end'!r})", suggestion)


def flattened(fields: dict[str, tuple[str, dict[str, str]]]) -> dict[str, str]:
    """Types by dotted path, each field before what lies inside it."""
    found: dict[str, str] = {}
    for name, (kind, inner) in fields.items():
        found[name] = kind
        found.update({f"{name}.{path}": below for path, below in inner.items()})
    return found


def quoted(name: str) -> str:
    """A name as a schema text writes it."""
    return name if name.isidentifier() else sql_name(name)
