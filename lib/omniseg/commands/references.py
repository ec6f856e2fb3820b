"""Reference tables of one batch: judge, write, account. Done before events, which need the exchange rates."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.faults import crash_here
from omniseg.ingest.accounting import Account, Tally, tally_columns, tally_of
from omniseg.ingest.declaration import ReferenceDeclaration
from omniseg.ingest.reference import changing, history, winners
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import REFERENCES, Table


def write_reference(run: Run, declaration: ReferenceDeclaration, rows: DataFrame, *, batch_id: int) -> Account:
    """Write what one reference declaration changes; returns its account (an unchanged or superseded row is a
    duplicate).
    """
    table = REFERENCES[declaration.target]
    # Rows of this very batch are leftovers of an interrupted run and are written again.
    existing = run.lake.read(table).where(F.col("batch_id") != batch_id)
    good = rows.where(F.size("rules") == 0)
    news = changing(winners(good, key=declaration.key, mode=declaration.mode), existing, key=declaration.key).persist()
    try:
        with run.step(table.name):
            account = accounted(declaration.name, rows, news)
            crash_here("ingest.reference.before")
            write_by_mode(run, table, news.select(*table.column_names), existing, declaration)
    finally:
        news.unpersist()
    return account


def accounted(name: str, rows: DataFrame, news: DataFrame) -> Account:
    """The account of a reference table: broken rows, rows that change something, and the rest."""
    changes = F.broadcast(news.select("record_id", F.lit(True).alias("changes")))
    fate = F.when(F.size("rules") > 0, "quarantined").when(F.col("changes"), "accepted").otherwise("duplicates")
    fates = rows.join(changes, "record_id", "left").groupBy(fate.alias("fate")).agg(*tally_columns())
    found = {row.fate: tally_of(row) for row in bounded(fates, 3)}
    nothing = Tally()
    return Account(
        name,
        read=counted(rows),
        accepted=found.get("accepted", nothing),
        duplicates=found.get("duplicates", nothing),
        quarantined=found.get("quarantined", nothing),
    )


def counted(rows: DataFrame) -> Tally:
    """Tally of rows that have a record_id."""
    return tally_of(bounded(rows.agg(*tally_columns()), 1)[0])


def write_by_mode(
    run: Run, table: Table, news: DataFrame, existing: DataFrame, declaration: ReferenceDeclaration
) -> None:
    """latest: replace by key; scd2: versions by (key, valid_from); append: add."""
    if declaration.mode == "append":
        run.lake.merge(table, news, on=same((*table.key, "row_hash")), update=None, insert=True)
    elif declaration.mode == "latest":
        everything = {name: f"new.`{name}`" for name in table.column_names}
        run.lake.merge(table, news, on=same(declaration.key), update=everything, insert=True)
    else:
        versions = history(news, existing, key=declaration.key)
        everything = {name: f"new.`{name}`" for name in table.column_names}
        run.lake.merge(table, versions, on=same((*declaration.key, "valid_from")), update=everything, insert=True)


def same(key: tuple[str, ...]) -> str:
    """MERGE condition on equal keys."""
    return " AND ".join(f"old.`{name}` = new.`{name}`" for name in key)
