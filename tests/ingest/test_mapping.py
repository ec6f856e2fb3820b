"""Raw columns become canonical ones: conversions, expressions, expectations, exploded arrays. No record is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from omniseg.expressions import Compiled, compile_expression
from omniseg.ingest.mapping import ORIGIN, Mapped, map_records
from omniseg.lake.bounded import bounded

AT = datetime(2024, 3, 5, tzinfo=timezone.utc)
META = """
    __file STRING, __received_at TIMESTAMP, __position BIGINT, __rules ARRAY<STRING>, __reject STRING,
    __rescued STRING, __lookalike BOOLEAN, __payload STRING, __record_id STRING
"""
SCHEMA = f"id STRING, at STRING, qty STRING, paid STRING, price STRING, items ARRAY<STRUCT<n: STRING>>, {META}"
RECORD: Mapping[str, Any] = {
    "id": "e-1",
    "at": "2024-03-05T10:00:00Z",
    "qty": "2",
    "paid": "true",
    "price": "1.50",
    "items": None,
    "__file": "f",
    "__received_at": AT,
    "__position": 7,
    "__rules": [],
    "__reject": None,
    "__rescued": None,
    "__lookalike": True,
    "__payload": "{}",
    "__record_id": "till-1-7",
}
KINDS = {"qty": "int", "paid": "boolean"}
TYPES = {
    "id": "string",
    "at": "string",
    "qty": "int",
    "paid": "boolean",
    "price": "string",
    "items": "array<struct<n:string>>",
    "item": "struct<n:string>",
    "item.n": "string",
}


def compiled(text: str, want: str, more: Mapping[str, str] | None = None) -> Compiled:
    """An expression over the raw columns (and canonical ones)."""
    return compile_expression(text, columns={**(more or {}), **TYPES}, want=want)


CANONICAL = {
    "event_id": compiled("id", "string"),
    "event_time": compiled("to_timestamp(at)", "timestamp"),
    "quantity": compiled("qty", "decimal(18,3)"),
    "unit_price": compiled("price", "decimal(18,4)"),
    "price": compiled("'canonical'", "string"),
}
QUALITY = {
    "few": compiled("qty < 10", "boolean"),
    "raw_price": compiled("price != 'canonical'", "boolean"),
    "mapped": compiled("event_id is not null", "boolean", {"event_id": "string"}),
}
PLAIN = Mapped(CANONICAL, KINDS, QUALITY)


def records(spark: SparkSession, rows: Mapping[str, Mapping[str, Any]]) -> DataFrame:
    """RECORD with the changes of each row; the record id is the row's name."""
    made = [tuple({**RECORD, **changes, "__record_id": name}.values()) for name, changes in rows.items()]
    return spark.createDataFrame(made, SCHEMA)


# Changes of RECORD -> rules that it breaks then.
BROKEN: Mapping[str, tuple[Mapping[str, Any], list[str]]] = {
    "fine": ({}, []),
    "blanks_around_a_number": ({"qty": " 2 "}, []),
    "empty_text_is_an_absent_number": ({"qty": ""}, ["few"]),
    "absent_number": ({"qty": None}, ["few"]),
    "word_for_a_number": ({"qty": "two"}, ["unreadable:qty", "few"]),
    "fraction_for_an_integer": ({"qty": "2.5"}, ["unreadable:qty", "few"]),
    "integer_too_large": ({"qty": "99999999999"}, ["unreadable:qty", "few"]),
    "word_for_a_boolean": ({"paid": "perhaps"}, ["unreadable:paid"]),
    "unreadable_time": ({"at": "yesterday"}, ["unreadable:event_time"]),
    "absent_time_is_no_fault_here": ({"at": None}, []),
    "unreadable_price": ({"price": "cheap"}, ["unreadable:unit_price"]),
    "false_expectation": ({"qty": "10"}, ["few"]),
    "null_expectation_over_a_raw_column": ({"price": None}, ["raw_price"]),
    "null_expectation_over_a_canonical_column": ({"id": None}, ["mapped"]),
    "rule_of_the_parser_comes_first": (
        {"qty": "x", "__rules": ["case_variant:id"]},
        ["case_variant:id", "unreadable:qty", "few"],
    ),
    "rejected_text_is_judged_no_further": (
        {"id": None, "qty": None, "__rules": ["malformed"], "__reject": "{", "__payload": None},
        ["malformed"],
    ),
}


