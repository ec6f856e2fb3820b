"""Windows: days, weeks or months that end on as_of, or just before such a window."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from omniseg.kinds import Kind, matched

LONGEST = {"d": 36_500, "w": 5_200, "m": 1_200}  # a hundred years
UNITS = {"d": "days", "w": "weeks", "m": "months"}
MOST_EDGES = 62  # so that a set of bands between them is the bits of one BIGINT
WINDOW = re.compile(r"([1-9][0-9]{0,4})([dwm])(_prev)?")


@dataclass(frozen=True)
class Edge:
    """A point so many days (`d`), weeks (`w`) or calendar months (`m`) before the end of as_of."""

    count: int
    unit: str

    @property
    def name(self) -> str:
        """Such as 30d."""
        return f"{self.count}{self.unit}"

    def age(self, as_of: date) -> int:
        """Days between as_of and the last day before the edge: a day is on its newer side where it is less old."""
        if self.unit == "m":
            return (as_of - months_before(as_of, self.count)).days
        return self.count * (7 if self.unit == "w" else 1)


@dataclass(frozen=True)
class Span:
    """The days from `newest` back to `oldest` (None = the beginning)."""

    name: str
    newest: Edge
    oldest: Edge | None

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Where the window begins and ends."""
        return (self.newest,) if self.oldest is None else (self.newest, self.oldest)

    @property
    def words(self) -> str:
        """For comments and documents."""
        if self.oldest is None:
            return "all days up to as_of"
        length = f"the {self.oldest.count - self.newest.count} {UNITS[self.oldest.unit]}"
        return f"{length} before those that end on as_of" if self.newest.count else f"{length} ending on as_of"

    def parts(self, number: int) -> tuple[Span, ...]:
        """The window cut into so many sub-windows, the oldest first; whole days, weeks or months each."""
        assert self.oldest is not None, "lifetime has no beginning that could be cut from"
        unit, first, length = self.oldest.unit, self.newest.count, self.oldest.count - self.newest.count
        cuts = [Edge(first + length * place // number, unit) for place in range(number + 1)]
        pairs = list(pairwise(cuts))
        return tuple(Span(f"{self.name}_{place}", *pair) for place, pair in enumerate(reversed(pairs)))


LIFETIME = Span("lifetime", Edge(0, "d"), None)


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or that month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def parse_span(text: str) -> Span:
    """`90d`, `12w`, `3m`, the window of the same length before it (`90d_prev`), or `lifetime`; ValueError for anything
    else.
    """
    if text == LIFETIME.name:
        return LIFETIME
    found = matched(WINDOW, text)
    count, unit = int(found[1]), found[2]
    begin = count if found[3] else 0
    if begin + count > LONGEST[unit]:
        raise ValueError(text)
    return Span(text, Edge(begin, unit), Edge(begin + count, unit))


SPAN: Kind[Span] = Kind(
    "a number of days, weeks or months such as 90d, 12w or 3m, the same with _prev, or lifetime",
    parse_span,
    lambda: ("30d", "90d", "365d", "12w", "3m", "12m", "lifetime", "90d_prev"),
)
