"""Reference rows: keys, hashes, which row of a batch wins, what changes anything, and the versions of a key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from omniseg.ingest.reference import changing, declared_columns, history, reference_rows, required, winners
from omniseg.lake.bounded import bounded
from omniseg.tables import CUSTOMERS, EXCHANGE_RATES, PRODUCTS, REFERENCES, Table

AT = datetime(2024, 3, 5, tzinfo=timezone.utc)
ORIGIN = """
    record_id STRING, file STRING, position BIGINT, received_at TIMESTAMP, payload STRING, rescued STRING,
    lookalike BOOLEAN, reject STRING, rules ARRAY<STRING>, attributes MAP<STRING,STRING>
"""
MAPPED: Mapping[str, Any] = {
    "record_id": "r",
    "file": "f",
    "position": 0,
    "received_at": AT,
    "payload": "{}",
    "rescued": None,
    "lookalike": False,
    "reject": None,
    "rules": [],
    "attributes": {},
}


def rows_of(
    spark: SparkSession, table: Table, key: tuple[str, ...], columns: str, rows: Mapping[str, Mapping[str, Any]]
) -> dict[str, Row]:
    """Reference rows by record id; each row is MAPPED with changes, and null in `columns` it does not name."""
    names = [part.split()[0] for part in columns.split(", ")]
    made = [
        tuple({**MAPPED, **dict.fromkeys(names), **changes, "record_id": name}.values())
        for name, changes in rows.items()
    ]
    found = reference_rows(
        spark.createDataFrame(made, f"{ORIGIN}, {columns}"),
        table,
        source="master",
        key=key,
        priority=("login", "loyalty"),
        buckets=16,
        batch_id=4,
    )
    return {row.record_id: row for row in bounded(found, 100)}


PRODUCT_ROWS: Mapping[str, Mapping[str, Any]] = {
    "milk": {"product_id": "p1", "name": "Milk"},
    "milk again": {"product_id": "p1", "name": "Milk", "file": "g", "position": 9},
    "cream": {"product_id": "p1", "name": "Cream"},
    "name is a brand": {"product_id": "p1", "brand": "Milk"},
    "no name": {"product_id": "p1"},
    "empty name": {"product_id": "p1", "name": ""},
    "since": {"product_id": "p1", "name": "Milk", "valid_from": AT},
    "more": {"product_id": "p1", "name": "Milk", "attributes": {"a": "1", "b": "2"}},
    "more in another order": {"product_id": "p1", "name": "Milk", "attributes": {"b": "2", "a": "1"}},
    "other attribute": {"product_id": "p1", "name": "Milk", "attributes": {"a": "1", "b": "3"}},
    "no key": {"name": "Milk"},
    "broken before": {"name": "Milk", "rules": ["missing:product_id"]},
    "rejected": {"rules": ["malformed"], "payload": None, "reject": "{"},
}


@pytest.fixture(scope="module")
def products(spark: SparkSession) -> dict[str, Row]:
    """PRODUCT_ROWS, made at once."""
    columns = "product_id STRING, name STRING, brand STRING, valid_from TIMESTAMP"
    return rows_of(spark, PRODUCTS, ("product_id",), columns, PRODUCT_ROWS)


def test_all_columns_of_the_table_and_the_origin(products: dict[str, Row]):
    origin = {"file", "position", "received_at", "payload", "rescued", "lookalike", "reject", "rules", "source"}
    assert set(products["milk"].asDict()) == {*PRODUCTS.column_names, *origin}
    assert (products["milk"].batch_id, products["milk"].source, products["milk"].department) == (4, "master", None)


def test_a_row_without_a_time_holds_from_the_beginning(products: dict[str, Row]):
    assert (products["milk"].valid_from, products["milk"].valid_to) == (datetime(1900, 1, 1), None)
    assert products["since"].valid_from.replace(tzinfo=timezone.utc) == AT


@pytest.mark.parametrize(
    ("row", "rules"),
    [
        pytest.param("milk", [], id="fine"),
        pytest.param("no key", ["missing:product_id"], id="no_key"),
        pytest.param("broken before", ["missing:product_id"], id="said_once"),
        pytest.param("rejected", ["malformed"], id="rejected_text_is_judged_no_further"),
    ],
)
def test_a_row_needs_its_key(products: dict[str, Row], row: str, rules: list[str]):
    assert list(products[row].rules) == rules


@pytest.mark.parametrize("other", ["cream", "name is a brand", "no name", "empty name", "since", "more"])
def test_other_values_have_another_hash(products: dict[str, Row], other: str):
    assert products[other].row_hash != products["milk"].row_hash


def test_hashes_tell_all_values_apart(products: dict[str, Row]):
    names = ["milk", "cream", "name is a brand", "no name", "empty name", "since", "more", "other attribute"]
    assert len({products[name].row_hash for name in names}) == len(names)


def test_place_and_order_of_attributes_are_of_no_account(products: dict[str, Row]):
    assert products["milk again"].row_hash == products["milk"].row_hash
    assert products["more in another order"].row_hash == products["more"].row_hash


def test_persons_are_keyed_by_their_strongest_identifier(spark: SparkSession):
    found = rows_of(
        spark,
        CUSTOMERS,
        ("identity_key",),
        "identifiers MAP<STRING,STRING>, age_band STRING",
        {
            "both": {"identifiers": {"loyalty": "l", "login": "g"}},
            "one": {"identifiers": {"loyalty": "l", "login": ""}},
            "nobody": {"identifiers": {"login": None}},
        },
    )
    assert {name: row.identity_key for name, row in found.items()} == {"both": "g", "one": "l", "nobody": None}
    assert {name: list(row.rules) for name, row in found.items()} == {
        "both": [],
        "one": [],
        "nobody": ["missing:identity_key"],
    }
    assert found["one"].identifiers == {"loyalty": "l"}
    assert all(found[name].bucket in range(16) for name in ("both", "one"))


def test_a_rate_needs_more_than_its_key(spark: SparkSession):
    found = rows_of(
        spark,
        EXCHANGE_RATES,
        ("currency", "rate_date"),
        "currency STRING, rate_date DATE, rate DECIMAL(18,8)",
        {"empty": {}, "no rate": {"currency": "USD", "rate_date": AT.date()}},
    )
    assert {name: sorted(row.rules) for name, row in found.items()} == {
        "empty": ["missing:currency", "missing:rate", "missing:rate_date"],
        "no rate": ["missing:rate"],
    }


@pytest.mark.parametrize("table", REFERENCES.values(), ids=list(REFERENCES))
def test_what_a_declaration_may_set(table: Table):
    found = declared_columns(table)
    assert found["valid_from"] == "timestamp"
    assert not {"valid_to", "row_hash", "record_id", "batch_id", "attributes", "bucket", "identity_key"} & found.keys()
    assert ("identifiers" in found) == ("identity_key" in table.column_names)
    assert "bucket" not in required(table)
    assert set(required(table)) <= {*found, "identity_key"}


# ---- which rows count

VERSION = (
    "product_id STRING, name STRING, valid_from TIMESTAMP, valid_to TIMESTAMP, row_hash BIGINT, received_at TIMESTAMP, "
    "position BIGINT, record_id STRING"
)
Version = tuple[str, str, int]  # product, name, day of validity


def day(number: int) -> datetime:
    """A day of March."""
    return datetime(2024, 3, number, tzinfo=timezone.utc)


def versions(spark: SparkSession, *rows: Version, received: Mapping[int, int] | None = None) -> DataFrame:
    """Rows in the order of their delivery; `received` gives the day of a row's delivery (else the first)."""
    days = received or {}
    made = [
        (
            product,
            name,
            day(since),
            None,
            sum(map(ord, name)) % 997 + 1000 * len(name),
            day(days.get(place, 1)),
            place,
            f"r{place}",
        )
        for place, (product, name, since) in enumerate(rows)
    ]
    return spark.createDataFrame(made, VERSION)


