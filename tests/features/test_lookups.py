"""Facts of rows that features name: places, their unknown member, late rows, and what formulas make of them."""

from __future__ import annotations

import math
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from omniseg.commands.declared import feature_set as declared_set
from omniseg.errors import ConfigError
from omniseg.features.products import enriched
from omniseg.settings.load import load_settings
from tests.features.rows import (
    areas,
    customers,
    events,
    feature_set,
    identities,
    products,
    stores,
    values,
    vectors,
)

DECLARED = (
    "name: country, attribute: customers.country",
    "name: postal_code, attribute: customers.postal_code",
    "name: born, attribute: customers.birth_date",
    "name: home, measure: mode, of: store_id",
    "name: urbanity, attribute: postal_areas.urbanity, keys: [country, postal_code]",
    "name: area_north, attribute: postal_areas.latitude, keys: [country, postal_code]",
    "name: area_east, attribute: postal_areas.longitude, keys: [country, postal_code]",
    "name: store_region, attribute: stores.region, keys: [home_lifetime]",
    "name: store_north, attribute: stores.latitude, keys: [home_lifetime]",
    "name: store_east, attribute: stores.longitude, keys: [home_lifetime]",
    'name: distance, formula: "distance_km(area_north, area_east, store_north, store_east)"',
    "name: age, formula: year(as_of) - year(born)",
    "name: band, gives: text, formula: case when age < 40 then 'younger' when age >= 40 then 'older' end",
)
MUNICH: dict[str, Any] = {"postal_code": "80331", "urbanity": None, "latitude": 48.137154, "longitude": 11.576124}
ELSEWHERE = datetime(2017, 5, 1, tzinfo=timezone.utc)
# person → her master record (None: she has none) and the store of her purchase
PEOPLE: dict[str, tuple[dict[str, Any] | None, str | None]] = {
    "known": ({"country": "DEU", "postal_code": "10115", "birth_date": date(1990, 5, 1)}, "s1"),
    "distant": ({"country": "DEU", "postal_code": "80331", "birth_date": date(1960, 5, 1)}, "s1"),
    "of_an_unknown_place": ({"country": "AUT", "postal_code": "10115"}, "s9"),
    "without_postal_code": ({"country": "DEU"}, None),
    "without_record": (None, "later"),
}


@pytest.fixture(scope="module")
def people(spark: SparkSession) -> dict[str, Row]:
    """Vectors of PEOPLE by person. Store `later` opens after the date; of s1 an older version names another region."""
    who = identities(spark, *({"identifier": name, "customer_id": name} for name in PEOPLE))
    records = [{"identity_key": name, **record} for name, (record, _) in PEOPLE.items() if record is not None]
    source = events(spark, *({"identity_key": name, "store_id": store} for name, (_, store) in PEOPLE.items()))
    opened = datetime(2017, 1, 1, tzinfo=timezone.utc)
    places = {
        "stores": stores(
            spark,
            {"region": "old", "valid_to": opened},
            {"valid_from": opened, "record_id": "r2"},
            {"store_id": "later", "valid_from": ELSEWHERE},
        ),
        "postal_areas": areas(spark, {"latitude": 52.5, "longitude": 13.4}, MUNICH),
    }
    made = vectors(source, feature_set(*DECLARED), who=who, master=customers(spark, *records), places=places)
    return {row["customer_id"]: row for row in made.collect()}


@pytest.mark.parametrize(
    ("person", "urbanity", "store_region"),
    [
        pytest.param("known", "city", "BE", id="the_valid_version"),
        pytest.param("distant", "unknown", "BE", id="a_fact_that_the_row_lacks"),
        pytest.param("of_an_unknown_place", "unknown", "unknown", id="no_such_rows"),
        pytest.param("without_postal_code", None, None, id="nothing_to_look_up"),
        pytest.param("without_record", None, "unknown", id="a_row_that_is_not_valid_yet"),
    ],
)
def test_members(people, person, urbanity, store_region):
    assert (people[person]["urbanity"], people[person]["store_region"]) == (urbanity, store_region)


def place(latitude: float, longitude: float) -> tuple[float, float, float]:
    """A point of the unit sphere."""
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


def test_distances(people):
    munich, berlin = place(MUNICH["latitude"], MUNICH["longitude"]), place(52.5, 13.4)
    angle = math.acos(sum(one * other for one, other in zip(munich, berlin, strict=True)))
    assert people["known"]["distance"] == 0.0
    assert people["distant"]["distance"] == pytest.approx(6371.0088 * angle, rel=1e-9)
    assert people["of_an_unknown_place"]["distance"] is None


