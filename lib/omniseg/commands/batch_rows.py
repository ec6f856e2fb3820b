"""The rows of one batch in the tables: added where no attempt at it has written any, else put in the place of what the
attempt left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.tables import BRONZE_EVENTS, SILVER_EVENTS, Table

# An ingest writes to bronze.events, a replay to silver.events, before any other table that is written batch by batch.
WRITTEN_FIRST = (BRONZE_EVENTS, SILVER_EVENTS)


@dataclass(frozen=True)
class BatchRows:
    """Where a batch writes. To replace, Delta looks for rows of the batch in every table; an append does not."""

    lake: Lake
    batch_id: int
    left: frozenset[str]  # of the tables that are written first, those with rows of an interrupted attempt

    def write(self, table: Table, rows: DataFrame) -> None:
        """All rows that the batch has in a table."""
        if self.left:
            self.lake.replace_slice(table, rows, self.condition)
        else:
            self.lake.append(table, rows)

    def clear(self, table: Table) -> None:
        """The batch has no rows in a table, which is there all the same for whoever reads it."""
        self.lake.ensure(table)
        if self.left:
            self.lake.delete(table, self.condition)

    @property
    def condition(self) -> str:
        """What the rows of the batch have in common."""
        return f"batch_id = {self.batch_id}"


def batch_rows(lake: Lake, batch_id: int) -> BatchRows:
    """Reads whether an attempt at the batch was interrupted after it began to write."""
    slices = [
        lake.read(table).where(F.col("batch_id") == batch_id).limit(1).select(F.lit(table.name).alias("table"))
        for table in WRITTEN_FIRST
    ]
    found = bounded(reduce(DataFrame.unionByName, slices), len(slices))
    return BatchRows(lake, batch_id, frozenset(row.table for row in found))
