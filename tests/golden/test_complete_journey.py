"""The whole pipeline on the real data, against DuckDB on the package's own files; tables are read without Spark."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import pytest
from deltalake import DeltaTable
from nbclient import NotebookClient
from pyspark.sql import SparkSession

from omniseg.commands.declared import feature_set
from omniseg.commands.demo import PACK, demo_settings, sets_of
from omniseg.commands.features import features_table
from omniseg.commands.journey import journey
from omniseg.commands.nightly import nightly
from omniseg.commands.published import pointer
from omniseg.lake.store import Lake
from omniseg.privacy.keys import key
from omniseg.privacy.pseudonyms import keyed
from omniseg.runtime import Run
from omniseg.settings.schema import Settings
from omniseg.tables import BRONZE_EVENTS, QUARANTINE, SEGMENT_SNAPSHOTS, SILVER_EVENTS, Table
from tests.oracle import journey as oracle

pytestmark = pytest.mark.timeout(2400)
ROOT = Path(__file__).parents[2]
AS_OF = date(2017, 12, 31)
COMPARED = [
    "recency_days_lifetime",
    "tenure_days_lifetime",
    "purchases_30d",
    "purchases_90d",
    "purchases_365d",
    "purchases_lifetime",
    "monetary_30d",
    "monetary_90d",
    "monetary_365d",
    "active_days_90d",
    "active_days_365d",
    "campaign_contacts_90d",
    "campaign_contacts_365d",
    "coupon_redemptions_90d",
    "coupon_redemptions_365d",
    "discount_365d",
    "purchase_lines_365d",
    "purchase_value_90d",
    "purchase_value_365d",
    "average_order_value",
    "lines_per_order",
    "recent_spend_share",
    "discount_share",
]


@dataclass
class Demo:
    """The finished run: its settings, what its last line said, its tables, and the folder where it was started."""

    settings: Settings
    ended: dict[str, Any]
    lake: Lake
    here: Path

    def query(self, text: str, table: Table) -> list[tuple[Any, ...]]:
        """DuckDB over a Delta table as delta-rs reads it; the table is `rows` in the text."""
        rows = DeltaTable(self.lake.path(table)).to_pyarrow_dataset()
        found = duckdb.from_arrow(rows).query("rows", text)
        assert found is not None
        return found.fetchall()


@pytest.fixture(scope="module")
def demo(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo's data, delivered, ingested and published for the last day of the year by the command itself."""
    folder = tmp_path_factory.mktemp("demo")
    settings = demo_settings(folder)
    journey(Run("journey", settings, {"format": "table"}))
    sets = [word for text in sets_of(folder) for word in ("--set", text)]
    command = [sys.executable, "-m", "omniseg", "run", "--conf", PACK, "--as-of", AS_OF.isoformat(), *sets]
    here = tmp_path_factory.mktemp("here")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=here)
    assert done.returncode == 0, done.stderr[-2000:]
    return Demo(settings, json.loads(done.stdout.splitlines()[-1]), Lake(spark, settings.warehouse.root), here)


def test_a_night_leaves_nothing_where_it_was_started_and_nothing_on_its_way(demo: Demo):
    """A scheduler may start it where it must not write."""
    assert list(demo.here.iterdir()) == []
    assert list(Path(demo.settings.warehouse.root).glob("_work/*")) == []


def customer_of(household: str) -> str:
    """The customer id of a household, computed as the documentation says: surrogate of the pseudonym."""
    pseudonym = keyed(household, "household", "v1", key("OMNISEG_PSEUDONYM_KEY"))
    assert pseudonym is not None
    return hashlib.sha256(pseudonym.encode()).hexdigest()[:32]


def test_key_figures_equal_those_of_the_package(demo: Demo) -> None:
    found = demo.query(
        """SELECT count(*), count(DISTINCT identity_key), count(DISTINCT order_id), sum(amount)
           FROM rows WHERE source = 'till'""",
        SILVER_EVENTS,
    )[0]
    expected = oracle.key_figures()
    assert found == (expected.lines, expected.households, expected.baskets, expected.sales)
    assert found == (1_469_307, 2_469, 155_848, Decimal("4596039.5800"))


def test_contacts_and_redemptions_are_all_there(demo: Demo) -> None:
    counted = dict(demo.query("SELECT source, count(*) FROM rows GROUP BY source", SILVER_EVENTS))
    assert counted["campaign_contacts"] == oracle.contacts() == 6_589
    assert counted["coupon_redemptions"] == oracle.redemptions() == 2_102


