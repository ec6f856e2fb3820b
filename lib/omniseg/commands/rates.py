"""Exchange rates: those known now, and events that waited for one."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.corrections import correct_events
from omniseg.ingest.events import NO_RATE, in_business_currency
from omniseg.runtime import Run
from omniseg.tables import EXCHANGE_RATES, SILVER_EVENTS


def exchange_rates(run: Run) -> DataFrame | None:
    """The rates known now, unique by currency and day (the newest batch counts); None when there are none."""
    if not run.lake.exists(EXCHANGE_RATES):
        return None
    newest = F.max(F.struct("batch_id", "valid_from", "rate")).alias("newest")
    rates = run.lake.read(EXCHANGE_RATES).groupBy("currency", "rate_date").agg(newest)
    return rates.select("currency", "rate_date", F.col("newest.rate").alias("rate"))


def fill_amounts(run: Run, batch_id: int, rates: DataFrame) -> None:
    """Give events of earlier batches the amount that they lacked a rate for. One that has an amount keeps it, also
    where its rate is revised later.
    """
    waiting = run.lake.read(SILVER_EVENTS).where((F.col("amount_status") == NO_RATE) & (F.col("batch_id") < batch_id))
    known = F.broadcast(rates.withColumnRenamed("rate_date", "event_date"))
    priced = waiting.join(known, ["currency", "event_date"]).select(
        "record_id",
        "batch_id",
        "identity_key",
        "bucket",
        in_business_currency(F.col("amount_native"), F.col("rate")).alias("amount"),
    )
    filled = priced.where(F.col("amount").isNotNull())
    change = {"amount": "new.amount", "amount_status": "'ok'"}
    correct_events(run, batch_id, filled, change, point="ingest.rates.before")
