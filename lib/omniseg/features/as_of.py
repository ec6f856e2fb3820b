"""Features as of a date: daily partials become one vector per person, with what was known at one batch."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.features.attributes import attributes_at
from omniseg.features.declaration import FeatureSet, feature_columns
from omniseg.features.formulas import with_formulas
from omniseg.features.windows import bands_of, distinct_counts, totals


def features_as_of(
    days: DataFrame,
    identities: DataFrame,
    customers: DataFrame,
    *,
    features: FeatureSet,
    as_of: date,
    known_batch_id: int,
    buckets: int,
    time_zone: str = "UTC",
) -> DataFrame:
    """gold.customer_features extended by `feature_columns`: one row per person with an event up to `as_of`.

    `days` is gold.customer_day; rows with event_date <= as_of and batch_id <= known_batch_id count. `identities` (one
    row per identifier) says whose a key is; a key that no known row holds is nobody's. `customers` is silver.customers,
    looked up at the end of `as_of` in the business's `time_zone`. Nothing to count: counts and sums 0, everything else
    null; a sum beyond DECIMAL(18,4) is null. Equal rows in give equal rows out, however they are partitioned: doubles
    appear in formulas only.
    """
    persons = identities.where(F.col("batch_id") <= known_batch_id).select("identifier", "customer_id")
    vectors = measured_as_of(days, persons, features=features, as_of=as_of, known_batch_id=known_batch_id)
    if features.attributes:
        end = F.to_utc_timestamp(F.lit(as_of + timedelta(days=1)).cast("timestamp"), time_zone)
        facts = attributes_at(customers, persons, features.attributes, end=end, known_batch_id=known_batch_id)
        vectors = vectors.join(facts, "customer_id", how="left")
    return with_formulas(vectors, features).select(
        "customer_id",
        F.pmod(F.xxhash64("customer_id"), F.lit(buckets)).cast("int").alias("bucket"),
        F.lit(as_of).alias("as_of"),
        F.lit(known_batch_id).cast("bigint").alias("known_batch_id"),
        F.lit(features.version).alias("feature_set_version"),
        *(column.name for column in feature_columns(features)),
    )


def measured_as_of(
    days: DataFrame, persons: DataFrame, *, features: FeatureSet, as_of: date, known_batch_id: int
) -> DataFrame:
    """One row per customer_id: every measured feature. Days go to the person first, then sums and sets are settled."""
    bands = bands_of(features, as_of)
    counted = (F.col("event_date") <= F.lit(as_of)) & (F.col("batch_id") <= known_batch_id)
    personal = days.where(counted).join(persons, F.col("identity_key") == F.col("identifier"))
    banded = personal.withColumn("band", bands.band)
    vectors = totals(banded, features, bands)
    distinct = [feature for feature in features.measured if feature.rule.merge == "distinct"]
    if not distinct:
        return vectors
    names = [column.name for feature in distinct for column in feature.columns]
    return vectors.join(distinct_counts(banded, features, bands), "customer_id", how="left").fillna(0, names)