def test_the_law_holds_and_nothing_is_quarantined(demo: Demo) -> None:
    counts = demo.ended["counts"]
    assert {source: counted["read"] for source, counted in counts.items()} == {
        "campaign_contacts": 6_589,
        "campaigns": 27,
        "coupon_redemptions": 2_102,
        "customers": 801,
        "products": 92_331,
        "till": 1_469_307,
    }
    assert all(counted["accepted"] == counted["read"] for counted in counts.values())
    assert demo.query("SELECT count(*) FROM rows", QUARANTINE)[0] == (0,)
    assert demo.query("SELECT count(*), count(DISTINCT record_id) FROM rows", BRONZE_EVENTS)[0] == (1_571_157,) * 2


def test_days_are_those_of_the_store_and_not_of_utc(demo: Demo) -> None:
    by_day = dict(demo.query("SELECT event_date, count(*) FROM rows WHERE source = 'till' GROUP BY 1", SILVER_EVENTS))
    assert len(by_day) == 364  # no sales on Christmas Day
    for day in (date(2017, 1, 1), date(2017, 3, 12), date(2017, 12, 31)):
        assert by_day[day] == oracle.key_figures(day, day).lines


def derived(row: dict[str, Any]) -> dict[str, Any]:
    """Variables that follow from the oracle's own figures of a household; every line is a purchase, none a return."""
    spent, orders, lines = row["monetary_365d"], row["purchases_365d"], row["purchase_lines_365d"]
    return {
        "recency_days_lifetime": row["recency_days"],
        "tenure_days_lifetime": row["tenure_days"],
        "purchase_value_90d": row["monetary_90d"],
        "purchase_value_365d": spent,
        "average_order_value": float(spent / orders) if orders else None,
        "lines_per_order": lines / orders if orders else None,
        "recent_spend_share": float(row["monetary_90d"] / spent) if spent else None,
        "discount_share": row["discount_share_365d"],
    }


def same(found: Any, expected: Any) -> bool:
    """Equal; doubles to the 10 significant digits that are kept of them."""
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-9)
    return bool(found == expected)


def test_features_of_every_household_equal_the_oracle(demo: Demo) -> None:
    dataset = DeltaTable(demo.lake.path(features_table(feature_set(demo.settings)))).to_pyarrow_dataset()
    rows = dataset.to_table(columns=["customer_id", *COMPARED]).to_pylist()
    found = {row.pop("customer_id"): row for row in rows}
    expected = {customer_of(household): row for household, row in oracle.features_as_of(AS_OF).items()}
    for row in expected.values():
        row |= derived(row)
    assert found.keys() == expected.keys()
    wrong = {
        (customer, name): (row[name], expected[customer][name])
        for customer, row in found.items()
        for name in COMPARED
        if not same(row[name], expected[customer][name])
    }
    assert not wrong


def test_the_published_snapshot_holds_every_customer_once(demo: Demo) -> None:
    published = pointer(Run("snapshots list", demo.settings, {}, given_lake=demo.lake))
    assert published == demo.ended["snapshot_id"]
    assert published is not None
    assert published.startswith("2017-12-31-")
    found = demo.query(
        f"""SELECT count(*), count(DISTINCT customer_id), count(DISTINCT segment_id), min(distance) >= 0
            FROM rows WHERE snapshot_id = '{published}'""",
        SEGMENT_SNAPSHOTS,
    )[0]
    assert found == (2_469, 2_469, 6, True)


def test_a_second_run_finds_nothing_new(demo: Demo) -> None:
    again = Run("run", demo.settings, {"format": "table"}, AS_OF, given_lake=Lake(demo.lake.spark, demo.lake.root))
    nightly(again)
    assert (again.status, again.snapshot_id) == ("nothing_new", demo.ended["snapshot_id"])
    assert again.accounts == []


def test_reports_are_written(demo: Demo) -> None:
    folder = Path(demo.settings.reports.dir)
    assert (folder / "segments-2017-12-31.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "segments-2017-12-31.html").read_text(encoding="utf-8")
    assert "2,469 customers" in page
    assert "Legal basis" in page


def test_the_notebook_runs_on_what_was_published(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNISEG_WAREHOUSE", demo.lake.root)
    notebook = nbformat.read(ROOT / "notebooks" / "explore_snapshot.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any(str(demo.ended["snapshot_id"]) in str(output) for output in outputs)
