"""When in the week, the day and the year an event was, and the values that `by` can take without being told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.tables import CHANNELS

HOLIDAY = "holiday"  # the column that says whether a day is one

# Expressions over the canonical event; calendar parts are those of the business's time zone. Seasons are the
# meteorological ones of the northern hemisphere.
CALENDAR: Mapping[str, str] = {
    "weekday": (
        "case dayofweek(event_date) when 1 then 'sun' when 2 then 'mon' when 3 then 'tue' when 4 then 'wed' "
        "when 5 then 'thu' when 6 then 'fri' else 'sat' end"
    ),
    "hour_band": (
        "case when hour(event_time) < 6 then 'night' when hour(event_time) < 12 then 'morning' "
        "when hour(event_time) < 18 then 'afternoon' else 'evening' end"
    ),
    "season": (
        "case when month(event_date) in (12, 1, 2) then 'winter' when month(event_date) <= 5 then 'spring' "
        "when month(event_date) <= 8 then 'summer' else 'autumn' end"
    ),
}
KNOWN_VALUES: Mapping[str, tuple[str, ...]] = {
    "channel": CHANNELS,
    "weekday": ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    "hour_band": ("night", "morning", "afternoon", "evening"),
    "season": ("winter", "spring", "summer", "autumn"),
    HOLIDAY: ("holiday", "ordinary"),
}


def holiday(days: Sequence[date]) -> Column:
    """`holiday` or `ordinary`; null where it is unknown: without any days, and outside the years that they cover."""
    if not days:
        return F.lit(None).cast("string")
    known = F.year("event_date").between(days[0].year, days[-1].year)
    return F.when(F.col("event_date").isin(list(days)), "holiday").when(known, "ordinary")
