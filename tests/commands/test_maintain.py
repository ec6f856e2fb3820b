"""`omniseg maintain`: fewer files, the same rows, nothing beyond its retention."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.deliveries import deliveries
from omniseg.commands.maintain import clear_landing, maintain
from omniseg.errors import ConfigError
from omniseg.lake.maintenance import DELTA_CHECK, delete_before, folder, live
from omniseg.runtime import Run, record
from omniseg.settings.sources import load_declarations
from omniseg.tables import FILES, LOCKS, RAW_REJECTS, RUNS
from tests.commands.conftest import Project, listed, make

DAY = 24 * 3600


@dataclass(frozen=True)
class Busy:
    """A project after `maintain`, the runs that it had before, the figures by table, and what lay in the folder of
    ops.runs before this very run was recorded there.
    """

    project: Project
    before: set[str]
    figures: dict[str, dict[str, Any]]
    files: list[Path]


@pytest.fixture(scope="module")
def busy(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Busy:
    """A project whose ops.runs consist of three small files, from three runs, kept up as the command does it."""
    project = Project(make(tmp_path_factory.mktemp("busy") / "project"), spark, ["lake.vacuum_hours=0"])
    for _ in range(3):
        record(project.run("ingest"))
    before = run_ids(project)
    files: list[Path] = []

    def maintained(run: Run) -> None:
        maintain(run)
        files.extend((project.folder / "warehouse" / "ops" / "runs").glob("*.parquet"))

    spark.conf.set(DELTA_CHECK, "false")
    try:
        with redirect_stdout(io.StringIO()) as printed:
            run = project.execute(maintained, "maintain", locks=True, format="json")
    finally:
        spark.conf.unset(DELTA_CHECK)
    assert run.exit_code == 0, run.detail
    return Busy(project, before, {row["table"]: row for row in listed(printed.getvalue())}, files)


def run_ids(project: Project) -> set[str]:
    """The runs that ops.runs know."""
    return {row.run_id for row in project.lake.read(RUNS).collect()}


def test_small_files_are_joined_and_every_row_stays(busy: Busy):
    assert (busy.figures["ops.runs"]["files_before"], busy.figures["ops.runs"]["files_after"]) == (3, 1)
    assert set(busy.figures) == {"ops.runs", "ops.locks"}, "tables that do not exist are not made"
    after = run_ids(busy.project)
    assert (len(busy.before), busy.before < after, len(after)) == (3, True, 4)


def test_the_lease_of_this_very_run_is_left_alone(busy: Busy):
    history = [row.operation for row in busy.project.lake.delta(LOCKS).history().collect()]
    assert "MERGE" in history
    assert "OPTIMIZE" not in history


def test_vacuum_frees_the_bytes_of_older_versions(busy: Busy):
    assert len(busy.files) == 1
    assert busy.project.lake.read(RUNS).count() == 4, "with the row of this very run"


def test_delta_s_own_retention_is_respected(busy: Busy):
    before = live(busy.project.lake, RUNS)
    with pytest.raises(ConfigError, match=rf"lake.vacuum_hours: found 24, .*{DELTA_CHECK}"):
        maintain(busy.project.run("maintain", sets=("lake.vacuum_hours=24",)))
    assert live(busy.project.lake, RUNS) == before


def test_what_killed_runs_left_is_removed(project: Project, printed: Callable[[], str]):
    left = project.folder / "warehouse" / "_work" / "ingest-killed" / "orders" / "part-0.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"12345678")
    printed()
    maintain(project.run("maintain"))
    assert "Work folder: 1 files of unfinished runs removed, 8 bytes." in printed()
    assert not (project.folder / "warehouse" / "_work").exists()
    maintain(project.run("maintain"))
    assert "Work folder" not in printed()


def rejects(project: Project, *ages: int) -> None:
    """Texts in the vault that were delivered so many days ago."""
    now = datetime.now(timezone.utc)
    rows = [(f"r{age}", "clicks", "sealed", 1, now - timedelta(days=age)) for age in ages]
    project.lake.append(RAW_REJECTS, project.spark.createDataFrame(rows, RAW_REJECTS.ddl))


def deliver(project: Project, number: int, price: str, *, days: int) -> None:
    """A file with one line, delivered so many days ago."""
    project.deliver(f"{number}.csv", f"R{number};1;01.01.2025 09:00;4001;1;{price};Cup")
    then = time.time() - days * DAY
    os.utime(project.folder / "landing" / "store_orders" / f"{number}.csv", (then, then))


def lying(project: Project) -> list[str]:
    """Names of the files in the landing zone."""
    folder = project.folder / "landing" / "store_orders"
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


@dataclass(frozen=True)
class Old:
    """A project after `maintain` with a retention of deliveries; what it printed, and what was left of them.

    Before it, the same step without a retention: its words, and the files then.
    """

    project: Project
    words: str
    kept: list[str]
    printed: str
    left: list[str]


@pytest.fixture(scope="module")
def old(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Old:
    """Taken files of 40 and 5 days ago, one of 40 days ago that changed since, and one that nobody took yet; and texts
    of many ages in the vault.
    """
    project = Project(make(tmp_path_factory.mktemp("old") / "project"), spark)
    (project.folder / "landing" / "store_orders" / "store_orders_2025q1.csv").unlink()
    for number, days in enumerate((40, 5, 40), start=1):
        deliver(project, number, "2.50", days=days)
    project.take()
    deliver(project, 3, "3.50", days=39)
    deliver(project, 4, "2.50", days=40)
    rejects(project, 1, 29, 31, 400)
    words, kept = "".join(clear_landing(project.run("maintain"))), lying(project)
    with redirect_stdout(io.StringIO()) as printed:
        maintain(project.run("maintain", sets=("landing.retention_days=30",)))
    return Old(project, words, kept, printed.getvalue(), lying(project))


def test_the_landing_zone_is_the_operator_s_unless_told_otherwise(old: Old, busy: Busy):
    assert "4 files" in old.words
    assert old.kept == ["1.csv", "2.csv", "3.csv", "4.csv"]
    assert lying(busy.project) == ["store_orders_2025q1.csv"]


def test_only_old_taken_and_unchanged_files_are_removed(old: Old):
    assert "1 taken files older than 30 days removed" in old.printed
    assert old.left == ["2.csv", "3.csv", "4.csv"]
    assert old.project.lake.read(FILES).count() == 3, "the ledger still knows what was taken"
    run = old.project.run("ingest")
    declarations = load_declarations(run.settings.sources.dir, run.settings)
    waiting = [Path(file.path).name for file in deliveries(run, declarations)["store_orders"]]
    assert waiting == ["3.csv", "4.csv"]


def test_texts_beyond_their_retention_are_forgotten(old: Old):
    assert "Vault: 2 texts older than 30 days deleted" in old.printed
    assert sorted(row.vault_ref for row in old.project.lake.read(RAW_REJECTS).collect()) == ["r1", "r29"]


def test_forgetting_twice_forgets_nothing_more(old: Old):
    moment = datetime.now(timezone.utc) - timedelta(days=30)
    assert delete_before(old.project.lake, RAW_REJECTS, "stored_at", moment) == 0


def test_a_folder_that_does_not_exist_holds_nothing(project: Project):
    assert folder(project.lake, str(project.folder / "nowhere")).files == 0
