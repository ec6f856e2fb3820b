"""Rows of a table as a multiset: how many there are, and a hash that does not depend on their order; or all of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from decimal import Decimal

from deltalake import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.lake.bounded import bounded


def multiset(rows: DataFrame) -> tuple[int, Decimal]:
    """Number of rows and sum of their hashes, whatever the order of rows and columns."""
    hashed = F.xxhash64(F.to_json(F.struct(*sorted(rows.columns)))).cast("decimal(20,0)")
    found = bounded(rows.agg(F.count(F.lit(1)).alias("rows"), F.sum(hashed).alias("hash")), 1)[0]
    return found["rows"], found["hash"] or Decimal(0)


def stored(place: str, without: Collection[str] = (), options: Mapping[str, str] | None = None) -> list[str]:
    """The rows of a Delta table as sorted texts, as a reader outside of Spark finds them, but for some columns."""
    table = DeltaTable(place, storage_options=dict(options or {})).to_pyarrow_table()
    kept = [{name: value for name, value in row.items() if name not in without} for row in table.to_pylist()]
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in kept)
