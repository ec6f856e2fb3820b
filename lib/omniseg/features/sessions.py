"""Sessions of a person: those that the source names, and, where it names none, runs of events without a long pause.

Of a day a key keeps pieces: one per named session, and one per run of nameless events with no longer pause than
`idle_minutes` between two of them. Pieces that overlap or lie no further apart than that are one session, whatever key,
batch, file or day they come from; so it does not matter how a history was cut. However many events, a key has of a day
at most 24 hours ÷ `idle_minutes` nameless pieces (and one more). A session counts on the day on which it begins.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.formulas import rounded
from omniseg.features.partials import needs
from omniseg.features.pieces import MINUTE
from omniseg.features.sets import set_name
from omniseg.features.spans import Span
from omniseg.features.windows import Bands

SECOND = 1_000_000  # microseconds


def settled_sessions(personal: DataFrame, features: FeatureSet, bands: Bands) -> DataFrame:
    """One row per customer_id with any session, over all identity keys of the person."""
    wanted = features.of_family("sessions")
    sets = {set_name(feature): idle(feature) for feature in wanted}
    listed = F.posexplode(F.array(*map(F.col, sets))).alias("set", "pieces")
    pieces = personal.select("customer_id", "band", listed).select("customer_id", "band", "set", F.inline("pieces"))
    sessions = joined(pieces, F.get(F.array(*map(F.lit, sets.values())), F.col("set")))
    numbers = {name: number for number, name in enumerate(sets)}

    def inside(feature: Measured, span: Span) -> Column:
        return (F.col("set") == numbers[set_name(feature)]) & bands.inside(span)

    return sessions.groupBy("customer_id").agg(
        *(
            value(feature, inside(feature, span)).alias(feature.column(span))
            for feature in wanted
            for span in feature.spans
        )
    )


def idle(feature: Measured) -> int:
    """The longest pause within a session, microseconds."""
    (partial,) = needs(feature).values()
    return int(partial.option or 0) * MINUTE


def joined(pieces: DataFrame, pause: Column) -> DataFrame:
    """One row per session: band of the day on which it begins, seconds from its first to its last event, events."""
    in_order = Window.partitionBy("customer_id", "set", "id").orderBy("begin", "end", "events")
    latest = F.max("end").over(in_order.rowsBetween(Window.unboundedPreceding, -1))
    begins = latest.isNull() | (F.col("id").isNull() & (F.col("begin") - latest > pause))
    number = F.sum(F.col("begins").cast("int")).over(in_order.rowsBetween(Window.unboundedPreceding, 0))
    numbered = pieces.withColumn("begins", begins).withColumn("number", number)
    return numbered.groupBy("customer_id", "set", "id", "number").agg(
        F.max("band").alias("band"),  # the oldest
        ((F.max("end") - F.min("begin")) / SECOND).alias("seconds"),
        F.sum("events").alias("events"),
    )


def value(feature: Measured, inside: Column) -> Column:
    """The feature over the sessions of one window."""
    number = F.count_if(inside)
    if feature.measure == "sessions":
        return number
    of_one = F.col("events" if feature.measure == "session_depth" else "seconds")
    return rounded(F.sum(F.when(inside, of_one)) / F.nullif(number, F.lit(0)))
