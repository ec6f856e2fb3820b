"""The retail pack on a made-up world: what was planted in its shoppers is found again in their vectors.

The events are those of the simulator before its systems write them down, so that no identity graph is needed: every
shopper has a card at the till and a login elsewhere, and both are known to be hers.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import reduce
from typing import Any

import pytest
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.declared import feature_set
from omniseg.features.as_of import Seen, features_as_of
from omniseg.features.days import day_partials
from omniseg.features.declaration import FeatureSet, vector_columns
from omniseg.features.products import enriched
from omniseg.features.rfm import cuts, frequencies, with_scores
from omniseg.lake.bounded import bounded
from omniseg.settings.load import load_settings
from omniseg.simulate.world import masters
from omniseg.simulate.world.events import events
from omniseg.simulate.world.model import KINDS, World
from omniseg.simulate.world.people import shoppers
from omniseg.simulate.world.places import home, kilometres, region, urbanity
from omniseg.simulate.world.systems import sku
from omniseg.simulate.world.visits import visits
from omniseg.tables import CUSTOMERS, IDENTITIES, POSTAL_AREAS, PRODUCTS, SILVER_EVENTS, STORES, Table

WORLD = World(seed=5, customers=360, days=90, equal=True, bots=0.0, family_devices=0.0)
AS_OF = WORLD.first_day + timedelta(days=WORLD.days - 1)
CHANNELS = {
    "till": "pos",
    "app": "mobile",
    "tryon": "ar",
    "sensors": "iot",
    **{name: name for name in ("web", "email", "push", "support", "social")},
}
MOST = 10_000


def declared() -> FeatureSet:
    """The whole retail pack, as the pack for the simulated systems takes it."""
    settings = load_settings(env="local", conf="conf:packs/simulated/settings.yml", sets=(), environ={})
    return feature_set(settings)


def frame(rows: DataFrame, table: Table, values: dict[str, Column]) -> DataFrame:
    """Rows of a table; columns that nothing names are null."""
    nothing = F.lit(None)
    return rows.select(*(values.get(one.name, nothing).cast(one.type).alias(one.name) for one in table.columns))


def silver(happened: DataFrame) -> DataFrame:
    """The simulator's events as canonical ones, all in one batch and one currency."""
    channel = reduce(
        lambda rest, pair: F.when(F.col("system") == pair[0], pair[1]).otherwise(rest),
        CHANNELS.items(),
        F.lit(None).cast("string"),
    )
    key = F.concat(F.when(F.col("system") == "till", F.lit("card ")).otherwise(F.lit("login ")), F.col("person"))
    money = F.col("event_type").isin("purchase", "return")
    values = {
        **{name: F.col(name) for name in ("event_type", "quantity", "discount", "rating")},
        "event_id": F.col("event"),
        "source": F.col("system"),
        "event_time": F.col("at"),
        "event_date": F.to_date(F.from_utc_timestamp("at", "Europe/Berlin")),
        "channel": channel,
        "identity_key": key,
        "bucket": F.lit(0),
        "order_id": F.col("order"),
        "product_id": sku(F.col("product")),
        "unit_price": F.col("price"),
        "amount": F.when(money, F.col("quantity") * F.col("price") - F.col("discount")),
        "amount_status": F.lit("ok"),
        "store_id": F.when(F.col("system").isin("till", "sensors"), F.col("store").cast("string")),
        "campaign_id": F.col("campaign"),
        "dwell_seconds": F.col("seconds"),
        "is_bot": F.col("bot"),
        "batch_id": F.lit(1),
    }
    return frame(happened, SILVER_EVENTS, values)


def reference(rows: DataFrame, table: Table, **values: Column) -> DataFrame:
    """Reference rows that always held: columns of the same names, and `values`."""
    alike = {name: F.col(name) for name in rows.columns if name in table.column_names}
    always = {"valid_from": F.lit(date(1900, 1, 1)), "record_id": F.lit("r"), "batch_id": F.lit(1)}
    return frame(rows, table, {**alike, **values, **always})


def known_by(people: DataFrame) -> DataFrame:
    """The card and the login of every shopper."""
    kinds = people.select("person", F.explode(F.array(F.lit("card "), F.lit("login "))).alias("kind"))
    values = {
        "identifier": F.concat("kind", "person"),
        "customer_id": F.col("person").cast("string"),
        "batch_id": F.lit(1),
    }
    return frame(kinds, IDENTITIES, values)


