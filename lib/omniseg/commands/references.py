"""Reference tables of one batch: judge, write, account. Done before events, which need the exchange rates."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.frames import Frame
from omniseg.faults import crash_here
from omniseg.ingest.accounting import Account, Tally, tally_columns
from omniseg.ingest.declaration import ReferenceDeclaration
from omniseg.ingest.reference import changing, history, winners
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import EXCHANGE_RATES, REFERENCES, Table


def write_reference(run: Run, frame: Frame, *, batch_id: int) -> Account:
    """Write what one reference declaration changes; returns its account (an unchanged or superseded row is a duplicate)."""
    declaration = frame.declaration
    assert isinstance(declaration, ReferenceDeclaration) and frame.rows is not None
    table = REFERENCES[declaration.target]
    good = frame.rows.where(F.size("rules") == 0)
    # Rows of this very batch are leftovers of an interrupted run and are written again.
    existing = run.lake.read(table).where(F.col("batch_id") != batch_id)
    news = changing(winners(good, key=declaration.key, mode=declaration.mode), existing, key=declaration.key)
    news = news.select(*table.column_names)
    crash_here("ingest.reference.before")
    write_by_mode(run, table, news, existing, declaration)
    rest = good.join(news.select("record_id"), "record_id", "left_anti")
    return Account(
        declaration.name,
        read=counted(frame.rows),
        accepted=counted(news),
        duplicates=counted(rest),
        quarantined=counted(frame.rows.where(F.size("rules") > 0)),
    )


def write_by_mode(
    run: Run, table: Table, news: DataFrame, existing: DataFrame, declaration: ReferenceDeclaration
) -> None:
    """latest: replace by key; scd2: versions by (key, valid_from); append: add."""
    if declaration.mode == "append":
        run.lake.merge(table, news, on=same(table.key + ("row_hash",)), update=None, insert=True)
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


def counted(rows: DataFrame) -> Tally:
    """Tally of rows that have a record_id."""
    row = bounded(rows.agg(*tally_columns()), 1)[0]
    return Tally(row["rows"], row.hashes)


def exchange_rates(run: Run) -> DataFrame | None:
    """The rates known now, unique by currency and day (the newest batch counts); None when there are none."""
    if not run.lake.exists(EXCHANGE_RATES):
        return None
    newest = F.max(F.struct("batch_id", "valid_from", "rate")).alias("newest")
    rates = run.lake.read(EXCHANGE_RATES).groupBy("currency", "rate_date").agg(newest)
    return rates.select("currency", "rate_date", F.col("newest.rate").alias("rate"))
