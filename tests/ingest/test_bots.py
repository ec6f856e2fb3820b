"""Machines that do not say so: what counts as one, and that it does not depend on how deliveries were cut."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.bots import with_bots
from omniseg.ingest.bots import Limits, bot_days, busy_days, marked
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.tables import CUSTOMER_CHANGES, CUSTOMER_DAY, SILVER_EVENTS
from tests.crash import crash_at
from tests.features.rows import EVENT, frame
from tests.multiset import multiset

NOON = datetime(2024, 3, 5, 12, tzinfo=timezone.utc)
LIMITS = Limits(("web", "mobile"), per_minute=5, per_day=20)


def moments(many: int, every: float, *, start: float = 0.0) -> list[float]:
    """Seconds after noon of so many events."""
    return [start + every * number for number in range(many)]


# Visitor -> (channel, seconds after noon of its events).
MACHINES: Mapping[str, tuple[str, list[float]]] = {
    "six_in_a_minute": ("web", moments(6, 10)),
    "six_in_a_minute_of_the_app": ("mobile", moments(6, 9)),
    "twenty_one_in_a_day": ("web", moments(21, 61)),
}
PERSONS: Mapping[str, tuple[str, list[float]]] = {
    "five_in_a_minute": ("web", moments(5, 11.9)),
    "six_in_sixty_seconds_of_two_minutes": ("web", moments(6, 10, start=30)),
    "twenty_in_a_day": ("web", moments(20, 61)),
    "forty_at_a_till": ("pos", moments(40, 1)),
}


def visits(spark: SparkSession, visitors: Mapping[str, tuple[str, list[float]]], **changes: object) -> DataFrame:
    """Events of visitors, whose identity keys are their names."""
    rows = [
        {
            "identity_key": name,
            "channel": channel,
            "event_time": NOON + timedelta(seconds=seconds),
            "event_date": NOON.date(),
            "record_id": f"{name} {number}",
            **changes,
        }
        for name, (channel, every) in visitors.items()
        for number, seconds in enumerate(every)
    ]
    return frame(spark, SILVER_EVENTS, EVENT, *rows)


def machines(news: DataFrame, earlier: DataFrame) -> set[str]:
    """The visitors whose day is a machine's."""
    days = bot_days(news, earlier, busy_days(news, earlier, LIMITS), LIMITS)
    return {row.identity_key for row in bounded(days, 1000)}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> set[str]:
    """Machines among all visitors, in one batch."""
    events = visits(spark, {**MACHINES, **PERSONS})
    return machines(events, events.limit(0))


@pytest.mark.parametrize("visitor", [*MACHINES, *PERSONS])
def test_who_is_a_machine(found: set[str], visitor: str) -> None:
    assert (visitor in found) == (visitor in MACHINES)


def test_events_of_nobody_are_not_counted_together(spark: SparkSession) -> None:
    events = visits(spark, {"many": ("web", moments(50, 1))}, identity_key=None)
    assert machines(events, events.limit(0)) == set()


def test_two_business_days_are_two(spark: SparkSession) -> None:
    today = visits(spark, {"slow": ("web", moments(12, 61))})
    tomorrow = today.withColumn("event_date", F.lit(date(2024, 3, 6)))
    assert machines(today.unionByName(tomorrow), today.limit(0)) == set()


def test_earlier_batches_count_for_the_days_that_have_news(spark: SparkSession) -> None:
    before, now = visits(spark, {"split": ("web", moments(4, 1))}), visits(spark, {"split": ("web", moments(2, 10))})
    old = visits(spark, {"old": ("web", moments(9, 1))})
    assert machines(now, before.unionByName(old)) == {"split"}
    assert machines(now, before.limit(3)) == set()


def test_only_what_a_machine_did_on_its_channels_is_marked(spark: SparkSession) -> None:
    events = visits(spark, {"it": ("web", [0.0])}).unionByName(visits(spark, {"it": ("pos", [1.0])}))
    declared = visits(spark, {"other": ("web", [0.0])}, is_bot=True)
    days = events.select("identity_key", "event_date").distinct()
    rows = bounded(marked(events.unionByName(declared), days, LIMITS), 10)
    told = {(row.identity_key, row.channel): row.is_bot for row in rows}
    assert told == {("it", "web"): True, ("it", "pos"): False, ("other", "web"): True}
    assert len(rows) == 3


def test_a_later_batch_unmasks_what_an_earlier_one_brought_also_when_it_dies(lake: Lake) -> None:
    sets = [f"warehouse.root={lake.root}", "bots.events_per_minute=5", "bots.events_per_day=20"]
    settings = load_settings(env="local", conf=None, sets=sets, environ={})
    run = Run("ingest", settings, {}, date(2024, 3, 31), given_lake=lake)
    both = {"machine": ("web", moments(4, 1)), "person": ("web", moments(4, 1))}
    first = with_bots(run, 1, visits(lake.spark, both))
    assert bounded(first.where("is_bot"), 10) == []
    lake.replace_slice(SILVER_EVENTS, first, "batch_id = 1")
    day = {"identity_key": "machine", "event_date": NOON.date(), "bucket": 1, "batch_id": 1}
    lake.replace_slice(CUSTOMER_DAY, frame(lake.spark, CUSTOMER_DAY, day, {}), "true")
    second = visits(lake.spark, {"machine": ("web", moments(3, 10))}, batch_id=2)
    with crash_at("ingest.bots.before"):
        with_bots(run, 2, second)
    expected = multiset(second.withColumn("is_bot", F.lit(True)))
    assert multiset(with_bots(run, 2, second)) == expected
    kept = bounded(lake.read(SILVER_EVENTS), 10)
    assert {(row.identity_key, row.is_bot) for row in kept} == {("machine", True), ("person", False)}
    assert len(kept) == 8
    assert bounded(lake.read(CUSTOMER_DAY), 10) == []  # what counted the machine is built anew
    assert [(row.identity_key, row.batch_id) for row in bounded(lake.read(CUSTOMER_CHANGES), 10)] == [("machine", 2)]
    assert multiset(with_bots(run, 2, second)) == expected  # a batch that died later is written again
