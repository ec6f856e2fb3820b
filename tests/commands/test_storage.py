"""F10, F13: full disks and damaged logs end a run with a hint instead of a stack trace, and leave nothing half done."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.commands import runs
from omniseg.ingest.accounting import Account
from omniseg.lake.bounded import bounded
from omniseg.lake.damage import storage_failure, told_by
from omniseg.lake.store import Lake
from omniseg.runtime import Run, execute, record
from omniseg.settings.load import load_settings
from omniseg.tables import QUARANTINE, RUNS
from tests.ingest.conftest import ORDERS_JSON, Shop, order

MEGABYTES = 48
COMMITS = 4


def forget(spark: SparkSession) -> None:
    """What Delta remembers of logs that it has read, as a new process would not."""
    assert spark._jvm is not None
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()


@pytest.fixture
def warehouse(lake: Lake) -> Run:
    """A run of `runs list` on a warehouse in which some runs have ended."""
    settings = load_settings(env="local", conf=None, sets=[f"warehouse.root={lake.root}"], environ={})
    run = Run("runs list", settings, {"format": "json"}, given_lake=lake)
    for number in range(COMMITS):
        run.run_id, run.accounts = f"run-{number}", [Account("till")]
        record(run)
    return run


def log_file(run: Run, version: int) -> Path:
    """One commit of ops.runs; the first one creates the table."""
    return Path(run.lake.path(RUNS)) / "_delta_log" / f"{version:020d}.json"


def torn(run: Run) -> None:
    """The newest commit is cut, as a disk leaves it that lost power."""
    file = log_file(run, COMMITS)
    file.write_bytes(file.read_bytes()[:-40])
    (file.parent / f".{file.name}.crc").unlink()


def gap(run: Run) -> None:
    """A commit in the middle is gone."""
    log_file(run, 2).unlink()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(torn, "/ops/runs/ is damaged: 00000000000000000004.json cannot be read", id="torn"),
        pytest.param(gap, "the log of table ops.runs is damaged: Versions (0, 1, 3, 4) are not contiguous", id="gap"),
    ],
)
def test_F13_a_damaged_log_is_named_with_a_hint(
    warehouse: Run, capfd: pytest.CaptureFixture[str], damage: Callable[[Run], None], told: str
):
    damage(warehouse)
    forget(warehouse.spark)
    assert execute(warehouse, runs.show_list, locks=False) == 12
    shown = capfd.readouterr()
    mine = [line for line in shown.err.splitlines() if line.startswith("omniseg runs list:")]
    assert len(mine) == 1
    assert told in mine[0]
    assert "restore it from a backup" in mine[0]
    assert "Traceback" not in shown.err


def test_F13_an_emptied_commit_is_not_taken_for_one_of_nothing(warehouse: Run, capfd: pytest.CaptureFixture[str]):
    log_file(warehouse, COMMITS).write_bytes(b"")
    forget(warehouse.spark)
    assert len(bounded(warehouse.lake.read(RUNS), 100)) == COMMITS - 1  # what Delta makes of it
    assert execute(warehouse, runs.show_list, locks=True) == 12
    shown = capfd.readouterr()
    assert "/ops/runs/ is damaged: 00000000000000000004.json is empty; restore it from a backup" in shown.err
    assert len(list(log_file(warehouse, 0).parent.glob("*.json"))) == COMMITS + 1  # nothing was written


def test_F13_what_lies_in_a_table_without_being_committed_is_seen_by_nobody(warehouse: Run):
    folder = Path(warehouse.lake.path(RUNS))
    part = next(folder.glob("part-*.parquet"))
    (folder / f"part-stray-{part.name}").write_bytes(part.read_bytes())
    (folder / "_delta_log" / "_last_checkpoint").write_text("{torn")
    forget(warehouse.spark)
    assert sorted(row.run_id for row in bounded(warehouse.lake.read(RUNS), 100)) == [f"run-{n}" for n in range(COMMITS)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("java.io.IOException: No space left on device\n\tat x", "a disk is full", id="full"),
        pytest.param("[DELTA_LOG_FILE_NOT_FOUND] Unable to retrieve\n\tat x", "Unable to retrieve", id="log_gone"),
        pytest.param("Encountered error while reading file s3a://b/w/_delta_log/7.json. SQL", "s3a://b/w/", id="torn"),
        pytest.param("reading file s3a://b/w/part-1.parquet. SQL", None, id="data_file_is_no_log"),
        pytest.param("NullPointerException", None, id="a_bug_stays_a_bug"),
    ],
)
def test_what_is_told_of_an_error(text: str, told: str | None):
    found = storage_failure(RuntimeError(text))
    assert (found is None) == (told is None)
    if found is not None:
        assert str(told) in str(found)
        assert "\n" not in str(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("An error occurred while calling o1.x.\n: java.io.E: gone\n\tat x", "java.io.E: gone", id="java"),
        pytest.param("[CANNOT_READ] why\n\nstack", "[CANNOT_READ] why", id="spark"),
        pytest.param("", "RuntimeError", id="nothing"),
    ],
)
def test_the_first_line_of_an_error(text: str, told: str):
    assert told_by(RuntimeError(text)) == told


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of a few megabytes; only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting needs rights that this user does not have: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> Path:
    """A file that leaves no room."""
    file = place / "filler"
    with file.open("wb", buffering=0) as written:
        try:
            while written.write(b"x" * 4096) == 4096:
                pass
        except OSError:
            pass
    assert os.statvfs(place).f_bavail * 4096 < 4096
    return file


@pytest.mark.soak
def test_F10_a_full_disk_ends_the_run_and_the_next_one_loses_nothing(
    spark: SparkSession, small_disk: Path, capfd: pytest.CaptureFixture[str]
):
    shop = Shop(small_disk, spark)
    shop.declare(ORDERS_JSON)
    shop.deliver("orders/1.jsonl", *(order(id=f"first-{n}") for n in range(20)))
    shop.ingest()
    shop.deliver("orders/2.jsonl", *(order(id=f"second-{n}") for n in range(20)), order(id="bad", price=-1))
    filler = fill(small_disk)
    capfd.readouterr()
    shop.ingest(expected=12)
    assert "a disk is full" in capfd.readouterr().err
    assert shop.ids() == sorted(f"first-{n}" for n in range(20))
    filler.unlink()
    account = shop.ingest().accounts[0]
    account.check()
    assert (account.accepted.rows, account.quarantined.rows) == (20, 1)
    assert shop.ids() == sorted([f"{batch}-{n}" for batch in ("first", "second") for n in range(20)])
    assert len(shop.rows(QUARANTINE)) == 1
