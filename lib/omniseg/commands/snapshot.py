"""`omniseg snapshot`: assign every customer, write, audit, publish by moving one pointer. Readers see the old one or
the new one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timezone
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from omniseg.commands.declared import feature_set, segments_declaration
from omniseg.commands.features import features_table, prepared, refresh
from omniseg.commands.knowledge import Known
from omniseg.commands.published import manifests, names_of, pointer, published_before, verified_rows
from omniseg.commands.reports import write_report
from omniseg.commands.train import model_for, spec_of
from omniseg.errors import AuditFailed
from omniseg.faults import crash_here
from omniseg.lake.bounded import bounded
from omniseg.models.scoring import assign
from omniseg.models.spec import ModelSpec
from omniseg.runtime import Run
from omniseg.segments.audit import AuditLimits, Check, audit, audit_figures, audit_totals, segment_sizes
from omniseg.segments.declaration import SegmentsDeclaration
from omniseg.segments.naming import segment_names
from omniseg.segments.profiles import lineage, profiles
from omniseg.segments.snapshot import bucket_hashes, canonical, snapshot_id
from omniseg.tables import (
    SEGMENT_LINEAGE,
    SEGMENT_PROFILES,
    SEGMENT_SNAPSHOTS,
    SNAPSHOT_MANIFEST,
    SNAPSHOT_POINTER,
)

MOST_SEGMENTS = 10_000
MOST_PROFILES = 1_000_000


def snapshot(run: Run) -> None:
    """Reads gold.customer_features and the model; writes snapshot, profiles, lineage, manifest and, after the audit,
    the pointer.
    """
    assert run.as_of is not None
    publish(run, run.as_of, prepared(run, feature_set(run.settings)))
    write_report(run)


def publish(run: Run, as_of: date, known: Known) -> None:
    """Make and publish the snapshot of a date; the same inputs as a published one are a no-op."""
    features = feature_set(run.settings)
    version = model_for(run, as_of, known)
    inputs = inputs_of(run, as_of, known, features.version, version)
    if already_published(run, as_of, inputs):
        return
    refresh(run, features, as_of, known)
    vectors = run.lake.read(features_table(features)).where(F.col("as_of") == F.lit(as_of))
    spec = spec_of(run, version)
    with run.step(f"snapshot {run.snapshot_id}"):
        stage(run, vectors, spec, as_of)
    explain(run, vectors, as_of)
    checks = audited(run, vectors, spec)
    passed = all(check.passed for check in checks)
    write_manifest(run, as_of, version, inputs, checks, status="published" if passed else "refused")
    if not passed:
        raise AuditFailed(refusal(run, checks))
    move_pointer(run, as_of)


def already_published(run: Run, as_of: date, inputs: Mapping[str, Any]) -> bool:
    """Name the snapshot; True when it is there, so that only the pointer may have to move."""
    run.snapshot_id = snapshot_id(as_of, inputs)
    if all(row.snapshot_id != run.snapshot_id for row in manifests(run)):
        return False
    run.status = "nothing_new"
    move_pointer(run, as_of)
    run.say(f"Nothing new for {as_of}: snapshot {run.snapshot_id} is published and its inputs are the same.")
    return True


def inputs_of(run: Run, as_of: date, known: Known, feature_set_version: str, model_version: str) -> dict[str, Any]:
    """Everything that decides the snapshot's rows; its hash names the snapshot."""
    return {
        "as_of": as_of.isoformat(),
        "known_batch_id": known.batch_id,
        "identity_batch_id": known.identity_batch_id,
        "reference_batch_ids": dict(known.reference_batch_ids),
        "feature_set_version": feature_set_version,
        "model": run.settings.model.name,
        "model_version": model_version,
        "time_zone": run.settings.business.time_zone,
        "buckets": run.settings.lake.buckets,
    }


def stage(run: Run, vectors: DataFrame, spec: ModelSpec, as_of: date) -> None:
    """Write the rows; nobody reads them before the pointer names them."""
    assigned = assign(vectors, spec, buckets=run.settings.lake.buckets)
    named = {"snapshot_id": F.lit(run.snapshot_id), "as_of": F.lit(as_of)}
    crash_here("snapshot.staged.before")
    rows = assigned.withColumns(named).select(*SEGMENT_SNAPSHOTS.column_names)
    run.lake.replace_slice(SEGMENT_SNAPSHOTS, rows, slice_of(run))


def slice_of(run: Run) -> str:
    """The rows of this snapshot, as a condition."""
    return f"snapshot_id = '{run.snapshot_id}'"


