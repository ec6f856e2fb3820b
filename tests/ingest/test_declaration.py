"""Declarations of sources and reference tables: what they give, and everything that is wrong with one in one error."""

from __future__ import annotations

import pytest

from omniseg.errors import ConfigError
from omniseg.ingest.declaration import QualityRule, ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.declaration_reader import read_declaration
from omniseg.settings import yaml_strict

ORDERS = """\
source: store_orders
channel: pos
format: csv
path: in/store_orders/*.csv
options: {header: true, sep: ";"}
time_zone: Europe/Berlin
personal: [card_no]
columns:
  event_id: sha2(concat_ws('|', receipt, coalesce(line, '')), 256)
  event_time: to_timestamp(sold_at, 'dd.MM.yyyy HH:mm')
  event_type: case when qty < 0 then 'return' else 'purchase' end
  identifiers: map('loyalty', card_no)
  quantity: qty
  unit_price: price
  currency: "'EUR'"
quality:
  - {name: price_not_negative, expect: unit_price >= 0}
"""
PRODUCTS = """\
target: products
format: csv
path: in/products/*.csv
key: [product_id]
mode: latest
"""
CUSTOMERS = """\
target: customers
format: parquet
path: in/customers
key: [identity_key]
mode: scd2
valid_from: to_timestamp(changed_at)
columns:
  identifiers: map('email', mail)
  country: country
"""


def read(text: str) -> SourceDeclaration | ReferenceDeclaration:
    """The declaration in a file called d.yml."""
    return read_declaration(yaml_strict.parse(text.encode(), "d.yml"), file="d.yml")


def problems(text: str) -> list[str]:
    """The messages with which a declaration is refused."""
    with pytest.raises(ConfigError) as refused:
        read(text)
    return [str(problem) for problem in refused.value.problems]


def changed(text: str, old: str, new: str) -> str:
    """`text` with one part replaced, which must be there."""
    assert old in text
    return text.replace(old, new)


def test_a_source_of_events():
    orders = read(ORDERS)
    assert isinstance(orders, SourceDeclaration)
    assert (orders.name, orders.channel, orders.format) == ("store_orders", "pos", "csv")
    assert orders.path == "in/store_orders/*.csv"
    assert orders.options == {"header": "true", "sep": ";"}
    assert orders.time_zone == "Europe/Berlin"
    assert orders.personal == ("card_no",)
    assert orders.columns["unit_price"] == "price"
    assert orders.columns["currency"] == "'EUR'"
    assert orders.identifier_pairs == (("loyalty", "card_no"),)
    assert orders.quality == (QualityRule("price_not_negative", "unit_price >= 0"),)


def test_what_a_source_may_leave_out():
    orders = read(ORDERS)
    assert orders.schema is None
    assert orders.currency is None
    assert orders.rows is None
    assert orders.free_text == ()
    assert orders.keep_free_text is False
    assert orders.manifest == "none"
    assert orders.max_late_days is None
    assert orders.description == ""


def test_everything_a_source_may_say():
    more = """\
description: Receipts of all stores
schema: "receipt STRING, line STRING, sold_at STRING, qty INT, price DECIMAL(9,2), card_no STRING, note STRING"
currency: EUR
free_text: [note]
delivery: {manifest: required}
lateness: {max_days: 0}
"""
    orders = read(ORDERS + more)
    assert orders.description == "Receipts of all stores"
    assert orders.schema is not None
    assert orders.schema.startswith("receipt STRING")
    assert (orders.currency, orders.free_text, orders.manifest, orders.max_late_days) == (
        "EUR",
        ("note",),
        "required",
        0,
    )


def test_a_reference_table_by_the_names_of_its_raw_columns():
    products = read(PRODUCTS)
    assert isinstance(products, ReferenceDeclaration)
    assert (products.name, products.key, products.mode) == ("products", ("product_id",), "latest")
    assert products.columns == {}
    assert products.valid_from is None
    assert products.identifier_pairs == ()


def test_a_reference_table_about_persons():
    customers = read(CUSTOMERS)
    assert isinstance(customers, ReferenceDeclaration)
    assert customers.valid_from == "to_timestamp(changed_at)"
    assert customers.identifier_pairs == (("email", "mail"),)


def test_free_text_may_be_kept():
    kept = read(ORDERS + "free_text: keep\n")
    assert kept.keep_free_text is True
    assert kept.free_text == ()


def test_every_key_knows_its_line():
    orders = read(ORDERS)
    assert orders.where("source") == "d.yml:1"
    assert orders.where("options.sep") == "d.yml:5"
    assert orders.where("columns.unit_price") == "d.yml:14"
    assert orders.where("quality[1].expect") == "d.yml:17"
    assert orders.where("columns.brand") == "d.yml:8"
    assert orders.where("lateness.max_days") == "d.yml"


@pytest.mark.parametrize(
    ("given", "header"),
    [
        pytest.param("options: {sep: ','}", "true", id="a_header_is_the_rule"),
        pytest.param("options: {header: false}\nschema: receipt STRING", "false", id="unless_denied"),
    ],
)
def test_csv_has_a_header_unless_it_is_denied(given: str, header: str):
    text = changed(PRODUCTS, "key: ", f"{given}\nkey: ")
    assert read(text).options["header"] == header


def test_an_expression_may_give_the_channel():
    text = changed(ORDERS, "channel: pos\n", "").replace("columns:\n", "columns:\n  channel: kind\n")
    orders = read(text)
    assert isinstance(orders, SourceDeclaration)
    assert orders.channel == ""


def test_eight_mistakes_give_eight_problems_in_one_error():
    text = """\
source: Store Orders
chanel: pos
format: csv
path: in/*.csv
options: {headr: true}
time_zone: Europe/Berln
columns:
  event_id: reflect('java.lang.System', 'exit')
  event_time: to_timestamp(sold_at)
  event_type: "'purchase'"
  identifiers: map('loyality', card_no)
  quantitty: qty
quality:
  - {name: positive, expect: qty > 0}
  - {name: positive, expect: price > 0}
"""
    assert [problem.split(", expected ")[0] for problem in problems(text)] == [
        "d.yml:1: source: found 'Store Orders'",
        "d.yml:2: chanel: found an unknown key",
        "d.yml:5: options.headr: found an unknown key",
        "d.yml:6: time_zone: found 'Europe/Berln'",
        "d.yml:8: columns.event_id: found function reflect at line 1, column 1",
        "d.yml:11: columns.identifiers: found 'loyality'",
        "d.yml:12: columns.quantitty: found an unknown key",
        "d.yml:15: quality[2].name: found 'positive' a second time",
    ]


def test_the_nearest_name_is_given_wherever_there_is_one():
    text = (
        changed(ORDERS, "channel: pos", "channel: poss").replace("sep:", "sepp:").replace("  quantity:", "  quantty:")
    )
    text = changed(text, "map('loyalty'", "map('loyalti'").replace("expect:", "expct:").replace("path:", "pth:")
    assert sorted(problem.rpartition("did you mean ")[2] for problem in problems(text)) == sorted(
        ["'pos'?", "'path'?", "'sep'?", "'quantity'?", "'loyalty'?", "'expect'?"]
    )
