"""A published snapshot made again from what was known then; what differs, and why.

Reads: gold.snapshot_manifest, gold.segment_snapshots, gold.customer_day, silver.identities, reference tables, MLflow.
Writes: gold.customer_day (partials that the next night would write).
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("snapshots reproduce")
