"""Events as narrow rows: every value and condition that partials ask for, once."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.expressions import Compiled, column
from omniseg.features.calendar import HOLIDAY, holiday
from omniseg.features.declaration import FeatureSet, sql
from omniseg.features.partials import GRAIN, Partial, digest
from omniseg.features.weights import WEIGHT, bucket_of

# Spark's sorts compare the first 8 bytes of the first column and look at the rest only where they are equal, and keys
# begin with their type: `loyalty:`. So a hash stands before them (docs/decisions/0012-one-aggregation.md).
PLACE = "__place"
COLLECTED = ("hashes", "moments", "sessions")  # kinds of partials that are collected event by event


def of_people(events: DataFrame) -> DataFrame:
    """The events that count: neither unattributed nor a machine's."""
    return events.where(F.col("identity_key").isNotNull() & ~F.col("is_bot"))


def prepared(events: DataFrame, wanted: Iterable[Partial], features: FeatureSet) -> DataFrame:
    """Events as narrow rows: the grain, every value and condition once, however many partials share it, and what each
    event adds to a partial that is collected.
    """
    texts = {
        f"{prefix}_{digest(sql(text))}": text
        for partial in wanted
        for prefix, text in (("value", partial.of), ("where", partial.where), ("per", partial.per))
        if text is not None
    }
    calendar = {name: column(text) for name, text in features.calendar.items()}
    calendar |= {HOLIDAY: holiday(features.holidays)} if HOLIDAY in features.read else {}
    mine = of_people(events)
    narrow = (mine.withColumns(calendar) if calendar else mine).select(
        F.xxhash64("identity_key").alias(PLACE),
        *GRAIN,
        "event_time",
        "event_type",
        *(
            (F.coalesce(column(text), F.lit(False)) if name.startswith("where_") else column(text)).alias(name)
            for name, text in texts.items()
        ),
    )
    # As columns: what stands inside a function that collects is evaluated without generated code.
    return narrow.select("*", *(member(partial).alias(partial.name) for partial in wanted if partial.kind in COLLECTED))


def counted(partial: Partial) -> Column:
    """True on the prepared events that a partial is about."""
    found = F.lit(True) if partial.where is None else prepared_as("where", partial.where)
    asked = () if partial.kind == "sessions" else (("value", partial.of), ("per", partial.per))
    for prefix, text in asked:
        found = found if text is None else found & prepared_as(prefix, text).isNotNull()
    return found if partial.kind != "moments" else found & F.col("event_type").isin("cart_add", "purchase")


def member(partial: Partial) -> Column:
    """What an event adds to a partial that is collected; null where it adds nothing."""
    value, at = prepared_as("value", partial.of), F.unix_micros("event_time")
    members = {
        "hashes": F.xxhash64(value),
        "moments": at * 2 + (F.col("event_type") == "purchase").cast("bigint"),
        "sessions": F.struct(F.when(value.isNotNull(), F.xxhash64(value)).alias("id"), at.alias("at")),
    }
    return F.when(counted(partial), members[partial.kind])


def element(partial: Partial) -> Column:
    """Hash, text and weight of an event among weighted elements."""
    nothing, one, value = F.lit(None), F.lit(1), prepared_as("value", partial.of)
    parts = {
        "texts": (nothing, value, one),
        "groups": (F.xxhash64(prepared_as("per", partial.per)), nothing, value),
        "histogram": (bucket_of(value), nothing, one),
    }[partial.kind]
    types = ("bigint", "string", WEIGHT)
    names = ("hash", "text", "weight")
    return F.struct(*(part.cast(kind).alias(name) for part, kind, name in zip(parts, types, names, strict=True)))


def prepared_as(prefix: str, text: Compiled | None) -> Column:
    """The prepared column that holds an expression; null where there is none."""
    return F.lit(None).cast("string") if text is None else F.col(f"{prefix}_{digest(sql(text))}")
