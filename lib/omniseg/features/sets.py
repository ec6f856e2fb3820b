"""Distinct elements of a person: how many there are in a window, and how far apart days are."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.formulas import rounded
from omniseg.features.measures import CUT_DAYS, MOST_ELEMENTS
from omniseg.features.partial_kinds import BOUNDED
from omniseg.features.partials import needs
from omniseg.features.spans import Span
from omniseg.features.windows import Bands
from omniseg.quoting import sql_name

INTERVALS = ("mean_interval_days", "interval_variation")
MEMBERS = "__members"  # of a person: the sets of each day, with its band


def gathered_sets(features: FeatureSet) -> dict[str, Column]:
    """By name, the aggregates over a person's days from which measures of sets are settled.

    A day holds few elements and a person few days, also where many people share a key (MOST_ELEMENTS), so a list per
    person is cheaper than a row per element, which would carry the person through two more shuffles.
    """
    sets = {set_name(feature): elements(feature) for feature in features.of_family("sets")}
    listed = F.struct("band", *(F.coalesce(found, no_elements()).alias(name) for name, found in sets.items()))
    return {MEMBERS: F.collect_list(listed)} if sets else {}


def window_sets(features: FeatureSet, bands: Bands) -> dict[str, Column]:
    """By name, the elements of each set and window, each once, from `gathered_sets`."""
    pairs = {(set_name(feature), span) for feature in features.of_family("sets") for span in feature.spans}
    return {column_of(name, span): F.array_distinct(F.flatten(inside(name, span, bands))) for name, span in pairs}


def set_values(features: FeatureSet, bands: Bands) -> list[Column]:
    """The columns of measures of sets, from `window_sets`."""
    return [
        set_value(feature, span, bands).alias(feature.column(span))
        for feature in features.of_family("sets")
        for span in feature.spans
    ]


def set_value(feature: Measured, span: Span, bands: Bands) -> Column:
    """A feature over one window."""
    found = F.col(sql_name(column_of(set_name(feature), span)))
    if feature.measure in INTERVALS:
        return rounded(interval(feature, F.sort_array(found)))
    number = F.size(found).cast("bigint")
    if not has_hashes(feature):
        return number
    return F.when(F.col(CUT_DAYS) > 0, estimated(found, inside(set_name(feature), span, bands))).otherwise(number)


def estimated(found: Column, days: Column) -> Column:
    """How many different elements there are, by those that are left where days kept the MOST_ELEMENTS least hashes.

    Below theta, the least of the greatest hashes that cut days kept, no day has lost any. Hashes are spread evenly, so
    their number ÷ theta's part of all hashes is the number of all, with a standard error of 1.6 % (Bar-Yossef and
    others, 2002; a theta sketch). Exact where no day of the window was cut. A function of the elements alone.
    """
    kept = F.transform(days, lambda day: F.when(F.size(day) >= MOST_ELEMENTS, F.try_element_at(day, F.lit(-1))))
    theta = F.array_min(kept)
    share = theta.cast("double") / F.lit(2.0**64) + F.lit(0.5)
    below = F.size(F.filter(found, lambda one: one < theta))
    return F.coalesce(F.round(below / share).cast("bigint"), F.size(found).cast("bigint"))


def inside(name: str, span: Span, bands: Bands) -> Column:
    """The elements of the days of a window, a list per day."""
    begin, end = bands.run(span)
    return F.filter(MEMBERS, lambda day: day["band"].between(begin, end - 1))[name]


def cut(features: FeatureSet) -> Column:
    """The number of days of which a list may have lost elements."""
    lists = {
        partial.name for feature in features.measured for partial in needs(feature).values() if partial.kind in BOUNDED
    }
    return F.count_if(any_of(F.size(name) >= MOST_ELEMENTS for name in sorted(lists))).alias(CUT_DAYS)


def any_of(conditions: Iterable[Column]) -> Column:
    """True where one of the conditions holds."""
    return reduce(or_, (F.coalesce(one, F.lit(False)) for one in conditions), F.lit(False))


def column_of(name: str, span: Span) -> str:
    """Where the elements of a set in a window stand; features of the same set share them."""
    return f"{name} {span.name}"


def set_name(feature: Measured) -> str:
    """Names the set that the feature is about; features that need the same share it."""
    (partial,) = needs(feature).values()
    return partial.name


def elements(feature: Measured) -> Column:
    """The elements of one day: hashes of values, or the day itself where any event counts."""
    if has_hashes(feature):
        return F.col(set_name(feature))
    return F.when(F.col(set_name(feature)) > 0, F.array(F.unix_date("event_date").cast("bigint")))


def has_hashes(feature: Measured) -> bool:
    """True for a set of values, false for one of days."""
    (partial,) = needs(feature).values()
    return partial.kind == "hashes"


def no_elements() -> Column:
    """An empty set."""
    return F.array().cast("array<bigint>")


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
