"""Ingesting one day into a warehouse of 90 and of 365 days: history must not cost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.commands.ingest import ingest
from omniseg.lake.session import build_session
from omniseg.lake.store import Lake
from omniseg.runtime import Run, provide_keys
from omniseg.settings.load import load_settings
from omniseg.tables import FILES, IDENTITIES, SILVER_EVENTS
from tests.benchmarks.results import write_section
from tests.benchmarks.shoppers import Shoppers, events_of, identities_of
from tests.benchmarks.test_ingest import deliver, settings_of

CORES = 2
HISTORIES = (90, 365)  # days
GOAL = 1.2  # times
UNTIL = date(2024, 3, 1)
CUSTOMERS, EVENTS_A_DAY = 5_000, 3_000
NEWS = 20_000  # events of the measured day
NIGHTS = 3  # measured, one after the other
MONTH = 30  # days of history that one batch brought


def opened(spark: SparkSession, folder: Path) -> Run:
    """A run of `ingest` that has not begun."""
    folder.mkdir(exist_ok=True)
    settings = load_settings(env="local", conf=None, sets=settings_of(folder), environ={})
    lake = Lake(spark, settings.warehouse.root)
    return Run("ingest", settings, {"format": "table"}, UNTIL, given_lake=lake)


def remember(run: Run, days: int) -> int:
    """A warehouse that has so many days behind it, in batches of a month; returns the events."""
    visits = EVENTS_A_DAY * days // (CUSTOMERS * 5)
    shoppers = Shoppers(CUSTOMERS, visits, 5, days, UNTIL)
    batch = 1 + F.floor(F.date_diff("event_date", F.lit(UNTIL)) / MONTH + days // MONTH + 1)
    rows = events_of(run.spark, shoppers, run.settings.lake.buckets).withColumn("batch_id", batch.cast("bigint"))
    for number in range(1, days // MONTH + 3):
        run.lake.append(SILVER_EVENTS, rows.where(F.col("batch_id") == number))
        taken = (f"made-{number}", "f", 1, datetime.now(timezone.utc), "h", 1, number, "taken", None)
        run.lake.append(FILES, run.spark.createDataFrame([taken], FILES.ddl))
    run.lake.append(IDENTITIES, identities_of(run.spark, shoppers, run.settings.lake.buckets))
    return shoppers.number


def nights(spark: SparkSession, folder: Path) -> list[float]:
    """Seconds of each measured night; one of a few events comes before them."""
    taken = []
    for night in range(NIGHTS + 1):
        deliver(folder, night, NEWS if night else 2_000)
        run = opened(spark, folder)
        started = time.monotonic()
        ingest(run)
        taken.append(time.monotonic() - started)
    return taken[1:]


@pytest.mark.bench
@pytest.mark.timeout(3600)
def test_nights_after_histories(tmp_path: Path) -> None:
    """The same news into each warehouse; the first warehouse also warms up."""
    settings = load_settings(env="local", conf=None, sets=[f"warehouse.root={tmp_path}"], environ={})
    provide_keys(settings)
    spark = build_session("omniseg-bench", {**settings.spark, "spark.master": f"local[{CORES}]"})
    deliver_warm_up(spark, tmp_path / "warm")
    events, seconds = {}, {}
    for days in HISTORIES:
        folder = tmp_path / str(days)
        events[days] = remember(opened(spark, folder), days)
        seconds[days] = nights(spark, folder)
    spark.stop()
    write_section("A night after a history", page(events, seconds), cores=CORES)
    assert seconds.keys() == set(HISTORIES)


def deliver_warm_up(spark: SparkSession, folder: Path) -> None:
    """Compile what the first warehouse would otherwise pay for."""
    run = opened(spark, folder)
    deliver(folder, 0, NEWS)
    ingest(run)


def page(events: Mapping[int, int], seconds: Mapping[int, Sequence[float]]) -> list[str]:
    """The section: the fastest night of each warehouse, and how far they lie apart."""
    best = {days: min(taken) for days, taken in seconds.items()}
    ratio = best[HISTORIES[1]] / best[HISTORIES[0]]
    return [
        f"Ingesting a day of {NEWS:,} events, session warm; the fastest of {NIGHTS} nights. Goal: {HISTORIES[1]} days",
        f"within {GOAL} times {HISTORIES[0]} days; {'reached' if ratio <= GOAL else 'missed'}: {ratio:.2f} times.",
        "",
        "| days of history | events in the warehouse | seconds of a night | all nights, s |",
        "|---:|---:|---:|---|",
        *(
            f"| {days} | {events[days]:,} | {best[days]:.1f} | {', '.join(f'{one:.1f}' for one in taken)} |"
            for days, taken in seconds.items()
        ),
    ]
