"""Keys that very many events share: elements of their lists stay rows, which Spark sorts on disk, until few are left.

`collect_set` and `collect_list` hold all elements of a key's day before any is cut: of the card of a till with millions
of receipts more than a task has memory. To sort all elements of all keys would be dear, and hardly any key needs it.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.features.measures import MOST_ELEMENTS
from omniseg.features.narrow import counted, element, of_people
from omniseg.features.partials import GRAIN, Partial
from omniseg.features.pieces import MINUTE, part
from omniseg.features.weights import WEIGHT, bounded_list

CROWDED = 100_000  # events of one key; of fewer a task can hold every element, some 80 bytes each
MOST_CROWDED = 1_000
RANKED = 2 * MOST_ELEMENTS  # more than a list keeps: nameless parts of sessions are joined later (conf/base.yml)
ELEMENT = f"STRUCT<hash: BIGINT, text: STRING, weight: {WEIGHT}, slot: BIGINT, at: BIGINT>"


def crowded_keys(events: DataFrame) -> DataFrame:
    """silver.events -> identity_key of those that more than CROWDED events share, at most MOST_CROWDED."""
    many = of_people(events).groupBy("identity_key").agg(F.count("*").alias("events")).where(F.col("events") > CROWDED)
    return many.orderBy(F.desc("events"), "identity_key").limit(MOST_CROWDED).select("identity_key")


def ranked_lists(rows: DataFrame, lists: Sequence[Partial]) -> DataFrame:
    """Prepared events -> one row per GRAIN with any element: of each list the elements that it may keep, in order.

    They are grouped and ranked as rows, so what a task holds grows neither with events nor with elements.
    """
    elements = F.array(*(F.when(counted(one), as_element(one)).cast(ELEMENT) for one in lists))
    members = rows.select(*GRAIN, F.posexplode(elements).alias("list", "element")).where("element IS NOT NULL")
    once = (
        members.select(*GRAIN, "list", "element.*")
        .groupBy(*GRAIN, "list", "hash", "text", "slot")
        .agg(
            F.sum("weight").cast(WEIGHT).alias("weight"),
            F.min("at").alias("begin"),
            F.max("at").alias("end"),
            F.count(F.lit(1)).alias("events"),
        )
    )
    first = F.get(F.array(*map(precedence, lists)), F.col("list"))
    best = Window.partitionBy(*GRAIN, "list").orderBy(first, "hash", "text", "slot")
    kept = once.withColumn("rank", F.row_number().over(best)).where(F.col("rank") <= RANKED)
    gathered = {
        one.name: F.collect_list(F.when(F.col("list") == number, as_listed(one))) for number, one in enumerate(lists)
    }
    listed = kept.groupBy(*GRAIN).agg(*(column.alias(name) for name, column in gathered.items()))
    weighted = {one.name: bounded_list(one.name) for one in lists if one.is_weighted}
    return listed.withColumns(weighted).withColumns({one.name: F.sort_array(one.name) for one in lists})


def as_element(partial: Partial) -> Column:
    """What an event adds to a list. Nameless events of sessions share a slot as long as the pause that parts them."""
    nothing = F.lit(None)
    if partial.is_weighted:
        found = element(partial)
        return F.struct(found["hash"], found["text"], found["weight"], nothing, nothing)
    if partial.kind != "sessions":
        return F.struct(F.col(partial.name), nothing, nothing, nothing, nothing)
    name, at = F.col(partial.name)["id"], F.col(partial.name)["at"]
    slot = F.floor(at / (int(partial.option or 0) * MINUTE))
    return F.struct(name, nothing, nothing, F.when(name.isNull(), slot), at)


def precedence(partial: Partial) -> Column:
    """Which elements a list keeps first, before those of least hash: the heaviest texts, the newest moments."""
    if partial.kind == "moments":
        return -F.col("hash").cast(WEIGHT)
    return F.when(F.col("text").isNotNull(), -F.col("weight"))


def as_listed(partial: Partial) -> Column:
    """The element as a list holds it."""
    if partial.is_weighted:
        return F.struct("hash", "text", "weight")
    return part(*map(F.col, ("hash", "begin", "end", "events"))) if partial.kind == "sessions" else F.col("hash")