def staged(run: Run) -> DataFrame:
    """The rows as they stand in the table."""
    return run.lake.read(SEGMENT_SNAPSHOTS).where(slice_of(run))


def explain(run: Run, vectors: DataFrame, as_of: date) -> None:
    """Profiles with names, and where customers came from and went."""
    declaration = segments_declaration(run.settings)
    before = published_before(run, as_of)
    with run.step("gold.segment_profiles"):
        rows = bounded(profiles(staged(run), vectors, columns=declaration.columns), MOST_PROFILES)
        named = with_names(run, rows, declaration, before)
        run.lake.replace_slice(SEGMENT_PROFILES, run.spark.createDataFrame(named, SEGMENT_PROFILES.ddl), slice_of(run))
    with run.step("gold.segment_lineage"):
        earlier_id = before.snapshot_id if before else None
        earlier = verified_rows(run, before) if before else None
        moves = lineage(staged(run), earlier, snapshot_id=str(run.snapshot_id), previous_id=earlier_id)
        run.lake.replace_slice(SEGMENT_LINEAGE, moves, slice_of(run))


def with_names(
    run: Run, rows: list[Row], declaration: SegmentsDeclaration, before: Row | None
) -> list[tuple[Any, ...]]:
    """Profile rows with segment names, in the order of the table's columns; known segments keep their names."""
    kept = names_of(run, before.snapshot_id) if before else {}
    names = segment_names([row.asDict() for row in rows], declaration, kept=kept)
    full = [{**row.asDict(), "segment_name": names[row.segment_id]} for row in rows]
    return [tuple(row[name] for name in SEGMENT_PROFILES.column_names) for row in full]


def audited(run: Run, vectors: DataFrame, spec: ModelSpec) -> tuple[Check, ...]:
    """The checks on what was written."""
    columns = tuple(feature.name for feature in spec.features)
    with run.step("audit"):
        totals = bounded(audit_totals(staged(run), vectors, columns=columns), 1)[0].asDict()
        sizes = {row.segment_id: row.customers for row in bounded(segment_sizes(staged(run)), MOST_SEGMENTS)}
    limits = AuditLimits(run.settings.audit.min_share, run.settings.audit.max_null_rate)
    return audit(audit_figures(totals, sizes), limits, segments=len(spec.segment_ids))


def write_manifest(
    run: Run, as_of: date, version: str, inputs: Mapping[str, Any], checks: tuple[Check, ...], *, status: str
) -> None:
    """Lineage, figures and hashes of the snapshot, whether it passed or not."""
    hashes = {row.bucket: row.hash for row in bounded(bucket_hashes(staged(run)), run.settings.lake.buckets)}
    sizes = {row.segment_id: row.customers for row in bounded(segment_sizes(staged(run)), MOST_SEGMENTS)}
    row = (
        run.snapshot_id,
        run.settings.model.name,
        version,
        as_of,
        status,
        canonical(inputs),
        json.dumps({"customers": sum(sizes.values()), "segments": sizes}, sort_keys=True),
        hashes,
        run.run_id,
        datetime.now(timezone.utc),
        json.dumps([asdict(check) for check in checks]),
    )
    crash_here("snapshot.manifest.before")
    rows = run.spark.createDataFrame([row], SNAPSHOT_MANIFEST.ddl)
    run.lake.replace_slice(SNAPSHOT_MANIFEST, rows, slice_of(run))


def move_pointer(run: Run, as_of: date) -> None:
    """Let readers see the snapshot, unless they see one of a later date already."""
    seen = pointer(run)
    if seen == run.snapshot_id:
        return
    if seen is not None and seen[:10] > as_of.isoformat():
        run.say(f"Readers keep snapshot {seen}, which is of a later date.")
        return
    crash_here("snapshot.pointer.before")
    row = (run.settings.model.name, run.snapshot_id, datetime.now(timezone.utc), run.run_id)
    run.lake.append(SNAPSHOT_POINTER, run.spark.createDataFrame([row], SNAPSHOT_POINTER.ddl))
    crash_here("snapshot.pointer.after")


def refusal(run: Run, checks: tuple[Check, ...]) -> str:
    """What failed, figure by figure."""
    failed = [f"  {c.name}: {c.figure:g}, expected {c.limit} ({c.detail})" for c in checks if not c.passed]
    return "\n".join([f"snapshot {run.snapshot_id} did not pass its audit and was not published:", *failed])