@pytest.fixture(scope="module")
def truth(spark: SparkSession) -> dict[str, Row]:
    """Per shopper: kind, the first day on which she came no more, carts that she put together and never bought; her
    store, in what area she lives and how far away.
    """
    people = shoppers(spark, WORLD)
    left = (F.col("adds") > 0) & (F.col("bought") == 0)
    carts = visits(people, WORLD).groupBy("person").agg(F.count_if(left).alias("carts"))
    area = home(WORLD, F.col("person"))
    lives = (region(F.col("store")).alias("region"), urbanity(area).alias("urbanity"), kilometres(area).alias("km"))
    known = people.select("person", "kind", "left", "store", *lives)
    rows = known.join(carts, "person", "left").fillna(0, ["carts"])
    return {str(row["person"]): row for row in bounded(rows, MOST)}


@pytest.fixture(scope="module")
def records(spark: SparkSession) -> dict[str, Row]:
    """The master records of those shoppers whom the CRM knows."""
    return {row["login"].removeprefix("user"): row for row in bounded(masters.customers(spark, WORLD), MOST)}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, Row]:
    """The vector of every shopper on the last day, with scores."""
    people, features = shoppers(spark, WORLD), declared()
    assert features.rfm is not None
    assortment = reference(
        masters.products(spark, WORLD),
        PRODUCTS,
        product_id=F.col("sku"),
        category=F.concat_ws(" ", "department", "category"),
        unit_cost=F.col("list_price") / 2,
        sustainable=F.col("organic"),
    )
    source = silver(events(visits(people, WORLD), WORLD)).localCheckpoint()
    days = day_partials(enriched(source, assortment.localCheckpoint()), features=features).localCheckpoint()
    crm, key = masters.customers(spark, WORLD), F.regexp_replace("login", "^user", "login ")
    references = {
        "customers": reference(crm, CUSTOMERS, identity_key=key, birth_date=F.col("born")).localCheckpoint(),
        "stores": reference(masters.stores(spark, WORLD), STORES, store_id=F.col("store")).localCheckpoint(),
        "postal_areas": reference(masters.postal_areas(spark, WORLD), POSTAL_AREAS).localCheckpoint(),
    }
    seen = Seen(features, AS_OF, 1, "Europe/Berlin")
    vectors = features_as_of(
        days, known_by(people).localCheckpoint(), references, seen=seen, buckets=16
    ).localCheckpoint()
    points = cuts(
        ((row.dimension, row.value, row.n) for row in bounded(frequencies(vectors, features.rfm), MOST)), features.rfm
    )
    return {row["customer_id"]: row for row in bounded(with_scores(vectors, features.rfm, points), MOST)}


def of_kind(found: dict[str, Row], truth: dict[str, Row], kind: str) -> list[Row]:
    """The vectors of one kind of shopper."""
    return [row for person, row in found.items() if truth[person]["kind"] == kind]


def above(left: list[float], right: list[float]) -> float:
    """How often a value of the left is above one of the right, ties counting half: the area under the ROC curve."""
    won = sum((one > other) + 0.5 * (one == other) for one in left for other in right)
    return won / (len(left) * len(right))


def test_every_variable_of_the_pack_is_in_the_vector(found: dict[str, Row]):
    columns = {column.name for column in vector_columns(declared())}
    row = next(iter(found.values()))
    assert columns | {"rfm_recency", "rfm_frequency", "rfm_monetary", "rfm_segment"} <= set(row.asDict())
    never = {"age_band", "income_band", "home_ownership", "marital_status", "kids_count"}  # no system delivers these
    empty = {name for name in columns if all(one[name] is None for one in found.values())}
    assert empty == never


def test_demographic_and_firmographic_facts_are_those_of_the_crm(found, records):
    def size(employees: int | None) -> str:
        limits = {"micro": 10, "small": 50, "medium": 250}
        return "unknown" if employees is None else next((name for name, n in limits.items() if employees < n), "large")

    def age(born: date) -> int:
        return AS_OF.year - born.year - ((AS_OF.month, AS_OF.day) < (born.month, born.day))

    def told(row: Row) -> tuple[Any, ...]:
        return row["age"], row["household_size"], row["industry"], row["employees"], row["company_size"]

    expected = {
        person: (age(row.born), str(row.household_size), row.industry, row.employees, size(row.employees))
        for person, row in records.items()
    }
    unknown = (None, None, None, None, "unknown")
    assert {person: told(row) for person, row in found.items()} == {
        person: expected.get(person, unknown) for person in found
    }
    assert len(expected.keys() & found.keys()) > 300
    assert {row["company_size"] for row in found.values()} >= {"unknown", "micro", "small", "medium"}


