"""Exchange rates: those known now, and events that waited for one."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.knowledge import CHANGED_PROPERTY
from omniseg.faults import crash_here
from omniseg.ingest.events import NO_RATE, in_business_currency
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import CUSTOMER_DAY, EXCHANGE_RATES, SILVER_EVENTS


def exchange_rates(run: Run) -> DataFrame | None:
    """The rates known now, unique by currency and day (the newest batch counts); None when there are none."""
    if not run.lake.exists(EXCHANGE_RATES):
        return None
    newest = F.max(F.struct("batch_id", "valid_from", "rate")).alias("newest")
    rates = run.lake.read(EXCHANGE_RATES).groupBy("currency", "rate_date").agg(newest)
    return rates.select("currency", "rate_date", F.col("newest.rate").alias("rate"))


def fill_amounts(run: Run, batch_id: int, rates: DataFrame) -> None:
    """Give events of earlier batches the amount that they lacked a rate for.

    The daily partials that counted them without it are removed first, so that the next refresh of features builds them
    anew; an interrupted run does both again.
    """
    waiting = run.lake.read(SILVER_EVENTS).where((F.col("amount_status") == NO_RATE) & (F.col("batch_id") < batch_id))
    known = F.broadcast(rates.withColumnRenamed("rate_date", "event_date"))
    priced = waiting.join(known, ["currency", "event_date"]).select(
        "record_id", "batch_id", in_business_currency(F.col("amount_native"), F.col("rate")).alias("amount")
    )
    filled = priced.where(F.col("amount").isNotNull()).persist()
    try:
        first = bounded(filled.agg(F.min("batch_id").alias("first")), 1)[0]["first"]
        if first is None:
            return
        if run.lake.exists(CUSTOMER_DAY):
            run.lake.set_property(CUSTOMER_DAY, CHANGED_PROPERTY, str(batch_id))
            run.lake.delete(CUSTOMER_DAY, f"batch_id >= {first}")
        crash_here("ingest.rates.before")
        same = "old.batch_id = new.batch_id AND old.record_id = new.record_id"
        change = {"amount": "new.amount", "amount_status": "'ok'"}
        run.lake.merge(SILVER_EVENTS, filled, on=same, update=change, insert=False)
    finally:
        filled.unpersist()
