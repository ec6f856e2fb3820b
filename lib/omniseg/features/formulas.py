"""Formulas over feature columns: one row in, one number out."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.expressions import column
from omniseg.features.declaration import FeatureSet

EXACT = "__exact"  # measured columns in their own types, while formulas read them as DOUBLE


def with_formulas(vectors: DataFrame, features: FeatureSet) -> DataFrame:
    """Vectors (customer_id, measured and attribute columns) with the formulas; every column keeps its type."""
    measured = [named.name for feature in features.measured for named in feature.columns]
    attributes = [attribute.name for attribute in features.attributes]
    formulas = [formula.name for formula in features.formulas]
    rows = vectors.select(
        "customer_id",
        *attributes,
        *(F.col(name).cast("double").alias(name) for name in measured),
        F.struct("customer_id", *measured).alias(EXACT),
    )
    for formula in features.formulas:
        rows = rows.withColumn(formula.name, rounded(column(formula.formula)))
    return rows.select("customer_id", *attributes, *formulas, *(F.col(EXACT)[name].alias(name) for name in measured))


def rounded(number: Column) -> Column:
    """A DOUBLE at 10 significant digits, half up, so that another order of evaluation gives the same; null unless
    finite.
    """
    finite = F.abs(number) < F.lit(float("inf"))  # NaN is above infinity in Spark's order
    nonzero = F.when(finite & (number != 0), F.format_string("%.9e", number).try_cast("double"))
    return F.when(number == 0, F.lit(0.0)).otherwise(nonzero)  # also for minus zero
