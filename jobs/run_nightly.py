"""The whole night's work for one date, or for a range of dates in order.

Reads: the landing zone and all tables.
Writes: all tables, the MLflow experiment, ops.runs.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("run")
