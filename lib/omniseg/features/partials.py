"""Daily partial aggregates: the smallest set from which every declared feature can be merged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from omniseg import tables
from omniseg.expressions import Compiled
from omniseg.features.declaration import FeatureSet, Measured, sql
from omniseg.features.partial_kinds import KINDS
from omniseg.features.weights import WEIGHTED

GRAIN = ("identity_key", "bucket", "event_date", "batch_id")  # the bucket is a function of the key


@dataclass(frozen=True)
class Partial:
    """One aggregate per identity key, day and batch: `kind` of the values `of`, over the events for which `where`
    holds; `per` names the groups whose sums are kept apart.
    """

    kind: str
    of: Compiled | None
    where: Compiled | None
    per: Compiled | None = None
    option: int | None = None  # of sessions: the longest pause, in minutes

    @property
    def name(self) -> str:
        """The column; a function of what is aggregated, so that features which need the same share it."""
        option = () if self.option is None else (str(self.option),)
        return f"{self.kind}_{digest(*map(sql, self.defined), *option)}"

    @property
    def defined(self) -> tuple[Compiled | None, ...]:
        """The expressions that define it."""
        return (self.of, self.where) if self.per is None else (self.of, self.where, self.per)

    @property
    def is_weighted(self) -> bool:
        """True for a list of elements with a weight."""
        return KINDS[self.kind].type == WEIGHTED

    @property
    def declared(self) -> tables.Column:
        """The column as gold.customer_day declares it."""
        words = zip((" of ", " where ", " per "), self.defined, strict=False)
        said = "".join(f"{word}{sql(text)}" for word, text in words if text is not None)
        kind = KINDS[self.kind]
        return tables.Column(self.name, kind.type, True, "attribute", f"{kind.meaning}{said}")


def needs(feature: Measured) -> dict[str, Partial]:
    """What a feature is merged from, by the role that it plays."""
    found = {}
    for role, kind in feature.rule.needs.items():
        if kind == "amount":
            kind = "sum" if feature.of is not None else "count"
        if kind == "histogram" and feature.per is not None:
            kind = "groups"
        where = feature.whole if role == "whole" else feature.where
        idle = int(feature.option or 0) if kind == "sessions" else None
        found[role] = Partial(kind, feature.of, where, feature.per, idle)
    return found


def partials(features: FeatureSet) -> tuple[Partial, ...]:
    """The partials that the features need, each once, ordered by name."""
    by_name = {partial.name: partial for feature in features.measured for partial in needs(feature).values()}
    return tuple(by_name[name] for name in sorted(by_name))


def partial_columns(features: FeatureSet) -> tuple[tables.Column, ...]:
    """The columns that extend gold.customer_day."""
    return tuple(partial.declared for partial in partials(features))


def digest(*texts: str) -> str:
    """8 hex digits that name the texts."""
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()[:8]
