"""Products that become known after their events (D20), and scores: one small warehouse, a few nights."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.declared import feature_set
from omniseg.commands.declared_features import verify
from omniseg.commands.features import build, days_table, earlier, inputs
from omniseg.commands.late_products import PRODUCTS_PROPERTY, backfill_products
from omniseg.features.as_of import Seen
from omniseg.features.days import day_partials
from omniseg.features.products import enriched
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run, execute
from omniseg.settings.load import load_settings
from omniseg.tables import (
    CUSTOMER_CHANGES,
    CUSTOMER_DAY,
    CUSTOMER_FEATURES,
    FILES,
    IDENTITIES,
    PRODUCTS,
    RFM_CUTS,
    SILVER_EVENTS,
)
from tests.features.rows import AS_OF, events, identities, products

FEATURES = """\
features:
  - {name: dairy, measure: sum, of: amount, where: department = 'DAIRY', description: d, unit: money}
  - {name: unheard, measure: count, where: department = 'unknown', description: d, unit: lines}
  - {name: lines, measure: count, windows: [30d], description: d, unit: lines}
  - {name: last, measure: days_since_last, description: d, unit: days}
rfm:
  recency: last_lifetime
  frequency: lines_30d
  monetary: dairy_lifetime
  segments:
    - {name: Best, frequency: 4-5}
"""
BEFORE = AS_OF - timedelta(days=1)


@dataclass
class Nights:
    """The warehouse, and what each step left."""

    spark: SparkSession
    folder: Path
    runs: dict[str, Run] = field(default_factory=dict)
    vectors: dict[str, list[Row]] = field(default_factory=dict)

    def run(self, *more: str, as_of: date = AS_OF) -> Run:
        """A run that has not begun."""
        sets = [*more, f"warehouse.root={self.folder / 'warehouse'}", f"features.file={self.folder / 'features.yml'}"]
        settings = load_settings(env="local", conf=None, sets=[*sets, "lake.buckets=2"], environ={})
        return Run("features", settings, {}, as_of, given_lake=Lake(self.spark, settings.warehouse.root))

    def taken(self, batch: int) -> None:
        """A batch is committed, as ingest does last."""
        row = (f"made-{batch}", "f", 1, datetime.now(timezone.utc), "h", 1, batch, "taken", None)
        self.run().lake.append(FILES, self.spark.createDataFrame([row], FILES.ddl))

    def build(self, step: str, as_of: date = AS_OF) -> None:
        """`omniseg features`."""
        self.runs[step] = self.run(as_of=as_of)
        execute(self.runs[step], build, locks=False)
        vectors = self.runs[step].lake.read(CUSTOMER_FEATURES).where(F.col("as_of") == F.lit(as_of))
        self.vectors[step] = bounded(vectors.orderBy("customer_id"), 10)


@pytest.fixture(scope="module")
def nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Five shoppers buy milk and bread; the master of milk comes a night later, that of bread never."""
    made = Nights(spark, tmp_path_factory.mktemp("nights"))
    (made.folder / "features.yml").write_text(FEATURES)
    lake, people = made.run().lake, [f"k{number}" for number in range(5)]
    who = [{"identifier": one, "customer_id": one} for one in people]
    firm = {"identifier": "firm", "identifier_type": "account", "customer_id": "firm"}
    lake.append(IDENTITIES, identities(spark, *who, firm))
    bought = [{"identity_key": one, "product_id": "bread", "event_id": f"b {one}"} for one in people]
    bought += [{"identity_key": one, "product_id": "milk", "event_id": f"m {one}"} for one in people[3:]]
    lake.append(SILVER_EVENTS, events(spark, *bought, {"identity_key": None, "product_id": "milk"}))
    lake.append(PRODUCTS, products(spark, {"product_id": "cheese"}))
    made.taken(1)
    made.build("without milk", BEFORE)
    lake.append(PRODUCTS, products(spark, {"product_id": "milk", "batch_id": 2}))
    made.taken(2)
    made.build("with milk")
    made.build("again")
    made.runs["verified"] = made.run()
    execute(made.runs["verified"], verify, locks=False)
    return made


def test_every_step_ends_well(nights: Nights):
    assert {step: (run.exit_code, run.detail) for step, run in nights.runs.items() if run.exit_code} == {}
    assert nights.runs["again"].status == "nothing_new"


