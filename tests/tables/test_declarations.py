"""Every table says what a row is, what identifies it and who it is about; the rules of layout hold for all."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from omniseg import tables
from omniseg.tables import ALL, PRIVACY_CLASSES, REFERENCES, SILVER_EVENTS, VERSIONING, Column, Table
from omniseg.tables.model import parse_column, parse_columns
from omniseg.tables.types import struct_of

EVERY = pytest.mark.parametrize("table", ALL, ids=[table.name for table in ALL])
SPARK = pytest.mark.usefixtures("spark")  # its parser reads types
LAYERS = {"bronze", "silver", "gold", "ops", "vault", "privacy"}
BUCKETED = {"silver.events", "silver.customers", "silver.consents", "silver.identities"}


def columns(table: Table) -> dict[str, Column]:
    """Columns by name."""
    return {column.name: column for column in table.columns}


def test_names_are_unique():
    assert len({table.name for table in ALL}) == len(ALL)


def test_every_declared_table_is_listed():
    declared = {item.name for item in vars(tables).values() if isinstance(item, Table)}
    assert declared == {table.name for table in ALL}


def test_references_go_by_their_short_names():
    assert {name: f"silver.{name}" for name in REFERENCES} == {name: item.name for name, item in REFERENCES.items()}


@EVERY
def test_a_name_is_layer_and_table(table: Table):
    layer, _, name = table.name.partition(".")
    assert layer in LAYERS
    assert re.fullmatch(r"[a-z][a-z_]*", name)


@EVERY
def test_a_table_says_what_a_row_is(table: Table):
    assert table.grain
    assert table.key


@EVERY
def test_column_names_are_unique_whatever_their_case(table: Table):
    assert len({name.lower() for name in table.column_names}) == len(table.columns)


@EVERY
def test_keys_statistics_and_constraints_name_columns(table: Table):
    assert set(table.key) <= set(table.column_names)
    assert set(table.statistics) <= set(table.column_names)
    for label, condition in table.constraints:
        assert re.fullmatch(r"[a-z_]+", label)
        assert any(re.search(rf"\b{name}\b", condition) for name in table.column_names)


@EVERY
def test_statistics_hold_nothing_that_stands_for_a_person(table: Table):
    """Statistics outlive DELETE and VACUUM: neither pseudonyms nor restricted texts, and of attributes days alone."""
    kinds = {(columns(table)[name].privacy, columns(table)[name].type) for name in table.statistics}
    assert {privacy for privacy, _ in kinds} <= {"none", "attribute"}
    assert {kind for privacy, kind in kinds if privacy == "attribute"} <= {"DATE"}


@EVERY
def test_every_column_is_explained_and_classed(table: Table):
    assert [
        column.name for column in table.columns if not column.comment or column.privacy not in PRIVACY_CLASSES
    ] == []


@EVERY
@SPARK
def test_spark_reads_the_declaration(table: Table):
    schema = struct_of(table.ddl)
    assert [field.name for field in schema] == list(table.column_names)
    assert [field.nullable for field in schema] == [column.nullable for column in table.columns]
    assert [field.metadata["comment"] for field in schema] == [column.comment for column in table.columns]


@EVERY
def test_money_is_decimal(table: Table):
    money = re.compile(r"price|amount|discount|revenue|^rate$")
    kinds = {c.type for c in table.columns if money.search(c.name) and not c.name.endswith("_status")}
    assert all(kind.startswith("DECIMAL(18,") for kind in kinds)


@EVERY
def test_what_is_about_a_person_can_be_found_for_erasure(table: Table):
    """Rows with attributes of a person are reached by a pseudonym in the row, or by the record they came from."""
    found = {column.privacy for column in table.columns}
    reached = "pseudonym" in found or bool({"record_id", "vault_ref"} & set(table.column_names))
    assert reached or not {"attribute", "restricted"} & found


@pytest.mark.parametrize("name", sorted(BUCKETED))
def test_tables_about_persons_are_laid_out_by_bucket(name: str):
    (table,) = [table for table in ALL if table.name == name]
    assert columns(table)["bucket"].type == "INT"
    assert not columns(table)["bucket"].nullable
    assert columns(table)["bucket"].privacy == "none"


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_references_are_versioned(name: str):
    table = REFERENCES[name]
    assert table.columns[-len(VERSIONING) :] == VERSIONING
    assert table.key[-1] == "valid_from"
    assert columns(table)["valid_to"].nullable


def test_the_canonical_event_has_the_columns_of_the_design():
    expected = """event_id source event_time event_date received_at channel event_type identifiers identity_key bucket
    session_id order_id product_id category brand quantity unit_price discount amount amount_status currency store_id
    campaign_id country region postal_code rating dwell_seconds is_bot properties payload_hash record_id batch_id"""
    assert set(expected.split()) <= set(SILVER_EVENTS.column_names)


def test_the_identifiers_of_an_event_are_pseudonyms():
    kinds = {name: columns(SILVER_EVENTS)[name].privacy for name in ("identifiers", "identity_key")}
    assert set(kinds.values()) == {"pseudonym"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("a INT | none | what", Column("a", "INT", True, "none", "what"), id="may_be_null"),
        pytest.param("a INT NOT NULL | none | what", Column("a", "INT", False, "none", "what"), id="required"),
        pytest.param(
            "  a   MAP<STRING, INT>   |none|  two  words ",
            Column("a", "MAP<STRING, INT>", True, "none", "two  words"),
            id="spaces",
        ),
        pytest.param(
            "a DECIMAL(18,4) NOT NULL | attribute | x",
            Column("a", "DECIMAL(18,4)", False, "attribute", "x"),
            id="decimal",
        ),
    ],
)
def test_a_line_declares_a_column(line: str, expected: Column):
    assert parse_column(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("a INT | secret | what", id="unknown_privacy_class"),
        pytest.param("a INT | none", id="no_comment"),
        pytest.param("a | none | what", id="no_type"),
        pytest.param("a INT | none | this | that", id="one_bar_too_many"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_malformed_line_is_refused(line: str):
    with pytest.raises(ValueError, match=r"privacy class|unpack"):
        parse_column(line)


def test_the_refusal_names_column_and_class():
    with pytest.raises(ValueError, match=r"column email: privacy class 'secret' is not one of .*pseudonym"):
        parse_columns("id INT | none | x\nemail STRING | secret | y")


def test_blank_lines_declare_nothing():
    assert [column.name for column in parse_columns("\n a INT | none | x\n\n b INT | none | y\n \n")] == ["a", "b"]


@SPARK
@pytest.mark.parametrize("comment", ["plain", "it's", r"a\b", r"\'", "ends with \\"])
def test_comments_reach_spark_as_written(comment: str):
    column = Column("a", "INT", False, "none", comment)
    assert struct_of(column.ddl)["a"].metadata["comment"] == comment


def test_generated_columns_come_after_the_declared_ones():
    more = (Column("x_90d", "BIGINT", True, "attribute", "x"),)
    longer = tables.CUSTOMER_FEATURES.extended(more)
    assert longer.columns == tables.CUSTOMER_FEATURES.columns + more
    assert replace(longer, columns=tables.CUSTOMER_FEATURES.columns) == tables.CUSTOMER_FEATURES