def test_where_shoppers_live_is_recovered(found, truth, records):
    """Of everybody whom the CRM knows."""
    lives = {person: (row["area_region"], row["urbanity"]) for person, row in found.items()}
    assert lives == {
        person: (truth[person]["region"], truth[person]["urbanity"]) if person in records else (None, None)
        for person in found
    }


def test_the_home_store_and_the_way_to_it_are_recovered(found, truth, records):
    """The store of everybody who bought in one; the distance within 1 percent, since degrees differ in length."""
    bought = {person: row for person, row in found.items() if row["home_store_365d"] is not None}
    assert {row["home_store_365d"] == str(truth[person]["store"]) for person, row in bought.items()} == {True}
    far = {person: row["home_store_distance"] for person, row in bought.items() if person in records}
    assert len(far) > 200
    assert far == pytest.approx({person: truth[person]["km"] for person in far}, rel=0.01)
    assert all(found[person]["home_store_distance"] is None for person in found.keys() - far.keys())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_level_of_prices_is_recovered_within_5_percent(found, truth, kind):
    """A reduced line costs 0.8 of the price, and 5 percent of that less again."""
    rows = of_kind(found, truth, kind.name)
    paid = sum(float(row["listed_paid_365d"]) for row in rows)
    planted = kind.price * (kind.promotion * 0.8 * 0.95 + 1 - kind.promotion)
    assert paid / sum(float(row["listed_value_365d"]) for row in rows) == pytest.approx(planted, rel=0.05)


def test_price_sensitive_shoppers_are_told_from_all_others(found, truth):
    bought = {person: row for person, row in found.items() if row["purchase_lines_365d"]}
    hunters = [row["price_index"] for row in of_kind(bought, truth, "bargain_hunter")]
    others = [row["price_index"] for person, row in bought.items() if truth[person]["kind"] != "bargain_hunter"]
    assert above(others, hunters) >= 0.99


def test_who_buys_at_a_discount_is_told_from_all_others(found, truth):
    """A purchase is reduced as a whole, so a share says something from the third on."""
    often = {person: row for person, row in found.items() if row["purchases_365d"] >= 3}
    hunters = [row["promotion_share"] for row in of_kind(often, truth, "bargain_hunter")]
    others = [row["promotion_share"] for person, row in often.items() if truth[person]["kind"] != "bargain_hunter"]
    assert len(hunters) > 15
    assert above(hunters, others) >= 0.9


@pytest.mark.parametrize(("kind", "channel", "least"), [("store_loyal", "pos", 0.95), ("app_native", "mobile", 0.75)])
def test_the_preferred_channel_is_recovered(found, truth, kind, channel, least):
    preferred = [row["preferred_channel_365d"] for row in of_kind(found, truth, kind) if row["purchases_365d"]]
    assert len(preferred) > 30
    assert preferred.count(channel) / len(preferred) >= least


def test_who_lapsed_is_told_from_who_did_not(found, truth):
    gone = {person: truth[person]["left"] < WORLD.days for person in found}
    quiet = {person: row["days_since_visit_lifetime"] for person, row in found.items()}
    assert sum(gone.values()) > 50
    lapsed, others = ([days for person, days in quiet.items() if gone[person] is told] for told in (True, False))
    assert above(lapsed, others) >= 0.9


def test_carts_left_for_good_are_recovered_across_channels(found, truth):
    """Never more than were left: a cart that is bought at the till a day later is none. Some are taken up again by
    the next visit within 48 hours, or still open.
    """
    left = {person: (row["carts_abandoned_90d"], truth[person]["carts"]) for person, row in found.items()}
    assert {person: pair for person, pair in left.items() if pair[0] > pair[1]} == {}
    recovered, planted = (sum(pair[place] for pair in left.values()) for place in (0, 1))
    assert planted > 300
    assert recovered / planted >= 0.8


def test_bargain_hunters_abandon_most(found, truth):
    rates = {
        kind.name: sum(row["carts_abandoned_90d"] for row in rows)
        / sum(row["carts_abandoned_90d"] + row["purchases_90d"] for row in rows)
        for kind in KINDS
        if (rows := of_kind(found, truth, kind.name))
    }
    assert max(rates, key=lambda name: rates[name]) == "bargain_hunter"
    assert min(rates, key=lambda name: rates[name]) == "store_loyal"


def test_champions_score_high_and_the_lapsed_low(found, truth):
    scored = {
        kind: [row["rfm_recency"] + row["rfm_frequency"] + row["rfm_monetary"] for row in rows if row["rfm_recency"]]
        for kind in ("champion", "lapsing")
        if (rows := of_kind(found, truth, kind))
    }
    assert above(scored["champion"], scored["lapsing"]) >= 0.9
