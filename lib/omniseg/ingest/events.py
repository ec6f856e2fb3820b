"""From declared columns to the whole canonical event: business day, money, identity key, hashes, and the rules of
events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.currencies import CURRENCIES
from omniseg.identity.keys import bucket, identity_key, present_identifiers
from omniseg.ingest.batch_number import batch_number
from omniseg.ingest.mapping import ORIGIN, named_rules, with_earlier
from omniseg.ingest.vocabulary import CUSTOM_EVENT_PREFIX, EVENT_COLUMNS, EVENT_TYPES
from omniseg.privacy.redact import redacted_map
from omniseg.tables import CHANNELS

FUTURE_HOURS = 24  # an event may lie this far after its delivery (clocks differ) before it counts as a future one
EARLIEST = (
    "1990-01-01"  # before it lies what is no time of an event: seconds read as milliseconds, clocks that were reset
)
NO_RATE = "no_rate"  # amount_status of an event whose currency has no rate (yet)
LARGEST_AMOUNT = 10**12  # beyond this a line value is a mistake and could overflow sums

# What tells a repeated delivery from a conflicting one: everything that was declared, but not when it was stamped.
HASHED = tuple(name for name in EVENT_COLUMNS if name != "event_time")


@dataclass(frozen=True)
class Rules:
    """What the settings and the declaration say about all events of one source.

    `newest_date` is the newest event_date that earlier batches accepted from the source (lateness is measured from it).
    """

    source: str
    channel: str
    time_zone: str
    business_currency: str | None
    source_currency: str | None
    priority: tuple[str, ...]
    buckets: int
    batch_id: int
    max_late_days: int | None = None
    newest_date: str | None = None
    redact_properties: bool = True


def canonical_events(mapped: DataFrame, *, rules: Rules, rates: DataFrame | None) -> DataFrame:
    """The canonical event (tables.SILVER_EVENTS) plus `file`, `position`, `payload` and all broken `rules`.

    `rates` (currency, rate_date, rate; unique by the first two) turn native money into the business currency; None when
    there are no rates.
    """
    declared = with_every_column(mapped)
    events = declared.select(
        *ORIGIN, *(F.col(name) for name in EVENT_COLUMNS if name not in replaced()), *normal(rules)
    )
    events = events.select("*", *derived(rules))
    return with_rules(with_amount(events, rules, rates), rules)


def with_every_column(mapped: DataFrame) -> DataFrame:
    """Undeclared canonical columns are null."""
    missing = [name for name in EVENT_COLUMNS if name not in mapped.columns]
    return mapped.select("*", *(F.lit(None).cast(EVENT_COLUMNS[name]).alias(name) for name in missing))


def replaced() -> tuple[str, ...]:
    """The declared columns that `normal` puts in order."""
    return ("event_type", "channel", "identifiers", "currency", "is_bot", "properties")


def normal(rules: Rules) -> list[Column]:
    """Declared columns in the vocabulary's spelling."""
    event_type = F.lower(F.trim("event_type"))
    known = event_type.isin(*EVENT_TYPES) | event_type.startswith(CUSTOM_EVENT_PREFIX)
    properties = redacted_map(F.col("properties")) if rules.redact_properties else F.col("properties")
    return [
        F.when(known, event_type).otherwise(F.concat(F.lit(CUSTOM_EVENT_PREFIX), event_type)).alias("event_type"),
        F.coalesce(F.lower(F.trim("channel")), F.lit(rules.channel)).alias("channel"),
        present_identifiers(F.col("identifiers")).alias("identifiers"),
        F.coalesce(F.upper(F.trim("currency")), F.lit(rules.source_currency or rules.business_currency)).alias(
            "currency"
        ),
        F.coalesce("is_bot", F.lit(False)).alias("is_bot"),
        properties.alias("properties"),
    ]


def derived(rules: Rules) -> list[Column]:
    """What follows from the declared columns of one event."""
    local = F.from_utc_timestamp("event_time", rules.time_zone)
    line_total = F.try_subtract(
        F.try_multiply(F.col("quantity"), F.col("unit_price")), F.coalesce("discount", F.lit(0).cast("decimal(18,4)"))
    )
    return [
        F.lit(rules.source).alias("source"),
        F.to_date(local).alias("event_date"),
        F.coalesce(F.col("amount"), line_total.try_cast("decimal(18,4)")).alias("amount_native"),
        identity_key(F.col("identifiers"), rules.priority).alias("identity_key"),
        payload_hash().alias("payload_hash"),
        batch_number(rules.batch_id),
    ]


