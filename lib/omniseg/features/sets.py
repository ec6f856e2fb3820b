"""Distinct elements of a person: how many there are in a window, and how far apart days are."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.formulas import rounded
from omniseg.features.partials import needs
from omniseg.features.spans import Span
from omniseg.features.windows import Bands
from omniseg.quoting import sql_name

INTERVALS = ("mean_interval_days", "interval_variation")


def settled_sets(personal: DataFrame, features: FeatureSet, bands: Bands) -> DataFrame:
    """One row per customer_id with any element: exact, over all identity keys of the person.

    An element is grouped once, with the bands in which it occurs as bits, and serves all windows.
    """
    wanted = features.of_family("sets")
    sets = {set_name(feature): elements(feature) for feature in wanted}
    numbers = {name: number for number, name in enumerate(sets)}
    members = personal.select("customer_id", "band", F.posexplode(F.array(*sets.values())).alias("set", "elements"))
    once = (
        members.select("customer_id", "band", "set", F.explode("elements").alias("element"))
        .groupBy("customer_id", "set", "element")
        .agg(F.bit_or(F.call_function("shiftleft", F.lit(1).cast("bigint"), F.col("band"))).alias("bands"))
    )

    def of_set(feature: Measured) -> Column:
        return F.col("set") == numbers[set_name(feature)]

    counted = {
        feature.column(span): F.count_if(of_set(feature) & in_window(F.col("bands"), span, bands))
        for feature in wanted
        for span in feature.spans
        if feature.measure not in INTERVALS
    }
    days = {
        days_column(feature, span): active_days(of_set(feature) & in_window(F.col("bands"), span, bands))
        for feature in wanted
        for span in feature.spans
        if feature.measure in INTERVALS
    }
    by_person = once.groupBy("customer_id").agg(*(made.alias(name) for name, made in {**counted, **days}.items()))
    intervals = {
        feature.column(span): rounded(interval(feature, F.col(sql_name(days_column(feature, span)))))
        for feature in wanted
        for span in feature.spans
        if feature.measure in INTERVALS
    }
    return by_person.withColumns(intervals).drop(*days) if intervals else by_person


def days_column(feature: Measured, span: Span) -> str:
    """Where the active days of a window stand; features of the same days share it."""
    return f"{set_name(feature)} {span.name}"


def active_days(inside: Column) -> Column:
    """The elements that are inside, in order."""
    return F.array_sort(F.collect_list(F.when(inside, F.col("element"))))


def set_name(feature: Measured) -> str:
    """Names the set that the feature is about; features that need the same share it."""
    (partial,) = needs(feature).values()
    return partial.name


def elements(feature: Measured) -> Column:
    """The elements of one day: hashes of values, or the day itself where any event counts."""
    (partial,) = needs(feature).values()
    if partial.kind == "hashes":
        return F.col(partial.name)
    return F.when(F.col(partial.name) > 0, F.array(F.unix_date("event_date").cast("bigint")))


def in_window(bits: Column, span: Span, bands: Bands) -> Column:
    """True for an element that occurs in a band of the window."""
    return bits.bitwiseAND(F.lit(bands.mask(span)).cast("bigint")) != 0


def interval(feature: Measured, days: Column) -> Column:
    """Of the days between one active day and the next: the mean, null below two active days; or the coefficient of
    variation (sample standard deviation ÷ mean), null below three.

    With gaps gᵢ of n days: mean = (last − first) ÷ (n − 1), variance = (Σgᵢ² − (n − 1)·mean²) ÷ (n − 2).
    """
    gaps = F.size(days) - 1
    mean = (F.try_element_at(days, F.lit(-1)) - F.try_element_at(days, F.lit(1))) / F.nullif(gaps, F.lit(0))
    if feature.measure == "mean_interval_days":
        return F.when(gaps >= 1, mean)
    start = F.struct(F.lit(None).cast("bigint").alias("day"), F.lit(0).cast("bigint").alias("squares"))
    added = F.aggregate(days, start, with_gap, lambda found: found["squares"])
    variance = F.greatest(F.lit(0.0), added - gaps * mean * mean) / F.nullif(gaps - 1, F.lit(0))
    return F.when(gaps >= 2, F.sqrt(variance) / mean)


def with_gap(sofar: Column, day: Column) -> Column:
    """One more day: the sum of the squared gaps up to it."""
    gap = F.coalesce(day - sofar["day"], F.lit(0))
    return F.struct(day.alias("day"), (sofar["squares"] + gap * gap).alias("squares"))
