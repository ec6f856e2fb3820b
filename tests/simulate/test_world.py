"""The simulated world: the same for a seed, coherent, and with the defects that were asked for."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.lake.bounded import bounded
from omniseg.simulate.world.clocks import wall_clock
from omniseg.simulate.world.dirt import with_defects
from omniseg.simulate.world.events import events, registrations
from omniseg.simulate.world.model import CLOCK_DEFECTS, DEFECTS, KINDS, World, dirty
from omniseg.simulate.world.people import HOUSE, shoppers
from omniseg.simulate.world.systems import renamed
from omniseg.simulate.world.visits import visits
from tests.multiset import multiset

SMALL = World(customers=300, first_day=date(2025, 1, 1), days=45)
DIRTY = World(customers=300, first_day=date(2025, 1, 1), days=45, defects=dirty(20))


def made(spark: SparkSession, world: World, partitions: int = 2) -> DataFrame:
    """All records of a world."""
    people = shoppers(spark, world).repartition(partitions)
    happened = events(visits(people, world), world)
    return with_defects(happened.unionByName(registrations(people, world), allowMissingColumns=True), world)


@pytest.fixture(scope="module")
def clean(spark: SparkSession) -> DataFrame:
    """The records of a small world without defects."""
    return made(spark, SMALL).localCheckpoint()


@pytest.fixture(scope="module")
def spoilt(spark: SparkSession) -> DataFrame:
    """The same world with twenty times the usual defects."""
    return made(spark, DIRTY).localCheckpoint()


@pytest.fixture(scope="module")
def defects(spoilt: DataFrame) -> dict[tuple[str | None, int], int]:
    """How many spoilt records there are, by defect and copy."""
    rows = spoilt.groupBy("defect", "copy").agg(F.count(F.lit(1)).alias("n"))
    return {(row["defect"], row["copy"]): row["n"] for row in bounded(rows, 100)}


def numbers(rows: DataFrame, *conditions: str) -> tuple[int, ...]:
    """How many rows meet each of the conditions."""
    asked = (F.count_if(F.expr(condition)).alias(f"n{place}") for place, condition in enumerate(conditions))
    return tuple(bounded(rows.agg(*asked), 1)[0])


def number(rows: DataFrame, condition: str = "true") -> int:
    """How many rows."""
    (found,) = numbers(rows, condition)
    return found


def test_a_seed_gives_the_same_rows_however_they_are_cut(spark: SparkSession, clean: DataFrame):
    assert multiset(made(spark, SMALL, partitions=5)) == multiset(clean)
    other = World(seed=2, customers=300, first_day=date(2025, 1, 1), days=45)
    assert multiset(made(spark, other)) != multiset(clean)


def test_every_system_has_events_and_every_event_its_own_id(clean: DataFrame):
    found = bounded(
        clean.agg(F.collect_set("system").alias("systems"), F.count(F.lit(1)), F.count_distinct("event")), 1
    )[0]
    systems, events, ids = found
    assert set(systems) == {"web", "app", "till", "email", "push", "social", "support", "sensors", "tryon", "crm"}
    assert events == ids


def test_every_kind_of_shopper_lives_there_in_its_share(spark: SparkSession):
    many = World(customers=20_000)
    found = {row.kind: row["count"] / 20_000 for row in bounded(shoppers(spark, many).groupBy("kind").count(), 100)}
    assert found == pytest.approx({kind.name: kind.share for kind in KINDS}, abs=0.01)


def test_nobody_comes_before_joining_or_after_leaving(spark: SparkSession):
    seen = visits(shoppers(spark, SMALL), SMALL)
    people = shoppers(spark, SMALL).select("person", "joined", "left", "kind")
    outside = seen.join(people, "person").where("day < joined OR day >= left")
    assert number(outside) == 0
    assert number(people, "kind = 'lapsing' AND left >= 45") == 0


def test_a_return_follows_its_purchase_and_takes_back_the_same_line(clean: DataFrame):
    back = clean.where("event_type = 'return'").select("visit", "product", "at", (-F.col("quantity")).alias("quantity"))
    bought = clean.where("event_type = 'purchase' AND item = 0").select(
        "visit", "product", "quantity", F.col("at").alias("bought_at")
    )
    matched = back.join(bought, ["visit", "product", "quantity"]).where("at >= bought_at + INTERVAL 1 DAY")
    assert number(back) > 10
    assert number(matched) == number(back)


def test_carts_are_bought_here_or_at_a_till_or_abandoned(clean: DataFrame):
    carts = clean.groupBy("visit").agg(
        F.count_if(F.col("event_type") == "cart_add").alias("added"),
        F.count_if(F.col("event_type") == "purchase").alias("bought"),
        F.count_if((F.col("event_type") == "purchase") & (F.col("system") == "till")).alias("at_till"),
    )
    abandoned, at_till, here, torn = numbers(
        carts.where("added > 0"),
        "bought = 0",
        "at_till > 0",
        "bought > 0 AND at_till = 0",
        "bought > 0 AND bought <> added",
    )
    assert abandoned > 20
    assert at_till > 5
    assert here > 20
    assert torn == 0


def test_a_message_is_opened_before_it_is_clicked_and_then_visited(clean: DataFrame):
    order = "CASE WHEN event_type LIKE '%_sent' THEN 0 WHEN part = 'sent' THEN item ELSE 3 END"
    steps = (
        clean.where("part IN ('sent', 'views')")
        .groupBy("visit", F.expr(order).alias("step"))
        .agg(F.min("at").alias("at"))
    )
    pairs = steps.alias("a").join(steps.alias("b"), F.expr("a.visit = b.visit AND a.step < b.step"))
    every, wrong = numbers(pairs, "true", "a.at >= b.at")
    assert every > 50
    assert wrong == 0


def test_the_shared_account_has_its_share_of_events(spark: SparkSession):
    world = World(customers=300, days=45, shared_account=0.3)
    of_house, every = numbers(made(spark, world), f"person = {HOUSE}", "true")
    assert of_house / every == pytest.approx(0.3, abs=0.07)


@pytest.mark.parametrize("defect", [defect for defect in DEFECTS if defect not in CLOCK_DEFECTS])
def test_every_defect_is_there_in_its_share(defects: dict[tuple[str | None, int], int], defect: str):
    asked = DIRTY.defects[defect] * sum(number for (_, copy), number in defects.items() if copy == 0)
    found, twice = defects.get((defect, 0), 0), defects.get((defect, 1), 0)
    assert 0 < found < 2 * asked + 10
    assert twice == (found if defect in ("duplicate", "restamped", "conflicting") else 0)


def test_late_records_come_in_later_files_and_others_on_their_day(spoilt: DataFrame):
    late = "datediff(delivered, to_date(at))"
    early_or_too_late, others = numbers(
        spoilt, f"defect = 'late' AND {late} NOT BETWEEN 1 AND {DIRTY.late_days}", f"defect IS NULL AND {late} <> 0"
    )
    assert early_or_too_late == 0
    assert others == 0


def test_kinds_that_overlap_wholly_are_one():
    assert len({(kind.visits, kind.lines, kind.price) for kind in World(overlap=1.0).kinds}) == 1
    assert {kind.share for kind in World(equal=True).kinds} == {1 / len(KINDS)}


@pytest.mark.parametrize(
    ("defect", "first_day", "day"),
    [
        pytest.param("dst_gap", date(2025, 3, 20), "2025-03-30", id="hour_that_is_skipped"),
        pytest.param("dst_overlap", date(2025, 10, 16), "2025-10-26", id="hour_that_comes_twice"),
    ],
)
def test_tills_stamp_the_hour_in_which_clocks_change(spark: SparkSession, defect: str, first_day: date, day: str):
    world = World(customers=300, first_day=first_day, days=15, defects=dirty(20))
    lines = made(spark, world).where("system = 'till'").withColumn("shown", wall_clock()).localCheckpoint()
    planted = lines.where(F.col("defect") == defect)
    asked, there = numbers(
        lines, f"to_date(from_utc_timestamp(at, 'Europe/Berlin')) = DATE'{day}'", f"defect = '{defect}'"
    )
    assert 0 < there < asked
    assert there / asked == pytest.approx(world.defects[defect], abs=0.2)
    wrong = planted.where(f"hour(shown) <> 2 OR to_date(shown) <> DATE'{day}'")
    assert number(wrong) == 0
    moments = planted.agg(F.count_distinct(F.hour("at")).alias("hours"))
    assert bounded(moments, 1)[0]["hours"] == {"dst_gap": 1, "dst_overlap": 2}[defect]


def test_push_renames_its_column_halfway_where_the_world_is_dirty(clean: DataFrame, spoilt: DataFrame):
    before, after = numbers(spoilt.where(renamed(DIRTY)), "day < 22", "day >= 22")
    assert before == 0
    assert after > 100
    assert number(clean.where(renamed(SMALL))) == 0


def test_machines_are_quick_and_half_of_them_say_nothing(clean: DataFrame):
    visits_of = (
        clean.where("bot")
        .groupBy("visit")
        .agg(
            F.count(F.lit(1)).alias("views"), F.max("silent").alias("silent"), (F.max("at") - F.min("at")).alias("long")
        )
    )
    every, silent, slow = numbers(visits_of, "views = 200", "silent", "long > INTERVAL 100 SECONDS")
    assert every > silent > 0
    assert slow == 0


def test_newcomers_tell_the_crm_about_consent_and_card_and_some_withdraw(clean: DataFrame):
    found = (
        clean.where("system = 'crm'")
        .groupBy("person")
        .agg(
            F.min_by("event_type", "at").alias("first"),
            F.count_if(F.col("event_type") == "consent").alias("consents"),
            F.count_if(F.col("event_type") == "custom:loyalty_joined").alias("cards"),
        )
    )
    every, odd, cards, withdrawn = numbers(
        found, "true", "first <> 'signup' OR consents NOT IN (1, 2) OR cards > 1", "cards = 1", "consents = 2"
    )
    assert odd == 0
    assert every > cards > every / 2
    assert 0 < withdrawn < every / 2
