"""Events per second of the simulator, from nothing to delivered files and truth tables, at growing sizes."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.simulate import simulate
from omniseg.lake.session import build_session
from omniseg.lake.store import Lake
from omniseg.runtime import Run, provide_keys
from omniseg.settings.load import load_settings
from omniseg.simulate.world.systems import SYSTEMS
from tests.benchmarks.results import write_section
from tests.benchmarks.test_ingest import Steps

CORES = 2
GOAL = 150_000  # events/s
CUSTOMERS = (10_000, 20_000, 40_000)  # some 20 events each
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
class Made:
    """One world."""

    customers: int
    events: int
    seconds: float
    steps: Mapping[str, float]


def world(spark: SparkSession, folder: Path, customers: int, steps: Steps) -> Made:
    """Simulate a world of so many customers, and count its records afterwards."""
    sets = [f"warehouse.root={folder / 'warehouse'}", f"landing.root={folder / 'landing'}"]
    settings = load_settings(env="local", conf=None, sets=sets, environ={})
    run = Run(
        "simulate", settings, {**OPTIONS, "customers": customers}, given_lake=Lake(spark, settings.warehouse.root)
    )
    steps.seconds.clear()
    started = time.monotonic()
    simulate(run)
    seconds = time.monotonic() - started
    return Made(
        customers, sum(delivered(spark, folder / "landing" / name) for name in SYSTEMS), seconds, dict(steps.seconds)
    )


def delivered(spark: SparkSession, folder: Path) -> int:
    """Records of one system; the first line of each CSV file is none."""
    files = list(folder.iterdir())
    if files[0].suffix == ".parquet":
        return spark.read.parquet(str(folder)).count()
    return spark.read.text(str(folder)).count() - sum(file.suffix == ".csv" for file in files)


@pytest.mark.bench
@pytest.mark.timeout(3600)
def test_simulation(tmp_path: Path) -> None:
    """A small world first, so that everything is compiled, then one of each size."""
    settings = load_settings(env="local", conf=None, sets=[f"warehouse.root={tmp_path}"], environ={})
    provide_keys(settings)
    spark = build_session("omniseg-bench", {**settings.spark, "spark.master": f"local[{CORES}]"})
    steps = Steps()
    logging.getLogger("omniseg").addHandler(steps)
    logging.getLogger("omniseg").setLevel(logging.INFO)
    warm_up = world(spark, tmp_path / "small", 500, steps)
    made = [world(spark, tmp_path / str(customers), customers, steps) for customers in CUSTOMERS]
    spark.stop()
    write_section("Simulation", lines(made, warm_up.seconds), cores=CORES)
    assert [one.customers for one in made] == list(CUSTOMERS)


def lines(made: Sequence[Made], warm_up: float) -> list[str]:
    """The section."""
    best, largest = max(one.events / one.seconds for one in made), made[-1]
    marginal = (largest.events - made[0].events) / (largest.seconds - made[0].seconds)
    verdict = "reached" if best >= GOAL else f"missed by a factor of {GOAL / best:.1f}"
    return [
        "From nothing to the files of ten systems, five masters and the truth tables; 30 days, usual dirt. The session",
        f"runs already and has made a small world ({warm_up:.0f} s). Goal: {GOAL:,} events/s on 2 cores; {verdict}.",
        f"Between the smallest and the largest world, {marginal:,.0f} further events took one second.",
        "",
        "| shoppers | records | seconds | records/s |",
        "|---:|---:|---:|---:|",
        *(
            f"| {one.customers:,} | {one.events:,} | {one.seconds:.1f} | {one.events / one.seconds:,.0f} |"
            for one in made
        ),
        "",
        f"Where the {largest.seconds:.1f} s of the largest went:",
        "",
        "| step | seconds |",
        "|---|---:|",
        *(f"| {name} | {seconds:.1f} |" for name, seconds in sorted(largest.steps.items(), key=lambda step: -step[1])),
    ]
