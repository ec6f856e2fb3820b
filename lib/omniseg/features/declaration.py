"""Declared features as frozen values: what is measured, calculated or looked up, and the columns that come of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from typing import TypeAlias

from omniseg import tables
from omniseg.expressions import Compiled
from omniseg.features.measures import MEASURES, Measure, Span

ENRICHED = (
    "department",
    "product_category",
    "product_brand",
)  # what `enriched` adds to an event from the product master

# What `of` and `where` may read: the canonical event and the master data of its product.
EVENT_COLUMNS: dict[str, str] = {
    **{column.name: column.type for column in tables.SILVER_EVENTS.columns},
    **dict.fromkeys(ENRICHED, "STRING"),
}
NOT_ATTRIBUTES = {"identity_key", "bucket", "identifiers", *(column.name for column in tables.VERSIONING)}

# What `attribute` may name: the facts of the customer master, without keys and versioning.
ATTRIBUTES: dict[str, tables.Column] = {
    f"customers.{column.name}": column for column in tables.CUSTOMERS.columns if column.name not in NOT_ATTRIBUTES
}


@dataclass(frozen=True)
class Measured:
    """A measure over the events for which `where` holds (all, where None), one column per span."""

    name: str
    measure: str
    of: Compiled | None
    where: Compiled | None
    spans: tuple[Span, ...]
    description: str
    unit: str

    @property
    def rule(self) -> Measure:
        """How the measure behaves."""
        return MEASURES[self.measure]

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
        ]


@dataclass(frozen=True)
class Formula:
    """A calculation over other feature columns; null where they give no finite number."""

    name: str
    formula: Compiled
    description: str
    unit: str

    @property
    def columns(self) -> tuple[tables.Column, ...]:
        """The one column, named like the feature."""
        return (feature_column(self.name, "DOUBLE", self.description, self.unit),)

    @property
    def canonical(self) -> list[object]:
        """What decides the values, and nothing else."""
        return ["formula", self.name, sql(self.formula)]


@dataclass(frozen=True)
class Attribute:
    """A fact of the customer master, as it stood on as_of. `source` is the column of silver.customers."""

    name: str
    source: str
    type: str
    description: str
    unit: str

    @property
    def columns(self) -> tuple[tables.Column, ...]:
        """The one column, named like the feature."""
        return (feature_column(self.name, self.type, self.description, self.unit),)

    @property
    def canonical(self) -> list[object]:
        """What decides the values, and nothing else."""
        return ["attribute", self.name, self.source]


Feature: TypeAlias = Measured | Formula | Attribute


@dataclass(frozen=True)
class FeatureSet:
    """All features in declared order; made by `parse_features`, so names are unique and formulas not circular."""

    features: tuple[Feature, ...]

    @cached_property
    def measured(self) -> tuple[Measured, ...]:
        """The features that are aggregated from events."""
        return tuple(feature for feature in self.features if isinstance(feature, Measured))

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """The features that are looked up in the customer master."""
        return tuple(feature for feature in self.features if isinstance(feature, Attribute))

    @cached_property
    def formulas(self) -> tuple[Formula, ...]:
        """The calculated features, each after those that it reads."""
        by_name = {feature.name: feature for feature in self.features if isinstance(feature, Formula)}
        order = TopologicalSorter(
            {name: by_name.keys() & formula.formula.references for name, formula in by_name.items()}
        )
        return tuple(by_name[name] for name in order.static_order())

    @property
    def reads_products(self) -> bool:
        """True when a feature reads what only `enriched` adds to events."""
        texts = [text for feature in self.measured for text in (feature.of, feature.where) if text is not None]
        return any(text.references & set(ENRICHED) for text in texts)

    @cached_property
    def version(self) -> str:
        """12 hex digits that change when a value may change: not with order, descriptions or units."""
        canonical = sorted((feature.canonical for feature in self.features), key=lambda one: str(one[1]))
        return hashlib.sha256(json.dumps(canonical).encode()).hexdigest()[:12]


def feature_columns(features: FeatureSet) -> tuple[tables.Column, ...]:
    """The columns that extend gold.customer_features, in declared order."""
    return tuple(column for feature in features.features for column in feature.columns)


def feature_column(name: str, kind: str, description: str, unit: str) -> tables.Column:
    """A nullable column; the comment carries description and unit into the data dictionary."""
    return tables.Column(name, kind, True, "attribute", f"{description}; unit: {unit}")


def sql(compiled: Compiled | None) -> str:
    """The canonical text of an expression; empty where there is none."""
    return "" if compiled is None else compiled.sql
