"""Every setting: its section, type and range. Defaults and meanings stand in `conf/base.yml`, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from omniseg.ingest.vocabulary import IDENTIFIER_TYPES
from omniseg.kinds import (
    ANY_TEXT,
    CURRENCY,
    PLACE,
    SECRET,
    SNAKE_CASE,
    TEXT,
    TIME_ZONE,
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
