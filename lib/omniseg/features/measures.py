"""What a feature can measure, and over which days."""

from __future__ import annotations

import re
from dataclasses import dataclass

from omniseg.kinds import Kind, matched

MAX_DAYS = 36_500  # a hundred years
NDAYS = re.compile(r"([1-9][0-9]{0,4})d")

# Types that measured values are converted to: money and quantities stay decimal, so sums are the same in any order.
NUMBER = "DECIMAL(18,4)"
DAY_SUM = "DECIMAL(28,4)"


@dataclass(frozen=True)
class Measure:
    """One measure.

    `partial` is the aggregate per identity key and day that it needs; `merge` says how days become a window: `total`
    (additive), `least` and `greatest`, `first` and `last` (days with a count), or `distinct` (sets, settled per
    person). `of` says whether the declaration names a value: required, optional or none; `of_type` is what it is
    converted to. `type` is the feature's type, `zero` whether nothing to measure gives 0 and not null.
    """

    partial: str
    merge: str
    of: str
    type: str
    of_type: str = ""
    zero: bool = False


MEASURES: dict[str, Measure] = {
    "count": Measure("count", "total", "optional", "BIGINT", "STRING", zero=True),
    "sum": Measure("sum", "total", "required", NUMBER, NUMBER, zero=True),
    "min": Measure("min", "least", "required", "DOUBLE", NUMBER),
    "max": Measure("max", "greatest", "required", "DOUBLE", NUMBER),
    "count_distinct": Measure("hashes", "distinct", "required", "BIGINT", "STRING", zero=True),
    "active_days": Measure("count", "distinct", "none", "BIGINT", zero=True),
    "days_since_last": Measure("count", "last", "none", "INT"),
    "days_since_first": Measure("count", "first", "none", "INT"),
}


@dataclass(frozen=True)
class Span:
    """A window of `days` calendar days that ends on as_of, both ends included; None = every day up to as_of."""

    name: str
    days: int | None

    @property
    def words(self) -> str:
        """For comments and documents."""
        return "all days up to as_of" if self.days is None else f"the {self.days} days ending on as_of"


LIFETIME = Span("lifetime", None)


def parse_span(text: str) -> Span:
    """`90d` or `lifetime`; ValueError for anything else."""
    if text == LIFETIME.name:
        return LIFETIME
    days = int(matched(NDAYS, text)[1])
    if days > MAX_DAYS:
        raise ValueError(text)
    return Span(text, days)


SPAN: Kind[Span] = Kind(
    f"a number of days up to {MAX_DAYS} such as 90d, or lifetime",
    parse_span,
    lambda: ("30d", "90d", "365d", "lifetime"),
)
