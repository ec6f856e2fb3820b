"""Events per second from raw file to silver.events: JSON Lines of about 500 bytes, pseudonyms, dedupe and rules on."""

from __future__ import annotations

import json
import platform
import time
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.ingest import ingest
from omniseg.lake.session import build_session
from omniseg.lake.store import Lake
from omniseg.runtime import Run, provide_keys
from omniseg.settings.load import load_settings
from tests.ingest.conftest import ORDERS_JSON, order

RESULTS = Path(__file__).parents[2] / "docs" / "performance.md"
FILES = 20
SIZES = (100_000, 400_000, 800_000)  # events of one batch
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


@pytest.mark.bench
@pytest.mark.timeout(3600)
def test_ingestion(tmp_path: Path) -> None:
    """Warm up on a small batch, then one batch of each size into the same warehouse."""
    settings = load_settings(env="local", conf=None, sets=settings_of(tmp_path), environ={})
    provide_keys(settings)  # before Spark starts: its Python workers inherit the environment
    spark = build_session("omniseg-bench", {**settings.spark, "spark.master": "local[2]"})
    deliver(tmp_path, 0, 20_000)
    warm_up = seconds_of(spark, tmp_path)
    rows = []
    for batch, events in enumerate(SIZES, start=1):
        deliver(tmp_path, batch, events)
        taken = seconds_of(spark, tmp_path)
        rows.append((events, taken, events / taken))
    spark.stop()
    write_results(rows, warm_up, len(json.loads(order(note=NOTE))))
    assert len(rows) == len(SIZES)


def write_results(rows: list[tuple[int, float, float]], warm_up: float, fields: int) -> None:
    """The table of docs/performance.md."""
    machine = f"{platform.machine()}, local[2], Python {platform.python_version()}"
    lines = [
        "# Figures",
        "",
        f"Written by `make bench`. Machine: {machine}. JSON Lines of about 500 bytes, {fields} fields,",
        f"{FILES} files a batch; pseudonyms, dedupe and quality rules on; session running",
        f"(first batch, 20,000 events: {warm_up:.0f} s).",
        "",
        "| events in the batch | seconds, raw file to committed batch | events/s |",
        "|---:|---:|---:|",
        *(f"| {events:,} | {taken:.1f} | {rate:,.0f} |" for events, taken, rate in rows),
        "",
    ]
    RESULTS.write_text("\n".join(lines), encoding="utf-8")
