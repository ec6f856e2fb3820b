"""Facts of the customer master as they stood at an instant, per person."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.features.declaration import Attribute


def attributes_at(
    customers: DataFrame, persons: DataFrame, attributes: Iterable[Attribute], *, end: Column, known_batch_id: int
) -> DataFrame:
    """One row per customer_id with a valid record: the attributes of one record, the newest.

    `customers` is silver.customers, `persons` has one row per identifier. A record counts when it was known, began
    before `end` and was not over by then. Of a person's records the one that began last counts, then the last known,
    then the one with the greatest key, so the choice never varies.
    """
    valid = F.col("valid_to").isNull() | (F.col("valid_to") >= end) | superseded()
    records = customers.select("*", valid.alias("__valid")).where(
        F.col("__valid") & (F.col("valid_from") < end) & (F.col("batch_id") <= known_batch_id)
    )
    facts = F.struct(*(F.col(attribute.source).alias(attribute.name) for attribute in attributes))
    order = F.struct("valid_from", "batch_id", "identity_key", "record_id")
    chosen = (
        records.select("identity_key", facts.alias("facts"), order.alias("order"))
        .join(persons, F.col("identity_key") == F.col("identifier"))
        .groupBy("customer_id")
        .agg(F.max_by("facts", "order").alias("facts"))
    )
    return chosen.select("customer_id", "facts.*")


def superseded() -> Column:
    """True where valid_to is no end of its own but the beginning of the next version.

    Such an end needs no check, because the next version is chosen once it has begun; and where only a later batch
    brought it, the ended version is what was known.
    """
    versions = Window.partitionBy("identity_key").orderBy("valid_from", "batch_id", "record_id")
    return F.col("valid_to").eqNullSafe(F.lead("valid_from").over(versions))