def test_formulas_see_the_date_and_give_texts(people):
    found = {name: (row["age"], row["band"]) for name, row in people.items()}
    assert found == {
        "known": (27.0, "younger"),
        "distant": (57.0, "older"),
        "of_an_unknown_place": (None, None),
        "without_postal_code": (None, None),
        "without_record": (None, None),
    }


def test_a_late_row_gives_what_a_punctual_one_gives(spark: SparkSession):
    features = feature_set("name: home, measure: mode, of: store_id", *[one for one in DECLARED if "store_reg" in one])
    source, late = events(spark, {"store_id": "s1"}), stores(spark, {"batch_id": 5})
    found = {
        known: values(vectors(source, features, places={"stores": late}, known_batch_id=known), "store_region")
        for known in (4, 5)
    }
    assert found == {4: {"p1": ("unknown",)}, 5: {"p1": ("BE",)}}


def test_products_tell_price_cost_and_sustainability(spark: SparkSession):
    master = products(
        spark, {"list_price": Decimal("2.5"), "unit_cost": Decimal(1), "sustainable": True}, {"product_id": "bare"}
    )
    source = events(spark, {"product_id": "milk"}, {"product_id": "bare"}, {"product_id": "lost"}, {})
    rows = enriched(source, master).collect()
    found = {
        row["product_id"]: (row["product_list_price"], row["product_cost"], row["product_sustainable"]) for row in rows
    }
    nothing = (None, None, None)
    assert found == {"milk": (Decimal("2.5"), Decimal(1), True), "bare": nothing, "lost": nothing, None: nothing}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param("attribute: stores.region", ("keys", "nothing"), id="no_key"),
        pytest.param(
            "attribute: stores.region, keys: [home_lifetme]", ("keys", "did you mean 'home_lifetime'"), id="misspelt"
        ),
        pytest.param("attribute: stores.region, keys: [born]", ("keys", "holds a text"), id="a_date_is_no_key"),
        pytest.param("attribute: postal_areas.urbanity, keys: [country]", ("keys", "postal_code"), id="half_a_key"),
        pytest.param("attribute: stores.region, keys: [area]", ("keys", "holds a text"), id="looked_up_itself"),
        pytest.param("attribute: customers.region, keys: [home_lifetime]", ("keys", "unknown key"), id="own_record"),
        pytest.param("attribute: stores.store_id, keys: [home_lifetime]", ("attribute", "one of"), id="the_key_itself"),
        pytest.param("formula: 1 + 1, gives: date", ("gives", "number, text"), id="a_formula_gives_no_date"),
    ],
)
def test_refused(entry, expected):
    area = "name: area, attribute: postal_areas.region, keys: [country, postal_code]"
    with pytest.raises(ConfigError) as refused:
        feature_set(*DECLARED[:4], area, f"name: x, {entry}")
    assert [part for part in expected if part not in str(refused.value)] == []
    assert len(refused.value.problems) == 1


class TestInclude:
    """A file of features may build on another one."""

    def settings(self, folder, text):
        (folder / "features.yml").write_text(text, encoding="utf-8")
        return load_settings(env="local", conf=None, sets=[f"features.file={folder / 'features.yml'}"], environ={})

    def test_the_other_file_comes_first(self, tmp_path):
        own = "include: conf:features.yml\nfeatures:\n  - {name: n, formula: monetary_90d, description: d, unit: u}\n"
        names = [feature.name for feature in declared_set(self.settings(tmp_path, own)).features]
        assert (names[0], names[-1]) == ("recency_days", "n")
        assert len(names) == len(set(names)) == 32

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("include: conf:featurs.yml\nfeatures: []\n", "no such file", id="no_such_file"),
            pytest.param("include: [a]\nfeatures: []\n", "include: found no text", id="no_text"),
            pytest.param(
                "include: conf:features.yml\nfeatures:\n  - {name: monetary, formula: 1, description: d, unit: u}\n",
                "'monetary' again",
                id="a_name_of_the_other_file",
            ),
        ],
    )
    def test_refused(self, tmp_path, text, expected):
        with pytest.raises(ConfigError, match=expected):
            declared_set(self.settings(tmp_path, text))
