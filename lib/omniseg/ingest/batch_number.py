"""The number of the batch, as every row bears it."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def batch_number(batch_id: int) -> Column:
    """`batch_id` as bigint, for rows with a `record_id`.

    A literal would stand in the generated code of the whole mapping, which Spark would then compile, and Java warm up,
    anew for every batch. What lies in an array is handed to that code; an index that depends on the row keeps the
    optimizer from taking it out beforehand.
    """
    first = F.shiftright(F.octet_length("record_id"), 31)
    return F.get(F.array(F.lit(batch_id).cast("bigint")), first).alias("batch_id")
