"""Identifiers that were never seen before, with the surrogate that they keep for ever."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.identity.keys import bucket, surrogate


def first_sight(seen: DataFrame, known: DataFrame, *, buckets: int, batch_id: int) -> DataFrame:
    """Rows for tables.IDENTITIES: one per `identity_key` of `seen` (with `seen` TIMESTAMP) that `known` does not have.

    One-to-one: the person of an identifier is its own surrogate.
    """
    first = seen.groupBy("identity_key").agg(F.min("seen").alias("first_seen"))
    fresh = first.join(known.select(F.col("identifier").alias("identity_key")), "identity_key", "left_anti")
    return fresh.select(
        F.col("identity_key").alias("identifier"),
        F.substring_index("identity_key", ":", 1).alias("identifier_type"),
        bucket(F.col("identity_key"), buckets).alias("bucket"),
        surrogate(F.col("identity_key")).alias("surrogate"),
        surrogate(F.col("identity_key")).alias("customer_id"),
        "first_seen",
        F.col("first_seen").alias("valid_from"),
        F.lit(batch_id).cast("bigint").alias("batch_id"),
    )
