"""Silver events of made-up shoppers, for measuring what comes after ingestion: few active days, many events on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.lake.store import conform
from omniseg.tables import IDENTITIES, SILVER_EVENTS

TYPES = ("page_view", "page_view", "product_view", "cart_add", "purchase", "purchase", "email_open", "return")
TOGETHER = 64  # visits that are mixed: their first events come first, then their second ones
MIXER = 7_368_787  # a prime, which puts the visitors of a part in another order than that of their numbers
CHANNELS = ("web", "web", "mobile", "mobile", "pos", "pos", "email", "support")


@dataclass(frozen=True)
class Shoppers:
    """Each comes on `visits` days out of the `days` that end on `until`, with `events` on each of them."""

    customers: int
    visits: int
    events: int
    days: int
    until: date

    @property
    def number(self) -> int:
        """Events in all."""
        return self.customers * self.visits * self.events


def events_of(spark: SparkSession, shoppers: Shoppers, buckets: int) -> DataFrame:
    """Canonical events, the same in every run; batch 1 all days but the last, batch 2 the last one."""
    drafted = arrivals(spark, shoppers).select(
        "*",
        key_of("person").alias("identity_key"),
        one_of(TYPES, "id", 2).alias("event_type"),
        one_of(CHANNELS, "visit", 3).alias("channel"),
        (F.lit(1) + drawn("id", 20_000, 4)).cast("decimal(18,4)").alias("cents"),
    )
    sign = F.when(F.col("event_type") == "return", F.lit(-1)).otherwise(F.lit(1))
    bought = F.col("event_type").isin("purchase", "return")
    moment = F.col("event_date").cast("timestamp") + F.make_dt_interval(secs=F.col("second"))
    values: dict[str, Column] = {
        "event_id": F.concat(F.lit("e-"), F.col("id").cast("string")),
        "source": F.lit("made"),
        "event_time": moment,
        "event_date": F.col("event_date"),
        "received_at": moment,
        "channel": F.col("channel"),
        "event_type": F.col("event_type"),
        "identifiers": F.create_map(F.lit("loyalty"), F.col("identity_key")),
        "identity_key": F.col("identity_key"),
        "bucket": F.pmod(F.xxhash64("identity_key"), F.lit(buckets)).cast("int"),
        "session_id": F.concat(F.lit("s-"), F.col("visit").cast("string")),
        "order_id": F.when(bought, F.concat(F.lit("o-"), F.col("visit").cast("string"))),
        "product_id": F.concat(F.lit("p-"), drawn("id", 10_000, 5).cast("string")),
        "amount": F.when(bought, (sign * F.col("cents") / 100).cast("decimal(18,4)")),
        "discount": F.when(bought, (F.col("cents") / 1000).cast("decimal(18,4)")),
        "amount_status": F.lit("ok"),
        "currency": F.lit("EUR"),
        "is_bot": F.lit(False),
        "payload_hash": F.xxhash64("id"),
        "record_id": F.concat(F.lit("made-1-"), F.col("id").cast("string")),
        "batch_id": F.when(F.col("event_date") == F.lit(shoppers.until), F.lit(2)).otherwise(F.lit(1)).cast("bigint"),
    }
    rows = drafted.select(
        *(values.get(column.name, F.lit(None)).cast(column.type).alias(column.name) for column in SILVER_EVENTS.columns)
    )
    return conform(rows, SILVER_EVENTS)


def arrivals(spark: SparkSession, shoppers: Shoppers) -> DataFrame:
    """(id, visit, place in it, person, event_date, second of the day) in the order in which events arrive: visits that
    begin one after the other are mixed, and a shopper comes once in each of `visits` parts of the time.
    """
    visits = shoppers.customers * shoppers.visits
    id_, block, apart = F.col("id"), TOGETHER * shoppers.events, visits // TOGETHER * TOGETHER * shoppers.events
    mixed = id_ < apart  # the last few are not
    visit = F.when(mixed, F.floor(id_ / block) * TOGETHER + id_ % TOGETHER).otherwise(F.floor(id_ / shoppers.events))
    place = F.when(mixed, F.floor(id_ % block / TOGETHER)).otherwise(id_ % shoppers.events)
    rows = spark.range(shoppers.number).select("id", visit.alias("visit"), place.alias("place"))
    part, visitor = F.floor(F.col("visit") / shoppers.customers), F.col("visit") % shoppers.customers
    elapsed = F.col("visit") * shoppers.days  # days since the first one, times the number of visits
    age = shoppers.days - 1 - F.floor(elapsed / visits)
    return rows.select(
        "*",
        F.pmod(visitor * MIXER + part, F.lit(shoppers.customers)).alias("person"),
        F.date_sub(F.lit(shoppers.until), age.cast("int")).alias("event_date"),
        (8 * 3_600 + F.floor(elapsed % visits * (12 * 3_600) / visits) + F.col("place") * 60).alias("second"),
    )


def identities_of(spark: SparkSession, shoppers: Shoppers, buckets: int) -> DataFrame:
    """One identity per shopper."""
    first = F.lit(shoppers.until - timedelta(days=shoppers.days)).cast("timestamp")
    values: dict[str, Column] = {
        "identifier": key_of("id"),
        "identifier_type": F.lit("loyalty"),
        "bucket": F.pmod(F.xxhash64(key_of("id")), F.lit(buckets)).cast("int"),
        "surrogate": F.sha2(F.col("id").cast("string"), 256),
        "customer_id": F.sha2(F.col("id").cast("string"), 256),
        "first_seen": first,
        "valid_from": first,
        "batch_id": F.lit(1).cast("bigint"),
    }
    nothing = F.lit(None)
    columns = (values.get(column.name, nothing).cast(column.type).alias(column.name) for column in IDENTITIES.columns)
    return spark.range(shoppers.customers).select(*columns)


def key_of(person: str) -> Column:
    """A pseudonym of the usual length."""
    return F.concat(F.lit("loyalty:v1:"), F.sha2(F.concat(F.lit("key"), F.col(person).cast("string")), 256))


def one_of(words: Sequence[str], column: str, salt: int) -> Column:
    """A word that looks drawn."""
    return F.element_at(F.array(*map(F.lit, words)), (drawn(column, len(words), salt) + 1).cast("int"))


def drawn(column: str, number: int, salt: int) -> Column:
    """A number from 0 to number − 1 that looks drawn, the same for the same value of the column."""
    return F.pmod(F.xxhash64(F.col(column), F.lit(salt)), F.lit(number))
