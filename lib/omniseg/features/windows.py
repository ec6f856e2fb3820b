"""Days become windows: additive measures by bands of age, sets by the newest band in which an element occurs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.measures import Span
from omniseg.features.partials import partial_of

Aggregate: TypeAlias = Callable[[Column], Column]
MERGES: Mapping[str, Aggregate] = {"total": F.sum, "least": F.min, "greatest": F.max, "first": F.min, "last": F.max}


@dataclass(frozen=True)
class Bands:
    """The ages of days, cut at the declared window lengths (ascending). Band 0 is the newest; a window is a run of
    bands.

    So the pass over all days holds one plain aggregate per partial, not one conditional aggregate per feature column.
    """

    as_of: date
    lengths: tuple[int, ...]

    @property
    def band(self) -> Column:
        """The band of `event_date`."""
        age = F.date_diff(F.lit(self.as_of), F.col("event_date"))
        number = F.lit(0)
        for days in self.lengths:
            number = number + (age >= days).cast("int")
        return number

    def inside(self, span: Span) -> Column:
        """True on the bands of a window."""
        return F.lit(True) if span.days is None else F.col("band") <= self.lengths.index(span.days)


def bands_of(features: FeatureSet, as_of: date) -> Bands:
    """The bands that the windows of the features need."""
    lengths = {span.days for feature in features.measured for span in feature.spans if span.days is not None}
    return Bands(as_of, tuple(sorted(lengths)))


def totals(personal: DataFrame, features: FeatureSet, bands: Bands) -> DataFrame:
    """One row per customer_id: every measure that needs no sets. `personal`: partials with customer_id and band."""
    wanted = [feature for feature in features.measured if feature.rule.merge != "distinct"]
    slots = {slot(feature): banded(feature) for feature in wanted}
    by_band = personal.groupBy("customer_id", "band").agg(
        F.count(F.lit(1)).alias("__days"), *(merged.alias(name) for name, merged in slots.items())
    )
    columns = [
        settled(feature, F.when(bands.inside(span), F.col(slot(feature))), bands.as_of).alias(feature.column(span))
        for feature in wanted
        for span in feature.spans
    ]
    return by_band.groupBy("customer_id").agg(F.sum("__days").alias("__days"), *columns).drop("__days")


def slot(feature: Measured) -> str:
    """The column of a band from which the feature is merged; features that need the same share it."""
    return f"{feature.rule.merge}_{partial_of(feature).name}"


def banded(feature: Measured) -> Column:
    """The slot's aggregate over the days of a band."""
    partial = F.col(partial_of(feature).name)
    if feature.rule.merge in ("first", "last"):
        return MERGES[feature.rule.merge](F.when(partial > 0, F.col("event_date")))
    return MERGES[feature.rule.merge](partial)


def settled(feature: Measured, inside: Column, as_of: date) -> Column:
    """The feature's value from the slot in the bands of a window."""
    merged = MERGES[feature.rule.merge](inside)
    if feature.rule.merge in ("first", "last"):
        merged = F.date_diff(F.lit(as_of), merged)
    return (F.coalesce(merged, F.lit(0)) if feature.rule.zero else merged).try_cast(feature.rule.type)


def distinct_counts(personal: DataFrame, features: FeatureSet, bands: Bands) -> DataFrame:
    """One row per customer_id with any element: exact numbers of distinct elements over all identity keys of the
    person.

    An element counts in every window that reaches its newest band, so one pass over distinct elements serves all
    windows.
    """
    wanted = [feature for feature in features.measured if feature.rule.merge == "distinct"]
    sets = {set_name(feature): elements(feature) for feature in wanted}
    numbers = {name: number for number, name in enumerate(sets)}
    members = personal.select("customer_id", "band", F.posexplode(F.array(*sets.values())).alias("set", "elements"))
    newest = (
        members.select("customer_id", "band", "set", F.explode("elements").alias("element"))
        .groupBy("customer_id", "set", "element")
        .agg(F.min("band").alias("band"))
    )
    columns = [
        F.count_if((F.col("set") == numbers[set_name(feature)]) & bands.inside(span)).alias(feature.column(span))
        for feature in wanted
        for span in feature.spans
    ]
    return newest.groupBy("customer_id").agg(*columns)


def set_name(feature: Measured) -> str:
    """Names the set that the feature counts; features that need the same share it."""
    return f"{feature.measure}_{partial_of(feature).name}"


def elements(feature: Measured) -> Column:
    """The elements of one day: hashes of values, or the day itself where any event counts."""
    partial = partial_of(feature)
    if partial.kind == "hashes":
        return F.col(partial.name)
    return F.when(F.col(partial.name) > 0, F.array(F.unix_date("event_date").cast("bigint")))
