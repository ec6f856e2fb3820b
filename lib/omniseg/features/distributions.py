"""Weighted elements of a person: quantiles, the most frequent values, histograms, entropy."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.formulas import rounded
from omniseg.features.sets import set_name
from omniseg.features.spans import Span
from omniseg.features.weights import WEIGHT, value_of
from omniseg.features.windows import Bands
from omniseg.quoting import sql_name


def settled_weights(personal: DataFrame, features: FeatureSet, bands: Bands) -> DataFrame:
    """One row per customer_id with any element. The weights of an element are added up per window, over all identity
    keys of the person; then each feature is settled on the elements of its set.
    """
    wanted = features.of_family("weights")
    sets = {set_name(feature): F.col(set_name(feature)) for feature in wanted}
    numbers = {name: number for number, name in enumerate(sets)}
    spans = {span.name: span for feature in wanted for span in feature.spans}
    members = personal.select("customer_id", "band", F.posexplode(F.array(*sets.values())).alias("set", "elements"))
    added = (
        members.select("customer_id", "band", "set", F.inline("elements"))
        .groupBy("customer_id", "set", "hash", "text")
        .agg(
            *(
                F.sum(F.when(bands.inside(span), F.col("weight"))).cast(WEIGHT).alias(name)
                for name, span in spans.items()
            )
        )
    )
    pairs = [(feature, span) for feature in wanted for span in feature.spans]
    gathered = {name: column for pair in pairs for name, column in members_of(*pair, numbers).items()}
    by_person = added.groupBy("customer_id").agg(*(column.alias(name) for name, column in gathered.items()))
    settled = by_person.withColumns({feature.column(span): distribution(feature, span) for feature, span in pairs})
    doubles = {
        feature.column(span): rounded(number_of(feature, F.col(feature.column(span))))
        for feature, span in pairs
        if feature.rule.type == "DOUBLE"
    }
    return (settled.withColumns(doubles) if doubles else settled).drop(*gathered)


def members_of(feature: Measured, span: Span, numbers: Mapping[str, int]) -> dict[str, Column]:
    """Of the feature's set, what there is in a window: its elements in order, and the sum of their weights."""
    weight = F.col(span.name)
    inside = (F.col("set") == numbers[set_name(feature)]) & weight.isNotNull()
    element = F.struct(F.col("hash"), F.col("text"), weight.cast("double").alias("weight"))
    elements, number = gathered_names(feature, span)
    return {
        elements: F.sort_array(F.collect_list(F.when(inside, element))),
        number: F.sum(F.when(inside, weight)).cast("double"),
    }


def gathered_names(feature: Measured, span: Span) -> tuple[str, str]:
    """Where elements and sum of a set in a window stand; features of the same set share them."""
    return f"{set_name(feature)} {span.name} elements", f"{set_name(feature)} {span.name} number"


def distribution(feature: Measured, span: Span) -> Column:
    """The feature's value over one window; of a quantile of values, the bucket that holds it."""
    elements, number = (F.col(sql_name(name)) for name in gathered_names(feature, span))
    if feature.measure == "quantile":
        return quantile(feature, elements, number)
    if feature.measure == "entropy":
        # In bits, −Σ p·log₂ p over the values' shares of events; null of nothing (Shannon, 1948, section 6).
        shares = F.transform(elements, lambda one: one["weight"] / number)
        total = F.aggregate(shares, F.lit(0.0), lambda sofar, share: sofar - share * F.log2(share))
        return F.when(number > 0, total)
    if feature.measure == "histogram":
        bars = F.transform(elements, lambda one: F.struct(one["text"], one["weight"])).cast(feature.rule.type)
        return F.when(number > 0, bars)
    # Most events first; of equally many the least text.
    ranked = F.sort_array(F.transform(elements, lambda one: F.struct(-one["weight"], one["text"].alias("text"))))
    texts = F.transform(F.slice(ranked, 1, int(feature.option or 1)), lambda one: one["text"])
    return F.get(texts, F.lit(0)) if feature.measure == "mode" else F.nullif(texts, F.array().cast("array<string>"))


def quantile(feature: Measured, elements: Column, number: Column) -> Column:
    """The value of rank floor(level · (n − 1)), from 0, among the sums of groups or the buckets of a histogram."""
    level = F.lit(feature.option)
    if is_exact(feature):
        sums = F.sort_array(F.transform(elements, lambda one: one["weight"]))
        return F.get(sums, F.floor(level * (F.size(elements) - 1)).cast("int"))
    rank = F.floor(level * (number - 1))
    # How many events lie in the buckets so far, and the bucket that holds the rank.
    start = F.struct(F.lit(0.0).alias("seen"), F.lit(None).cast("bigint").alias("bucket"))

    def step(sofar: Column, one: Column) -> Column:
        seen = sofar["seen"] + one["weight"]
        found = F.coalesce(sofar["bucket"], F.when(seen > rank, one["hash"]))
        return F.struct(seen.alias("seen"), found.alias("bucket"))

    return F.aggregate(elements, start, step, lambda found: found["bucket"])


def number_of(feature: Measured, settled: Column) -> Column:
    """The number that was settled on; of a quantile of values, the value that stands for the bucket."""
    return value_of(settled) if feature.measure == "quantile" and not is_exact(feature) else settled


def is_exact(feature: Measured) -> bool:
    """True for a quantile of sums, which are kept one by one."""
    return feature.per is not None