def payload_hash() -> Column:
    """xxhash64 of HASHED; a bit per column says which are null, since the hash function itself skips nulls."""
    maps = [name for name, kind in EVENT_COLUMNS.items() if kind.startswith("map")]
    hashable = [sorted_entries(F.col(name)) if name in maps else F.col(name) for name in HASHED]
    bits = [F.when(F.col(name).isNotNull(), F.lit(1 << place)).otherwise(0) for place, name in enumerate(HASHED)]
    return F.xxhash64(reduce(add, bits), *hashable)


def sorted_entries(facts: Column) -> Column:
    """A map as an array that is the same whatever the order of its keys; most maps have one key, or none."""
    entries = F.map_entries(facts)
    return F.when(F.size(facts) > 1, F.array_sort(entries)).otherwise(entries)


def with_amount(events: DataFrame, rules: Rules, rates: DataFrame | None) -> DataFrame:
    """`amount` in the business currency at the rate of event_date, HALF_UP, and `amount_status`."""
    native = (F.col("currency") == F.lit(rules.business_currency)) | F.lit(rules.business_currency is None)
    if rates is not None:
        keyed = rates.select(F.col("currency"), F.col("rate_date").alias("event_date"), "rate")
        events = events.join(F.broadcast(keyed), ["currency", "event_date"], "left")
        rated = in_business_currency(F.col("amount_native"), F.col("rate"))
    else:
        rated = F.lit(None).cast("decimal(18,4)")
    amount = F.when(native, F.col("amount_native")).otherwise(rated)
    status = F.when(F.col("amount_native").isNull(), "none").when(amount.isNull(), NO_RATE).otherwise("ok")
    return events.drop("amount").select("*", amount.alias("amount"), status.alias("amount_status"))


def in_business_currency(native: Column, rate: Column) -> Column:
    """Native money at a rate, HALF_UP at 4 decimals; null where it does not fit."""
    return F.try_multiply(native, rate).try_cast("decimal(18,4)")


def with_rules(events: DataFrame, rules: Rules) -> DataFrame:
    """Adds the rules of events to `rules`, then the storage bucket; null rows of rejected text carry their parse rules
    only.
    """
    parsed = F.col("payload").isNotNull()
    found = F.when(parsed, named_rules(event_rules(rules)))
    key = F.coalesce("identity_key", "event_id", "record_id")
    return events.select(
        *(F.col(name) for name in events.columns if name != "rules"),
        with_earlier(found).alias("rules"),
        bucket(key, rules.buckets).alias("bucket"),
    )


def event_rules(rules: Rules) -> Mapping[str, Column]:
    """Rule name -> breach, for every rule that all sources share."""
    latest = F.timestamp_add("HOUR", F.lit(FUTURE_HOURS), "received_at")
    checks = {
        "missing:event_id": F.coalesce(F.trim("event_id"), F.lit("")) == "",
        "missing:event_time": F.col("event_time").isNull(),
        "missing:event_type": F.col("event_type").isNull() | (F.col("event_type") == CUSTOM_EVENT_PREFIX),
        "future": F.col("event_time") > latest,
        "before_1990": F.col("event_time") < F.lit(EARLIEST).cast("timestamp"),
        "unknown_channel": ~F.col("channel").isin(*CHANNELS),
        "unknown_currency": F.col("amount_native").isNotNull()
        & ~F.coalesce(F.col("currency").isin(*sorted(CURRENCIES)), F.lit(False)),
        "purchase_negative": (F.col("event_type") == "purchase") & (F.col("amount_native") < 0),
        "return_positive": (F.col("event_type") == "return") & (F.col("amount_native") > 0),
        "unreadable:amount": F.col("amount_native").isNull()
        & F.col("quantity").isNotNull()
        & F.col("unit_price").isNotNull(),
        "amount_out_of_range": F.abs("amount_native") > LARGEST_AMOUNT,
    }
    if rules.max_late_days is not None and rules.newest_date is not None:
        checks["too_late"] = F.date_diff(F.lit(rules.newest_date).cast("date"), "event_date") > rules.max_late_days
    return checks
