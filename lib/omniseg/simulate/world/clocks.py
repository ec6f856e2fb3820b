"""Days on which the clocks change, and tills that stamp lines in the hour that is skipped or comes twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.simulate.world.draws import below, happens
from omniseg.simulate.world.model import CLOCK_DEFECTS, ZONE, World

HOUR = 3_600
AFTERWARDS = 60  # days after the last one on which something may still happen: returns
CHANGE = 3_600  # seconds after midnight UTC at which European clocks change


def changes(world: World) -> dict[str, list[date]]:
    """Defect -> the days of the world on which it can happen: those that are shorter, or longer, than others."""
    days = [world.first_day + timedelta(days=number) for number in range(world.days + AFTERWARDS)]
    shifts = {day: offset(day + timedelta(days=1)) - offset(day) for day in days}
    return dict(
        zip(
            CLOCK_DEFECTS,
            ([day for day in days if shifts[day] > timedelta()], [day for day in days if shifts[day] < timedelta()]),
            strict=True,
        )
    )


def offset(day: date) -> timedelta:
    """How far the retailer's clocks are ahead of UTC when a day begins."""
    found = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).utcoffset()
    assert found is not None, "a zone has an offset at any time"
    return found


def changed_clock(world: World) -> Column:
    """The defect of a till's line on a day of change; null elsewhere."""
    day = F.to_date(F.from_utc_timestamp("at", ZONE))
    none = F.lit(None).cast("string")

    def told(rest: Column, name: str) -> Column:
        hit = happens(world.defects.get(name, 0.0), world.seed, name, F.col("event"))
        return F.when((F.col("system") == "till") & day.isin(changes(world)[name]) & hit, F.lit(name)).otherwise(rest)

    return reduce(told, CLOCK_DEFECTS, none)


def stamped_by_it(world: World) -> Column:
    """The moment (UTC) at which a clock shows an hour that is skipped, as nobody put it forward, or one of the two that
    are alike; null for other records.
    """
    midnight = F.unix_timestamp(F.to_date(F.from_utc_timestamp("at", ZONE)).cast("timestamp"))
    gap = CHANGE + below(HOUR, world.seed, "gap", F.col("event"))
    twice = CHANGE - HOUR + below(2 * HOUR, world.seed, "overlap", F.col("event"))
    second = F.when(F.col("defect") == "dst_gap", gap).when(F.col("defect") == "dst_overlap", twice)
    return F.when(F.col("defect").isin(*CLOCK_DEFECTS), F.timestamp_seconds(midnight + second))


def wall_clock() -> Column:
    """What the clock of a till shows, as a timestamp; one that was not put forward is an hour behind."""
    shown = F.from_utc_timestamp("at", ZONE)
    behind = F.timestamp_seconds(F.unix_timestamp(shown) - HOUR)
    return F.when(F.coalesce(F.col("defect") == "dst_gap", F.lit(False)), behind).otherwise(shown)
