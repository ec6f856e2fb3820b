"""Rows of a table as a multiset: how many there are, and a hash that does not depend on their order."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.lake.bounded import bounded


def multiset(rows: DataFrame) -> tuple[int, Decimal]:
    """Number of rows and sum of their hashes, whatever the order of rows and columns."""
    hashed = F.xxhash64(F.to_json(F.struct(*sorted(rows.columns)))).cast("decimal(20,0)")
    found = bounded(rows.agg(F.count(F.lit(1)).alias("rows"), F.sum(hashed).alias("hash")), 1)[0]
    return found["rows"], found["hash"] or Decimal(0)
