"""Assign customers to segments, audit, publish by moving one pointer.

Reads: gold.customer_features, the MLflow experiment.
Writes: gold.segment_snapshots, segment_profiles, segment_lineage, snapshot_manifest, snapshot_pointer; ops.runs.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("snapshot")
