"""`omniseg maintain`: fewer and larger files, no older versions than needed, nothing kept beyond its retention."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone
from typing import Any

from pyspark.sql import functions as F

from omniseg.commands.deliveries import MOST_FILES
from omniseg.lake.bounded import bounded
from omniseg.lake.landing import DeliveredFile, absolute
from omniseg.lake.maintenance import (
    add_missing_constraints,
    check_hours,
    compact,
    delete_before,
    folder,
    live,
    remove_files,
    stored,
    vacuum,
)
from omniseg.lake.staging import remove_folder
from omniseg.report.listing import render
from omniseg.runtime import Run, work_root
from omniseg.tables import ALL, FILES, LOCKS, RAW_REJECTS, Table

COLUMNS = ("table", "files_before", "files_after", "bytes_before", "bytes_after")


def maintain(run: Run) -> None:
    """Reads and rewrites every table that exists, and adds constraints that were declared since; prints its files, and
    its bytes on disk, before and after.
    """
    check_hours(run.lake, run.settings.lake.vacuum_hours, where=run.settings.origins["lake.vacuum_hours"])
    with run.step("retention"):
        notes = [*forget_rejects(run), *clear_landing(run), *clear_work(run)]
    there = [table for table in ALL if run.lake.exists(table)]
    with run.step("constraints"):
        notes += [note for table in there for note in add_missing_constraints(run.lake, table)]
    rows = [tidy(run, table) for table in there]
    run.say(render(rows, COLUMNS, run.options["format"]))
    if run.options["format"] == "table":
        run.say("\n".join(notes))


def tidy(run: Run, table: Table) -> dict[str, Any]:
    """Compact and vacuum one table; its figures."""
    with run.step(table.name):
        before, on_disk = live(run.lake, table), stored(run.lake, table)
        # The lease is one row, which its renewal by this very run rewrites at any moment.
        if before.files > 1 and table is not LOCKS:
            compact(run.lake, table)
        vacuum(run.lake, table, hours=run.settings.lake.vacuum_hours)
        after, left = live(run.lake, table), stored(run.lake, table)
    figures = (table.name, before.files, after.files, on_disk.bytes, left.bytes)
    return dict(zip(COLUMNS, figures, strict=True))


def forget_rejects(run: Run) -> Iterator[str]:
    """Delete texts from the vault that were delivered longer ago than they may be kept."""
    days = run.settings.privacy.vault_retention_days
    if run.lake.exists(RAW_REJECTS):
        gone = delete_before(run.lake, RAW_REJECTS, "stored_at", run.started - timedelta(days=days))
        yield f"Vault: {gone:,} texts older than {days} days deleted (privacy.vault_retention_days)."


def clear_work(run: Run) -> Iterator[str]:
    """Remove what killed runs left on its way; no other run is under way while this one holds the lock."""
    left = folder(run.lake, work_root(run.settings))
    if left.files:
        remove_folder(run.spark, work_root(run.settings))
        yield f"Work folder: {left.files:,} files of unfinished runs removed, {left.bytes:,} bytes."


def clear_landing(run: Run) -> Iterator[str]:
    """Remove files that were taken long ago where `landing.retention_days` says so; otherwise say what lies there."""
    root, days = run.settings.landing.root, run.settings.landing.retention_days
    if days is None:
        lying = folder(run.lake, root)
        kept = "all kept (landing.retention_days is not set)"
        yield f"Landing zone {root}: {lying.files:,} files, {lying.bytes:,} bytes, {kept}."
    else:
        gone = remove_files(run.lake, expired(run, days))
        total = sum(file.size for file in gone)
        yield f"Landing zone {root}: {len(gone):,} taken files older than {days} days removed, {total:,} bytes."


def expired(run: Run, days: int) -> list[DeliveredFile]:
    """Taken files below landing.root that were delivered more than `days` ago; refused ones stay to be mended."""
    before = run.started - timedelta(days=days)
    inside = F.col("path").startswith(f"{absolute(run.spark, run.settings.landing.root)}/")
    old = (F.col("status") == "taken") & (F.col("mtime") < F.lit(before)) & inside
    rows = bounded(run.lake.read(FILES).where(old).select("path", "size", "mtime").distinct(), MOST_FILES)
    return [DeliveredFile(row.path, row.size, row.mtime.replace(tzinfo=timezone.utc)) for row in rows]
