"""Days become windows: each day lies in a band of age, and every window is a run of bands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.features.declaration import FeatureSet, Measured
from omniseg.features.partial_kinds import KINDS, merged
from omniseg.features.partials import Partial, needs
from omniseg.features.settling import settled
from omniseg.features.spans import Span
from omniseg.quoting import sql_name


@dataclass(frozen=True)
class Bands:
    """The ages of days, cut where a window begins or ends (ascending). Band 0 is the newest."""

    as_of: date
    cuts: tuple[int, ...]

    @property
    def band(self) -> Column:
        """The band of `event_date`."""
        age = F.date_diff(F.lit(self.as_of), F.col("event_date"))
        number = F.lit(0)
        for days in self.cuts:
            number = number + (age >= days).cast("int")
        return number

    def run(self, span: Span) -> tuple[int, int]:
        """The first band of a window, and the first one older than it."""
        begin = self.number(span.newest.age(self.as_of))
        return begin, len(self.cuts) + 1 if span.oldest is None else self.number(span.oldest.age(self.as_of))

    def number(self, age: int) -> int:
        """The band that begins at an age."""
        return sum(days <= age for days in self.cuts)

    def inside(self, span: Span) -> Column:
        """True on the bands of a window."""
        begin, end = self.run(span)
        return F.col("band").between(begin, end - 1)

    def mask(self, span: Span) -> int:
        """The bands of a window as bits."""
        begin, end = self.run(span)
        return (1 << end) - (1 << begin)


def bands_of(features: FeatureSet, as_of: date) -> Bands:
    """The bands that the windows of the features need."""
    return Bands(as_of, tuple(sorted({edge.age(as_of) for edge in features.edges} - {0})))


def window_slots(features: FeatureSet, bands: Bands) -> dict[str, Column]:
    """By name, the aggregates over a person's days from which measures with one number per window are settled. Features
    that need the same share it.
    """
    return {
        slot.over(part): slot.merged(F.when(bands.inside(part), slot.of_day()))
        for feature in features.of_family("bands")
        for slot in slots_of(feature).values()
        for span in feature.spans
        for part in feature.parts(span)
    }


def window_values(features: FeatureSet, bands: Bands) -> list[Column]:
    """The columns of those measures, from `window_slots`."""
    wanted = features.of_family("bands")
    return [value(feature, span, bands).alias(feature.column(span)) for feature in wanted for span in feature.spans]


@dataclass(frozen=True)
class Slot:
    """What is merged over a window: a partial, or `days` that have it (see Measure)."""

    partial: Partial
    days: str = ""

    @property
    def name(self) -> str:
        """Tells it from others."""
        return f"{self.days}_{self.partial.name}" if self.days else self.partial.name

    def over(self, span: Span) -> str:
        """The column of a window."""
        return " ".join([self.name, *(edge.name for edge in span.edges)])

    def of_day(self) -> Column:
        """What a day adds."""
        partial = F.col(self.partial.name)
        return F.when(partial > 0, F.col("event_date")) if self.days else partial

    def merged(self, column: Column) -> Column:
        """The aggregate that merges."""
        if self.days:
            return F.min(column) if self.days == "min" else F.max(column)
        return merged(KINDS[self.partial.kind], column)


def slots_of(feature: Measured) -> dict[str, Slot]:
    """What a feature is merged from, by role."""
    return {role: Slot(partial, feature.rule.days) for role, partial in needs(feature).items()}


def value(feature: Measured, span: Span, bands: Bands) -> Column:
    """The feature's value over one window, from what was merged over it."""
    slots = slots_of(feature)
    parts = [{role: F.col(sql_name(slot.over(part))) for role, slot in slots.items()} for part in feature.parts(span)]
    found = settled(feature, parts)
    if feature.rule.days:
        found = F.date_diff(F.lit(bands.as_of), found)
    return (F.coalesce(found, F.lit(0)) if feature.rule.zero else found).try_cast(feature.rule.type)
