"""Upkeep of tables and of the landing zone: sizes, compaction, vacuum, retention."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from omniseg.errors import ConfigError, Problem
from omniseg.lake.landing import THREADS, DeliveredFile, delivered, file_system, hadoop_path
from omniseg.lake.store import Lake, constraint_key
from omniseg.tables import Table

DELTA_HOURS = 168  # Delta refuses to vacuum younger files unless its check is off: readers may still use them
DELTA_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


@dataclass(frozen=True)
class Size:
    """What a table, or a folder, takes: `files` and `bytes`."""

    files: int
    bytes: int


def add_missing_constraints(lake: Lake, table: Table) -> list[str]:
    """Give a table the constraints that were declared after it was created; says which, and which its rows break."""
    told = []
    for label, condition in table.constraints:
        if lake.property_of(table, constraint_key(label)) is not None:
            continue
        lake.ensure(table)  # the constraint may be about a column that is as new
        bad = lake.read(table).where(f"NOT coalesce({condition}, false)").count()
        if bad:
            told.append(f"{table.name}: {bad:,} rows break the constraint {label} ({condition}); it was not added.")
            continue
        lake.spark.sql(f"ALTER TABLE {lake.reference(table)} ADD CONSTRAINT `{label}` CHECK ({condition})")
        told.append(f"{table.name}: constraint {label} added.")
    return told


def live(lake: Lake, table: Table) -> Size:
    """The files that the newest version of the table consists of."""
    found = lake.delta(table).detail().select("numFiles", "sizeInBytes").first()
    assert found is not None, "DESCRIBE DETAIL of an existing table has a row"
    return Size(int(found.numFiles), int(found.sizeInBytes))


def stored(lake: Lake, table: Table) -> Size:
    """Everything below the table's folder: older versions and the log too."""
    found = lake.delta(table).detail().select("location").first()
    assert found is not None, "DESCRIBE DETAIL of an existing table has a row"
    return folder(lake, found.location)


def folder(lake: Lake, path: str) -> Size:
    """Everything below a folder; nothing where it does not exist."""
    located = hadoop_path(lake.spark, path)
    files = file_system(lake.spark, located)
    if not files.exists(located):
        return Size(0, 0)
    summary = files.getContentSummary(located)
    return Size(int(summary.getFileCount()), int(summary.getLength()))


def compact(lake: Lake, table: Table) -> None:
    """Join small files into large ones; the rows stay the same, so no reader sees a change."""
    lake.delta(table).optimize().executeCompaction()


def vacuum(lake: Lake, table: Table, *, hours: int) -> None:
    """Delete files that the table has not used for `hours`; see `check_hours`."""
    lake.delta(table).vacuum(hours)


def check_hours(lake: Lake, hours: int, *, where: str) -> None:
    """Raise ConfigError where Delta would refuse to vacuum after so few hours."""
    checked = lake.spark.conf.get(DELTA_CHECK, "true") != "false"
    if checked and hours < DELTA_HOURS:
        expected = f"at least {DELTA_HOURS}; less only with {DELTA_CHECK}: false in section spark, when nobody reads"
        raise ConfigError([Problem(where, "lake.vacuum_hours", str(hours), expected)])


def delete_before(lake: Lake, table: Table, column: str, moment: datetime) -> int:
    """Delete rows whose `column` lies before `moment` (UTC); returns how many. Their bytes go with the vacuum."""
    condition = f"`{column}` < TIMESTAMP'{moment:%Y-%m-%d %H:%M:%S}'"
    old = lake.read(table).where(condition).count()
    if old:
        lake.delete(table, condition)
    return old


def remove_files(lake: Lake, files: Iterable[DeliveredFile]) -> list[DeliveredFile]:
    """Remove files, except those that changed since (a new delivery waits under the name); returns what went."""
    with ThreadPoolExecutor(THREADS) as pool:
        gone = pool.map(lambda file: remove_file(lake, file), list(files))
        return [file for file in gone if file is not None]


def remove_file(lake: Lake, file: DeliveredFile) -> DeliveredFile | None:
    """Remove one file if it is still the one that was taken."""
    located = hadoop_path(lake.spark, file.path)
    files = file_system(lake.spark, located)
    if not files.exists(located) or delivered(files.getFileStatus(located)) != file:
        return None
    return file if files.delete(located, False) else None
