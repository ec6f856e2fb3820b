"""Pieces of sessions, of which a key's day keeps few, however many its events are; see `sessions`."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.features.measures import MOST_ELEMENTS

SESSIONS = "ARRAY<STRUCT<id: BIGINT, begin: BIGINT, end: BIGINT, events: BIGINT>>"
MINUTE = 60 * 1_000_000  # microseconds


def part(name: Column, begin: Column, end: Column, events: Column) -> Column:
    """Some events of one session: its id or null, the first and the last of them in microseconds, and their number."""
    return F.struct(name.alias("id"), begin.alias("begin"), end.alias("end"), events.cast("bigint").alias("events"))


def pieces(column: str, idle_minutes: int) -> Column:
    """A sorted list of parts, joined where they are of one named session, or nameless and no further apart than that.

    Kept are the MOST_ELEMENTS first: what is nameless, and the least ids, which are as good as drawn. The work grows
    with the list and not with its square: first where pieces begin, then what lies between.
    """
    listed, idle = F.col(column), idle_minutes * MINUTE

    def marked(one: Column, number: Column) -> Column:
        before = F.get(listed, number - 1)
        apart = one["id"].isNull() & (one["begin"] - before["end"] > idle)
        begins = (number == 0) | ~one["id"].eqNullSafe(before["id"]) | apart
        return F.struct(number.alias("number"), begins.alias("begins"))

    def joined(starts: Column) -> Column:
        def piece(start: Column, number: Column) -> Column:
            next_one = F.coalesce(F.get(starts, number + 1)["number"], F.size(listed))
            members = F.slice(listed, start["number"] + 1, next_one - start["number"])
            events = F.aggregate(members, F.lit(0).cast("bigint"), lambda sofar, one: sofar + one["events"])
            first = F.get(listed, start["number"])
            return part(first["id"], first["begin"], F.get(listed, next_one - 1)["end"], events)

        return F.transform(F.slice(starts, 1, MOST_ELEMENTS), piece)

    starts = F.filter(F.transform(listed, marked), lambda one: one["begins"])
    return F.coalesce(once(starts, joined), F.array()).cast(SESSIONS).alias(column)


def once(value: Column, use: Callable[[Column], Column]) -> Column:
    """`use(value)`, where `value` is evaluated once however often it is used."""
    return F.get(F.transform(F.array(value), use), F.lit(0))
