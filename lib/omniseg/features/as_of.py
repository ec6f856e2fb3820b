"""Features as of a date: daily partials become one vector per person, with what was known at one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.features.attributes import attributes_at, looked_up
from omniseg.features.carts import settled_carts
from omniseg.features.declaration import FeatureSet, vector_columns
from omniseg.features.distributions import settled_weights
from omniseg.features.formulas import with_formulas
from omniseg.features.journeys import settled_journeys
from omniseg.features.measures import CUT_DAYS
from omniseg.features.sessions import settled_sessions
from omniseg.features.sets import cut, gathered_sets, set_values, window_sets
from omniseg.features.windows import bands_of, window_slots, window_values

References = Mapping[str, DataFrame]  # reference tables by their short names
TOGETHER = ("bands", "sets")  # families of measures that one aggregation over a person's days settles


@dataclass(frozen=True)
class Seen:
    """What is asked for, and from where it is looked at: the date, the newest known batch, the business's zone."""

    features: FeatureSet
    as_of: date
    known_batch_id: int
    time_zone: str = "UTC"

    @property
    def end(self) -> Column:
        """The instant at which as_of ends."""
        return F.to_utc_timestamp(F.lit(self.as_of + timedelta(days=1)).cast("timestamp"), self.time_zone)

    def counts(self) -> Column:
        """True on the rows of gold.customer_day that count."""
        return (F.col("event_date") <= F.lit(self.as_of)) & (F.col("batch_id") <= self.known_batch_id)

    def persons(self, identities: DataFrame) -> DataFrame:
        """Whose an identifier is, as far as it is known."""
        return identities.where(F.col("batch_id") <= self.known_batch_id).select("identifier", "customer_id")


def features_as_of(
    days: DataFrame, identities: DataFrame, references: References, *, seen: Seen, buckets: int
) -> DataFrame:
    """gold.customer_features extended by `vector_columns`: one row per person with an event up to `as_of`.

    `days` is gold.customer_day; rows with event_date <= as_of and batch_id <= known_batch_id count. `identities` (one
    row per identifier) says whose a key is; a key that no known row holds is nobody's. `references` are the tables
    that attributes name, looked up at the end of `as_of` in the business's `time_zone`. Nothing to count: counts and
    sums 0, everything else null; a sum beyond DECIMAL(18,4) is null. Equal rows in give equal rows out, however they
    are partitioned: doubles come only from exact values, and in one order.
    """
    persons = seen.persons(identities)
    return completed(measured_as_of(days, persons, seen=seen), persons, references, seen=seen, buckets=buckets)


def reads_days_again(features: FeatureSet) -> bool:
    """True where some measures read a person's days once more than the rest."""
    return any(one.rule.family not in TOGETHER for one in features.measured)


def completed(
    measured: DataFrame, persons: DataFrame, references: References, *, seen: Seen, buckets: int
) -> DataFrame:
    """Vectors of measured features with attributes and formulas, and the table's own columns."""
    features = seen.features
    known, own = seen.known_batch_id, features.attributes
    if own:
        facts = attributes_at(references["customers"], persons, own, end=seen.end, known_batch_id=known)
        measured = measured.join(facts, "customer_id", how="left")
    named = features.facts[len(own) :]
    measured = looked_up(measured, references, named, end=seen.end, known_batch_id=known)
    return with_formulas(measured, features, as_of=seen.as_of).select(
        "customer_id",
        F.pmod(F.xxhash64("customer_id"), F.lit(buckets)).cast("int").alias("bucket"),
        F.lit(seen.as_of).alias("as_of"),
        F.lit(seen.known_batch_id).cast("bigint").alias("known_batch_id"),
        F.lit(features.version).alias("feature_set_version"),
        CUT_DAYS,
        *(column.name for column in vector_columns(features)),
    )


def measured_as_of(days: DataFrame, persons: DataFrame, *, seen: Seen) -> DataFrame:
    """One row per customer_id: every measured feature, and cut_days. Days go to the person first; what is one number
    or one set per window is settled from one aggregation over them, weights and carts from one of their own.
    """
    features, bands = seen.features, bands_of(seen.features, seen.as_of)
    personal = days.where(seen.counts()).join(persons, F.col("identity_key") == F.col("identifier"))
    banded = personal.withColumn("band", bands.band)
    aggregates = {**window_slots(features, bands), **gathered_sets(features)}
    by_person = banded.groupBy("customer_id").agg(cut(features), *(one.alias(name) for name, one in aggregates.items()))
    distinct = [found.alias(name) for name, found in window_sets(features, bands).items()]
    settled = [*window_values(features, bands), *set_values(features, bands)]
    vectors = by_person.select("*", *distinct).select("customer_id", CUT_DAYS, *settled)
    for family, settle in {
        "weights": partial(settled_weights, banded, features, bands),
        "sessions": partial(settled_sessions, banded, features, bands),
        "journeys": partial(settled_journeys, banded, features, bands),
        "carts": partial(settled_carts, banded, features, bands, end=seen.end),
    }.items():
        if features.of_family(family):
            vectors = vectors.join(settle(), "customer_id", how="left")
    # Who has none of a family's has no row of it.
    joined = [one for one in features.measured if one.rule.zero and one.rule.family not in TOGETHER]
    return vectors.fillna(0, [column.name for feature in joined for column in feature.columns])
