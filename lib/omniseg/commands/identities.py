"""New identity keys get their surrogate: one person per key, until the identity graph has its own issue."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.batch_rows import BatchRows
from omniseg.identity.first_sight import first_sight
from omniseg.runtime import Run
from omniseg.tables import CUSTOMERS, IDENTITIES, SILVER_EVENTS


def add_identities(run: Run, target: BatchRows) -> None:
    """Reads silver.events and silver.customers of the batch, writes silver.identities (slice of the batch)."""
    batch_id = target.batch_id
    of_batch = F.col("batch_id") == batch_id
    events = run.lake.read(SILVER_EVENTS).where(of_batch & F.col("identity_key").isNotNull())
    customers = run.lake.read(CUSTOMERS).where(of_batch)
    seen: list[DataFrame] = [
        events.select("identity_key", F.col("event_time").alias("seen")),
        customers.select("identity_key", F.col("valid_from").alias("seen")),
    ]
    known = run.lake.read(IDENTITIES).where(F.col("batch_id") < batch_id)
    rows = first_sight(reduce(DataFrame.unionByName, seen), known, buckets=run.settings.lake.buckets, batch_id=batch_id)
    target.write(IDENTITIES, rows)
