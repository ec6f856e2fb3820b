"""Sets of elements with a weight: values with their numbers, groups with their sums, histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.features.measures import MOST_ELEMENTS, QUANTILE_ERROR

WEIGHT = "DECIMAL(28,4)"
WEIGHTED = f"ARRAY<STRUCT<hash: BIGINT, text: STRING, weight: {WEIGHT}>>"
GAMMA = (1 + QUANTILE_ERROR) / (1 - QUANTILE_ERROR)  # from one bucket of a histogram to the next
LEAST = 0.0001  # the smallest amount but zero


def bucket_of(value: Column) -> Column:
    """The bucket of a histogram with relative error QUANTILE_ERROR: the sign, and the logarithm to base GAMMA rounded
    up (Masson, Rim, Lee: DDSketch, 2019, definition 1). Zero is bucket 0; buckets of amounts begin at 1.
    """
    size = F.greatest(F.abs(value).cast("double"), F.lit(LEAST))
    number = F.ceil(F.log(size / LEAST) / math.log(GAMMA)).cast("bigint") + 1
    return F.when(value == 0, F.lit(0)).otherwise(F.signum(value.cast("double")).cast("bigint") * number)


def added_up(rows: DataFrame, grain: Sequence[str], elements: Mapping[str, Column]) -> DataFrame:
    """One row per grain with any element: for each name the elements once, weights added up, in order.

    Elements are grouped before they are listed, so what one row, or one task, holds does not grow with the events of a
    key. A list keeps MOST_ELEMENTS: of texts the heaviest, of hashes the least, which are as good as drawn.
    """
    numbers = {name: number for number, name in enumerate(elements)}
    members = rows.select(*grain, F.posexplode(F.array(*elements.values())).alias("__set", "element"))
    once = (
        members.where(F.col("element").isNotNull())
        .select(*grain, "__set", "element.*")
        .groupBy(*grain, "__set", "hash", "text")
        .agg(F.sum("weight").cast(WEIGHT).alias("weight"))
    )
    lists = {
        name: F.collect_list(F.when(F.col("__set") == number, F.struct("hash", "text", "weight")))
        for name, number in numbers.items()
    }
    listed = once.groupBy(*grain).agg(*(column.alias(name) for name, column in lists.items()))
    return listed.withColumns({name: F.sort_array(bounded_list(name)) for name in numbers})


def bounded_list(name: str) -> Column:
    """The elements of a list, at most MOST_ELEMENTS; to rank them is dear, and hardly any list is too long."""
    rank = F.transform(
        name, lambda one: F.struct(F.when(one["text"].isNotNull(), -one["weight"]).alias("order"), one.alias("one"))
    )
    kept = F.transform(F.slice(F.sort_array(rank), 1, MOST_ELEMENTS), lambda ranked: ranked["one"])
    return F.when(F.size(name) > MOST_ELEMENTS, kept).otherwise(F.col(name))


def value_of(bucket: Column) -> Column:
    """The value that stands for a bucket: at most QUANTILE_ERROR, relatively, from all values in it."""
    size = F.lit(LEAST * 2 / (GAMMA + 1)) * F.pow(F.lit(GAMMA), F.abs(bucket) - 1)
    return F.when(bucket == 0, F.lit(0.0)).otherwise(F.signum(bucket.cast("double")) * size)
