"""The kinds of daily partial aggregates: what each holds, and how several of it become one."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.features.measures import NUMBER
from omniseg.features.pieces import SESSIONS
from omniseg.features.weights import WEIGHTED


@dataclass(frozen=True)
class Kind:
    """One kind of partial aggregate: its type, what it holds, and the aggregate function that merges several of it ('':
    elements are merged one by one).
    """

    type: str
    meaning: str
    merge: str = ""


KINDS = {
    "count": Kind("BIGINT", "events", "sum"),
    "sum": Kind("DECIMAL(28,4)", "sum; null = none", "sum"),
    "squares": Kind("DECIMAL(38,8)", "sum of squares; null = none", "try_sum"),
    "cubes": Kind("DECIMAL(38,12)", "sum of cubes of values below 10⁸; null = none", "try_sum"),
    "min": Kind(NUMBER, "least; null = none", "min"),
    "max": Kind(NUMBER, "greatest; null = none", "max"),
    "earliest": Kind("STRUCT<at: TIMESTAMP, value: STRING>", "earliest value; null = none", "min"),
    "latest": Kind("STRUCT<at: TIMESTAMP, value: STRING>", "latest value; null = none", "max"),
    "earliest_time": Kind("TIMESTAMP", "earliest event; null = none", "min"),
    "latest_time": Kind("TIMESTAMP", "latest event; null = none", "max"),
    "hashes": Kind("ARRAY<BIGINT>", "sorted distinct xxhash64; empty = none"),
    "groups": Kind(WEIGHTED, "sum by xxhash64 of the group; empty = none"),
    "histogram": Kind(WEIGHTED, "events by bucket of the value's logarithm; empty = none"),
    "texts": Kind(WEIGHTED, "events by value; empty = none"),
    "sessions": Kind(SESSIONS, "pieces of sessions, microseconds since 1970; empty = none; id"),
    "moments": Kind(
        "ARRAY<BIGINT>", "sorted: twice the microseconds since 1970 of additions to a cart, purchases one more"
    ),
}
BOUNDED = ("hashes", "moments", "groups", "histogram", "texts", "sessions")  # lists that keep MOST_ELEMENTS


def merged(kind: Kind, value: Column) -> Column:
    """The aggregate that merges partials of a kind, or values into a partial."""
    functions = {"sum": F.sum, "try_sum": F.try_sum, "min": F.min, "max": F.max}
    return functions[kind.merge](value)
