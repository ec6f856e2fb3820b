"""Exactly once: repeated deliveries are counted, conflicting ones quarantined, the same whatever the order of the rows.

Identity of an event = (source, event_id) inside a window of days. Rows are taken by (batch, event_time,
payload_hash): the
first is accepted; a later one near an accepted one (event_date at most `window_days` away) is a duplicate when its
payload_hash is the same and a conflict when it is not; one outside the window is a new event.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

NARROW = ("source", "event_id", "batch_id", "event_time", "event_date", "payload_hash", "record_id")
ORDER = ("batch_id", "event_time", "payload_hash", "record_id", "event_date")
DUPLICATE, CONFLICT = "duplicate", "conflict"
CONFLICT_RULE = "id_conflict"


def verdicts(
    fresh: DataFrame,
    history: DataFrame,
    *,
    window_days: int,
    keep: Callable[[DataFrame], DataFrame] = lambda hashes: hashes,
) -> DataFrame:
    """(record_id, source, verdict) of the `fresh` rows that are not accepted; verdict is `duplicate` or `conflict`.

    Both frames need NARROW; `history` holds accepted events of earlier batches that can lie in a window of the fresh
    ones. Only 64-bit hashes of ids are shuffled for all rows; whole narrow rows only where a hash occurs twice. For
    that Spark must know how few the repeated hashes are before it plans: `keep` computes them and gives them back.
    """
    rows = with_hash(fresh, is_new=True).unionByName(with_hash(history, is_new=False))
    counted = rows.groupBy("__hash").agg(F.count(F.lit(1)).alias("rows"), F.max("__new").alias("any_new"))
    repeated = counted.where((F.col("rows") > 1) & F.col("any_new")).select("__hash")
    suspects = rows.join(keep(repeated), "__hash", "left_semi")
    groups = suspects.groupBy("source", "event_id").agg(
        F.array_sort(F.collect_list(F.struct(*ORDER, "__new"))).alias("members")
    )
    anchored = groups.select("source", "members", anchors(F.col("members"), window_days).alias("anchors"))
    judged = anchored.select("source", F.explode(judged_members(window_days)).alias("member"))
    refused = judged.where(F.col("member.verdict").isNotNull())
    return refused.select(
        F.col("member.record_id").alias("record_id"), "source", F.col("member.verdict").alias("verdict")
    )


def with_hash(rows: DataFrame, *, is_new: bool) -> DataFrame:
    """NARROW, the 64-bit hash of the identity, and whether the row belongs to this batch."""
    return rows.select(*NARROW, F.xxhash64("source", "event_id").alias("__hash"), F.lit(is_new).alias("__new"))


def anchors(members: Column, window_days: int) -> Column:
    """The accepted rows among sorted `members`: those of earlier batches, and new ones with no such row near them."""
    start = F.filter(members, lambda member: ~member["__new"])

    def accept(accepted: Column, member: Column) -> Column:
        alone = ~F.exists(accepted, lambda other: near(other, member, window_days))
        return F.when(member["__new"] & alone, F.concat(accepted, F.array(member))).otherwise(accepted)

    return F.aggregate(members, start, accept)


def judged_members(window_days: int) -> Column:
    """record_id and verdict of the new members; the verdict of an accepted one is null."""

    def judge(member: Column) -> Column:
        close = F.filter("anchors", lambda other: near(other, member, window_days))
        # A replayed record keeps its name, so an accepted row of an earlier batch may bear it, too.
        accepted = F.exists(close, lambda other: other["__new"] & (other["record_id"] == member["record_id"]))
        same = close[0]["payload_hash"] == member["payload_hash"]
        verdict = F.when(accepted, None).when(same, DUPLICATE).otherwise(CONFLICT)
        return F.struct(member["record_id"].alias("record_id"), verdict.alias("verdict"))

    fresh = F.filter("members", lambda member: member["__new"])
    return F.transform(fresh, judge)


def near(one: Column, other: Column, window_days: int) -> Column:
    """True when two rows of one identity lie inside the window."""
    return F.abs(F.date_diff(one["event_date"], other["event_date"])) <= window_days
