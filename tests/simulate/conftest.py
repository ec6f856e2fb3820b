from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from omniseg.simulate.journey import DeliveryReport, deliver
from tests.simulate.landing import MONDAY, SUNDAY, declaration, quiet


@pytest.fixture(scope="session")
def week(tmp_path_factory) -> tuple[Path, DeliveryReport]:
    """The landing zone after the delivery of one week. Read only."""
    root = tmp_path_factory.mktemp("week")
    return root, deliver(root, since=MONDAY, until=SUNDAY, progress=quiet)


@pytest.fixture(scope="session")
def year(tmp_path_factory) -> tuple[Path, DeliveryReport]:
    """The landing zone after the delivery of everything. Read only."""
    root = tmp_path_factory.mktemp("year")
    return root, deliver(root, progress=quiet)


@pytest.fixture(scope="session")
def delivered_till(year) -> duckdb.DuckDBPyConnection:
    """A connection with the table `till` of the delivered till lines, types as the pack declares them."""
    connection = duckdb.connect()
    types = {
        name: kind.replace("STRING", "VARCHAR")
        for name, kind in re.findall(r"(\w+) (\w+(?:\([\d,]+\))?)", declaration("till")["schema"])
    }
    connection.read_json(f"{year[0]}/till/*/*/*.jsonl", columns=types, format="newline_delimited").create("till")
    return connection
