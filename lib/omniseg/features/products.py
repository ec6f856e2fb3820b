"""What the product master says of the products in events."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.features.attributes import UNKNOWN
from omniseg.features.vocabulary import ENRICHED, OF_PRODUCTS


def enriched(events: DataFrame, products: DataFrame) -> DataFrame:
    """Events with the columns of ENRICHED from silver.products, valid at event_time. Grain unchanged.

    A product without a valid row, or without the fact, is the member 'unknown' where the fact is a text, and null where
    it is not; an event without a product has nulls. The join adds no rows whatever the master holds: a version ends at
    the latest where the next one of its key begins, and of versions that begin together the last known counts.
    """
    order = Window.partitionBy("product_id").orderBy("valid_from", "batch_id", "record_id")
    versions = products.select(
        F.col("product_id").alias("__product_id"),
        F.col("valid_from").alias("__from"),
        F.least("valid_to", F.lead("valid_from").over(order)).alias("__to"),
        *(F.col(source).alias(f"__{name}") for name, source in ENRICHED.items()),
    )
    same = F.col("product_id") == F.col("__product_id")
    begun = F.col("__from") <= F.col("event_time")
    not_over = F.col("__to").isNull() | (F.col("event_time") < F.col("__to"))
    joined = events.join(versions, same & begun & not_over, how="left")
    return joined.select(*(events[name] for name in events.columns), *(fact(name).alias(name) for name in ENRICHED))


def fact(name: str) -> Column:
    """What the product's version says."""
    value = F.col(f"__{name}")
    if OF_PRODUCTS[ENRICHED[name]] != "STRING":
        return value
    return F.when(F.col("product_id").isNotNull(), F.coalesce(value, F.lit(UNKNOWN)))
