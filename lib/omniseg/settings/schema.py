"""Every setting: its section, type and range. Defaults and meanings stand in `conf/base.yml`, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from omniseg.ingest.vocabulary import IDENTIFIER_TYPES
from omniseg.kinds import (
    ANY_TEXT,
    CURRENCY,
    PLACE,
    SECRET,
    SNAKE_CASE,
    TEXT,
    TIME_ZONE,
    Kind,
    SecretRef,
    one_of,
    share,
    whole,
)
from omniseg.tables import CHANNELS

ENTITIES = ("customer", "household", "account")  # the latter two are types of identifiers
PROFILES = ("local", "cluster", "production")


@dataclass(frozen=True)
class Warehouse:
    """Where the tables are."""

    root: Annotated[str, TEXT]
    catalog: Annotated[str, ANY_TEXT]  # '' = tables are paths below root


@dataclass(frozen=True)
class Landing:
    """Where deliveries arrive, and how long they are left alone."""

    root: Annotated[str, TEXT]
    settle_seconds: Annotated[int, whole(0)]
    max_unpacked_mb: Annotated[int, whole(1)]
    retention_days: Annotated[int | None, whole(1)]  # None = the operator's own business


@dataclass(frozen=True)
class Sources:
    """Where the declarations are."""

    dir: Annotated[str, TEXT]


@dataclass(frozen=True)
class Mlflow:
    """Where models are tracked."""

    tracking_uri: Annotated[str, TEXT]
    experiment: Annotated[str, TEXT]


@dataclass(frozen=True)
class Business:
    """The calendar and the money of the business."""

    time_zone: Annotated[str, TIME_ZONE]
    currency: Annotated[str | None, CURRENCY]  # None = the one that the sources share
    holidays: Annotated[str | None, PLACE]  # None = nobody says which days are holidays


@dataclass(frozen=True)
class Dedupe:
    """How far back a second delivery of an event is recognised."""

    window_days: Annotated[int, whole(1, 3650)]


@dataclass(frozen=True)
class Bots:
    """When a visitor counts as a machine although nobody says so: more events than these."""

    channels: Annotated[tuple[str, ...], one_of(*CHANNELS)]
    events_per_minute: Annotated[int, whole(1)]
    events_per_day: Annotated[int, whole(1)]


@dataclass(frozen=True)
class Identity:
    """Which identifier of an event names the person, and whether it is persons that are segmented."""

    priority: Annotated[tuple[str, ...], one_of(*IDENTIFIER_TYPES)]
    entity: Annotated[str, one_of(*ENTITIES)]

    @property
    def keys(self) -> tuple[str, ...]:
        """The types of identifiers by which rows are keyed, strongest first: that of the entity before all others."""
        first = () if self.entity == ENTITIES[0] else (self.entity,)
        return (*first, *(kind for kind in self.priority if kind not in first))


@dataclass(frozen=True)
class Privacy:
    """Keys by reference, and retention."""

    pseudonym_key: Annotated[SecretRef, SECRET]
    vault_key: Annotated[SecretRef, SECRET]
    key_version: Annotated[str, SNAKE_CASE]
    vault_retention_days: Annotated[int, whole(1)]


@dataclass(frozen=True)
class Consent:
    """Whether consents decide, or consent is assumed on a stated basis."""

    mode: Annotated[str, one_of("assume", "enforce")]
    legal_basis: Annotated[str, ANY_TEXT]


@dataclass(frozen=True)
class Lake:
    """Layout and maintenance of tables."""

    buckets: Annotated[int, whole(1, 4096)]
    vacuum_hours: Annotated[int, whole(0)]


@dataclass(frozen=True)
class Lock:
    """The lease that keeps a second run away."""

    lease_seconds: Annotated[int, whole(1)]


@dataclass(frozen=True)
class Features:
    """The declaration of the features."""

    file: Annotated[str, TEXT]


@dataclass(frozen=True)
class Segments:
    """The declaration of names and rules of segments."""

    file: Annotated[str, TEXT]


@dataclass(frozen=True)
class Model:
    """How the clusters are fitted, and when anew."""

    name: Annotated[str, SNAKE_CASE]
    segments: Annotated[int, whole(2, 1000)]
    leaves: Annotated[int, whole(2, 10_000)]
    sample_rows: Annotated[int, whole(100)]
    seed: Annotated[int, whole(0)]
    max_age_days: Annotated[int, whole(1)]


@dataclass(frozen=True)
class Audit:
    """What a snapshot must fulfil to be published."""

    min_share: Annotated[float, share()]
    max_null_rate: Annotated[float, share()]


@dataclass(frozen=True)
class Reports:
    """Where reports go, and what they may show."""

    dir: Annotated[str, TEXT]
    min_group: Annotated[int, whole(1)]


@dataclass(frozen=True)
class Settings:
    """All settings of a run, complete and checked. `spark` holds Spark's own options by their full names."""

    profile: Annotated[str, one_of(*PROFILES)]
    warehouse: Warehouse
    landing: Landing
    sources: Sources
    mlflow: Mlflow
    business: Business
    dedupe: Dedupe
    bots: Bots
    identity: Identity
    privacy: Privacy
    consent: Consent
    lake: Lake
    lock: Lock
    features: Features
    segments: Segments
    model: Model
    audit: Audit
    reports: Reports
    spark: Mapping[str, str]
    spark_defaults: frozenset[str] = field(repr=False, compare=False)  # options of `spark` from base.yml or the overlay
    origins: Mapping[str, str] = field(repr=False, compare=False)  # dotted key -> the place that decided it


@dataclass(frozen=True)
class Key:
    """What one dotted key accepts."""

    kind: Kind[Any]
    many: bool  # a list
    optional: bool  # may be empty, which gives None

    @property
    def expected(self) -> str:
        """What a message says about it."""
        listed = f"a list of {self.kind.expected}" if self.many else self.kind.expected
        return f"{listed}, or nothing" if self.optional else listed


@cache
def sections() -> dict[str, dict[str, Key]]:
    """Keys by section; the keys at the top stand in section ''. `spark` and `origins` are not among them."""
    found: dict[str, dict[str, Key]] = {"": {}}
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        if is_dataclass(hint) and isinstance(hint, type):
            hints = get_type_hints(hint, include_extras=True)
            found[name] = {item.name: key_of(hints[item.name]) for item in fields(hint)}
        elif get_origin(hint) is Annotated:
            found[""][name] = key_of(hint)
    return found


@cache
def keys() -> dict[str, Key]:
    """Every dotted key, in declared order."""
    return {
        f"{section}.{name}" if section else name: key
        for section, found in sections().items()
        for name, key in found.items()
    }


def key_of(hint: Any) -> Key:
    """The key that an annotation describes: tuples are lists, `| None` is optional."""
    accepted, kind = get_args(hint)
    return Key(kind, many=get_origin(accepted) is tuple, optional=NoneType in get_args(accepted))


def compose(
    values: Mapping[str, Any], spark: Mapping[str, str], spark_defaults: frozenset[str], origins: Mapping[str, str]
) -> Settings:
    """Settings from the typed values of all dotted keys."""
    hints = get_type_hints(Settings)
    parts = {
        section: hints[section](**{name: values[f"{section}.{name}"] for name in found})
        for section, found in sections().items()
        if section
    }
    top = {name: values[name] for name in sections()[""]}
    return Settings(**top, **parts, spark=dict(spark), spark_defaults=spark_defaults, origins=dict(origins))
