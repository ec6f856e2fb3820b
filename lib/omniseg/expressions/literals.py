"""Literals that steer a function: patterns, formats, units, paths. All are checked here, because a bad one would kill
the job later.

Regular expressions are a subset that Java and Python read alike, so Python's compiler can vouch for them, and of
bounded cost. A repeated group with a repetition or alternative inside is refused: its time can double with every
character, and Java's matcher recurses through such groups until the stack ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from omniseg.expressions.refusal import Refused
from omniseg.names import nearest

PATTERN_LIMIT = 200
COUNT_LIMIT = 1_000
LONG = 10  # a repetition that may go on longer than this counts as unbounded
OVERLAP_LIMIT = 4  # unbounded repetitions that can take the same character: the exponent of the worst running time

ESCAPED = r"\\[dwsDWS\\.\-+*?()\[\]{}|^$/\"'tnr]"
REGEX_PIECE = re.compile(
    rf"(?P<atom>\[\^?(?:{ESCAPED}|[^\\\[\]&^|~-]|-(?!-))+\]|{ESCAPED}|[^\\\[\]{{}}()|*+?^$])"
    r"|(?P<open>\((?:\?:|(?!\?)))|(?P<close>\))|(?P<other>\||\^|\$|\\b|\\B)"
    r"|(?P<repeat>(?:[*+?]|\{[0-9]{1,4}(?:,(?:[0-9]{1,4})?)?\})\??)",
    re.DOTALL,
)
PRINTABLE = [chr(code) for code in range(32, 127)]

FORMAT_PIECE = re.compile(r"(?P<run>(?P<letter>[A-Za-z])(?P=letter)*)|'[^'\\]*'|[-/.:, _]")
DAY_RUNS = ("yyyy", "yy", "MMMM", "MMM", "MM", "M", "dd", "d", "HH", "H", "hh", "h", "mm", "m", "ss", "s", "a")
FRACTION_RUNS = tuple("S" * count for count in range(1, 10))
ZONE_RUNS = ("XXX", "XX", "X", "xxx", "xx", "x", "Z", "VV", "z")
WEEKDAY_RUNS = ("EEEE", "EEE", "E")

JSON_PATH = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_-]*|\[[0-9]{1,6}\]|\['[^'\\\]]+'\])*")
UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")


def regex(pattern: str) -> int:
    """Checks a regular expression; returns the number of its groups."""
    pieces = regex_pieces(pattern)
    try:
        groups = re.compile(pattern).groups
    except (re.error, OverflowError) as wrong:
        raise Refused(pattern, f"a regular expression ({wrong})") from None
    loops = [False]  # per open group: does it hold a repetition or an alternative?
    closed = False  # the group that has just ended holds one
    for (kind, piece), (before, _) in zip(pieces, [("", ""), *pieces], strict=False):
        if kind == "repeat" and (before == "repeat" or (before == "close" and closed and piece not in ("?", "??"))):
            raise Refused(pattern, "no repetition of a group with a repetition or alternative inside")
        if kind == "open":
            loops.append(False)
        elif kind == "close":
            closed = loops.pop()
            loops[-1] = loops[-1] or closed
        elif kind == "repeat" or piece == "|":
            loops[-1] = True
    refuse_overlap(pattern, pieces)
    return groups


def regex_pieces(pattern: str) -> list[tuple[str, str]]:
    """Kind and text of each piece: atom, open, close, repeat, other."""
    if len(pattern) > PATTERN_LIMIT:
        raise Refused(f"a pattern of {len(pattern)} characters", f"at most {PATTERN_LIMIT}")
    pieces = []
    start = 0
    while start < len(pattern):
        match = REGEX_PIECE.match(pattern, start)
        if match is None:
            raise Refused(
                pattern[start : start + 10], "a plain regular expression: no look-around, references or flags"
            )
        pieces.append((str(match.lastgroup), match.group()))
        start = match.end()
    return pieces


def refuse_overlap(pattern: str, pieces: list[tuple[str, str]]) -> None:
    """Refuse patterns in which many unbounded repetitions compete for the same characters."""
    taken: Counter[str] = Counter()
    for (kind, piece), (before, atom) in zip(pieces[1:], pieces, strict=False):
        if kind == "repeat" and is_long(piece):
            taken.update(characters(atom) if before == "atom" else PRINTABLE)
    if taken and max(taken.values()) > OVERLAP_LIMIT:
        raise Refused(pattern, f"at most {OVERLAP_LIMIT} repetitions that can take the same character")


def is_long(piece: str) -> bool:
    """True for a repetition without a small upper limit."""
    numbers = [int(number) for number in re.findall(r"[0-9]+", piece)]
    if numbers and max(numbers) > COUNT_LIMIT:
        raise Refused(f"{piece} in a pattern", f"counts of at most {COUNT_LIMIT:,}")
    return piece[0] in "*+" or ",}" in piece or (bool(numbers) and numbers[-1] > LONG)


def characters(atom: str) -> Iterable[str]:
    """The printable ASCII characters that an atom can take."""
    one = re.compile(atom, re.DOTALL)
    return (character for character in PRINTABLE if one.fullmatch(character))


def like_pattern(pattern: str) -> None:
    r"""Checks a LIKE pattern: `\` may stand only before `%`, `_` and itself, and `%` costs like an unbounded
    repetition.
    """
    if len(pattern) > PATTERN_LIMIT:
        raise Refused(f"a pattern of {len(pattern)} characters", f"at most {PATTERN_LIMIT}")
    if re.fullmatch(r"(?:[^\\]|\\[%_\\])*", pattern, re.DOTALL) is None:
        raise Refused(pattern, r"\ only before %, _ or another \ in a LIKE pattern")
    if len(re.findall(r"%+", pattern)) > OVERLAP_LIMIT + 1:
        raise Refused(pattern, f"at most {OVERLAP_LIMIT + 1} times % in a LIKE pattern")


def replacement(text: str, groups: int) -> None:
    """Checks the replacement of regexp_replace: `$n` must name a group of the pattern, `\\` and other `$` have no
    place.
    """
    for match in re.finditer(r"\\|\$([0-9]?)", text):
        if not match.group(1) or int(match.group(1)) > groups:
            raise Refused(
                f"{text} as a replacement", f"$1 to ${groups} at most, no backslash" if groups else "no $ or backslash"
            )


def parse_format(pattern: str) -> bool:
    """Checks a format to read dates by; True when it reads a zone or offset too, so that results are instants."""
    runs = format_runs(pattern, (*DAY_RUNS, *FRACTION_RUNS, *ZONE_RUNS))
    if not runs & {"yyyy", "yy"}:
        raise Refused(pattern, "a format with a year, such as 'yyyy-MM-dd HH:mm'")
    refuse_half_days(pattern, runs)
    return bool(runs & set(ZONE_RUNS))


def show_format(pattern: str) -> None:
    """Checks a format to write dates by; they are written in wall clock, so zones have no place."""
    format_runs(pattern, (*DAY_RUNS, *FRACTION_RUNS, *WEEKDAY_RUNS))


def format_runs(pattern: str, valid: tuple[str, ...]) -> set[str]:
    """The runs of letters in a date format, each checked."""
    runs: set[str] = set()
    start = 0
    while start < len(pattern[: PATTERN_LIMIT + 1]):
        match = FORMAT_PIECE.match(pattern, start)
        run = match["run"] if match else None
        if match is None or (run and run not in valid) or start >= PATTERN_LIMIT:
            wrong = run or pattern[start : start + 5]
            raise Refused(f"{wrong} in a date format", f"{', '.join(valid)}, signs, and 'quoted' text")
        runs |= {run} if run else set()
        start = match.end()
    return runs


def refuse_half_days(pattern: str, runs: set[str]) -> None:
    """Refuse hours from 1 to 12 without am or pm: every value would be unreadable."""
    if runs & {"h", "hh"} and "a" not in runs:
        raise Refused(pattern, "HH for hours 0 to 23, or hh together with a")


def json_path(path: str) -> None:
    """Checks a path of get_json_object: $.name, $.list[0], $['a name']."""
    if len(path) > PATTERN_LIMIT or JSON_PATH.fullmatch(path) is None:
        raise Refused(path, "a path such as $.order.items[0].id")


def unit(name: str) -> None:
    """Checks a unit of date_trunc."""
    if name.lower() not in UNITS:
        raise Refused(name, f"one of {', '.join(UNITS)}", nearest=nearest(name, UNITS))
