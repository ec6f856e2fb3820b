"""Take every delivered file that was not taken yet.

Reads: the landing zone, ops.files, silver.events.
Writes: bronze.events, silver tables, vault.raw_rejects, ops.files, ops.runs.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("ingest")
