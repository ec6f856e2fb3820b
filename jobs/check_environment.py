"""Check Java, Spark, Delta, MLflow, disk, keys, lock and settings.

Reads: the environment, settings, declarations, bronze.events, ops.locks.
Writes: nothing.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("doctor")
