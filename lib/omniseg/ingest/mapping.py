"""Raw columns become canonical columns by the expressions of a declaration; broken rules are named, no row dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.expressions import Compiled, column, unreadable
from omniseg.ingest.parse import PARSED, no_rules, quoted

ELEMENT = "#"  # begins the part of a record_id that counts the elements of an exploded record, from the second on
# What every mapped frame carries beside the canonical columns.
ORIGIN = ("record_id", "file", "position", "received_at", "payload", "rescued", "lookalike", "reject", "rules")
PROTECTED = (*PARSED, "__payload", "__lookalike", "__record_id")  # beside the raw columns of a protected frame


@dataclass(frozen=True)
class Mapped:
    """The compiled part of a declaration: what turns its raw columns into canonical ones.

    `converted` are raw columns read as text but declared as numbers (name -> type); `expressions` canonical column ->
    expression over raw columns; `quality` rule -> expectation over raw and canonical columns (a raw column hides a
    canonical one of its name); `explode` a raw array whose elements become rows named `item`.
    """

    expressions: Mapping[str, Compiled]
    converted: Mapping[str, str]
    quality: Mapping[str, Compiled]
    explode: str | None = None


def map_records(records: DataFrame, mapped: Mapped, *, extra: Mapping[str, Column] | None = None) -> DataFrame:
    """Protected records -> canonical columns (as far as declared), ORIGIN columns and all broken rules in `rules`.

    Grain: one record, or one element where the declaration explodes. Own rules: `unreadable:<column>` where a
    conversion
    failed, and the declared expectations (a null result is a breach). `extra` are further columns over the raw ones.
    """
    rows = exploded(records, mapped.explode)
    raw = [name for name in rows.columns if name not in PROTECTED]
    typed = rows.select(
        *(converted(name, mapped.converted.get(name)).alias(name) for name in raw),
        *(F.col(name) for name in PROTECTED),
        failed_conversions(mapped.converted).alias("__unreadable"),
    )
    inner = {name: f"__{name}" if name in raw else name for name in mapped.expressions}
    canonical = typed.select(
        "*",
        *(column(compiled).alias(inner[name]) for name, compiled in mapped.expressions.items()),
        named_rules({f"unreadable:{name}": unreadable(compiled) for name, compiled in fallible(mapped)}).alias(
            "__failed"
        ),
    )
    breaches = {name: ~F.coalesce(column(expected), F.lit(False)) for name, expected in mapped.quality.items()}
    parsed = F.col("__reject").isNull()
    own = [F.when(parsed, found) for found in (F.col("__unreadable"), F.col("__failed"), named_rules(breaches))]
    return canonical.select(
        *(quoted(inner[name]).alias(name) for name in mapped.expressions),
        *(value.alias(name) for name, value in (extra or {}).items()),
        F.col("__record_id").alias("record_id"),
        F.col("__file").alias("file"),
        F.col("__position").alias("position"),
        F.col("__received_at").alias("received_at"),
        F.col("__payload").alias("payload"),
        F.col("__rescued").alias("rescued"),
        F.col("__lookalike").alias("lookalike"),
        F.col("__reject").alias("reject"),
        with_earlier(*own, earlier="__rules").alias("rules"),
    )


def exploded(records: DataFrame, array: str | None) -> DataFrame:
    """One row per element of `array` as `item`; a record without elements stays one row. Row ids count the elements."""
    if array is None:
        return records
    rows = records.select("*", F.posexplode_outer(F.col(array)).alias("__element", "item"))
    suffix = F.when(F.col("__element") > 0, F.concat(F.lit(ELEMENT), F.col("__element"))).otherwise("")
    return rows.withColumn("__record_id", F.concat("__record_id", suffix)).drop("__element")


def converted(name: str, kind: str | None) -> Column:
    """A raw column as its declared number or boolean; null where its text is none."""
    return quoted(name) if kind is None else F.trim(quoted(name)).try_cast(kind)


def failed_conversions(kinds: Mapping[str, str]) -> Column:
    """`unreadable:<raw column>` for each text that is not the declared number; an empty text is an absent value."""
    return named_rules(
        {
            f"unreadable:{name}": (F.trim(quoted(name)) != "") & converted(name, kind).isNull()
            for name, kind in kinds.items()
        }
    )


def fallible(mapped: Mapped) -> list[tuple[str, Compiled]]:
    """The expressions in which a conversion can fail."""
    return [(name, compiled) for name, compiled in mapped.expressions.items() if compiled.failed_sql != "false"]


def named_rules(conditions: Mapping[str, Column]) -> Column:
    """Names of the conditions that hold; null where none does, so that the usual row builds no array."""
    if not conditions:
        return F.lit(None).cast("array<string>")
    anything = reduce(or_, (F.coalesce(condition, F.lit(False)) for condition in conditions.values()))
    named = F.array_compact(F.array(*(F.when(condition, F.lit(name)) for name, condition in conditions.items())))
    return F.when(anything, named)


def with_earlier(*found: Column, earlier: str = "rules") -> Column:
    """The rules in column `earlier` and those `found` since (null: none), as one array without repetitions."""
    known = F.when(F.size(earlier) > 0, F.col(earlier))
    anything = reduce(or_, (rules.isNotNull() for rules in (known, *found)))
    joined = F.array_distinct(F.concat(*(F.coalesce(rules, no_rules()) for rules in (known, *found))))
    return F.when(anything, joined).otherwise(no_rules())
