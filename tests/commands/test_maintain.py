"""`omniseg maintain`: fewer files, the same rows, nothing beyond its retention."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from omniseg.commands.deliveries import deliveries
from omniseg.commands.maintain import maintain
from omniseg.errors import ConfigError
from omniseg.lake.maintenance import DELTA_CHECK, delete_before, folder, live
from omniseg.runtime import record
from omniseg.settings.sources import load_declarations
from omniseg.tables import FILES, LOCKS, RAW_REJECTS, RUNS
from tests.commands.conftest import Project, listed

DAY = 24 * 3600


@pytest.fixture
def busy(project: Project) -> Project:
    """A project whose ops.runs consist of three small files, from three runs."""
    for _ in range(3):
        record(project.run("ingest"))
    return project


def maintained(project: Project, printed: Callable[[], str]) -> dict[str, dict[str, int]]:
    """Figures by table of a finished run."""
    printed()
    run = project.execute(maintain, "maintain", locks=True, format="json")
    assert run.exit_code == 0, run.detail
    return {row["table"]: row for row in listed(printed())}


def test_small_files_are_joined_and_every_row_stays(busy: Project, printed: Callable[[], str]):
    before = {row.run_id for row in busy.lake.read(RUNS).collect()}
    found = maintained(busy, printed)
    assert (found["ops.runs"]["files_before"], found["ops.runs"]["files_after"]) == (3, 1)
    assert set(found) == {"ops.runs", "ops.locks"}, "tables that do not exist are not made"
    after = {row.run_id for row in busy.lake.read(RUNS).collect()}
    assert (len(before), before < after, len(after)) == (3, True, 4)


def test_the_lease_of_this_very_run_is_left_alone(busy: Project, printed: Callable[[], str]):
    maintained(busy, printed)
    history = [row.operation for row in busy.lake.delta(LOCKS).history().collect()]
    assert "MERGE" in history
    assert "OPTIMIZE" not in history


def test_vacuum_frees_the_bytes_of_older_versions(busy: Project, printed: Callable[[], str]):
    busy.sets = ["lake.vacuum_hours=0"]
    busy.spark.conf.set(DELTA_CHECK, "false")
    try:
        maintain(busy.run("maintain", {"format": "json"}))
    finally:
        busy.spark.conf.unset(DELTA_CHECK)
    assert len(list((busy.folder / "warehouse" / "ops" / "runs").glob("*.parquet"))) == 1
    assert busy.lake.read(RUNS).count() == 3


def test_delta_s_own_retention_is_respected(busy: Project):
    busy.sets = ["lake.vacuum_hours=24"]
    before = live(busy.lake, RUNS)
    with pytest.raises(ConfigError, match=rf"lake.vacuum_hours: found 24, .*{DELTA_CHECK}"):
        maintain(busy.run("maintain"))
    assert live(busy.lake, RUNS) == before


def rejects(project: Project, *ages: int) -> None:
    """Texts in the vault that were delivered so many days ago."""
    now = datetime.now(timezone.utc)
    rows = [(f"r{age}", "clicks", "sealed", 1, now - timedelta(days=age)) for age in ages]
    project.lake.append(RAW_REJECTS, project.spark.createDataFrame(rows, RAW_REJECTS.ddl))


def test_texts_beyond_their_retention_are_forgotten(project: Project, printed: Callable[[], str]):
    rejects(project, 1, 29, 31, 400)
    printed()
    maintain(project.run("maintain"))
    assert "Vault: 2 texts older than 30 days deleted" in printed()
    assert sorted(row.vault_ref for row in project.lake.read(RAW_REJECTS).collect()) == ["r1", "r29"]


def test_forgetting_twice_forgets_nothing_more(project: Project):
    rejects(project, 1, 31)
    moment = datetime.now(timezone.utc) - timedelta(days=30)
    assert delete_before(project.lake, RAW_REJECTS, "stored_at", moment) == 1
    assert delete_before(project.lake, RAW_REJECTS, "stored_at", moment) == 0


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


def age(project: Project, name: str, days: int) -> None:
    """Make a delivered file look as old as that."""
    then = time.time() - days * DAY
    os.utime(project.folder / "landing" / "store_orders" / name, (then, then))


@pytest.fixture
def old_deliveries(empty_project: Project) -> Project:
    """Taken files of 40 and 5 days ago, one of 40 days ago that changed since, and one that nobody took yet."""
    for number, days in enumerate((40, 5, 40), start=1):
        empty_project.deliver(f"{number}.csv", f"R{number};1;01.01.2025 09:00;4001;1;2.50;Cup")
        age(empty_project, f"{number}.csv", days)
    empty_project.take()
    empty_project.deliver("3.csv", "R3;1;01.01.2025 09:00;4001;1;3.50;Cup")
    age(empty_project, "3.csv", 39)
    empty_project.deliver("4.csv", "R4;1;01.01.2025 09:00;4001;1;2.50;Cup")
    age(empty_project, "4.csv", 40)
    return empty_project


def lying(project: Project) -> list[str]:
    """Names of the files in the landing zone."""
    folder = project.folder / "landing" / "store_orders"
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


def test_the_landing_zone_is_the_operator_s_unless_told_otherwise(old_deliveries: Project, printed: Callable[[], str]):
    printed()
    maintain(old_deliveries.run("maintain"))
    assert "4 files" in printed()
    assert lying(old_deliveries) == ["1.csv", "2.csv", "3.csv", "4.csv"]


def test_only_old_taken_and_unchanged_files_are_removed(old_deliveries: Project, printed: Callable[[], str]):
    old_deliveries.sets = ["landing.retention_days=30"]
    printed()
    maintain(old_deliveries.run("maintain"))
    assert "1 taken files older than 30 days removed" in printed()
    assert lying(old_deliveries) == ["2.csv", "3.csv", "4.csv"]
    assert old_deliveries.lake.read(FILES).count() == 3, "the ledger still knows what was taken"
    run = old_deliveries.run("ingest")
    declarations = load_declarations(run.settings.sources.dir, run.settings)
    waiting = [Path(file.path).name for file in deliveries(run, declarations)["store_orders"]]
    assert waiting == ["3.csv", "4.csv"]


def test_a_folder_that_does_not_exist_holds_nothing(project: Project):
    assert folder(project.lake, str(project.folder / "nowhere")).files == 0
