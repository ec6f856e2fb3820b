"""Carts that nobody bought: a person's additions and purchases in the order of time, on whatever channel."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.partials import needs
from omniseg.features.windows import Bands

HOUR = 3600 * 1_000_000  # microseconds


def settled_carts(personal: DataFrame, features: FeatureSet, bands: Bands, *, end: Column) -> DataFrame:
    """One row per customer_id with any cart: carts whose last addition was followed by neither a purchase nor another
    addition within the stated hours, counted on the day of that addition. A cart whose hours are not over at `end` is
    still open and does not count.
    """
    wanted = features.of_family("carts")
    (name,) = {partial.name for feature in wanted for partial in needs(feature).values()}
    moments = personal.select("customer_id", "band", F.explode(name).alias("moment")).distinct()
    next_one = F.lead("moment").over(Window.partitionBy("customer_id").orderBy("moment"))
    over = F.unix_micros(end)
    steps = moments.withColumn("next", F.shiftright(next_one, 1))
    # Even moments are additions, odd ones purchases.
    additions = steps.where(F.col("moment") % 2 == 0).withColumn("at", F.shiftright("moment", 1))
    return additions.groupBy("customer_id").agg(
        *(
            F.count_if(abandoned(feature, over) & bands.inside(span)).alias(feature.column(span))
            for feature in wanted
            for span in feature.spans
        )
    )


def abandoned(feature: Measured, over: Column) -> Column:
    """True for an addition after which the stated hours passed without another step."""
    until = F.col("at") + int(feature.option or 0) * HOUR
    return (until <= over) & (F.col("next").isNull() | (F.col("next") > until))