def test_a_product_that_nobody_knows_is_a_member_of_its_own(nights: Nights):
    rows = nights.vectors["without milk"]
    assert [row["unheard_lifetime"] for row in rows] == [1, 1, 1, 2, 2]
    assert {float(row["dairy_lifetime"]) for row in rows} == {0.0}


def test_a_late_product_is_filled_in(nights: Nights):
    rows = nights.vectors["with milk"]
    assert [row["unheard_lifetime"] for row in rows] == [1, 1, 1, 1, 1]
    assert [float(row["dairy_lifetime"]) for row in rows] == [0.0, 0.0, 0.0, 10.0, 10.0]


def test_only_whose_days_were_summed_anew_is_built_anew(nights: Nights):
    """The vectors of the last night are the base, and `verify` finds no difference to those from all days."""
    run = nights.run()
    noted = bounded(run.lake.read(CUSTOMER_CHANGES).where("batch_id = 2"), 10)
    assert sorted(row["identity_key"] for row in noted) == ["k3", "k4"]
    found = earlier(run, Seen(feature_set(run.settings), AS_OF, 2))
    assert found is not None
    assert (found.as_of, found.known_batch_id) == (BEFORE, 1)
    assert nights.runs["verified"].exit_code == 0


def test_the_days_are_those_of_a_warehouse_that_knew_it_at_once(nights: Nights):
    run = nights.run()
    features = feature_set(run.settings)
    joined = enriched(run.lake.read(SILVER_EVENTS), run.lake.read(PRODUCTS))
    expected = day_partials(joined, features=features)
    found = run.lake.read(days_table(features)).select(*expected.columns)
    assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True)
    assert run.lake.property_of(CUSTOMER_DAY, PRODUCTS_PROPERTY) == "2"


def test_scores_are_part_of_the_vector_and_their_cut_points_are_kept(nights: Nights):
    rows = nights.vectors["with milk"]
    assert [(row["rfm_recency"], row["rfm_frequency"], row["rfm_monetary"]) for row in rows] == [(1, 1, 1)] * 3 + [
        (1, 4, 4)
    ] * 2
    assert [row["rfm_segment"] for row in rows] == [None] * 3 + ["Best"] * 2
    cuts = bounded(
        nights.run().lake.read(RFM_CUTS).where(f"dimension = 'frequency' AND as_of = DATE'{AS_OF}'").orderBy("score"),
        10,
    )
    assert [(cut.score, cut.least, cut.greatest, cut.customers) for cut in cuts] == [
        (1, 1.0, 1.0, 3),
        (2, None, None, 0),
        (3, None, None, 0),
        (4, 2.0, 2.0, 2),
        (5, None, None, 0),
    ]
    assert {(cut.as_of, cut.known_batch_id, cut.feature) for cut in cuts} == {(AS_OF, 2, "lines_30d")}


def test_where_accounts_are_segmented_other_identifiers_are_nobodys(nights: Nights):
    run = nights.run("identity.entity=account")
    everybody, accounts = (inputs(one, feature_set(one.settings))[1] for one in (nights.run(), run))
    assert {row["identifier"] for row in bounded(everybody, 10)} == {*(f"k{number}" for number in range(5)), "firm"}
    assert [row["identifier"] for row in bounded(accounts, 10)] == ["firm"]


def test_what_holds_only_since_then_changes_no_earlier_day(nights: Nights):
    run = nights.run()
    later = {
        "product_id": "milk",
        "department": "DRINKS",
        "batch_id": 3,
        "valid_from": datetime(2018, 1, 1, tzinfo=timezone.utc),
    }
    run.lake.append(PRODUCTS, products(run.spark, later))
    backfill_products(run, feature_set(run.settings), 3)
    assert bounded(run.lake.read(CUSTOMER_CHANGES).where("batch_id = 3"), 10) == []
    assert run.lake.property_of(CUSTOMER_DAY, PRODUCTS_PROPERTY) == "3"


def test_cut_points_that_degenerate_are_reported(nights: Nights, capsys: pytest.CaptureFixture[str]):
    run = nights.run()
    run.lake.delete(CUSTOMER_FEATURES, f"as_of = DATE'{AS_OF}'")
    execute(run, build, locks=False)
    told = capsys.readouterr().out
    assert "RFM frequency: no customer scores 2, 3, 5, because many share a value; 60% score 1" in told
