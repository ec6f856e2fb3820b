"""Machines among the events of a batch, and among earlier ones that a batch shows to be a machine's."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.corrections import correct_events
from omniseg.ingest.bots import Limits, bot_days, busy_days, counts, marked
from omniseg.lake.bounded import bounded
from omniseg.lake.staging import Staging
from omniseg.runtime import Run
from omniseg.tables import SILVER_EVENTS

MOST_DAYS = 100_000  # business days that one batch may bring events of
STAGED = "(bots)"


def with_bots(run: Run, batch_id: int, accepted: DataFrame) -> DataFrame:
    """The accepted events of a batch with `is_bot` also for machines that do not say so; earlier events of such a
    machine's day are corrected first.
    """
    settings = run.settings.bots
    limits = Limits(settings.channels, settings.events_per_minute, settings.events_per_day)
    earlier = earlier_events(run, batch_id, accepted, limits)
    busy = busy_days(accepted, earlier, limits)
    if not bounded(busy.limit(1), 1):
        return accepted
    days = Staging(run.spark, run.work_dir).keep(STAGED, bot_days(accepted, earlier, busy, limits))
    unmasked = marked(earlier.where(~F.col("is_bot")), days, limits).where("is_bot")
    known = unmasked.select("record_id", "batch_id", "identity_key", "bucket")
    correct_events(run, batch_id, known, {"is_bot": "true"}, point="ingest.bots.before")
    return marked(accepted, days, limits)


def earlier_events(run: Run, batch_id: int, accepted: DataFrame, limits: Limits) -> DataFrame:
    """What earlier batches have of the days that the batch has events of."""
    rows = run.lake.read(SILVER_EVENTS).where(F.col("batch_id") < batch_id)
    if batch_id == 1:
        return rows
    news = accepted.where(counts(limits)).select("event_date").distinct()
    return rows.where(F.col("event_date").isin([row.event_date for row in bounded(news, MOST_DAYS)]))
