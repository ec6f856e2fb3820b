"""Events per second from raw file to silver.events: JSON Lines of about 500 bytes, pseudonyms, dedupe and rules on."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.ingest import ingest
from omniseg.lake.session import build_session
from omniseg.lake.store import Lake
from omniseg.runtime import Run, provide_keys
from omniseg.settings.load import load_settings
from tests.benchmarks.results import write_section
from tests.ingest.conftest import ORDERS_JSON, order

FILES = 20
CORES = 2
GOAL = 60_000  # events/s
SIZES = (100_000, 400_000, 1_600_000, 100_000)  # events of one batch; the last one again, to see what history costs
NOTE = "n" * 330  # fills a line up to about 500 bytes


def deliver(folder: Path, batch: int, events: int) -> None:
    """One batch of `events` lines in FILES files, as one night brings them."""
    for number in range(FILES):
        lines = (
            order(
                id=f"{batch}-{number}-{line}",
                at=f"2024-03-{batch + 1:02d}T10:00:00Z",
                card=str(line % 50_000),
                basket=f"{batch}-{line // 10}",
                note=NOTE,
            )
            for line in range(events // FILES)
        )
        file = folder / "landing" / "orders" / f"{batch:02d}-{number:02d}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def settings_of(folder: Path) -> list[str]:
    """Everything below one folder."""
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "sources" / "orders.yml").write_text(ORDERS_JSON, encoding="utf-8")
    return [
        f"warehouse.root={folder / 'warehouse'}",
        f"landing.root={folder / 'landing'}",
        f"sources.dir={folder / 'sources'}",
    ]


def seconds_of(spark: SparkSession, folder: Path) -> float:
    """One ingest of what lies there."""
    settings = load_settings(env="local", conf=None, sets=settings_of(folder), environ={})
    run = Run(
        "ingest", settings, {"format": "table"}, date(2024, 3, 31), given_lake=Lake(spark, settings.warehouse.root)
    )
    started = time.monotonic()
    ingest(run)
    return time.monotonic() - started


class Steps(logging.Handler):
    """Seconds of each step of the last run, as its progress lines tell them."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.seconds: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("✓") and isinstance(record.args, tuple):
            name, taken = record.args
            self.seconds[str(name)] = float(str(taken))


@pytest.mark.bench
@pytest.mark.timeout(3600)
def test_ingestion(tmp_path: Path) -> None:
    """Warm up on a small batch, then one batch of each size into the same warehouse."""
    settings = load_settings(env="local", conf=None, sets=settings_of(tmp_path), environ={})
    provide_keys(settings)  # before Spark starts: its Python workers inherit the environment
    spark = build_session("omniseg-bench", {**settings.spark, "spark.master": f"local[{CORES}]"})
    steps = Steps()
    logging.getLogger("omniseg").addHandler(steps)
    logging.getLogger("omniseg").setLevel(logging.INFO)
    deliver(tmp_path, 0, 20_000)
    warm_up = seconds_of(spark, tmp_path)
    taken = []
    for batch, events in enumerate(SIZES, start=1):
        deliver(tmp_path, batch, events)
        steps.seconds.clear()
        taken.append((events, seconds_of(spark, tmp_path)))
        if events == max(SIZES):
            largest = dict(steps.seconds)
    spark.stop()
    write_section("Ingestion", page(taken, largest, warm_up), cores=CORES)
    assert len(taken) == len(SIZES)


def page(taken: Sequence[tuple[int, float]], steps: Mapping[str, float], warm_up: float) -> list[str]:
    """The section: events/s batch by batch, and where the time of the largest went."""
    best = max(events / seconds for events, seconds in taken)
    (smallest, least), *_, (largest, whole) = sorted(taken)
    further = (largest - smallest) / (whole - least)
    verdict = "reached" if best >= GOAL else f"missed by a factor of {GOAL / best:.1f}"
    return [
        "JSON Lines of about 500 bytes, from the raw file to the committed batch in `silver.events`; pseudonyms,",
        f"search for duplicates and quality rules on; {FILES} files a batch, one batch after the other. The session",
        f"runs already (its first batch, of 20,000 events, which also creates the tables: {warm_up:.0f} s).",
        f"Goal: {GOAL:,} events/s on 2 cores; {verdict}. Between the smallest and the largest batch, {further:,.0f}",
        "further events took one second; the rest is the fixed cost of a night, of planning and commits.",
        "",
        "| events in the batch | seconds | events/s |",
        "|---:|---:|---:|",
        *(f"| {events:,} | {seconds:.1f} | {events / seconds:,.0f} |" for events, seconds in taken),
        "",
        f"Where the {whole:.1f} s of the largest batch went:",
        "",
        "| step | seconds | events/s of this step alone |",
        "|---|---:|---:|",
        *(
            f"| {name} | {seconds:.1f} | {largest / seconds:,.0f} |"
            for name, seconds in sorted(steps.items(), key=lambda step: -step[1])
            if seconds >= 0.1
        ),
        "",
    ]
