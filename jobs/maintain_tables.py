"""Compact and vacuum all tables; forget what is beyond its retention.

Reads: all tables, the landing zone.
Writes: the same rows in fewer files, vault.raw_rejects, ops.runs.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("maintain")
