"""What happens after a date, or becomes known after an instant, leaves no trace in a vector of then.

Of every measure and every kind of fact. The same plants show once one looks later, so none of them is without effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from omniseg.features.declaration import FeatureSet
from tests.features.rows import (
    AS_OF,
    UTC_NOON,
    areas,
    customers,
    events,
    feature_set,
    identities,
    products,
    stores,
    vectors,
)
from tests.features.test_oracle import DECLARED, STEMS

KNOWN = 9
NOT_YET = {"valid_from": datetime(2017, 4, 2, tzinfo=timezone.utc), "record_id": "not yet"}
NOT_KNOWN = {"valid_from": datetime(2017, 1, 2, tzinfo=timezone.utc), "record_id": "not known", "batch_id": KNOWN + 1}
FACTS = (
    "name: age_band, attribute: customers.age_band",
    "name: country, attribute: customers.country",
    "name: postal_code, attribute: customers.postal_code",
    "name: home, measure: mode, of: store_id",
    "name: store_region, attribute: stores.region, keys: [home_lifetime]",
    "name: urbanity, attribute: postal_areas.urbanity, keys: [country, postal_code]",
    "name: dairy, measure: count, of: product_id, where: department = 'DAIRY'",
    'name: worth, formula: "spend_lifetime / nullif(orders_lifetime, 0)"',
)


def happenings(day: int, *, carts: int = 1, **more: Any) -> list[dict[str, Any]]:
    """What every measure measures, so many days after as_of: a purchase at noon, then a cart each hour, all left."""
    on = {"event_date": AS_OF + timedelta(days=day), "order_id": f"o{day}", "product_id": "milk", **more}
    noon = datetime.combine(on["event_date"], UTC_NOON.timetz())
    left = {"channel": "pos", **on, "event_type": "cart_add", "amount": None}
    bought = {"channel": "web", "store_id": "s0", "amount": Decimal(20 + day % 7), **on}
    return [bought, *({**left, "event_time": noon + timedelta(hours=hour + 1)} for hour in range(carts))]


def others(*days: int, **more: Any) -> list[dict[str, Any]]:
    """Days unlike those of the past: on another channel, dearer or cheaper, with more carts."""
    made = {day: {"channel": "mobile", "amount": Decimal(90 if day % 2 else 5), **more} for day in days}
    return [event for day, unlike in made.items() for event in happenings(day, carts=2, **unlike)]


PAST = [event for day in (-20, -12, -3, 0) for event in happenings(day)]
PLANTS: Mapping[str, list[dict[str, Any]]] = {
    "events": [
        *others(1, 2, 3, 4, 7, 9),
        *others(2, identity_key="k2"),
        *others(-25, -8, batch_id=KNOWN + 1),
        *others(-5, identity_key="k3"),
    ],
    "identities": [
        {"identifier": "k2", "customer_id": "p2"},
        {"identifier": "k3", "customer_id": "p1", "batch_id": KNOWN + 1},
    ],
    "customers": [{"age_band": "65+", **NOT_YET}, {"age_band": "45-54", **NOT_KNOWN}],
    "stores": [{"store_id": "s0", "region": "NEW", **NOT_YET}, {"store_id": "s0", "region": "OTHER", **NOT_KNOWN}],
    "areas": [{"urbanity": "village", **NOT_YET}, {"urbanity": "town", **NOT_KNOWN}],
    "products": [{"department": "GROCERY", **NOT_YET}],
}


def declared() -> FeatureSet:
    """Every measure that there is, and facts of every reference table."""
    measures = (
        f"name: {STEMS.get(name, name)}, {text}, windows: [{'30d' if name == 'slope' else 'lifetime'}]"
        for name, text in DECLARED.items()
    )
    return feature_set(*measures, *FACTS)


def seen(spark: SparkSession, planted: Mapping[str, list[dict[str, Any]]], **look: Any) -> DataFrame:
    """The vectors of the world with more rows planted in it, as of AS_OF at batch KNOWN or as `look` says."""
    more = {name: planted.get(name, []) for name in PLANTS}
    home = {"country": "DEU", "postal_code": "10115"}
    return vectors(
        events(spark, *PAST, *more["events"]),
        declared(),
        who=identities(spark, {}, *more["identities"]),
        master=customers(spark, home, *({**home, **row} for row in more["customers"])),
        places={
            "stores": stores(spark, {"store_id": "s0", "region": "OLD"}, *more["stores"]),
            "postal_areas": areas(spark, {}, *more["areas"]),
        },
        assortment=products(spark, {}, *more["products"]),
        **{"as_of": AS_OF, "known_batch_id": KNOWN, **look},
    ).localCheckpoint()


@pytest.fixture(scope="module")
def past(spark: SparkSession) -> DataFrame:
    """The vectors of the world in which nothing was planted."""
    return seen(spark, {})


def test_what_comes_later_leaves_no_trace(spark: SparkSession, past: DataFrame):
    assert_df_equality(seen(spark, PLANTS), past, ignore_row_order=True)


@pytest.mark.parametrize(
    ("look", "facts", "still"),
    [
        pytest.param(
            {"as_of": AS_OF + timedelta(days=10)}, ("65+", "NEW", "village", 11), {"first_order", "first_at"}, id="days"
        ),
        pytest.param(
            {"known_batch_id": KNOWN + 1},
            ("45-54", "OTHER", "town", 17),
            {"last_order", "last_at", "recency"},
            id="batches",
        ),
    ],
)
def test_the_same_shows_later(
    spark: SparkSession, past: DataFrame, look: dict[str, Any], facts: tuple[Any, ...], still: set[str]
):
    """None of the plants is without effect: facts of each kind, and all measures but of what comes first or last."""
    (before,) = past.collect()
    found = {row["customer_id"]: row for row in seen(spark, PLANTS, **look).collect()}["p1"]
    assert tuple(found[name] for name in ("age_band", "store_region", "urbanity", "dairy_lifetime")) == facts
    assert {name for name in DECLARED if found[column_of(name)] == before[column_of(name)]} == still


def column_of(name: str) -> str:
    """The column of a measure of DECLARED."""
    return {"web_share": "share_web_lifetime", "slope": "slope_30d"}.get(name, f"{name}_lifetime")
