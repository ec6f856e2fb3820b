"""The figures of a batch, counted from what was read and from what stands in the tables, each on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from omniseg.commands.deliveries import MOST_FILES, plain_path
from omniseg.ingest.accounting import Account, Tally, tally_columns, tally_of
from omniseg.ingest.dedupe import CONFLICT, DUPLICATE
from omniseg.ingest.mapping import ELEMENT
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import QUARANTINE, SILVER_EVENTS

MOST_SOURCES = 10_000
ACCEPTED, QUARANTINED = "accepted", "quarantined"


@dataclass(frozen=True)
class Survey:
    """What was read: tally per source, rows per (source, file), and what kinds of record are among them."""

    read: Mapping[str, Tally]
    rows_per_file: Mapping[tuple[str, str], int]
    rescued: list[str]  # sources that sent fields which their schema does not know
    rejected: frozenset[str]  # sources of which some text could not be parsed
    exploded: bool  # some records gave several rows
    broken: bool = True  # some record breaks a rule
    lookalikes: Mapping[str, int] = field(default_factory=dict)  # by source, records whose identifiers mix alphabets


def survey(received: DataFrame) -> Survey:
    """Count what was read, once, per file."""
    counted = received.groupBy("source", "file").agg(
        *tally_columns(),
        F.count("rescued").alias("rescued"),
        F.count_if(F.col("payload").isNull()).alias("rejected"),
        F.count_if(F.size("rules") > 0).alias("broken"),
        F.count_if(F.contains("record_id", F.lit(ELEMENT))).alias("elements"),
        F.count_if(F.col("lookalike") & ~F.contains("record_id", F.lit(ELEMENT))).alias("lookalikes"),
    )
    rows = bounded(counted, MOST_FILES)
    read: dict[str, Tally] = {}
    lookalikes: Counter[str] = Counter()
    for row in rows:
        read[row.source] = read.get(row.source, Tally()) + tally_of(row)
        lookalikes[row.source] += row.lookalikes
    return Survey(
        read,
        {(row.source, plain_path(row.file)): row["rows"] for row in rows},
        sorted({row.source for row in rows if row.rescued}),
        frozenset(row.source for row in rows if row.rejected),
        any(row.elements for row in rows),
        any(row.broken for row in rows),
        +lookalikes,
    )


def refusals(repeated: DataFrame) -> dict[str, dict[str, Tally]]:
    """Verdict -> source -> tally."""
    rows = bounded(repeated.groupBy("verdict", "source").agg(*tally_columns()), MOST_SOURCES)
    found: dict[str, dict[str, Tally]] = {DUPLICATE: {}, CONFLICT: {}}
    for row in rows:
        found[row.verdict][row.source] = tally_of(row)
    return found


def event_accounts(
    run: Run, batch_id: int, found: Survey, duplicates: Mapping[str, Tally], sources: list[str]
) -> list[Account]:
    """One account per event source: what was read against what the tables hold of the batch now."""
    stored = in_tables(run, batch_id)
    nothing = Tally()
    return [
        Account(
            source,
            read=found.read.get(source, nothing),
            accepted=tally_of(stored.get((ACCEPTED, source))),
            duplicates=duplicates.get(source, nothing),
            quarantined=tally_of(stored.get((QUARANTINED, source))),
            unattributed=row.nobody if (row := stored.get((ACCEPTED, source))) else 0,
            bots=row.bots if row else 0,
            ahead=row.ahead if row else 0,
            most_ahead=row.most_ahead if row and row.ahead else 0,
        )
        for source in sources
    ]


def in_tables(run: Run, batch_id: int) -> dict[tuple[str, str], Row]:
    """(fate, source) -> tally of the batch's rows as they stand in the tables, how many are of nobody and how many of
    machines, how many are ahead of their delivery and by how many seconds at most.
    """
    fates = {ACCEPTED: SILVER_EVENTS, QUARANTINED: QUARANTINE}
    slices = [
        run.lake.read(table)
        .where(F.col("batch_id") == batch_id)
        .select(
            F.lit(fate).alias("fate"),
            "source",
            "record_id",
            (F.col("identity_key").isNull() if fate == ACCEPTED else F.lit(False)).alias("nobody"),
            (F.col("is_bot") if fate == ACCEPTED else F.lit(False)).alias("bot"),
            (seconds_ahead() if fate == ACCEPTED else F.lit(None)).cast("bigint").alias("lead"),
        )
        for fate, table in fates.items()
    ]
    counted = reduce(DataFrame.unionByName, slices).groupBy("fate", "source")
    rows = counted.agg(
        *tally_columns(),
        F.count_if("nobody").alias("nobody"),
        F.count_if("bot").alias("bots"),
        F.count_if(F.col("lead") > 0).alias("ahead"),
        F.max("lead").alias("most_ahead"),
    )
    return {(row.fate, row.source): row for row in bounded(rows, MOST_SOURCES)}


def seconds_ahead() -> Column:
    """By how much an event's time is after the delivery of its file, which a right clock does not give."""
    return F.timestamp_diff("SECOND", F.col("received_at"), F.col("event_time"))
