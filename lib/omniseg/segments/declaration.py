"""What conf/segments.yml declares: features that tell customers apart, how they are measured, words for the result."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from omniseg.errors import ConfigError, Problem
from omniseg.kinds import ANY_TEXT, SNAKE_CASE, TEXT, Kind, matched, one_of, share, whole
from omniseg.names import nearest
from omniseg.nodes import MapNode, Reader

TRANSFORMS = ("none", "log1p", "sqrt", "share")
UNITS = ("count", "money", "days", "percent", "number")
ROLES = ("model", "profile")
DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")


def decimal(text: str) -> float:
    """A finite decimal number; ValueError for anything else that `float` would take (nan, inf, 1_000)."""
    return float(matched(DECIMAL, text)[0])


def bounded_number(text: str, least: float, most: float) -> float:
    """A decimal number from `least` to `most`, both included."""
    number = decimal(text)
    if not least <= number <= most:
        raise ValueError(text)
    return number


MISSING: Kind[float | None] = Kind(
    "a number, or max", lambda text: None if text == "max" else decimal(text), lambda: ("max",)
)
WEIGHT = Kind("a number from 0.01 to 100", lambda text: bounded_number(text, 0.01, 100))
Z = Kind("a number from 0 to 100", lambda text: bounded_number(text, 0, 100))


@dataclass(frozen=True)
class FeatureUse:
    """How one feature enters the segmentation."""

    name: str
    label: str  # for people: "Purchases in 90 days"
    unit: str
    role: str  # model: counts in the distance; profile: only described and named
    transform: str
    weight: float
    missing: float | None  # what stands for no value; None: the largest value of the sample
    high: str  # word for a segment far above the mean; "" for none
    low: str
    theme: str  # features of one theme give a name one word between them


@dataclass(frozen=True)
class Naming:
    """How names are made: words of at least `least_z`, at most `words` of them, `plain` where none distinguishes."""

    least_z: float
    words: int
    plain: str


@dataclass(frozen=True)
class SegmentsDeclaration:
    """The whole declaration. `winsorise` are the quantiles values are cut to, `money` is the feature shown as money."""

    features: tuple[FeatureUse, ...]
    winsorise: tuple[float, float]
    money: str
    least_overlap: float  # shared customers ÷ customers of either, from which a new cluster inherits an id
    naming: Naming

    @cached_property
    def in_model(self) -> tuple[FeatureUse, ...]:
        """The features that distances are measured in."""
        return tuple(use for use in self.features if use.role == "model")

    @cached_property
    def by_name(self) -> Mapping[str, FeatureUse]:
        """The features by name."""
        return {use.name: use for use in self.features}

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all features, as declared."""
        return tuple(self.by_name)


def parse_segments(tree: MapNode, *, known: Collection[str] = ()) -> SegmentsDeclaration:
    """The declaration in `tree`; ConfigError with all problems at once.

    `known` are the feature columns that exist; where given, others are refused with the nearest name.
    """
    problems: list[Problem] = []
    reader = Reader(tree, problems)
    declaration = SegmentsDeclaration(
        features=read_features(reader, known),
        winsorise=read_quantiles(reader),
        money=reader.value("money", SNAKE_CASE, default="", required=True),
        least_overlap=reader.value("least_overlap", share(), default=0.0, required=True),
        naming=read_naming(reader),
    )
    reader.finish()
    problems += contradictions(declaration, tree)
    if problems:
        raise ConfigError(problems)
    return declaration


def read_features(reader: Reader, known: Collection[str]) -> tuple[FeatureUse, ...]:
    """The mapping `features:`, one entry per feature column."""
    features = reader.child("features", required=True)
    if features is None:
        return ()
    uses = []
    for name in features.node.entries:
        if known and name not in known:
            features.complain(name, "no such feature", "a column of the declared features", nearest(name, known))
        if (entry := features.child(name)) is not None:
            uses.append(read_feature(entry, name))
    return tuple(uses)


def read_feature(entry: Reader, name: str) -> FeatureUse:
    """One feature's entry; what may be left out has its default here, so that most entries are one line."""
    use = FeatureUse(
        name=name,
        label=entry.value("label", TEXT, default="", required=True),
        unit=entry.value("unit", one_of(*UNITS), default="number"),
        role=entry.value("role", one_of(*ROLES), default="model"),
        transform=entry.value("transform", one_of(*TRANSFORMS), default="none"),
        weight=entry.value("weight", WEIGHT, default=1.0),
        missing=entry.value("missing", MISSING, default=0.0),
        high=entry.value("high", ANY_TEXT, default=""),
        low=entry.value("low", ANY_TEXT, default=""),
        theme=entry.value("theme", TEXT, default=name),
    )
    entry.finish()
    return use


def read_quantiles(reader: Reader) -> tuple[float, float]:
    """The mapping `winsorise:` with the quantiles `lower` and `upper`."""
    quantiles = reader.child("winsorise", required=True)
    if quantiles is None:
        return 0.0, 1.0
    lower = quantiles.value("lower", share(), default=0.0, required=True)
    upper = quantiles.value("upper", share(), default=1.0, required=True)
    quantiles.finish()
    if lower >= upper:
        quantiles.complain("lower", str(lower), f"less than upper ({upper})")
    return lower, upper


def read_naming(reader: Reader) -> Naming:
    """The mapping `naming:`."""
    naming = reader.child("naming", required=True)
    if naming is None:
        return Naming(0.0, 2, "")
    read = Naming(
        least_z=naming.value("least_z", Z, default=0.0, required=True),
        words=naming.value("words", whole(1, 5), default=2, required=True),
        plain=naming.value("plain", TEXT, default="", required=True),
    )
    naming.finish()
    return read


def contradictions(declaration: SegmentsDeclaration, tree: MapNode) -> list[Problem]:
    """What is wrong with the declaration as a whole though each part is well formed."""
    found = []
    if declaration.features and not declaration.in_model:
        found.append(Problem(tree.where, "features", "no feature of role model", "at least one"))
    if declaration.money and declaration.features and declaration.money not in declaration.by_name:
        suggestion = nearest(declaration.money, declaration.by_name)
        found.append(Problem(tree.places["money"], "money", declaration.money, "one of the features", suggestion))
    return found
