"""D02, D03, D15, D16: what comes late or out of order, clocks that are wrong, and hours that do not exist."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from omniseg.expressions import column, compile_expression
from omniseg.ingest.dedupe import verdicts
from omniseg.lake.bounded import bounded
from tests.ingest.test_events import DAY, RECEIVED, RULES, judged, utc
from tests.ingest.test_exactly_once import NARROW_DDL

SEEDS = range(100)
HOUR = timedelta(hours=1)
NEWEST = "2024-03-05"
Narrow = tuple[str, str, int, datetime, date, int, str]


def arrivals(seed: int) -> list[Narrow]:
    """Twelve events of a month, each delivered one to three times, in two batches, in an order that the seed draws.

    A repetition is stamped anew, up to a day later; the record's name tells the event.
    """
    drawn = random.Random(seed)
    records = [
        (f"e{event}", utc("2024-03-01T12:00:00") + timedelta(days=2 * event, seconds=drawn.randrange(86_400)), copy)
        for event in range(12)
        for copy in range(drawn.randint(1, 3))
    ]
    drawn.shuffle(records)
    return [
        (f"seed{seed}", event, drawn.randint(1, 2), moment, moment.date(), hash_of(event), f"{seed}-{event}-{copy}")
        for event, moment, copy in records
    ]


def hash_of(event: str) -> int:
    """One payload per event."""
    return int(event[1:])


def test_D02_any_order_of_arrival_keeps_every_event_once(spark: SparkSession):
    """Every seed is a source of its own, so that one pass judges a hundred orders."""
    rows = [row for seed in SEEDS for row in arrivals(seed)]
    first = spark.createDataFrame([row for row in rows if row[2] == 1], NARROW_DDL)
    second = spark.createDataFrame([row for row in rows if row[2] == 2], NARROW_DDL)
    repeated = {row.record_id: row.verdict for row in bounded(verdicts(first, first.limit(0), window_days=35), 10_000)}
    accepted = [row for row in rows if row[2] == 1 and row[6] not in repeated]
    later = verdicts(second, spark.createDataFrame(accepted, NARROW_DDL), window_days=35)
    repeated |= {row.record_id: row.verdict for row in bounded(later, 10_000)}
    kept: dict[str, list[str]] = defaultdict(list)
    for source, event, *_, record in rows:
        if record not in repeated:
            kept[source].append(event)
    on_time = sorted(f"e{event}" for event in range(12))
    assert {source: sorted(events) for source, events in kept.items()} == {f"seed{seed}": on_time for seed in SEEDS}
    assert set(repeated.values()) == {"duplicate"}
    assert len(repeated) == len(rows) - 12 * len(SEEDS) > 500


# How much before the newest day an event lies (negative: after its delivery) -> what it breaks at a limit of 35 days.
LATE: Mapping[str, tuple[timedelta, list[str]]] = {
    "minutes": (timedelta(minutes=5), []),
    "1_day": (DAY, []),
    "7_days": (7 * DAY, []),
    "35_days": (35 * DAY, []),
    "36_days": (36 * DAY, ["too_late"]),
    "400_days": (400 * DAY, ["too_late"]),
}
AHEAD: Mapping[str, tuple[timedelta, list[str]]] = {
    "1_hour": (HOUR, []),
    "1_day": (DAY, []),
    "25_hours": (25 * HOUR, ["future"]),
    "10_years": (3_650 * DAY, ["future"]),
    "year_2999": (datetime(2999, 1, 1, tzinfo=timezone.utc) - RECEIVED, ["future"]),
}


@pytest.fixture(scope="module")
def clocked(spark: SparkSession) -> dict[str, Row]:
    """LATE, AHEAD and SKEWED at once, where 35 days late is late enough."""
    noon = utc(f"{NEWEST}T12:00:00")
    rows: dict[str, dict[str, Any]] = {f"late {name}": {"event_time": noon - by} for name, (by, _) in LATE.items()}
    rows |= {f"ahead {name}": {"event_time": RECEIVED + by} for name, (by, _) in AHEAD.items()}
    rows |= {f"skewed {name}": {"event_time": RECEIVED + by} for name, by in SKEWED.items()}
    return judged(spark, rows, replace(RULES, max_late_days=35, newest_date=NEWEST))


@pytest.mark.parametrize("name", LATE)
def test_D02_late_by(clocked: dict[str, Row], name: str):
    row = clocked[f"late {name}"]
    assert list(row.rules) == LATE[name][1]
    assert row.event_date == (utc(f"{NEWEST}T12:00:00") - LATE[name][0]).date()
    assert row.received_at == RECEIVED.replace(tzinfo=None)


@pytest.mark.parametrize("name", AHEAD)
def test_D02_D03_ahead_by(clocked: dict[str, Row], name: str):
    assert list(clocked[f"ahead {name}"].rules) == AHEAD[name][1]


# D16: a till whose clock is wrong by so much.
SKEWED = {"an_hour_fast": HOUR, "an_hour_slow": -HOUR, "a_day_fast": DAY, "a_day_slow": -DAY}


@pytest.mark.parametrize("name", SKEWED)
def test_D16_a_wrong_clock_is_kept_beside_the_time_of_delivery(clocked: dict[str, Row], name: str):
    row = clocked[f"skewed {name}"]
    assert list(row.rules) == []
    assert row.event_time - row.received_at == SKEWED[name]


def test_D16_a_clock_that_goes_back_gives_an_order_all_the_same(spark: SparkSession):
    """Two lines of one id, the second stamped before the first: time and payload decide, not the place in the file."""
    early, late = utc("2024-03-05T10:00:00"), utc("2024-03-05T11:00:00")
    first, second = (
        ("till", "e", 1, late, late.date(), 1, "first line"),
        ("till", "e", 1, early, early.date(), 2, "second"),
    )
    lines = [first, second]
    for order in (lines, lines[::-1]):
        frame = spark.createDataFrame(order, NARROW_DDL).repartition(2)
        found = bounded(verdicts(frame, frame.limit(0), window_days=35), 10)
        assert [(row.record_id, row.verdict) for row in found] == [("first line", "conflict")]


EPOCHS: Mapping[str, tuple[str, int, list[str]]] = {
    "seconds_as_seconds": ("timestamp_seconds(at)", 1_709_632_800, []),
    "milliseconds_as_milliseconds": ("timestamp_millis(at)", 1_709_632_800_000, []),
    "microseconds_as_microseconds": ("timestamp_micros(at)", 1_709_632_800_000_000, []),
    "seconds_as_milliseconds": ("timestamp_millis(at)", 1_709_632_800, ["before_1990"]),
    "milliseconds_as_microseconds": ("timestamp_micros(at)", 1_709_632_800_000, ["before_1990"]),
    "milliseconds_as_seconds": ("timestamp_seconds(at)", 1_709_632_800_000, ["missing:event_time"]),
    "microseconds_as_milliseconds": ("timestamp_millis(at)", 1_709_632_800_000_000, ["missing:event_time"]),
    "zero": ("timestamp_seconds(at)", 0, ["before_1990"]),
}


def test_D15_another_unit_of_time_than_declared_is_found_by_its_range(spark: SparkSession):
    schema = ", ".join(f"{name} BIGINT" for name in EPOCHS)
    given = spark.createDataFrame([tuple(case[1] for case in EPOCHS.values())], schema)
    read = given.select(
        *(
            column(compile_expression(text.replace("(at)", f"({name})"), columns={name: "BIGINT"})).alias(name)
            for name, (text, _, _) in EPOCHS.items()
        )
    )
    moments = bounded(read, 1)[0].asDict()
    rows = judged(spark, {name: {"event_time": moment} for name, moment in moments.items()})
    assert {name: list(row.rules) for name, row in rows.items()} == {name: case[2] for name, case in EPOCHS.items()}


def test_D15_years_1_and_9999_and_a_leap_day(spark: SparkSession):
    texts = {"first": "0001-01-02T00:00:00", "last": "9999-12-31T00:00:00", "leap": "2024-02-29T23:59:59"}
    rows = judged(spark, {name: {"event_time": utc(text)} for name, text in texts.items()})
    found = {name: list(row.rules) for name, row in rows.items()}
    assert found == {"first": ["before_1990"], "last": ["future"], "leap": []}
    assert rows["leap"].event_date == date(2024, 2, 29)


# Zone, what the wall clock showed -> the moment it is read as, and whether a clock could show it.
WALL = {
    "berlin_hour_that_is_skipped": ("Europe/Berlin", "30.03.2025 02:30", "2025-03-30 01:30:00", False),
    "berlin_before_it": ("Europe/Berlin", "30.03.2025 01:59", "2025-03-30 00:59:00", True),
    "berlin_after_it": ("Europe/Berlin", "30.03.2025 03:00", "2025-03-30 01:00:00", True),
    "berlin_hour_that_comes_twice_is_the_first": ("Europe/Berlin", "26.10.2025 02:30", "2025-10-26 00:30:00", True),
    "new_york_hour_that_is_skipped": ("America/New_York", "09.03.2025 02:30", "2025-03-09 07:30:00", False),
    "lord_howe_half_hour_that_is_skipped": ("Australia/Lord_Howe", "05.10.2025 02:15", "2025-10-04 15:45:00", False),
    "lord_howe_after_it": ("Australia/Lord_Howe", "05.10.2025 02:30", "2025-10-04 15:30:00", True),
    "kolkata_half_hours": ("Asia/Kolkata", "05.03.2024 05:30", "2024-03-05 00:00:00", True),
}
READ = "to_timestamp(sold_at, 'dd.MM.yyyy HH:mm')"


@pytest.mark.parametrize("scenario", WALL)
def test_D15_a_wall_clock_that_nothing_could_show_is_told_by_the_way_back(spark: SparkSession, scenario: str):
    zone, shown, moment, possible = WALL[scenario]
    given = spark.createDataFrame([(shown,)], "sold_at STRING")
    texts = {"moment": f"to_timestamp({READ})", "possible": f"date_format({READ}, 'dd.MM.yyyy HH:mm') = sold_at"}
    made = {
        name: column(compile_expression(text, columns={"sold_at": "STRING"}, time_zone=zone)).cast("string")
        for name, text in texts.items()
    }
    row = bounded(given.select(*(value.alias(name) for name, value in made.items())), 1)[0]
    assert (row.moment, row.possible) == (moment, str(possible).lower())
