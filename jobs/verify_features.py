"""Vectors of a date, built from all days anew and compared with those in the table.

Reads: gold.customer_day, silver.identities, silver.customers, gold.customer_features.
Writes: nothing.
"""

from __future__ import annotations

from omniseg.cli import job

if __name__ == "__main__":
    job("features verify")
