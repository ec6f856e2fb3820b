"""Worlds of growing size: records per second of the simulator, from nothing to delivered files and truth tables, and of
the ingest that takes them all in one night.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.ingest import ingest
from omniseg.commands.simulate import AT_ONCE, simulate
from omniseg.lake.session import build_session
from omniseg.lake.store import Lake
from omniseg.runtime import Run, provide_keys
from omniseg.settings.load import load_settings
from omniseg.settings.schema import Settings
from omniseg.simulate.world.systems import SYSTEMS
from tests.benchmarks.results import peak_memory, write_section
from tests.benchmarks.test_ingest import Steps

CORES = 2
GOAL = 150_000  # records/s of the simulator
RECORDS = int(os.environ.get("OMNISEG_BENCH_RECORDS", "20000000"))
SHARES = (20, 4, 1)  # a twentieth of them, a quarter, all
A_CUSTOMER = 16  # records of a month
OPTIONS = {
    "seed": 1,
    "first_day": "2025-01-01",
    "days": 30,
    "visit_events": 8.0,
    "overlap": 0.0,
    "equal": False,
    "shared_account": 0.0,
    "family_devices": 0.1,
    "bots": 0.01,
    "late_days": 3,
    "dirt": 1.0,
    "truth": None,
}


@dataclass(frozen=True)
class World:
    """One world: its records, and what simulating and ingesting them took."""

    customers: int
    records: int
    simulated: float
    ingested: float
    memory: int
    shuffled: int
    simulating: Mapping[str, float]
    ingesting: Mapping[str, float]


def settings_of(folder: Path) -> Settings:
    """The pack's settings on a folder."""
    sets = [f"warehouse.root={folder / 'warehouse'}", f"landing.root={folder / 'landing'}"]
    return load_settings(env="local", conf="conf:packs/simulated/settings.yml", sets=sets, environ={})


def world(spark: SparkSession, folder: Path, customers: int, steps: Steps) -> World:
    """Simulate a world of so many customers and ingest it; its records are counted in between."""
    settings, options = settings_of(folder), {**OPTIONS, "customers": customers, "format": "table"}
    lake = Lake(spark, settings.warehouse.root)

    def timed(command: Callable[[Run], None], name: str) -> tuple[float, dict[str, float]]:
        run = Run(name, settings, options, date(2025, 1, 31), given_lake=lake)
        steps.seconds.clear()
        started = time.monotonic()
        command(run)
        return time.monotonic() - started, dict(steps.seconds)

    simulated, simulating = timed(simulate, "simulate")
    records = sum(delivered(spark, folder / "landing" / name) for name in SYSTEMS)
    before = shuffle_bytes(spark)
    ingested, ingesting = timed(ingest, "ingest")
    shuffled = shuffle_bytes(spark) - before
    return World(customers, records, simulated, ingested, peak_memory(spark), shuffled, simulating, ingesting)


def shuffle_bytes(spark: SparkSession) -> int:
    """Bytes that tasks have written for shuffles so far."""
    executors = spark.sparkContext._jsc.sc().statusStore().executorList(False)
    return sum(int(executors.apply(place).totalShuffleWrite()) for place in range(executors.size()))


def delivered(spark: SparkSession, folder: Path) -> int:
    """Records of one system; the first line of each CSV file is none."""
    files = list(folder.iterdir())
    if files[0].suffix == ".parquet":
        return spark.read.parquet(str(folder)).count()
    return spark.read.text(str(folder)).count() - sum(file.suffix == ".csv" for file in files)


@pytest.mark.bench
@pytest.mark.timeout(10_800)
def test_simulation(tmp_path: Path) -> None:
    """A small world first, so that everything is compiled, then one of each size."""
    settings = settings_of(tmp_path)
    provide_keys(settings)
    spark = build_session("omniseg-bench", {**settings.spark, "spark.master": f"local[{CORES}]"})
    steps = Steps()
    logging.getLogger("omniseg").addHandler(steps)
    logging.getLogger("omniseg").setLevel(logging.INFO)
    small = world(spark, tmp_path / "small", 500, steps)
    made = [world(spark, tmp_path / str(share), RECORDS // share // A_CUSTOMER, steps) for share in SHARES]
    spark.stop()
    write_section("Simulation", page(made, small), cores=CORES)
    assert all(one.records for one in made)


def page(made: Sequence[World], small: World) -> list[str]:
    """The section."""
    best, least, largest = max(one.records / one.simulated for one in made), made[0], made[-1]
    verdict = "reached" if best >= GOAL else f"missed by a factor of {GOAL / best:.1f}"
    further = largest.records - least.records
    return [
        "From nothing to the files of ten systems, their masters and the truth tables; 30 days, usual dirt; then one",
        "ingest of all of them (JSON Lines, CSV, Parquet) into an empty warehouse. The session runs already and has",
        f"made and ingested a small world ({small.simulated:.0f} and {small.ingested:.0f} s). Goal of the simulator:",
        f"{GOAL:,} records/s on 2 cores; {verdict}. Between the smallest and the largest world, one second simulated",
        f"{further / (largest.simulated - least.simulated):,.0f} further records, and ingested",
        f"{further / (largest.ingested - least.ingested):,.0f}. Memory is the highest that driver and executor, one",
        "process here, have had by then.",
        "",
        "| shoppers | records | simulating, s | records/s | ingesting, s | records/s | shuffled, MB | memory, GiB |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
        *map(row, made),
        "",
        f"Where the time of the largest went, seconds (files are written {AT_ONCE} systems at once):",
        "",
        "| simulating | s | ingesting | s |",
        "|---|---:|---|---:|",
        *slowest(largest),
    ]


def row(one: World) -> str:
    """The figures of a world."""
    simulated = f"{one.simulated:.1f} | {one.records / one.simulated:,.0f}"
    ingested = f"{one.ingested:.1f} | {one.records / one.ingested:,.0f}"
    size = f"{one.shuffled / 1e6:,.0f} | {one.memory / 2**30:.1f}"
    return f"| {one.customers:,} | {one.records:,} | {simulated} | {ingested} | {size} |"


def slowest(one: World, most: int = 12) -> list[str]:
    """The longest steps of both, side by side."""
    sides = [sorted(steps.items(), key=lambda step: -step[1])[:most] for steps in (one.simulating, one.ingesting)]
    pairs = zip_longest(*sides, fillvalue=("", 0.0))
    return [
        "| " + " | ".join(f"{name} | {seconds:.1f}" if name else " | " for name, seconds in pair) + " |"
        for pair in pairs
    ]
