"""How an expression is refused: one exception inside the package, one error for the user.

`Refused` stops the part of the expression it is raised in; the compiler adds the position, goes on with the other
parts and raises one `ExpressionError` with all problems.
"""

from __future__ import annotations

from collections.abc import Iterable

from omniseg.errors import ConfigError, Problem

SHOWN = 60  # characters of the user's text repeated in a message


class ExpressionError(ConfigError):
    """An expression is refused; each problem says where (line and column), what was found and what is expected."""


class Refused(Exception):
    """One part of an expression is refused. `start` is an offset into the text, or None where only the compiler
    knows it.
    """

    def __init__(self, found: str, expected: str, *, nearest: str = "", start: int | None = None) -> None:
        super().__init__(found)
        self.found = shorten(found)
        self.expected = expected
        self.nearest = nearest
        self.start = start


def shorten(found: str) -> str:
    """`found` on one line, without control characters, at most `SHOWN` characters."""
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in found)
    return line if len(line) <= SHOWN else line[:SHOWN] + "…"


def position(text: str, start: int) -> str:
    """Line and column, both counted from 1, of the character at `start`."""
    before = text[:start]
    line = before.count("\n") + 1
    column = start - (before.rfind("\n") + 1) + 1
    return f"line {line}, column {column}"


def problem(text: str, refused: Refused, start: int) -> Problem:
    """The problem to show; `start` is used where the refusal itself knows no position."""
    at = refused.start if refused.start is not None else start
    where = position(text, at)
    return Problem(where, "expression", refused.found, refused.expected, refused.nearest)


def error(problems: Iterable[Problem]) -> ExpressionError:
    """One error for all problems, each named once, in the order of their appearance."""
    return ExpressionError(dict.fromkeys(problems))
