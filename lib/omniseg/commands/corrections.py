"""Events of earlier batches that change by what a later one brought, and the daily partials that counted them."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.faults import crash_here
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import CUSTOMER_CHANGES, CUSTOMER_DAY, SILVER_EVENTS


def correct_events(run: Run, batch_id: int, changed: DataFrame, change: Mapping[str, str], *, point: str) -> None:
    """Set the columns of `change` (name -> expression over `new`) in events of earlier batches.

    `changed` has their `record_id`, `batch_id`, `identity_key`, `bucket` and what `change` reads. Whose they are is
    noted, and the partials that counted them as they were are removed, before they change, so that the next refresh of
    features builds both anew; an interrupted run does all of it again.
    """
    changed = changed.persist()
    try:
        first = bounded(changed.agg(F.min("batch_id").alias("first")), 1)[0]["first"]
        if first is None:
            return
        if run.lake.exists(CUSTOMER_DAY):
            note_changes(run, batch_id, changed)
            run.lake.delete(CUSTOMER_DAY, f"batch_id >= {first}")
        crash_here(point)
        same = "old.batch_id = new.batch_id AND old.record_id = new.record_id"
        run.lake.merge(SILVER_EVENTS, changed, on=same, update=dict(change), insert=False)
    finally:
        changed.unpersist()


def note_changes(run: Run, batch_id: int, changed: DataFrame) -> None:
    """Keep whose earlier days a batch changes: the next vectors are built anew for these persons, and no others.

    Rows are only added, since what an interrupted run has corrected is not found again by the next.
    """
    keys = changed.where(F.col("identity_key").isNotNull()).select("identity_key", "bucket").distinct()
    rows = keys.withColumn("batch_id", F.lit(batch_id).cast("bigint"))
    same = "old.batch_id = new.batch_id AND old.identity_key = new.identity_key"
    run.lake.merge(CUSTOMER_CHANGES, rows, on=same, update=None, insert=True)
