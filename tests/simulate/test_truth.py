"""Dirty days against what is true of it: every planted defect found under its rule, nothing else refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.ingest import ingest
from omniseg.commands.simulate import simulate
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.simulate.world.model import DEFECTS
from omniseg.tables import BRONZE_EVENTS, CUSTOMERS, EXCHANGE_RATES, PRODUCTS, QUARANTINE, SILVER_EVENTS, STORES

PACK = "conf:packs/simulated/settings.yml"
OPTIONS = {
    "seed": 7,
    "customers": 200,
    "first_day": "2025-03-25",  # the month in which the clocks are put forward
    "days": 10,
    "visit_events": 10.0,
    "overlap": 0.0,
    "equal": True,
    "shared_account": 0.0,
    "family_devices": 0.1,
    "bots": 0.01,
    "dirt": 20.0,
    "truth": None,
    "format": "table",
}
# Defect -> the rule that finds it; what is not here is accepted, or a duplicate. Raw columns are named by their source.
RULES = {
    "future_clock": {"future"},
    "malformed": {"malformed"},
    "missing_key": {"missing:event_id"},
    "wrong_type": {"unreadable:quantity", "unreadable:qty"},
    "negative_price": {"purchase_negative"},
    "unknown_currency": {"unknown_currency"},
}
EVENT_ID = {"web": "eventId", "app": "event_id", "till": "line_id", "support": "ticket", "sensors": "reading"}


@dataclass(frozen=True)
class DirtyDays:
    """The ingested days and the truth about it."""

    spark: SparkSession
    lake: Lake
    truth: Path
    run: Run

    def true(self, table: str) -> DataFrame:
        """A table of the truth."""
        return self.spark.read.parquet(str(self.truth / table))

    @property
    def defects(self) -> list[Row]:
        """Every defect record, with `times`: how often its file was delivered."""
        twice = self.true("files_twice").withColumn("times", F.lit(2))
        rows = self.true("defects").join(twice, ["system", "file"], "left").fillna(1, ["times"])
        return bounded(rows, 100_000)


@pytest.fixture(scope="module")
def dirty_days(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DirtyDays:
    """Simulated and ingested once."""
    folder = tmp_path_factory.mktemp("dirty_days")
    sets = [f"warehouse.root={folder / 'warehouse'}", f"landing.root={folder / 'landing'}"]
    settings = load_settings(env="local", conf=PACK, sets=sets, environ={})
    lake = Lake(spark, settings.warehouse.root)
    simulate(Run("simulate", settings, OPTIONS, given_lake=lake))
    run = Run("ingest", settings, {"format": "table"}, date(2025, 4, 3), given_lake=lake)
    ingest(run)
    return DirtyDays(spark, lake, folder / "landing-truth", run)


def test_the_law_holds_for_every_system(dirty_days: DirtyDays):
    assert {account.source for account in dirty_days.run.accounts} >= {
        "web",
        "app",
        "till",
        "email",
        "crm",
        "customers",
    }
    for account in dirty_days.run.accounts:
        account.check()


def test_every_defect_was_planted(dirty_days: DirtyDays):
    assert {row.defect for row in dirty_days.defects} == set(DEFECTS)


def test_what_is_quarantined_is_what_was_planted_under_its_rule(dirty_days: DirtyDays):
    conflicts = {(row.system, row.event) for row in dirty_days.defects if row.defect == "conflicting"}
    expected: Counter[tuple[str, str]] = Counter()
    for row in dirty_days.defects:
        if row.defect in RULES:
            expected[row.system, row.defect] += row.times
    found: Counter[tuple[str, str]] = Counter()
    unexplained, conflicting = [], 0
    for row in bounded(dirty_days.lake.read(QUARANTINE), 100_000):
        named = [defect for defect, rules in RULES.items() if rules & set(row.rules)]
        if row.rules == ["id_conflict"]:
            conflicting += 1
        elif len(named) == 1:
            found[row.source, named[0]] += 1
        else:
            unexplained.append((row.source, row.rules, row.excerpt))
    assert not unexplained
    assert found == expected
    assert len(conflicts) <= conflicting <= 2 * len(conflicts)  # twice where the loser's file came twice


def test_each_quarantined_record_is_the_planted_one(dirty_days: DirtyDays):
    planted = {
        (row.system, row.event) for row in dirty_days.defects if row.defect in RULES and row.defect != "missing_key"
    } - {(row.system, row.event) for row in dirty_days.defects if row.defect == "malformed"}
    payload = F.coalesce(
        *(
            F.when(F.col("source") == source, F.get_json_object("payload", f"$.{name}"))
            for source, name in EVENT_ID.items()
        ),
        F.get_json_object("payload", "$.id"),
    )
    bronze = dirty_days.lake.read(BRONZE_EVENTS).select("record_id", payload.alias("event"))
    bad = dirty_days.lake.read(QUARANTINE).where(~F.array_contains("rules", F.lit("id_conflict")))
    rows = bounded(bad.join(bronze, "record_id").where("event IS NOT NULL").select("source", "event"), 100_000)
    assert {(row.source, row.event) for row in rows} == planted


def test_all_other_events_are_in_silver_once(dirty_days: DirtyDays):
    lost = {(row.system, row.event) for row in dirty_days.defects if row.defect in RULES}
    rows = dirty_days.lake.read(SILVER_EVENTS).groupBy("source", "event_id").agg(F.count(F.lit(1)).alias("n"))
    kept = {(row.source, row.event_id): row.n for row in bounded(rows, 200_000)}
    assert set(kept.values()) == {1}
    assert not lost & set(kept)
    accepted = {(row.system, row.event) for row in dirty_days.defects if row.defect not in RULES}
    assert accepted <= set(kept)


def test_duplicates_are_counted(dirty_days: DirtyDays):
    counted = {account.source: account.duplicates.rows for account in dirty_days.run.accounts}
    again = Counter(
        row.system for row in dirty_days.defects if row.defect in ("duplicate", "restamped") and row.copy == 1
    )
    assert all(counted[source] >= number for source, number in again.items())


def test_nobody_is_unattributed_and_a_look_alike_is_somebody_else(dirty_days: DirtyDays):
    silver = dirty_days.lake.read(SILVER_EVENTS).select("source", F.col("event_id").alias("event"), "identity_key")
    nobody = dirty_days.true("defects").where("defect = 'nobody'").select(F.col("system").alias("source"), "event")
    keys = bounded(silver.join(nobody, ["source", "event"]), 100_000)
    assert keys
    assert all(row.identity_key is None for row in keys)


def test_machines_are_flagged(dirty_days: DirtyDays):
    bots = dirty_days.true("bots")
    silver = dirty_days.lake.read(SILVER_EVENTS).where("source = 'web'")
    visit = F.substring_index("event_id", "-", 1).cast("bigint").alias("visit")
    flagged = {row.visit for row in bounded(silver.where("is_bot").select(visit).distinct(), 10_000)}
    assert flagged == {row.visit for row in bounded(bots, 10_000)}
    assert flagged


def test_a_column_that_nobody_announced_is_kept(dirty_days: DirtyDays):
    rescued = dirty_days.lake.read(BRONZE_EVENTS).where("source = 'web' AND rescued LIKE '%experiment%'")
    assert bounded(rescued.agg(F.count(F.lit(1)).alias("n")), 1)[0]["n"] > 100


def test_the_masters_are_there(dirty_days: DirtyDays):
    for table, least in ((PRODUCTS, 600), (STORES, 12), (EXCHANGE_RATES, 31), (CUSTOMERS, 100)):
        assert bounded(dirty_days.lake.read(table).agg(F.count(F.lit(1)).alias("n")), 1)[0]["n"] >= least
