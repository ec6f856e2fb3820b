"""What a line of JSON or a row of a file becomes before anyone has mapped it: columns, broken rules, the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from omniseg.ingest.parse import CORRUPT, ORIGIN, PARSED, parse_columns, parse_json
from omniseg.lake.bounded import bounded

AT = datetime(2024, 3, 5, tzinfo=timezone.utc)
LINES = "__file STRING, __received_at TIMESTAMP, __position BIGINT, value STRING"
FLAT = "id STRING, at STRING, qty STRING"
NESTED = "id STRING, user STRUCT<name: STRING, tags: ARRAY<STRING>>, facts MAP<STRING,STRING>"

# Line -> (values of id, at, qty; broken rules; rescued).
FLAT_LINES: Mapping[str, tuple[str, tuple[str | None, ...], list[str], str | None]] = {
    "as_declared": ('{"id":"1","at":"x","qty":"2"}', ("1", "x", "2"), [], None),
    "another_order": ('{"qty":"2","id":"1","at":"x"}', ("1", "x", "2"), [], None),
    "keys_left_out": ('{"id":"1"}', ("1", None, None), [], None),
    "null_is_absent": ('{"id":"1","at":null}', ("1", None, None), [], None),
    "empty_object": ("{}", (None, None, None), [], None),
    "empty_text_is_a_text": ('{"id":""}', ("", None, None), [], None),
    "blanks_around": (' \t{"id":"1"} ', ("1", None, None), [], None),
    "number_as_written": ('{"id":007.50}', (None, None, None), ["malformed"], None),
    "number_without_its_last_zero": ('{"id":7.50}', ("7.5", None, None), [], None),
    "exponent": ('{"id":15e2}', ("15e2", None, None), [], None),
    "exponent_with_capital_and_sign": ('{"id":-1.5E-2}', ("-1.5E-2", None, None), [], None),
    "integer_of_20_digits": ('{"id":12345678901234567890}', ("12345678901234567890", None, None), [], None),
    "decimal_of_20_digits": ('{"id":1234567890123456.7891}', ("1234567890123456.7891", None, None), [], None),
    "two_inexact_numbers": ('{"id":1e3,"qty":2E4}', ("1e3", None, "2E4"), [], None),
    # Text that looks like a number beside an inexact one: the text is kept, the number goes through a double.
    "inexact_beside_text_like_a_number": ('{"id":1e3,"at":"a, 5}"}', ("1000.0", "a, 5}", None), [], None),
    "boolean": ('{"id":true}', ("true", None, None), [], None),
    "object_in_a_text_column": ('{"id":{"a":1}}', ('{"a":1}', None, None), [], None),
    "array_in_a_text_column": ('{"id":[1,2]}', ("[1,2]", None, None), [], None),
    "unicode_escape": ('{"id":"\\u00e4"}', ("ä", None, None), [], None),
    "unknown_field": ('{"id":"1","more":2}', ("1", None, None), [], '{"more":"2"}'),
    "two_unknown_fields": ('{"id":"1","b":2,"a":"x"}', ("1", None, None), [], '{"b":"2","a":"x"}'),
    "unknown_object": ('{"id":"1","o":{"a":1}}', ("1", None, None), [], '{"o":"{\\"a\\":1}"}'),
    "case_variant": ('{"ID":"1"}', (None, None, None), ["case_variant:id"], '{"ID":"1"}'),
    "case_variant_beside_the_field": ('{"id":"1","Id":"2"}', ("1", None, None), ["case_variant:id"], '{"Id":"2"}'),
    "two_case_variants": (
        '{"ID":"1","QTY":"2"}',
        (None, None, None),
        ["case_variant:id", "case_variant:qty"],
        '{"ID":"1","QTY":"2"}',
    ),
    "prefix_is_no_variant": ('{"id":"1","ids":"2"}', ("1", None, None), [], '{"ids":"2"}'),
    "duplicate_key": ('{"id":"1","id":"2"}', ("2", None, None), ["duplicate_key"], None),
    "duplicate_unknown_key": ('{"id":"1","x":"2","x":"3"}', ("1", None, None), ["duplicate_key"], None),
    "array": ('[{"id":"1"}]', (None, None, None), ["malformed"], None),
    "text": ('"id"', (None, None, None), ["malformed"], None),
    "number": ("17", (None, None, None), ["malformed"], None),
    "null": ("null", (None, None, None), ["malformed"], None),
    "cut_off": ('{"id":"1","at":"x', (None, None, None), ["malformed"], None),
    "second_object": ('{"id":"1"}{"id":"2"}', (None, None, None), ["malformed"], None),
    "second_object_after_a_comma": ('{"id":"1"},{"id":"2"}', (None, None, None), ["malformed"], None),
    "second_object_behind_a_bracket": ('{"id":"1"}],[{"id":"2"}', (None, None, None), ["malformed"], None),
    "words_behind_a_bracket": ('{"id":"1"} ] and {"id":"2"}', (None, None, None), ["malformed"], None),
    "another_object_behind_both": ('{"id":"1"}],"x":[{"id":"2"}', (None, None, None), ["malformed"], None),
    "a_brace_and_a_bracket_in_a_text": ('{"id":"}]"}', ("}]", None, None), [], None),
    "objects_in_an_array_that_nobody_declared": (
        '{"id":"1","more":[{"a":1}]}',
        ("1", None, None),
        [],
        '{"more":"[{\\"a\\":1}]"}',
    ),
    "words_behind": ('{"id":"1"} and more', (None, None, None), ["malformed"], None),
    "words_before": ('x {"id":"1"}', (None, None, None), ["malformed"], None),
}

# Line -> (name, tags, facts; broken rules), by a schema with a struct, an array and a map.
Nested = tuple[str | None, list[str | None] | None, dict[str, str | None] | None]
NOTHING: Nested = (None, None, None)
NESTED_LINES: Mapping[str, tuple[str, Nested, list[str]]] = {
    "as_declared": (
        '{"id":"1","user":{"name":"a","tags":["x","y"]},"facts":{"k":"v"}}',
        ("a", ["x", "y"], {"k": "v"}),
        [],
    ),
    "struct_left_out": ('{"id":"1"}', NOTHING, []),
    "struct_is_null": ('{"id":"1","user":null}', NOTHING, []),
    "leaf_left_out": ('{"id":"1","user":{"tags":[]}}', (None, [], None), []),
    "null_inside_an_array": ('{"user":{"tags":["x",null]}}', (None, ["x", None], None), []),
    "number_inside": (
        '{"user":{"name":1e3,"tags":[12345678901234567.25]}}',
        ("1e3", ["12345678901234567.25"], None),
        [],
    ),
    "unknown_leaf_is_no_fault": ('{"user":{"name":"a","more":1}}', ("a", None, None), []),
    "struct_is_a_text": ('{"id":"1","user":"a"}', NOTHING, ["malformed"]),
    "struct_is_an_array": ('{"id":"1","user":["a"]}', NOTHING, ["malformed"]),
    "array_is_a_text": ('{"user":{"tags":"x"}}', NOTHING, ["malformed"]),
    "map_is_a_number": ('{"facts":5}', NOTHING, ["malformed"]),
    "second_object": ('{"user":{"name":"a"}} {"user":{"name":"b"}}', NOTHING, ["malformed"]),
    "array_of_objects": ('[{"id":"1"}]', NOTHING, ["malformed"]),
    "second_object_behind_a_bracket": ('{"user":{"name":"a"}}],[{"user":{"name":"b"}}', NOTHING, ["malformed"]),
    "objects_in_an_array": ('{"user":{"name":"a","more":[{"b":1}]}}', ("a", None, None), []),
    "cut_off": ('{"user":{"name":"a"}', NOTHING, ["malformed"]),
}


def lines(spark: SparkSession, texts: list[str]) -> DataFrame:
    """Lines of one file."""
    return spark.createDataFrame([("file:/in/a", AT, place, text) for place, text in enumerate(texts)], LINES)


def by_position(rows: DataFrame, names: list[str]) -> dict[str, Row]:
    """Parsed rows by the scenario whose line they came from."""
    return {names[row["__position"]]: row for row in bounded(rows, 1000)}


@pytest.fixture(scope="module")
def flat(spark: SparkSession) -> dict[str, Row]:
    """FLAT_LINES, parsed at once."""
    texts = [line[0] for line in FLAT_LINES.values()]
    return by_position(parse_json(lines(spark, texts), schema=FLAT), list(FLAT_LINES))


@pytest.fixture(scope="module")
def nested(spark: SparkSession) -> dict[str, Row]:
    """NESTED_LINES, parsed at once."""
    texts = [line[0] for line in NESTED_LINES.values()]
    return by_position(parse_json(lines(spark, texts), schema=NESTED), list(NESTED_LINES))


@pytest.mark.parametrize("scenario", FLAT_LINES)
def test_a_flat_line(flat: dict[str, Row], scenario: str):
    text, values, rules, rescued = FLAT_LINES[scenario]
    row = flat[scenario]
    assert list(row["__rules"]) == rules
    assert row["__rescued"] == rescued
    # What breaks a rule of parsing keeps its text for the vault; its values are nobody's.
    rejected = bool({"malformed", "duplicate_key"} & set(rules))
    assert row["__reject"] == (text if rejected else None)
    if not rejected:
        assert (row.id, row.at, row.qty) == values


@pytest.mark.parametrize("scenario", NESTED_LINES)
def test_a_nested_line(nested: dict[str, Row], scenario: str):
    text, (name, tags, facts), rules = NESTED_LINES[scenario]
    row = nested[scenario]
    assert list(row["__rules"]) == rules
    assert row["__reject"] == (text if rules else None)
    if not rules:
        user = row.user or Row(name=None, tags=None)
        assert (user.name, user.tags, row.facts) == (name, tags, facts)


def test_the_shape_of_what_is_parsed(spark: SparkSession):
    rows = parse_json(lines(spark, ["{}"]), schema=FLAT)
    assert rows.columns == ["id", "at", "qty", *PARSED]
    row = bounded(rows, 1)[0]
    assert (row["__file"], row["__position"]) == ("file:/in/a", 0)


@pytest.mark.parametrize("name", ["first-name", "a b", "a.b", "1st", "größe", "utm:source", "select"])
def test_names_of_fields_are_free(spark: SparkSession, name: str):
    text = f'{{"{name}":"x","in":{{"{name}":"y"}}}}'
    alone = parse_json(lines(spark, [text]), schema=f"`{name}` STRING")
    inside = parse_json(lines(spark, [text]), schema=f"`{name}` STRING, `in` STRUCT<`{name}`: STRING>")
    flat_row, nested_row = bounded(alone, 1)[0], bounded(inside, 1)[0]
    assert (flat_row[name], list(flat_row["__rules"])) == ("x", [])
    assert (nested_row[name], nested_row["in"][name], list(nested_row["__rules"])) == ("x", "y", [])


DELIVERED = f"id STRING, `a.b` STRING, `x y` STRING, {LINES.rpartition(',')[0]}, {CORRUPT} STRING"


@pytest.fixture(scope="module")
def columns(spark: SparkSession) -> dict[str, Row]:
    """Rows of a CSV file with a column too many, one too few, and a corrupt record."""
    rows = [
        ("1", "dot", "blank", "f", AT, 0, None),
        ("2", None, None, "f", AT, 1, None),
        ("3", "dot", None, "f", AT, 2, "3;dot"),
    ]
    parsed = parse_columns(spark.createDataFrame(rows, DELIVERED), known=["a.b", "id", "missing"])
    assert parsed.columns == ["a.b", "id", "missing", *PARSED]
    return {row.id: row for row in bounded(parsed, 10)}


def test_known_columns_stay_and_absent_ones_are_null(columns: dict[str, Row]):
    assert (columns["1"]["a.b"], columns["1"].id, columns["1"].missing) == ("dot", "1", None)


@pytest.mark.parametrize(
    ("row", "rescued"),
    [
        pytest.param("1", '{"x y":"blank"}', id="with_a_value"),
        pytest.param("2", None, id="without_a_value"),
    ],
)
def test_unknown_columns_are_rescued(columns: dict[str, Row], row: str, rescued: str | None):
    assert columns[row]["__rescued"] == rescued


def test_a_corrupt_record_keeps_its_text(columns: dict[str, Row]):
    assert (list(columns["3"]["__rules"]), columns["3"]["__reject"]) == (["malformed"], "3;dot")
    assert (list(columns["1"]["__rules"]), columns["1"]["__reject"]) == ([], None)


def test_nothing_unknown_and_nothing_corrupt(spark: SparkSession):
    rows = spark.createDataFrame([("1", "f", AT, 0)], f"id STRING, {LINES.rpartition(',')[0]}")
    row = bounded(parse_columns(rows, known=["id"]), 1)[0]
    assert (list(row["__rules"]), row["__reject"], row["__rescued"]) == ([], None, None)
    assert [row[name] for name in ORIGIN][0::2] == ["f", 0]
