"""Model space: what a feature's value becomes before distances are measured. One definition for fitting and scoring."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.models.spec import FeatureSpec


def present(name: str) -> Column:
    """The feature as DOUBLE; NaN counts as missing."""
    value = F.col(name).cast("double")
    return F.when(~F.isnan(value), value)


def filled(feature: FeatureSpec) -> Column:
    """The feature without gaps, cut to its limits. Units: the feature's own."""
    value = F.coalesce(present(feature.name), F.lit(feature.missing))
    return F.least(F.greatest(value, F.lit(feature.lower)), F.lit(feature.upper))


def transformed(value: Column, transform: str) -> Column:
    """The value on the scale where distances mean something.

    `log1p` and `sqrt` keep the sign of a negative value; `share` stretches the ends of 0..1 (arcsine of the square
    root) and takes values outside as the nearer end.
    """
    if transform == "log1p":
        return F.signum(value) * F.log1p(F.abs(value))
    if transform == "sqrt":
        return F.signum(value) * F.sqrt(F.abs(value))
    if transform == "share":
        return F.asin(F.sqrt(F.least(F.greatest(value, F.lit(0.0)), F.lit(1.0))))
    return value


def coordinates(features: Iterable[FeatureSpec]) -> list[Column]:
    """One DOUBLE column per feature, named `x_<feature>`: filled, cut, transformed, scaled. Never null."""
    return [
        (transformed(filled(feature), feature.transform) * F.lit(feature.scale)).alias(coordinate(feature.name))
        for feature in features
    ]


def coordinate(feature: str) -> str:
    """The name of the column that holds a feature in model space."""
    return f"x_{feature}"


def training_sample(features: DataFrame, *, columns: tuple[str, ...], rows: int, seed: int) -> DataFrame:
    """At most `rows` customers with `columns`: one partition, sorted by customer_id, the same ones for the same seed.

    `features` has one row per customer. The choice follows a hash of customer_id and seed, so it depends neither on the
    order nor on the number of files. MLlib's result depends on both, hence the single sorted partition.
    """
    lot = F.xxhash64(F.col("customer_id"), F.lit(seed))
    chosen = features.select("customer_id", *columns).orderBy(lot, "customer_id").limit(rows)
    return chosen.coalesce(1).sortWithinPartitions("customer_id")
