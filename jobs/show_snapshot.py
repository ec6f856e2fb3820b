"""The segments of one snapshot: sizes, what distinguishes them, movement.

Reads: gold.snapshot_manifest, gold.segment_profiles, gold.segment_lineage.
Writes: nothing.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("snapshots show")
