"""Snapshots as readers see them: the pointer, the manifest, and the rows behind a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from omniseg.errors import ConfigError, ContractError, Problem, ReproduceError
from omniseg.lake.bounded import bounded
from omniseg.lake.damage import told_by
from omniseg.names import nearest
from omniseg.report.contents import Snapshot
from omniseg.runtime import Run
from omniseg.segments.snapshot import bucket_hashes
from omniseg.tables import SEGMENT_LINEAGE, SEGMENT_PROFILES, SEGMENT_SNAPSHOTS, SNAPSHOT_MANIFEST, SNAPSHOT_POINTER

MOST_SNAPSHOTS = 100_000
MOST_PROFILES = 1_000_000
MOST_BUCKETS = 100_000


def pointer(run: Run) -> str | None:
    """The snapshot that readers see now; None before the first publication."""
    rows = run.lake.read(SNAPSHOT_POINTER).where(F.col("model") == run.settings.model.name)
    found = bounded(rows.orderBy(F.desc("published_at")).limit(1), 1)
    return found[0].snapshot_id if found else None


def manifests(run: Run) -> list[Row]:
    """All snapshots of the model that were published, by date and time of writing."""
    mine = (F.col("model") == run.settings.model.name) & (F.col("status") == "published")
    rows = run.lake.read(SNAPSHOT_MANIFEST).where(mine)
    return bounded(rows.orderBy("as_of", "created_at"), MOST_SNAPSHOTS)


def newest_per_date(run: Run) -> list[Row]:
    """The last published snapshot of each date."""
    return list({row.as_of: row for row in manifests(run)}.values())


def published_before(run: Run, as_of: date) -> Row | None:
    """The published snapshot of the latest date before `as_of`."""
    earlier = [row for row in newest_per_date(run) if row.as_of < as_of]
    return earlier[-1] if earlier else None


def asked_for(run: Run) -> Row:
    """The manifest of the snapshot that the command names, else of the one that readers see; the run bears its id."""
    chosen = run.options.get("snapshot") or pointer(run)
    if chosen is None:
        raise ContractError("nothing was published yet; run omniseg run --as-of DATE first")
    run.snapshot_id = str(chosen)
    return manifest(run, run.snapshot_id)


def manifest(run: Run, snapshot_id: str) -> Row:
    """The manifest of one snapshot; ConfigError with the nearest id where there is none."""
    rows = bounded(run.lake.read(SNAPSHOT_MANIFEST).where(F.col("snapshot_id") == snapshot_id), 1)
    if rows:
        return rows[0]
    known = [row.snapshot_id for row in manifests(run)]
    expected = "a published snapshot (omniseg snapshots list)"
    raise ConfigError([Problem("command line", "ID", repr(snapshot_id), expected, nearest(snapshot_id, known))])


def verified_rows(run: Run, row: Row) -> DataFrame:
    """The rows of a manifest's snapshot, once their hashes are found to be those that were published.

    Raises ReproduceError for rows that changed since, or that can no longer be read: storage that lost a bit, a hand
    that wrote into the table.
    """
    rows = run.lake.read(SEGMENT_SNAPSHOTS).where(F.col("snapshot_id") == F.lit(row.snapshot_id))
    try:
        found = {one.bucket: one.hash for one in bounded(bucket_hashes(rows), MOST_BUCKETS)}
    except (PySparkException, Py4JJavaError) as error:
        raise ReproduceError(f"snapshot {row.snapshot_id}: its rows cannot be read: {told_by(error)}") from error
    every = sorted(found.keys() | row.bucket_hashes.keys())
    wrong = [str(bucket) for bucket in every if found.get(bucket) != row.bucket_hashes.get(bucket)]
    if wrong:
        raise ReproduceError(
            f"snapshot {row.snapshot_id}: the rows of bucket {', '.join(wrong)} are not those that were published. "
            f"Restore {SEGMENT_SNAPSHOTS.name} from a backup, or publish the date {row.as_of} anew"
        )
    return rows


def report_of(run: Run, row: Row) -> Snapshot:
    """Profiles and lineage of a manifest's snapshot."""
    return reports_of(run, [row])[0]


def reports_of(run: Run, rows: Sequence[Row]) -> list[Snapshot]:
    """Profiles and lineage of the snapshots of some manifests, read in one query per table."""
    wanted = F.col("snapshot_id").isin([row.snapshot_id for row in rows])
    profiles, lineages = (
        [row.asDict() for row in bounded(run.lake.read(table).where(wanted), MOST_PROFILES)]
        for table in (SEGMENT_PROFILES, SEGMENT_LINEAGE)
    )
    return [
        Snapshot(row.snapshot_id, row.as_of, of_snapshot(profiles, row), of_snapshot(lineages, row)) for row in rows
    ]


def of_snapshot(found: Sequence[dict[str, Any]], row: Row) -> list[dict[str, Any]]:
    """Those that belong to the snapshot of a manifest."""
    return [item for item in found if item["snapshot_id"] == row.snapshot_id]


def names_of(run: Run, snapshot_id: str) -> dict[str, str]:
    """Segment names of a snapshot by id."""
    rows = run.lake.read(SEGMENT_PROFILES).where(F.col("snapshot_id") == snapshot_id)
    return {
        row.segment_id: row.segment_name
        for row in bounded(rows.select("segment_id", "segment_name").distinct(), 10_000)
    }
