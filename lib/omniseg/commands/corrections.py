"""Events of earlier batches that change by what a later one brought, and the daily partials that counted them."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.knowledge import CHANGED_PROPERTY
from omniseg.faults import crash_here
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import CUSTOMER_DAY, SILVER_EVENTS


def correct_events(run: Run, batch_id: int, changed: DataFrame, change: Mapping[str, str], *, point: str) -> None:
    """Set the columns of `change` (name -> expression over `new`) in events of earlier batches.

    `changed` has their `record_id`, `batch_id` and what `change` reads. The partials that counted them as they were are
    removed first, so that the next refresh of features builds them anew; an interrupted run does both again.
    """
    changed = changed.persist()
    try:
        first = bounded(changed.agg(F.min("batch_id").alias("first")), 1)[0]["first"]
        if first is None:
            return
        if run.lake.exists(CUSTOMER_DAY):
            run.lake.set_property(CUSTOMER_DAY, CHANGED_PROPERTY, str(batch_id))
            run.lake.delete(CUSTOMER_DAY, f"batch_id >= {first}")
        crash_here(point)
        same = "old.batch_id = new.batch_id AND old.record_id = new.record_id"
        run.lake.merge(SILVER_EVENTS, changed, on=same, update=dict(change), insert=False)
    finally:
        changed.unpersist()
