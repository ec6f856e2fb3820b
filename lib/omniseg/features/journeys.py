"""Journeys over channels, by days: what a person did on a day after she had done something else."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.partials import needs
from omniseg.features.windows import Bands


def settled_journeys(personal: DataFrame, features: FeatureSet, bands: Bands) -> DataFrame:
    """One row per customer_id: days with an event of one kind, on which or up to so many days before which the person
    had an event of the other kind. Two such events of one day count in either order.
    """
    wanted = features.of_family("journeys")
    kinds = sorted({partial.name for feature in wanted for partial in needs(feature).values()})
    days = personal.groupBy("customer_id", "event_date", "band").agg(
        *(F.max(F.col(name) > 0).alias(name) for name in kinds)
    )
    so_far = Window.partitionBy("customer_id").orderBy("event_date").rowsBetween(Window.unboundedPreceding, 0)
    earlier = {f"last {name}": F.max(F.when(F.col(name), F.col("event_date"))).over(so_far) for name in kinds}
    return (
        days.withColumns(earlier)
        .groupBy("customer_id")
        .agg(
            *(
                F.count_if(followed(feature) & bands.inside(span)).alias(feature.column(span))
                for feature in wanted
                for span in feature.spans
            )
        )
    )


def followed(feature: Measured) -> Column:
    """True on a day that counts."""
    partials = needs(feature)
    days = F.date_diff(F.col("event_date"), F.col(f"last {partials['whole'].name}"))
    return F.col(partials["n"].name) & (days <= int(feature.option or 0))
