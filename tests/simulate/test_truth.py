"""A dirty month against what is true of it: every planted defect found under its rule, nothing else refused."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.ingest import ingest
from omniseg.commands.quarantine import replay
from omniseg.commands.simulate import simulate
from omniseg.ingest.accounting import Account
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.simulate.world.model import DEFECTS
from omniseg.tables import (
    BRONZE_EVENTS,
    CUSTOMERS,
    EXCHANGE_RATES,
    FILES,
    POSTAL_AREAS,
    PRODUCTS,
    QUARANTINE,
    SILVER_EVENTS,
    STORES,
)
from tests.simulate.landing import PACK

SIMULATED = PACK.parent / "simulated" / "sources"
OPTIONS = {
    "seed": 7,
    "customers": 120,
    "first_day": "2025-03-03",  # the clocks are put forward on the 30th
    "days": 30,
    "visit_events": 8.0,
    "overlap": 0.0,
    "equal": True,
    "shared_account": 0.0,
    "family_devices": 0.1,
    "bots": 0.06,
    "late_days": 5,
    "dirt": 20.0,
    "truth": None,
    "format": "table",
}
# Defect -> the rule that finds it; what is not here is accepted, or a duplicate. Raw columns are named by their source.
RULES = {
    "future_clock": "future",
    "malformed": "malformed",
    "missing_key": "missing:event_id",
    "wrong_type": "unreadable:quantity",
    "negative_price": "purchase_negative",
    "unknown_currency": "unknown_currency",
    "dst_gap": "wall_clock_exists",
}
RENAMED = "campaign_named"
WITHOUT_ID = ("malformed", "missing_key")  # of these records no event id can be read
RAW_QUANTITY = "unreadable:qty"  # what web and till call it
NOT_IN_MARCH = {"dst_overlap"}
EVENT_ID = {"web": "eventId", "app": "event_id", "till": "line_id", "support": "ticket", "sensors": "reading"}
Found = Counter[tuple[str, str | None, frozenset[str]]]


@dataclass(frozen=True)
class DirtyMonth:
    """The ingested month, the truth about it, and what was quarantined before anything was mended."""

    spark: SparkSession
    lake: Lake
    folder: Path
    run: Run
    quarantined: list[Row]

    def true(self, table: str) -> DataFrame:
        """A table of the truth."""
        return self.spark.read.parquet(str(self.folder / "landing-truth" / table))

    def delivered(self, table: str) -> list[Row]:
        """Records of the truth, with `times`: how often their file was delivered."""
        twice = self.true("files_twice").withColumn("times", F.lit(2))
        return bounded(self.true(table).join(twice, ["system", "file"], "left").fillna(1, ["times"]), 100_000)

    @property
    def defects(self) -> list[Row]:
        """Every record with a defect of its own."""
        return self.delivered("defects")


def settings(folder: Path, sources: str) -> Run:
    """A run of `ingest` on everything below a folder."""
    sets = [f"warehouse.root={folder / 'warehouse'}", f"landing.root={folder / 'landing'}", f"sources.dir={sources}"]
    loaded = load_settings(env="local", conf="conf:packs/simulated/settings.yml", sets=sets, environ={})
    return Run("ingest", loaded, {"format": "table"}, date(2025, 4, 1))


def event_in_record() -> Column:
    """The id that a record of bronze.events names; null where none can be read."""
    return F.coalesce(
        *(
            F.when(F.col("source") == source, F.get_json_object("payload", f"$.{name}"))
            for source, name in EVENT_ID.items()
        ),
        F.get_json_object("payload", "$.id"),
    )


def with_event(lake: Lake) -> list[Row]:
    """The quarantine (source, rules, record_id, event)."""
    bronze = lake.read(BRONZE_EVENTS).select("record_id", event_in_record().alias("event"))
    bad = lake.read(QUARANTINE).select("source", "rules", "record_id", "excerpt")
    return bounded(bad.join(bronze, "record_id", "left"), 100_000)


@pytest.fixture(scope="module")
def month(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DirtyMonth:
    """Simulated and ingested once."""
    folder = tmp_path_factory.mktemp("dirty_month")
    run = settings(folder, str(SIMULATED))
    run.given_lake = Lake(spark, str(folder / "warehouse"))
    simulate(Run("simulate", run.settings, OPTIONS, given_lake=run.given_lake))
    ingest(run)
    return DirtyMonth(spark, run.given_lake, folder, run, with_event(run.given_lake))


def known_rules(rules: Iterable[str]) -> frozenset[str]:
    """Broken rules, raw columns by one name."""
    return frozenset("unreadable:quantity" if rule == RAW_QUANTITY else rule for rule in rules)


def expected_of(month: DirtyMonth) -> Found:
    """(system, event id where one can be read, rules) of every record that must be refused."""
    defects = {(row.system, row.event, row["copy"]): row.defect for row in month.defects}
    renamed = {(row.system, row.event, row["copy"]) for row in month.delivered("renamed")}
    times = {(row.system, row.event, row["copy"]): row.times for row in (*month.defects, *month.delivered("renamed"))}
    expected: Found = Counter()
    for record in defects.keys() | renamed:
        defect = defects.get(record)
        rules = {RULES[defect]} if defect in RULES else set()
        if record in renamed and defect != "malformed":  # of a text that is cut, no column is known
            rules.add(RENAMED)
        if rules:
            system, event, _ = record
            expected[system, None if defect in WITHOUT_ID else event, frozenset(rules)] += times[record]
    return expected


def test_the_law_holds_for_every_system(month: DirtyMonth):
    assert {account.source for account in month.run.accounts} >= {"web", "app", "till", "email", "crm", "customers"}
    for account in month.run.accounts:
        account.check()


def test_every_defect_was_planted(month: DirtyMonth):
    assert {row.defect for row in month.defects} == set(DEFECTS) - NOT_IN_MARCH
    assert month.delivered("renamed")


def test_what_is_quarantined_is_what_was_planted_under_its_rules(month: DirtyMonth):
    found: Found = Counter(
        (row.source, row.event, known_rules(row.rules)) for row in month.quarantined if row.rules != ["id_conflict"]
    )
    assert found == expected_of(month)


def test_of_two_payloads_under_one_id_one_is_refused(month: DirtyMonth):
    copies: dict[tuple[str, str], set[int]] = {}
    for row in month.defects:
        if row.defect == "conflicting":
            copies.setdefault((row.system, row.event), set()).add(row.times)
    conflicts = Counter((row.source, row.event) for row in month.quarantined if row.rules == ["id_conflict"])
    assert conflicts.keys() == copies.keys()
    assert all(number in copies[event] for event, number in conflicts.items())


def test_all_other_events_are_in_silver_once(month: DirtyMonth):
    rows = month.lake.read(SILVER_EVENTS).where("batch_id = 1").groupBy("source", "event_id")
    kept = {(row.source, row.event_id): row.n for row in bounded(rows.agg(F.count(F.lit(1)).alias("n")), 200_000)}
    assert set(kept.values()) == {1}
    lost = {(row.system, row.event) for row in month.defects if row.defect in RULES}
    renamed = {(row.system, row.event) for row in month.delivered("renamed")}
    accepted = {(row.system, row.event) for row in month.defects if row.defect not in RULES}
    assert not (lost | renamed) & set(kept)
    assert accepted - renamed <= set(kept)


def test_duplicates_are_counted(month: DirtyMonth):
    counted = {account.source: account.duplicates.rows for account in month.run.accounts}
    renamed = {(row.system, row.event) for row in month.delivered("renamed")}
    again = Counter(
        row.system
        for row in month.defects
        if row.defect in ("duplicate", "restamped") and row["copy"] == 1 and (row.system, row.event) not in renamed
    )
    assert all(counted[source] >= number for source, number in again.items())


def test_nobody_is_unattributed_and_a_look_alike_is_somebody_else(month: DirtyMonth):
    silver = month.lake.read(SILVER_EVENTS).select("source", F.col("event_id").alias("event"), "identity_key")
    nobody = month.true("defects").where("defect = 'nobody'").select(F.col("system").alias("source"), "event")
    keys = bounded(silver.join(nobody, ["source", "event"]), 100_000)
    assert keys
    assert all(row.identity_key is None for row in keys)


def test_look_alikes_are_marked_and_nobody_else(month: DirtyMonth):
    marked = month.lake.read(BRONZE_EVENTS).where("lookalike").select("source", event_in_record().alias("event"))
    planted = {(row.system, row.event) for row in month.defects if row.defect == "confusable"}
    assert {(row.source, row.event) for row in bounded(marked, 10_000)} == planted


def test_machines_are_flagged_whether_they_say_so_or_not(month: DirtyMonth):
    bots = bounded(month.true("bots"), 10_000)
    silver = month.lake.read(SILVER_EVENTS).where("is_bot")
    visit = F.substring_index("event_id", "-", 1).cast("bigint").alias("visit")
    flagged = {row.visit: row.n for row in bounded(silver.groupBy(visit).agg(F.count(F.lit(1)).alias("n")), 10_000)}
    assert flagged.keys() == {row.visit for row in bots}
    assert {row.says_so for row in bots} == {True, False}
    counted = {account.source: account.bots for account in month.run.accounts if account.bots}
    assert counted == {"web": sum(flagged.values())}


def test_a_column_that_nobody_announced_is_kept(month: DirtyMonth):
    rescued = month.lake.read(BRONZE_EVENTS).where("source = 'web' AND rescued LIKE '%experiment%'")
    assert bounded(rescued.agg(F.count(F.lit(1)).alias("n")), 1)[0]["n"] > 100


def test_files_that_were_held_up_came_behind_later_ones(month: DirtyMonth):
    arrived = {
        (row.source, Path(row.path).stem): row.mtime
        for row in bounded(month.lake.read(FILES).where("source <> 'customers'"), 10_000)
    }
    held = {(row.system, row.file): row.days for row in bounded(month.true("files_held"), 10_000)}
    assert held
    assert max(held.values()) <= OPTIONS["late_days"]
    overtaken = [
        file
        for file in held
        if any(other[0] == file[0] and other[1] > file[1] and mtime < arrived[file] for other, mtime in arrived.items())
    ]
    assert overtaken


def test_the_masters_are_there(month: DirtyMonth):
    for table, least in ((PRODUCTS, 600), (STORES, 12), (POSTAL_AREAS, 84), (EXCHANGE_RATES, 2 * 51), (CUSTOMERS, 60)):
        assert bounded(month.lake.read(table).agg(F.count(F.lit(1)).alias("n")), 1)[0]["n"] >= least


@pytest.fixture(scope="module")
def mended(month: DirtyMonth) -> Account:
    """The account of a replay of `push` after its declaration knows both names of the column."""
    folder = month.folder / "mended"
    shutil.copytree(SIMULATED, folder)
    push = folder / "push.yml"
    text = push.read_text(encoding="utf-8")
    for old, new in (
        ("campaign STRING,", "campaign STRING, campaign_id STRING,"),
        ("campaign_id: campaign\n", "campaign_id: coalesce(campaign, campaign_id)\n"),
        ("campaign is not null", "coalesce(campaign, campaign_id) is not null"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    push.write_text(text, encoding="utf-8")
    run = settings(month.folder, str(folder))
    run.given_lake, run.options = Lake(month.spark, month.lake.root), {"format": "table", "source": "push"}
    replay(run)
    return run.accounts[0]


def test_records_are_replayed_after_mending_and_the_law_adds_up(month: DirtyMonth, mended: Account):
    first = next(account for account in month.run.accounts if account.source == "push")
    bad = {(row.source, row.event) for row in month.quarantined if row.source == "push"}
    assert mended.read == first.quarantined
    mended.check()
    assert mended.accepted.rows > 20
    together = first.accepted + first.duplicates + mended.accepted + mended.duplicates + mended.quarantined
    assert together == first.read
    still = bounded(month.lake.read(QUARANTINE).where("source = 'push' AND status = 'open'"), 10_000)
    assert len(still) == mended.quarantined.rows
    assert RENAMED not in {rule for row in still for rule in row.rules}
    silver = month.lake.read(SILVER_EVENTS).where("source = 'push'")
    kept = Counter(row.event_id for row in bounded(silver.select("event_id"), 100_000))
    renamed = {row.event for row in month.delivered("renamed")}
    lost = {row.event for row in month.defects if row.system == "push" and row.defect in RULES}
    assert set(kept.values()) == {1}
    assert renamed - lost <= kept.keys()
    assert {event for _, event in bad} >= renamed - lost
    named = silver.where(F.col("campaign_id").isNull())
    assert bounded(named, 10) == []
