"""Machines that do not say so, told by how they behave: more events of one identity key than a person makes.

A day of an identity key is a machine's when, on the channels on which machines come, it has more than `per_minute`
events within one minute (UTC), or more than `per_day` within the business day. Events that lie in earlier batches count
as well, so the answer does not depend on how deliveries were cut into batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

DAY = ("identity_key", "event_date")


@dataclass(frozen=True)
class Limits:
    """What a person does at most; `channels` are those on which machines come."""

    channels: Sequence[str]
    per_minute: int
    per_day: int


def counts(limits: Limits) -> Column:
    """True for events that count: somebody's, on a channel on which machines come."""
    return F.col("identity_key").isNotNull() & F.col("channel").isin(*limits.channels)


def busy_days(news: DataFrame, earlier: DataFrame, limits: Limits) -> DataFrame:
    """DAY of keys that have news and more events than the lower limit: the few for which minutes are worth counting."""
    moments = [
        rows.where(counts(limits)).select(*DAY, F.lit(new).alias("new"))
        for rows, new in ((news, True), (earlier, False))
    ]
    counted = moments[0].unionByName(moments[1]).groupBy(*DAY)
    days = counted.agg(F.count(F.lit(1)).alias("events"), F.max("new").alias("new"))
    return days.where(F.col("new") & (F.col("events") > min(limits.per_minute, limits.per_day))).select(*DAY)


def bot_days(news: DataFrame, earlier: DataFrame, busy: DataFrame, limits: Limits) -> DataFrame:
    """Those of the `busy` days that are a machine's."""
    moments = [rows.where(counts(limits)).select(*DAY, "event_time") for rows in (news, earlier)]
    mine = moments[0].unionByName(moments[1]).join(F.broadcast(busy), [*DAY], "left_semi")
    minutes = mine.groupBy(*DAY, F.date_trunc("minute", "event_time").alias("minute")).agg(
        F.count(F.lit(1)).alias("events")
    )
    days = minutes.groupBy(*DAY).agg(F.max("events").alias("most"), F.sum("events").alias("events"))
    return days.where((F.col("most") > limits.per_minute) | (F.col("events") > limits.per_day)).select(*DAY)


def marked(events: DataFrame, days: DataFrame, limits: Limits) -> DataFrame:
    """`is_bot` is true for the events of those days that count, and as it was for all others."""
    rows = events.join(F.broadcast(days.withColumn("__bot", F.lit(True))), [*DAY], "left")
    told = F.coalesce(F.col("__bot") & F.col("channel").isin(*limits.channels), F.lit(False))
    return rows.withColumn("is_bot", F.col("is_bot") | told).select(*events.columns)
