"""What a feature can measure: from which partial aggregates it is merged, and what its values are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Types that measured values are converted to: money and quantities stay decimal, so sums are the same in any order.
NUMBER = "DECIMAL(18,4)"
ROUNDED = "rounded to 10 significant digits"
MOST_ELEMENTS = 4096  # that one identity key's day and batch keeps of a set
CUT_DAYS = "cut_days"  # how many days of a person's keys reached it: their sets are a sample
QUANTILE_ERROR = 0.01  # of a quantile of values, relative; a quantile of sums (`per`) is exact


@dataclass(frozen=True)
class Measure:
    """One measure.

    `needs`: role → kind of the partial aggregate per identity key and day (see partials). `amount` stands for a sum
    where the declaration names a value (`of`), else a count; `histogram` for `groups` where it names `per`. `family`
    says how days become a window: `bands` (one number per window), `sets` (distinct elements of a person), `weights`
    (elements with a weight), `carts` (a sequence of moments), `sessions`, `journeys` (a sequence of days). `error`:
    what may differ from the exact value. `of`: required, optional or none; `of_type` is what it is converted to.
    `zero`: nothing to measure gives 0, not null. `option`: the key of the declaration that says more, with its default.
    `days`: not the partial is merged but the first or last (`min`, `max`) of the days that have it; what is measured
    are the days since then.
    """

    needs: Mapping[str, str]
    family: str
    type: str
    of: str = "none"
    of_type: str = ""
    zero: bool = False
    error: str = "exact"
    option: tuple[str, float | None] | None = None
    days: str = ""

    @property
    def nature(self) -> str:
        """additive, set or sequence."""
        return {"bands": "additive", "sets": "set", "weights": "set"}.get(self.family, "sequence")


HISTOGRAM = "ARRAY<STRUCT<value: STRING, events: BIGINT>>"
IDLE = ("idle_minutes", 30.0)
MOMENTS = {"n": "count", "s": "sum", "q": "squares"}

MEASURES: dict[str, Measure] = {
    "count": Measure({"n": "count"}, "bands", "BIGINT", "optional", "STRING", zero=True),
    "sum": Measure({"s": "sum"}, "bands", NUMBER, "required", NUMBER, zero=True),
    "min": Measure({"s": "min"}, "bands", "DOUBLE", "required", NUMBER),
    "max": Measure({"s": "max"}, "bands", "DOUBLE", "required", NUMBER),
    "average": Measure({"n": "count", "s": "sum"}, "bands", "DOUBLE", "required", NUMBER, error=ROUNDED),
    "variance": Measure(MOMENTS, "bands", "DOUBLE", "required", NUMBER, error=ROUNDED),
    "standard_deviation": Measure(MOMENTS, "bands", "DOUBLE", "required", NUMBER, error=ROUNDED),
    "skewness": Measure({**MOMENTS, "c": "cubes"}, "bands", "DOUBLE", "required", NUMBER, error=ROUNDED),
    "share": Measure({"part": "amount", "whole": "amount"}, "bands", "DOUBLE", "optional", NUMBER, error=ROUNDED),
    "trend": Measure(
        {"s": "amount"}, "bands", "DOUBLE", "optional", NUMBER, zero=True, error=ROUNDED, option=("parts", 3)
    ),
    "first": Measure({"s": "earliest"}, "bands", "STRING", "required", "STRING"),
    "last": Measure({"s": "latest"}, "bands", "STRING", "required", "STRING"),
    "first_time": Measure({"s": "earliest_time"}, "bands", "TIMESTAMP"),
    "last_time": Measure({"s": "latest_time"}, "bands", "TIMESTAMP"),
    "days_since_last": Measure({"n": "count"}, "bands", "INT", days="max"),
    "days_since_first": Measure({"n": "count"}, "bands", "INT", days="min"),
    "count_distinct": Measure({"n": "hashes"}, "sets", "BIGINT", "required", "STRING", zero=True),
    "active_days": Measure({"n": "count"}, "sets", "BIGINT", zero=True),
    "mean_interval_days": Measure({"n": "count"}, "sets", "DOUBLE", error=ROUNDED),
    "interval_variation": Measure({"n": "count"}, "sets", "DOUBLE", error=ROUNDED),
    "quantile": Measure(
        {"n": "histogram"},
        "weights",
        "DOUBLE",
        "required",
        NUMBER,
        error=f"relative error up to {QUANTILE_ERROR:.0%}; exact with per",
        option=("at", None),
    ),
    "mode": Measure({"n": "texts"}, "weights", "STRING", "required", "STRING"),
    "top_k": Measure({"n": "texts"}, "weights", "ARRAY<STRING>", "required", "STRING", option=("k", 3)),
    "entropy": Measure({"n": "texts"}, "weights", "DOUBLE", "required", "STRING", error=ROUNDED),
    "histogram": Measure({"n": "texts"}, "weights", HISTOGRAM, "required", "STRING"),
    "sessions": Measure({"n": "sessions"}, "sessions", "BIGINT", "required", "STRING", zero=True, option=IDLE),
    "session_depth": Measure({"n": "sessions"}, "sessions", "DOUBLE", "required", "STRING", error=ROUNDED, option=IDLE),
    "session_seconds": Measure(
        {"n": "sessions"}, "sessions", "DOUBLE", "required", "STRING", error=ROUNDED, option=IDLE
    ),
    "days_after": Measure({"n": "count", "whole": "count"}, "journeys", "BIGINT", zero=True, option=("within_days", 7)),
    "carts_abandoned": Measure({"n": "moments"}, "carts", "BIGINT", zero=True, option=("within_hours", 24)),
}
