"""What an event knows of its person, and the surrogate that an identifier keeps for ever."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from omniseg.identity.first_sight import first_sight
from omniseg.identity.keys import bucket, identity_key, present_identifiers, surrogate
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake, conform
from omniseg.tables import IDENTITIES

PRIORITY = ("login", "loyalty", "email")
NOON = datetime(2024, 3, 1, 12, tzinfo=timezone.utc)
Map = dict[str, str | None]


def keyed(spark: SparkSession, identifiers: Map | None, priority: tuple[str, ...] = PRIORITY) -> str | None:
    """The identity key of one event."""
    rows = spark.createDataFrame([(identifiers,)], "identifiers MAP<STRING,STRING>")
    found: str | None = bounded(rows.select(identity_key(F.col("identifiers"), priority).alias("key")), 1)[0]["key"]
    return found


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        pytest.param({"login": "L", "loyalty": "Y", "email": "E"}, "L", id="the_strongest_of_all"),
        pytest.param({"email": "E", "loyalty": "Y"}, "Y", id="order_of_the_map_does_not_matter"),
        pytest.param({"email": "E"}, "E", id="the_weakest_alone"),
        pytest.param({"login": None, "email": "E"}, "E", id="a_null_is_passed_over"),
        pytest.param({"cookie": "C"}, None, id="a_type_without_rank_is_nobody"),
        pytest.param({}, None, id="no_identifier"),
        pytest.param(None, None, id="no_map"),
    ],
)
def test_identity_key(spark: SparkSession, identifiers: Map | None, expected: str | None):
    assert keyed(spark, identifiers) == expected


def test_the_priority_decides(spark: SparkSession):
    both: Map = {"login": "L", "email": "E"}
    assert [keyed(spark, both, order) for order in (("login", "email"), ("email", "login"))] == ["L", "E"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"login": "L", "email": None}, {"login": "L"}, id="nulls_go"),
        pytest.param({"login": "", "email": "E"}, {"email": "E"}, id="empty_texts_go"),
        pytest.param({"login": "L"}, {"login": "L"}, id="values_stay"),
        pytest.param({"login": None}, {}, id="nothing_left"),
        pytest.param({}, {}, id="empty"),
        pytest.param(None, {}, id="null_is_empty"),
    ],
)
def test_present_identifiers(spark: SparkSession, given: Map | None, expected: Map):
    rows = spark.createDataFrame([(given,)], "identifiers MAP<STRING,STRING>")
    found = rows.select(present_identifiers(F.col("identifiers")).alias("identifiers"))
    assert found.schema.simpleString() == "struct<identifiers:map<string,string>>"
    assert bounded(found, 1)[0].identifiers == expected


def test_buckets_lie_in_their_range_and_share_the_keys(spark: SparkSession):
    keys = spark.range(4000).select(F.concat(F.lit("loyalty:v1:"), "id").alias("key"))
    sizes = bounded(keys.groupBy(bucket(F.col("key"), 16).alias("bucket")).agg(F.count("*").alias("keys")), 20)
    assert sorted(row.bucket for row in sizes) == list(range(16))
    assert all(150 <= row["keys"] <= 350 for row in sizes)  # 250 expected; a hash that clumps would be far off


def test_a_key_that_is_null_has_a_bucket_all_the_same(spark: SparkSession):
    rows = spark.createDataFrame([(None,)], "key STRING").select(bucket(F.col("key"), 16).alias("bucket"))
    assert rows.schema.simpleString() == "struct<bucket:int>"
    assert bounded(rows, 1)[0].bucket == 42 % 16  # xxhash64 of nothing is its seed


def test_surrogates_are_the_start_of_sha256_of_the_pseudonym(spark: SparkSession):
    rows = spark.createDataFrame([("email:v1:ab",), ("email:v1:ac",)], "key STRING")
    found = [row[0] for row in bounded(rows.select(surrogate(F.col("key"))), 2)]
    assert found == [hashlib.sha256(text).hexdigest()[:32] for text in (b"email:v1:ab", b"email:v1:ac")]


def sights(spark: SparkSession, seen: list[tuple[str, datetime]], known: list[str], batch_id: int = 7) -> list[Row]:
    """First sights of `seen` where the `known` identifiers have rows already."""
    events = spark.createDataFrame(seen, "identity_key STRING, seen TIMESTAMP")
    had = spark.createDataFrame([(name,) for name in known], "identifier STRING")
    rows = first_sight(events, had, buckets=16, batch_id=batch_id)
    return sorted(bounded(conform(rows, IDENTITIES), 100), key=lambda row: str(row.identifier))


def test_a_new_identifier_is_a_person_of_its_own(spark: SparkSession):
    (row,) = sights(spark, [("email:v1:ab", NOON)], [])
    own = hashlib.sha256(b"email:v1:ab").hexdigest()[:32]
    assert (row.identifier, row.identifier_type) == ("email:v1:ab", "email")
    assert (row.surrogate, row.customer_id) == (own, own)
    assert (row.valid_from, row.batch_id) == (row.first_seen, 7)
    assert 0 <= row.bucket < 16


def test_several_sights_are_one_row_of_the_earliest(spark: SparkSession):
    later = NOON + timedelta(days=3)
    seen = [("email:v1:ab", later), ("email:v1:ab", NOON), ("email:v1:ab", later)]
    assert [row.first_seen.replace(tzinfo=timezone.utc) for row in sights(spark, seen, [])] == [NOON]


def test_known_identifiers_give_no_row_however_early_they_are_seen(spark: SparkSession):
    early = NOON - timedelta(days=400)
    found = sights(spark, [("email:v1:ab", early), ("loyalty:v1:cd", NOON)], ["email:v1:ab"])
    assert [row.identifier for row in found] == ["loyalty:v1:cd"]


def test_nothing_new_gives_no_rows(spark: SparkSession):
    assert sights(spark, [("email:v1:ab", NOON)], ["email:v1:ab", "email:v1:other"]) == []


def test_two_batches_one_after_the_other_are_as_one(spark: SparkSession):
    first, second = ("email:v1:ab", NOON), ("login:v1:cd", NOON)
    apart = sights(spark, [first], []) + sights(spark, [second, first], ["email:v1:ab"])
    assert apart == sights(spark, [first, second], [])


def test_the_table_takes_the_rows(lake: Lake):
    spark = lake.spark
    events = spark.createDataFrame([("email:v1:ab", NOON)], "identity_key STRING, seen TIMESTAMP")
    lake.append(IDENTITIES, first_sight(events, none_known(spark), buckets=16, batch_id=1))
    again = first_sight(events, lake.read(IDENTITIES), buckets=16, batch_id=2)
    assert bounded(again, 1) == []
    assert [row.batch_id for row in bounded(lake.read(IDENTITIES), 2)] == [1]


def none_known(spark: SparkSession):
    """No identifier at all."""
    return spark.createDataFrame([], IDENTITIES.ddl)
