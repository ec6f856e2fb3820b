"""Killed anywhere and started again: the same tables as one clean run. Of two runs at once one says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg import faults
from omniseg.commands.nightly import nightly
from omniseg.errors import LockHeld
from omniseg.lake.bounded import bounded
from omniseg.lake.locks import Lease, process_start
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.tables import ALL, LOCKS, MIGRATIONS, RUNS, SEGMENT_SNAPSHOTS, SNAPSHOT_MANIFEST, SNAPSHOT_POINTER, Table
from tests.conftest import SMALL
from tests.crash import crash_at
from tests.ingest.conftest import ORDERS_JSON, order
from tests.ingest.test_money_and_references import PRODUCT_MASTER
from tests.multiset import multiset
from tests.small_vector import declare_vector, vector_sets

# What differs between two runs by nature: clocks, run ids, and everything that only says how a run went.
UNCOMPARED = {RUNS.name, LOCKS.name, MIGRATIONS.name}
VOLATILE = {
    SNAPSHOT_MANIFEST.name: ("run_id", "created_at"),
    SNAPSHOT_POINTER.name: ("published_at", "by"),
}
AS_OF = date(2024, 3, 31)
# Passed only where a batch corrects events of earlier ones: test_money_and_references.py, test_bots.py of tests/ingest.
CORRECTIONS = ("ingest.rates.before", "ingest.bots.before")
KILLED = ("ingest.quarantine.before", "snapshot.manifest.before")  # by a real SIGKILL; elsewhere the point raises
pytestmark = pytest.mark.timeout(2400)


def deliver(folder: Path) -> None:
    """A small landing zone: 60 customers of two kinds, some dirt, a product master."""
    (folder / "sources").mkdir(parents=True)
    (folder / "sources" / "orders.yml").write_text(ORDERS_JSON)
    (folder / "sources" / "products.yml").write_text(PRODUCT_MASTER)
    declare_vector(folder)
    often = [
        order(
            id=f"o-{card}-{day}", card=f"{card}", basket=f"b-{card}-{day}", at=f"2024-03-{day:02d}T10:00:00Z", price=40
        )
        for card in range(1, 31)
        for day in range(1, 31, 3)
    ]
    once = [
        order(id=f"x-{card}", card=f"{card}", basket=f"b-{card}", at="2023-09-01T10:00:00Z") for card in range(31, 61)
    ]
    files = {
        "orders/1.jsonl": [*often, *once, often[0], order(id="bad", price=-1), "{"],
        "products/1.csv": ["product_id", "p1"],
    }
    for name, lines in files.items():
        (folder / "landing" / name).parent.mkdir(parents=True, exist_ok=True)
        file = folder / "landing" / name
        file.write_text("\n".join(lines) + "\n")
        os.utime(file, (1_712_000_000, 1_712_000_000))


def sets(folder: Path, landing: Path) -> list[str]:
    """The settings of a run on `landing` into `folder`."""
    return [
        f"warehouse.root={folder / 'warehouse'}",
        f"mlflow.tracking_uri=sqlite:///{folder / 'mlflow.db'}",
        f"reports.dir={folder / 'reports'}",
        f"landing.root={landing / 'landing'}",
        f"sources.dir={landing / 'sources'}",
        *vector_sets(landing),
        "model.segments=2",
        "model.leaves=4",
        "lake.buckets=2",
        "business.currency=EUR",
    ]


def night(spark: SparkSession, folder: Path, landing: Path, as_of: date = AS_OF, *more: str) -> Lake:
    """The night's work, in this process."""
    settings = load_settings(env="local", conf=None, sets=[*sets(folder, landing), *more], environ={})
    lake = Lake(spark, settings.warehouse.root)
    nightly(Run("run", settings, {}, as_of, given_lake=lake))
    return lake


def content(lake: Lake, table: Table) -> tuple[int, Decimal] | None:
    """Rows and multiset hash of a table; paths of the warehouse do not enter."""
    if table.name in UNCOMPARED or not lake.exists(table):
        return None
    return multiset(lake.read(table).drop(*VOLATILE.get(table.name, ())))