@pytest.fixture(scope="module")
def mapped(spark: SparkSession) -> dict[str, Row]:
    """All records of BROKEN, mapped at once."""
    rows = map_records(records(spark, {name: changes for name, (changes, _) in BROKEN.items()}), PLAIN)
    assert rows.columns == [*CANONICAL, *ORIGIN]
    return {row.record_id: row for row in bounded(rows, 100)}


@pytest.mark.parametrize("scenario", BROKEN)
def test_broken_rules_are_named(mapped: dict[str, Row], scenario: str):
    assert list(mapped[scenario].rules) == BROKEN[scenario][1]


def test_no_record_is_dropped(mapped: dict[str, Row]):
    assert mapped.keys() == BROKEN.keys()


def test_values_have_their_canonical_types(mapped: dict[str, Row]):
    row = mapped["fine"]
    assert (row.event_id, str(row.quantity), str(row.unit_price)) == ("e-1", "2.000", "1.5000")
    assert row.event_time.replace(tzinfo=timezone.utc) == datetime(2024, 3, 5, 10, tzinfo=timezone.utc)


def test_an_unreadable_value_costs_only_itself(mapped: dict[str, Row]):
    row = mapped["word_for_a_number"]
    assert (row.quantity, str(row.unit_price), row.event_id) == (None, "1.5000", "e-1")


def test_a_raw_column_hides_the_canonical_one_of_its_name(mapped: dict[str, Row]):
    """Expectations read the raw `price`; the table gets the canonical one all the same."""
    assert mapped["fine"].price == "canonical"
    assert "raw_price" not in mapped["fine"].rules


def test_origin_goes_along(mapped: dict[str, Row]):
    row = mapped["fine"]
    assert (row.file, row.position, row.payload, row.rescued, row.reject) == ("f", 7, "{}", None, None)
    assert row.lookalike


def test_further_columns_over_the_raw_ones(spark: SparkSession):
    rows = map_records(records(spark, {"r": {}}), PLAIN, extra={"attributes": F.create_map(F.lit("at"), F.col("at"))})
    assert bounded(rows, 1)[0].attributes == {"at": RECORD["at"]}


def test_nothing_declared_but_origin(spark: SparkSession):
    row = bounded(map_records(records(spark, {"r": {"__rules": ["x"]}}), Mapped({}, {}, {})), 1)[0]
    assert (list(row.asDict()), list(row.rules)) == (list(ORIGIN), ["x"])


@pytest.fixture(scope="module")
def exploded(spark: SparkSession) -> dict[str, Row]:
    """Records with 3, 1, no and null elements, one row per element."""
    elements = Mapped(
        {"event_id": compiled("concat(id, '-', coalesce(item.n, 'none'))", "string")},
        KINDS,
        {"numbered": compiled("item.n is not null", "boolean")},
        explode="items",
    )
    rows: dict[str, dict[str, Any]] = {
        "three": {"items": [("a",), (None,), ("c",)]},
        "one": {"items": [("a",)]},
        "none": {"items": []},
        "null": {"items": None},
        "reject": {"items": None, "__reject": "{", "__rules": ["malformed"], "__payload": None},
    }
    return {row.record_id: row for row in bounded(map_records(records(spark, rows), elements), 100)}


@pytest.mark.parametrize(
    ("record_id", "event_id", "rules"),
    [
        pytest.param("three", "e-1-a", [], id="the_first_element_keeps_the_id_of_the_record"),
        pytest.param("three#1", "e-1-none", ["numbered"], id="the_second_breaks_a_rule_on_its_own"),
        pytest.param("three#2", "e-1-c", [], id="the_third_is_fine_again"),
        pytest.param("one", "e-1-a", [], id="one_element"),
        pytest.param("none", "e-1-none", ["numbered"], id="no_element_is_still_a_record"),
        pytest.param("null", "e-1-none", ["numbered"], id="no_array_is_still_a_record"),
        pytest.param("reject", "e-1-none", ["malformed"], id="rejected_text_is_one_row"),
    ],
)
def test_one_row_per_element(exploded: dict[str, Row], record_id: str, event_id: str, rules: list[str]):
    row = exploded[record_id]
    assert (row.event_id, list(row.rules)) == (event_id, rules)


def test_elements_share_the_place_of_their_record(exploded: dict[str, Row]):
    assert sorted(exploded) == ["none", "null", "one", "reject", "three", "three#1", "three#2"]
    assert {row.position for row in exploded.values()} == {7}
