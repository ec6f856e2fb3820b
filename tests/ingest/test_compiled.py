"""A declaration turned into a plan: types of expressions, protection of personal columns, refusals with positions."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from omniseg.errors import ConfigError
from omniseg.ingest.compiled import PERSONAL, Plan, item_types, plan
from omniseg.ingest.declaration import Declaration
from omniseg.ingest.declaration_reader import read_declaration
from omniseg.ingest.schema import text_schema
from omniseg.ingest.vocabulary import EVENT_COLUMNS
from omniseg.settings import yaml_strict
from omniseg.tables.types import struct_of

TEXT = """\
source: till
channel: pos
format: json
path: in/*.jsonl
time_zone: Europe/Berlin
personal: [card, user.mail, user.phone]
columns:
  event_id: id
  event_time: to_timestamp(at)
  event_type: "'purchase'"
  identifiers: map('loyalty', card, 'email', user.mail)
  quantity: qty
quality:
  - {name: known_store, expect: "store is not null and quantity > 0"}
"""
USER = "user STRUCT<mail: STRING, phone: STRING>"
SCHEMA = f"id STRING, at STRING, card STRING, qty INT, store STRING, note STRING, {USER}"


def declared(text: str) -> Declaration:
    """The declaration in a text."""
    return read_declaration(yaml_strict.parse(text.encode(), "d.yml"), file="d.yml")


def planned(text: str, read: str, columns: Mapping[str, str] | None = None) -> Plan:
    """The plan for records that are read by the text schema of `read`."""
    declaration = declared(text)
    return plan(
        declaration,
        read=text_schema(struct_of(read)),
        columns=declaration.columns if columns is None else columns,
        canonical=EVENT_COLUMNS,
        key_name="A_KEY",
        key_version="v7",
    )


@pytest.fixture
def usual(spark: SparkSession) -> Plan:
    """TEXT with its schema; schema texts are read by Spark."""
    return planned(f'schema: "{SCHEMA}"\n{TEXT}', SCHEMA)


def test_identifiers_keep_their_type_and_others_are_personal(usual: Plan):
    assert usual.protection.personal == {"card": "loyalty", "user.mail": "email", "user.phone": PERSONAL}


def test_what_identifiers_read_is_personal_without_being_listed(spark: SparkSession):
    found = planned(TEXT.replace("personal: [card, user.mail, user.phone]\n", ""), SCHEMA)
    assert found.protection.personal == {"card": "loyalty", "user.mail": "email"}


def test_columns_that_are_read(usual: Plan):
    assert {"id", "at", "card", "qty", "store", "user.mail"} <= usual.protection.used
    assert not {"note", "user.phone"} & usual.protection.used


def test_the_key_goes_by_its_name(usual: Plan):
    assert (usual.protection.key_name, usual.protection.key_version, usual.protection.again) == ("A_KEY", "v7", False)


@pytest.mark.parametrize(
    ("more", "free_text", "keep"),
    [
        pytest.param("", frozenset(), False, id="nothing_said"),
        pytest.param("free_text: [note]\n", frozenset({"note"}), False, id="listed"),
        pytest.param("free_text: keep\n", frozenset(), True, id="keep"),
    ],
)
def test_free_text(spark: SparkSession, more: str, free_text: frozenset[str], *, keep: bool):
    found = planned(TEXT + more, SCHEMA).protection
    assert (found.free_text, found.keep_text) == (free_text, keep)


def test_declared_numbers_are_converted(usual: Plan):
    assert usual.mapped.converted == {"qty": "int"}


def test_without_a_declared_schema_text_is_text(spark: SparkSession):
    found = planned(TEXT, SCHEMA)
    assert found.mapped.converted == {}
    assert found.mapped.expressions["quantity"].failed_sql != "false"


def test_every_column_and_rule_is_compiled(usual: Plan):
    assert list(usual.mapped.expressions) == ["event_id", "event_time", "event_type", "identifiers", "quantity"]
    assert list(usual.mapped.quality) == ["known_store"]
    assert usual.mapped.explode is None


def test_texts_without_an_offset_are_in_the_zone_of_the_source(usual: Plan):
    assert "Europe/Berlin" in usual.mapped.expressions["event_time"].sql


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("event_id: id", "event_id: idd", ["idd", "'id'"], id="column_that_nobody_delivers"),
        pytest.param("quantity: qty", "quantity: user.qty", ["user.qty"], id="leaf_that_is_not_there"),
        pytest.param("store is not null", "stor is not null", ["stor", "'store'"], id="column_of_a_rule"),
    ],
)
def test_refused_before_anything_runs(spark: SparkSession, old: str, new: str, words: list[str]):
    assert old in TEXT
    with pytest.raises(ConfigError) as refused:
        planned(TEXT.replace(old, new), SCHEMA)
    assert [word for word in words if word not in str(refused.value)] == []


def test_rules_read_canonical_columns_but_expressions_do_not(spark: SparkSession):
    assert "quantity" in planned(TEXT, SCHEMA).mapped.quality["known_store"].sql
    with pytest.raises(ConfigError, match="quantity"):
        planned(TEXT.replace("event_id: id", "event_id: quantity"), SCHEMA)


ITEMS = f"id STRING, at STRING, card STRING, qty INT, store STRING, {USER}, "
EXPLODED = TEXT.replace("event_id: id", "event_id: concat(id, item.n)") + "rows: explode(items)\n"


def test_elements_are_read_as_item(spark: SparkSession):
    found = planned(EXPLODED, ITEMS + "items ARRAY<STRUCT<n: INT>>")
    assert found.mapped.explode == "items"
    assert {"item.n", "items"} <= found.protection.used


def test_elements_without_that_field_are_refused(spark: SparkSession):
    with pytest.raises(ConfigError, match=r"item\.n"):
        planned(EXPLODED, ITEMS + "items ARRAY<STRUCT<m: INT>>")


ELEMENT = T.StructType([T.StructField("n", T.StringType())])


@pytest.mark.parametrize(
    ("read", "array", "expected"),
    [
        pytest.param(T.StructType([]), None, {}, id="nothing_exploded"),
        pytest.param(
            T.StructType([T.StructField("items", T.ArrayType(ELEMENT))]),
            "items",
            {"item": "struct<n:string>", "item.n": "string"},
            id="array_of_structs",
        ),
        pytest.param(
            T.StructType([T.StructField("items", T.ArrayType(T.LongType()))]),
            "items",
            {"item": "bigint"},
            id="array_of_numbers",
        ),
        pytest.param(
            T.StructType([T.StructField("cart", T.StructType([T.StructField("items", T.ArrayType(ELEMENT))]))]),
            "cart.items",
            {"item": "struct<n:string>", "item.n": "string"},
            id="array_inside_a_struct",
        ),
    ],
)
def test_types_of_elements(read: T.StructType, array: str | None, expected: dict[str, str]):
    assert item_types(read, array) == expected
