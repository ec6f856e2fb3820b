"""Judge the open records of a source anew under its present declaration.

Reads: silver.events_quarantine, bronze.events, vault.raw_rejects, silver.events.
Writes: silver.events, silver.events_quarantine, silver.identities, ops.files, ops.runs.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("quarantine replay")
