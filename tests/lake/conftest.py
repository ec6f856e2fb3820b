"""A small table with everything a declaration can say."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame

from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.tables.model import Table, parse_columns

VISITS = Table(
    name="silver.visits",
    grain="one visitor's visit",
    key=("visit",),
    statistics=("day",),
    columns=parse_columns("""
        visit STRING NOT NULL             | none       | names the visit
        visitor STRING                    | pseudonym  | who
        day INT NOT NULL                  | none       | day of the visit
        seconds DECIMAL(18,3)             | attribute  | how long
        facts MAP<STRING,STRING>          | attribute  | what else is known
    """),
    constraints=(("seconds_not_negative", "seconds IS NULL OR seconds >= 0"),),
)


def visits(lake: Lake, *rows: tuple[Any, ...]) -> DataFrame:
    """Rows (visit, visitor, day) for VISITS; their other columns are null."""
    return lake.spark.createDataFrame([(*row, None, None) for row in rows], VISITS.ddl)


def held(lake: Lake, table: Table = VISITS) -> list[tuple[Any, ...]]:
    """(visit, visitor, day) of every row of a small table, sorted."""
    return sorted((row.visit, row.visitor, row.day) for row in bounded(lake.read(table), 100))