def contents(lake: Lake) -> dict[str, tuple[int, Decimal] | None]:
    """Every table."""
    return {table.name: content(lake, table) for table in ALL}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One landing zone for all."""
    folder = tmp_path_factory.mktemp("zone")
    deliver(folder)
    return folder


@pytest.fixture(scope="module")
def unharmed(spark: SparkSession, landing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The tables after one clean night."""
    return dict(contents(night(spark, tmp_path_factory.mktemp("clean"), landing)))


def test_one_clean_night(unharmed: dict[str, object]) -> None:
    assert unharmed[SEGMENT_SNAPSHOTS.name][0] == 60  # type: ignore[index]
    assert unharmed["silver.events"][0] == 330  # type: ignore[index]
    assert unharmed["silver.events_quarantine"][0] == 2  # type: ignore[index]


def killed(folder: Path, landing: Path, point: str) -> None:
    """A night in a process of its own, which dies by a real SIGKILL and leaves its lease behind."""
    given = [*sets(folder, landing), *(f"{key}={value}" for key, value in SMALL.items())]
    options = [word for text in given for word in ("--set", text)]
    command = [sys.executable, "-m", "omniseg", "run", "--as-of", AS_OF.isoformat(), *options]
    died = subprocess.run(command, env={**os.environ, faults.VARIABLE: point}, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL


def test_F01_killed_at_every_point_one_night_after_the_other(
    spark: SparkSession, landing: Path, tmp_path: Path, unharmed: dict[str, object]
) -> None:
    """Each point ends one attempt; every attempt goes on where the last one died, as a scheduler's retries would."""
    lake = Lake(spark, str(tmp_path / "warehouse"))
    for point in (point for point in faults.POINTS if point not in CORRECTIONS):
        if point in KILLED:
            killed(tmp_path, landing, point)
            assert bounded(lake.read(LOCKS), 1)[0].holder != ""  # the lease of the dead run is still there
            continue
        with crash_at(point):
            night(spark, tmp_path, landing)
        assert lake.exists(SNAPSHOT_POINTER) == (point == faults.POINTS[-1])
    with Lease(lake, "after", 900):
        assert contents(night(spark, tmp_path, landing)) == unharmed


def test_an_unregistered_point_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(faults.VARIABLE, faults.POINTS[0])
    with pytest.raises(KeyError, match="nowhere"):
        faults.crash_here("nowhere")


def test_F04_the_second_of_two_runs_is_told_who_holds_the_lock(lake: Lake) -> None:
    with Lease(lake, "first", 900):
        with pytest.raises(LockHeld, match="first") as refused, Lease(lake, "second", 900):
            pytest.fail("two runs held one lock")
        assert refused.value.exit_code == 9
    with Lease(lake, "third", 900):
        assert bounded(lake.read(LOCKS), 1)[0].holder == "third"


def test_a_dead_process_holds_no_lock(lake: Lake) -> None:
    with Lease(lake, "mine", 900):
        dead = lake.read(LOCKS).withColumns({"holder": F.lit("dead"), "pid": F.lit(2**22 + 1).cast("bigint")})
        lake.replace_slice(LOCKS, dead.localCheckpoint(), "true")
        with Lease(lake, "next", 900):
            assert bounded(lake.read(LOCKS), 1)[0].holder == "next"


def test_an_expired_lease_of_another_machine_is_free(lake: Lake) -> None:
    with Lease(lake, "mine", 900):
        gone = {
            "holder": F.lit("away"),
            "host": F.lit("elsewhere"),
            "expires_at": F.lit("2024-01-01").cast("timestamp"),
        }
        lake.replace_slice(LOCKS, lake.read(LOCKS).withColumns(gone).localCheckpoint(), "true")
        with Lease(lake, "next", 900):
            assert bounded(lake.read(LOCKS), 1)[0].holder == "next"


def test_this_process_runs_and_a_free_number_does_not() -> None:
    assert process_start(os.getpid()) != ""
    assert process_start(2**22 + 1) == ""
