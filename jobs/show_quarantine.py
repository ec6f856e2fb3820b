"""Open bad records, where they stood and what they look like.

Reads: silver.events_quarantine.
Writes: nothing.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("quarantine show")
