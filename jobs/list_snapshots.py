"""Published snapshots.

Reads: gold.snapshot_manifest, gold.snapshot_pointer.
Writes: nothing.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("snapshots list")