def shown(rows: DataFrame) -> list[tuple[str, str, int]]:
    """Product, name and day of validity, sorted."""
    return sorted((row.product_id, row.name, row.valid_from.day) for row in bounded(rows, 100))


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        pytest.param("latest", [("p", "c", 1), ("q", "x", 1)], id="latest_keeps_one_per_key"),
        pytest.param("scd2", [("p", "b", 2), ("p", "c", 1), ("q", "x", 1)], id="scd2_keeps_one_per_key_and_time"),
        pytest.param(
            "append",
            [("p", "a", 1), ("p", "b", 2), ("p", "c", 1), ("q", "x", 1)],
            id="append_keeps_all_that_differ",
        ),
    ],
)
def test_the_last_delivered_row_counts(spark: SparkSession, mode: str, kept: list[Version]):
    rows = versions(spark, ("p", "a", 1), ("p", "b", 2), ("q", "x", 1), ("q", "x", 1), ("p", "c", 1))
    assert shown(winners(rows, key=["product_id"], mode=mode)) == kept


def test_a_later_file_counts_more_than_a_later_position(spark: SparkSession):
    rows = versions(spark, ("p", "new", 1), ("p", "old", 1), received={0: 2, 1: 1})
    assert shown(winners(rows, key=["product_id"], mode="latest")) == [("p", "new", 1)]


