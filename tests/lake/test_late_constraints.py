"""A constraint that is declared after its table was created."""

from __future__ import annotations

from dataclasses import replace

import pytest
from py4j.protocol import Py4JJavaError

from omniseg.lake.maintenance import add_missing_constraints
from omniseg.lake.store import Lake
from omniseg.tables import Table
from omniseg.tables.model import parse_columns

BEFORE = Table(
    name="gold.toys",
    grain="one toy",
    key=("name",),
    columns=parse_columns("""
        name STRING NOT NULL  | none | name
        price INT             | none | euros
    """),
)
SINCE = replace(BEFORE, constraints=(("price_not_negative", "price IS NULL OR price >= 0"),))


def toys(lake: Lake, *rows: tuple[str, int | None]) -> None:
    """Add toys as they are declared now."""
    lake.append(SINCE, lake.spark.createDataFrame(list(rows), BEFORE.ddl))


def test_it_is_added_once_and_holds_from_then_on(lake: Lake):
    lake.ensure(BEFORE)
    toys(lake, ("ball", 3), ("gift", None))
    assert add_missing_constraints(lake, SINCE) == ["gold.toys: constraint price_not_negative added."]
    assert add_missing_constraints(lake, SINCE) == []
    with pytest.raises(Py4JJavaError, match="price_not_negative"):
        toys(lake, ("bad", -1))


def test_rows_that_break_it_are_told_and_left(lake: Lake):
    lake.ensure(BEFORE)
    toys(lake, ("ball", 3), ("bad", -1))
    (told,) = add_missing_constraints(lake, SINCE)
    assert told.startswith("gold.toys: 1 rows break the constraint price_not_negative (price IS NULL OR price >= 0)")
    assert lake.property_of(SINCE, "delta.constraints.price_not_negative") is None
    toys(lake, ("worse", -2))
