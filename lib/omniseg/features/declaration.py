"""Declared features as frozen values: what is measured, calculated or looked up, and the columns that come of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from graphlib import TopologicalSorter
from typing import ClassVar, TypeAlias

from omniseg import tables
from omniseg.expressions import Compiled
from omniseg.features.calendar import HOLIDAY
from omniseg.features.measures import MEASURES, NUMBER, Measure
from omniseg.features.rfm import Rfm
from omniseg.features.spans import Edge, Span
from omniseg.features.vocabulary import ENRICHED


@dataclass(frozen=True)
class About:
    """What people read about a feature besides its description. `kind`: which sort of segmentation variable it is.
    `limits`: what it does not say. `source`: where its definition comes from.
    """

    kind: str = ""
    limits: str = ""
    source: str = ""


@dataclass(frozen=True)
class Measured:
    """A measure over the events for which `where` holds (all, where None), one column per span.

    `whole`: the events of which a share is taken, or after which days are counted. `per`: what values are added up by
    before a quantile is taken.
    `option`: what the measure asks for besides, such as the level of a quantile.
    """

    name: str
    measure: str
    of: Compiled | None
    where: Compiled | None
    spans: tuple[Span, ...]
    description: str
    unit: str
    whole: Compiled | None = None
    per: Compiled | None = None
    option: float | None = None
    about: About = About()
    reads: ClassVar[frozenset[str]] = frozenset()  # columns of the vector that it is made from: none

    @property
    def rule(self) -> Measure:
        """How the measure behaves."""
        return MEASURES[self.measure]

    @property
    def is_number(self) -> bool:
        """True when formulas can calculate with it, as a DOUBLE."""
        return self.rule.type in ("BIGINT", "INT", "DOUBLE", NUMBER)

    @property
    def texts(self) -> list[Compiled]:
        """The expressions over events."""
        return [text for text in (self.of, self.where, self.whole, self.per) if text is not None]

    def parts(self, span: Span) -> tuple[Span, ...]:
        """The windows that are merged for one of the spans: itself, or the parts over which a trend is taken."""
        return span.parts(int(self.option or 0)) if self.measure == "trend" else (span,)

    def column(self, span: Span) -> str:
        """The column that holds the feature over one of its spans."""
        return f"{self.name}_{span.name}"

    @property
    def columns(self) -> tuple[tables.Column, ...]:
        """One column per span."""
        return tuple(
            feature_column(self.column(span), self.rule.type, f"{self.description}, {span.words}", self.unit)
            for span in self.spans
        )

    @property
    def canonical(self) -> list[object]:
        """What decides the values, and nothing else."""
        return [
            "measure",
            self.name,
            self.measure,
            sql(self.of),
            sql(self.where),
            sorted(span.name for span in self.spans),
            *((sql(self.whole), sql(self.per), self.option) if self.option is not None or self.whole else ()),
        ]


@dataclass(frozen=True)
class Formula:
    """A calculation over other feature columns: a number, null where there is no finite one, or a text."""

    name: str
    formula: Compiled
    description: str
    unit: str
    type: str = "DOUBLE"
    about: About = About()

    @property
    def reads(self) -> frozenset[str]:
        """The columns of the vector that it is made from, and the date."""
        return self.formula.references

    @property
    def columns(self) -> tuple[tables.Column, ...]:
        """The one column, named like the feature."""
        return (feature_column(self.name, self.type, self.description, self.unit),)

    @property
    def canonical(self) -> list[object]:
        """What decides the values, and nothing else."""
        return ["formula", self.name, sql(self.formula), *([self.type] if self.type != "DOUBLE" else [])]


@dataclass(frozen=True)
class Attribute:
    """A fact of reference data, as it stood on as_of: column `source` of silver.`table`, of the person's record among
    the customers, else of the row whose key the feature columns `keys` hold.
    """

    name: str
    source: str
    type: str
    description: str
    unit: str
    table: str = "customers"
    keys: tuple[str, ...] = ()
    about: About = About()

    @property
    def reads(self) -> frozenset[str]:
        """The columns of the vector that it is made from: those that hold the key of its row."""
        return frozenset(self.keys)

    @property
    def columns(self) -> tuple[tables.Column, ...]:
        """The one column, named like the feature."""
        return (feature_column(self.name, self.type, self.description, self.unit),)

    @property
    def canonical(self) -> list[object]:
        """What decides the values, and nothing else."""
        return ["attribute", self.name, self.source, *([self.table, *self.keys] if self.keys else [])]


Feature: TypeAlias = Measured | Formula | Attribute


@dataclass(frozen=True)
class FeatureSet:
    """All features in declared order; made by `parse_features`, so names are unique and formulas not circular.

    `calendar`: what the columns of the calendar that features read stand for. `holidays`: the days that are such, in
    order; none where it is unknown.
    """

    features: tuple[Feature, ...]
    calendar: Mapping[str, Compiled] = field(default_factory=dict)
    rfm: Rfm | None = None
    holidays: tuple[date, ...] = ()

    @cached_property
    def measured(self) -> tuple[Measured, ...]:
        """The features that are aggregated from events."""
        return tuple(feature for feature in self.features if isinstance(feature, Measured))

    def of_family(self, family: str) -> list[Measured]:
        """The measured features whose days become windows in one way."""
        return [feature for feature in self.measured if feature.rule.family == family]

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """The features that are looked up in the customer master."""
        return tuple(feature for feature in self.facts if not feature.keys)

    @cached_property
    def facts(self) -> tuple[Attribute, ...]:
        """The features that are looked up in reference data, those of the customer master first."""
        found = [feature for feature in self.features if isinstance(feature, Attribute)]
        return tuple(sorted(found, key=lambda feature: bool(feature.keys)))

    @cached_property
    def formulas(self) -> tuple[Formula, ...]:
        """The calculated features, each after those that it reads."""
        by_name = {feature.name: feature for feature in self.features if isinstance(feature, Formula)}
        order = TopologicalSorter({name: by_name.keys() & formula.reads for name, formula in by_name.items()})
        return tuple(by_name[name] for name in order.static_order())

    @property
    def edges(self) -> set[Edge]:
        """Where windows begin and end."""
        return {
            edge
            for feature in self.measured
            for span in feature.spans
            for part in feature.parts(span)
            for edge in part.edges
        }

    @property
    def reads_products(self) -> bool:
        """True when a feature reads what only `enriched` adds to events."""
        return bool(self.read & ENRICHED.keys())

    @cached_property
    def read(self) -> frozenset[str]:
        """The columns of events that features read."""
        return frozenset(name for feature in self.measured for text in feature.texts for name in text.references)

    @cached_property
    def version(self) -> str:
        """12 hex digits that change when a value may change: not with order, descriptions or units."""
        canonical = sorted((feature.canonical for feature in self.features), key=lambda one: str(one[1]))
        canonical += [["calendar", name, sql(self.calendar[name])] for name in sorted(self.calendar)]
        canonical += [] if self.rfm is None else [self.rfm.canonical]
        canonical += [["holidays", *map(str, self.holidays)]] if HOLIDAY in self.read else []
        return hashlib.sha256(json.dumps(canonical).encode()).hexdigest()[:12]


def feature_columns(features: FeatureSet) -> tuple[tables.Column, ...]:
    """The columns that extend gold.customer_features, in declared order; scores come last."""
    return vector_columns(features) + (() if features.rfm is None else features.rfm.columns)


def vector_columns(features: FeatureSet) -> tuple[tables.Column, ...]:
    """The columns that are a function of the person alone, not of how she stands among all."""
    return tuple(column for feature in features.features for column in feature.columns)


def feature_column(name: str, kind: str, description: str, unit: str) -> tables.Column:
    """A nullable column; the comment carries description and unit into the data dictionary."""
    return tables.Column(name, kind, True, "attribute", f"{description}; unit: {unit}")


def sql(compiled: Compiled | None) -> str:
    """The canonical text of an expression; empty where there is none."""
    return "" if compiled is None else compiled.sql
