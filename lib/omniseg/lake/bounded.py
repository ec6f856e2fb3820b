"""The only place that brings rows to the driver."""

from __future__ import annotations

from pyspark.sql import DataFrame, Row

from omniseg.errors import OmnisegError


def bounded(frame: DataFrame, limit: int) -> list[Row]:
    """All rows of `frame`; raises OmnisegError when there are more than `limit` (nothing that grows with customers
    comes here).
    """
    rows = frame.limit(limit + 1).collect()
    if len(rows) > limit:
        raise OmnisegError(
            f"expected at most {limit:,} rows, found more: this result grows with the data; narrow it down"
        )
    return rows
