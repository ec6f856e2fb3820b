"""Partial aggregates of new batches, then feature vectors as of a date.

Reads: silver.events, silver.identities, silver reference tables, gold.customer_day.
Writes: gold.customer_day, gold.customer_features, ops.runs.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("features")
