"""What the product master says of the products in events."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from omniseg.features.declaration import ENRICHED

UNKNOWN = "unknown"  # member that stands for a product, or a fact of it, that the master does not hold


def enriched(events: DataFrame, products: DataFrame) -> DataFrame:
    """Events with department, product_category and product_brand of silver.products, valid at event_time. Grain
    unchanged.

    A product without a valid row, or without the fact, is the member 'unknown'; an event without a product has nulls.
    The join adds no rows whatever the master holds: a version ends at the latest where the next one of its key begins,
    and of versions that begin together the last known counts.
    """
    order = Window.partitionBy("product_id").orderBy("valid_from", "batch_id", "record_id")
    versions = products.select(
        F.col("product_id").alias("__product_id"),
        F.col("valid_from").alias("__from"),
        F.least("valid_to", F.lead("valid_from").over(order)).alias("__to"),
        F.col("department").alias("__department"),
        F.col("category").alias("__product_category"),
        F.col("brand").alias("__product_brand"),
    )
    same = F.col("product_id") == F.col("__product_id")
    begun = F.col("__from") <= F.col("event_time")
    not_over = F.col("__to").isNull() | (F.col("event_time") < F.col("__to"))
    joined = events.join(versions, same & begun & not_over, how="left")
    facts = [
        F.when(F.col("product_id").isNotNull(), F.coalesce(f"__{name}", F.lit(UNKNOWN))).alias(name)
        for name in ENRICHED
    ]
    return joined.select(*(events[name] for name in events.columns), *facts)
