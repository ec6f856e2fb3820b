"""Formulas over feature columns: one row in, one value out."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.expressions import column
from omniseg.features.declaration import FeatureSet
from omniseg.features.measures import CUT_DAYS

FINITE = r"^-?[0-9.]+e[+-][0-9]+$"  # neither NaN, Infinity nor the word null
EXACT = "__exact"  # measured columns in their own types, while formulas read them as DOUBLE


def with_formulas(vectors: DataFrame, features: FeatureSet, *, as_of: date) -> DataFrame:
    """Vectors (customer_id, cut_days, measured, attribute columns) with the formulas; every column keeps its type."""
    measured = [CUT_DAYS, *(named.name for feature in features.measured for named in feature.columns)]
    numbers = [named.name for feature in features.measured if feature.is_number for named in feature.columns]
    attributes = [attribute.name for attribute in features.facts]
    formulas = [formula.name for formula in features.formulas]
    rows = vectors.select(
        "customer_id",
        F.lit(as_of).alias("as_of"),
        *attributes,
        *(F.col(name).cast("double").alias(name) for name in numbers),
        *(F.col(name) for name in measured if name not in numbers),
        F.struct("customer_id", *measured).alias(EXACT),
    )
    for formula in features.formulas:
        found = column(formula.formula)
        rows = rows.withColumn(formula.name, found if formula.type == "STRING" else rounded(found))
    return rows.select("customer_id", *attributes, *formulas, *(F.col(EXACT)[name].alias(name) for name in measured))


def rounded(number: Column) -> Column:
    """A DOUBLE at 10 significant digits, half up, so that another order of evaluation gives the same; null unless
    finite.

    It names its argument once, since Spark copies an expression wherever it is named.
    """
    finite = F.regexp_extract(F.format_string("%.9e", number.cast("double")), FINITE, 0)
    return finite.try_cast("double") + F.lit(0.0)  # minus zero becomes zero
