"""A small shop: declarations, a landing zone and a warehouse in one folder, ingested in the shared session."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from omniseg.commands.ingest import ingest
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run, execute
from omniseg.settings.load import load_settings
from omniseg.tables import QUARANTINE, SILVER_EVENTS, Table

ORDERS_JSON = """
source: orders
channel: pos
format: json
path: ${landing.root}/orders/*.jsonl
schema: >-
  id STRING, at STRING, kind STRING, card STRING, basket STRING, qty DECIMAL(18,3), price DECIMAL(18,4), note STRING
personal: [card]
columns:
  event_id: id
  event_time: to_timestamp(at)
  event_type: coalesce(kind, 'purchase')
  identifiers: map('loyalty', card)
  order_id: basket
  quantity: qty
  unit_price: price
  currency: "'EUR'"
quality:
  - {name: price_not_negative, expect: "coalesce(price, 0) >= 0"}
"""

ORDER = {
    "id": "o-1",
    "at": "2024-03-05T10:00:00Z",
    "kind": "purchase",
    "card": "CARD-4711",
    "basket": "b-1",
    "qty": 1,
    "price": 2.5,
    "note": "",
}


def order(**changes: Any) -> str:
    """A JSON line: ORDER with changes; a value of `...` leaves the key out."""
    return json.dumps({key: value for key, value in {**ORDER, **changes}.items() if value is not ...})


def orders_like(name: str) -> str:
    """The declaration of `orders` under another name, with a folder of that name."""
    return ORDERS_JSON.replace("source: orders", f"source: {name}").replace("/orders/", f"/{name}/")


def rules_by_line(quarantined: Iterable[Row]) -> dict[str, list[str]]:
    """Broken rules by `<file>:<line>` of each quarantined record."""
    return {f"{Path(row.file).name}:{row.line}": sorted(row.rules) for row in quarantined}


@dataclass(frozen=True)
class Seen:
    """Rows of small tables, read once and looked at source by source."""

    tables: Mapping[str, list[Row]]

    def of(self, source: str, table: Table = SILVER_EVENTS) -> list[Row]:
        """The rows of one source."""
        return [row for row in self.tables[table.name] if row.source == source]


@dataclass
class Shop:
    """The folder and the session that ingests it."""

    folder: Path
    spark: SparkSession
    sets: list[str] = field(default_factory=list)

    @property
    def lake(self) -> Lake:
        """The warehouse, as a new run sees it."""
        return Lake(self.spark, str(self.folder / "warehouse"))

    def declare(self, text: str, name: str = "orders.yml") -> None:
        """Write a declaration."""
        (self.folder / "sources").mkdir(parents=True, exist_ok=True)
        (self.folder / "sources" / name).write_text(text, encoding="utf-8")

    def deliver(self, name: str, *lines: str, end: str = "\n", mtime: int | None = None) -> Path:
        """Write a file of the landing zone, line by line; `mtime` is epoch seconds."""
        file = self.folder / "landing" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes("".join(f"{line}{end}" for line in lines).encode("utf-8", "surrogatepass"))
        if mtime is not None:
            os.utime(file, (mtime, mtime))
        return file

    def run(self, *sets: str) -> Run:
        """A run of ingest that has not begun."""
        roots = [f"{key}={self.folder / key.split('.')[0]}" for key in ("warehouse.root", "landing.root")]
        dirs = [f"sources.dir={self.folder / 'sources'}", f"reports.dir={self.folder / 'reports'}"]
        settings = load_settings(env="local", conf=None, sets=[*roots, *dirs, *self.sets, *sets], environ={})
        return Run("ingest", settings, {"format": "table"}, date(2024, 3, 31), given_lake=self.lake)

    def ingest(self, *sets: str, expected: int = 0) -> Run:
        """A finished run of ingest without the lock; its exit code must be the expected one."""
        run = self.run(*sets)
        execute(run, ingest, locks=False)
        assert run.exit_code == expected, run.detail
        return run

    def rows(self, table: Table = SILVER_EVENTS) -> list[Row]:
        """All rows of a small table."""
        return bounded(self.lake.read(table), 1000)

    def seen(self, *tables: Table) -> Seen:
        """All rows of some small tables."""
        return Seen({table.name: self.rows(table) for table in tables})

    def rules(self) -> dict[str, list[str]]:
        """Broken rules of every quarantined record, by its position."""
        return rules_by_line(self.rows(QUARANTINE))

    def ids(self) -> list[str]:
        """Accepted event ids, sorted, each as often as it is there."""
        return sorted(row.event_id for row in self.rows())


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Shop:
    """An empty shop with the JSON source `orders`."""
    made = Shop(tmp_path, spark)
    made.declare(ORDERS_JSON)
    return made


@pytest.fixture(scope="module")
def module_shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop that the tests of one module share; each module delivers once and looks often."""
    made = Shop(tmp_path_factory.mktemp("shop"), spark)
    made.declare(ORDERS_JSON)
    return made