@pytest.mark.parametrize("partitions", [1, 2, 5])
def test_winners_do_not_depend_on_the_order_of_rows(spark: SparkSession, partitions: int):
    rows = versions(spark, *(("p", f"n{number}", 1) for number in range(20)))
    found = winners(rows.repartition(partitions), key=["product_id"], mode="latest")
    assert shown(found) == [("p", "n19", 1)]


def test_only_what_differs_is_written(spark: SparkSession):
    existing = versions(spark, ("p", "a", 1), ("q", "x", 1))
    rows = versions(spark, ("p", "a", 1), ("q", "y", 1), ("r", "a", 1))
    assert shown(changing(rows, existing, key=["product_id"])) == [("q", "y", 1), ("r", "a", 1)]


def test_everything_differs_from_nothing(spark: SparkSession):
    rows = versions(spark, ("p", "a", 1))
    assert shown(changing(rows, versions(spark), key=["product_id"])) == [("p", "a", 1)]


def spans(rows: DataFrame) -> list[tuple[str, str, int, int | None]]:
    """Product, name, first day and first day no longer, sorted by time."""
    found = [
        (row.product_id, row.name, row.valid_from.day, row.valid_to.day if row.valid_to else None)
        for row in bounded(rows, 100)
    ]
    return sorted(found, key=lambda span: (span[0], span[2]))


@pytest.mark.parametrize(
    ("existing", "news", "expected"),
    [
        pytest.param([], [("p", "a", 1)], [("p", "a", 1, None)], id="first_version"),
        pytest.param(
            [("p", "a", 1)], [("p", "b", 5)], [("p", "a", 1, 5), ("p", "b", 5, None)], id="a_later_version_ends_it"
        ),
        pytest.param(
            [("p", "a", 1), ("p", "c", 9)],
            [("p", "b", 5)],
            [("p", "a", 1, 5), ("p", "b", 5, 9), ("p", "c", 9, None)],
            id="a_version_delivered_late_goes_between",
        ),
        pytest.param(
            [("p", "b", 5)], [("p", "a", 1)], [("p", "a", 1, 5), ("p", "b", 5, None)], id="a_version_before_the_first"
        ),
        pytest.param([("p", "a", 1)], [("p", "b", 1)], [("p", "b", 1, None)], id="a_correction_replaces_its_version"),
        pytest.param(
            [("p", "a", 1), ("q", "x", 1)],
            [("p", "b", 5)],
            [("p", "a", 1, 5), ("p", "b", 5, None)],
            id="other_keys_rest",
        ),
        pytest.param(
            [],
            [("p", "a", 1), ("p", "b", 2), ("q", "x", 3)],
            [("p", "a", 1, 2), ("p", "b", 2, None), ("q", "x", 3, None)],
            id="several_at_once",
        ),
        pytest.param([("p", "a", 1)], [], [], id="nothing_new"),
    ],
)
def test_versions_follow_each_other(
    spark: SparkSession, existing: list[Version], news: list[Version], expected: list[tuple[str, str, int, int | None]]
):
    found = history(versions(spark, *news), versions(spark, *existing), key=["product_id"])
    assert spans(found) == expected
    assert sorted(found.columns) == sorted(versions(spark).columns)
