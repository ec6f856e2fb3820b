"""C02: one mistake in a declaration gives one problem, at its line."""

from __future__ import annotations

import pytest

from omniseg.errors import ConfigError
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


def problems(text: str) -> list[str]:
    """The messages with which a declaration is refused."""
    with pytest.raises(ConfigError) as refused:
        read_declaration(yaml_strict.parse(text.encode(), "d.yml"), file="d.yml")
    return [str(problem) for problem in refused.value.problems]


def changed(text: str, old: str, new: str) -> str:
    """`text` with one part replaced, which must be there."""
    assert old in text
    return text.replace(old, new)


REFUSED = [
    ("source: store_orders", "source: 1a", "1: source: found '1a'", "name_begins_with_digit"),
    ("source: store_orders", "source:", "1: source: found nothing", "empty_name"),
    ("source: store_orders\n", "", "1: source: found nothing", "neither_source_nor_target"),
    ("source: store_orders", "source: a\ntarget_: b", "2: target_: found an unknown key", "source_and_something"),
    ("channel: pos", "channel: shop", "2: channel: found 'shop'", "unknown_channel"),
    ("channel: pos\n", "", "1: channel: found nothing", "no_channel"),
    ("format: csv", "format: xlsx", "3: format: found 'xlsx'", "unknown_format"),
    ("path: in/store_orders/*.csv\n", "", "1: path: found nothing", "no_path"),
    ("path: in/store_orders/*.csv", "path: [a, b]", "4: path: found a list", "list_of_paths"),
    ("header: true", "header: yes", "5: options.header: found 'yes'", "flag_in_other_words"),
    ("header: true", "header: false", "5: schema: found nothing", "no_header_and_no_schema"),
    ('sep: ";"', "quote: ab", "5: options.quote: found 'ab'", "two_quote_signs"),
    ('sep: ";"', "nullValue: null", "5: options.nullValue: found nothing", "option_without_value"),
    ('sep: ";"', "encoding: UTF8", "5: options.encoding: found 'UTF8'", "charset_that_spark_refuses"),
    ('sep: ";"', "mode: FAILFAST", "5: options.mode: found an unknown key", "option_that_is_ours"),
    ('options: {header: true, sep: ";"}', "options: csv", "5: options: found 'csv'", "options_as_text"),
    ("time_zone: Europe/Berlin", "time_zone: CEST", "6: time_zone: found 'CEST'", "no_iana_zone"),
    ("time_zone: Europe/Berlin", "currency: eur", "6: currency: found 'eur'", "no_currency"),
    ("personal: [card_no]", "personal: card_no", "7: personal: found 'card_no'", "text_for_list"),
    ("personal: [card_no]", "personal: [a, a]", "7: personal: found a value twice", "column_twice"),
    ("personal: [card_no]", "personal: [{a: b}]", "7: personal: found a mapping", "mapping_in_list"),
    ("personal: [card_no]", "free_text: drop", "7: free_text: found 'drop'", "free_text_word"),
    ("personal: [card_no]", "rows: items", "7: rows: found 'items'", "rows_without_explode"),
    ("personal: [card_no]", "rows: [explode(a), explode(b)]", "7: rows: found a list", "two_explodes"),
    ("personal: [card_no]", "rows: explode(f(a))", "7: rows: found 'explode(f(a))'", "explode_of_a_call"),
    ("personal: [card_no]", "delivery: {manifest: maybe}", "7: delivery.manifest: found 'maybe'", "manifest_word"),
    ("personal: [card_no]", "delivery: required", "7: delivery: found 'required'", "delivery_as_text"),
    ("personal: [card_no]", "lateness: {max_days: -1}", "7: lateness.max_days: found '-1'", "negative_days"),
    ("personal: [card_no]", "lateness: {days: 3}", "7: lateness.days: found an unknown key", "lateness_key"),
    ("personal: [card_no]", "schema: a STRNG", "7: schema: found no type at position 3 ('STRNG')", "type"),
    ("personal: [card_no]", "key: [a]", "7: key: found an unknown key", "key_of_a_reference_table"),
    (
        "  event_time: to_timestamp(sold_at, 'dd.MM.yyyy HH:mm')\n",
        "",
        "8: columns.event_time: found nothing",
        "no_time",
    ),
    ("  quantity: qty", "  quantity:", "13: columns.quantity: found nothing", "empty_expression"),
    ("  quantity: qty", "  quantity: [qty]", "13: columns.quantity: found a list", "expression_in_list"),
    ("  quantity: qty", "  bucket: qty", "13: columns.bucket: found an unknown key", "column_that_is_ours"),
    ("  quantity: qty", "  quantity: qty +", "13: columns.quantity: found", "expression_cut_off"),
    (
        "map('loyalty', card_no)",
        "card_no",
        "12: columns.identifiers: found `card_no` at line 1",
        "identifiers_as_column",
    ),
    (
        "map('loyalty', card_no)",
        "map('loyalty', lower(card_no))",
        "12: columns.identifiers: found",
        "identifier_computed",
    ),
    (
        "map('loyalty', card_no)",
        "map('card', a, 'card', b)",
        "12: columns.identifiers: found a key that is",
        "type_twice",
    ),
    ("map('loyalty', card_no)", "map()", "12: columns.identifiers: found an empty map", "empty_map"),
    (
        "map('loyalty', card_no)",
        "map('card', a, 'email', a)",
        "12: columns.identifiers: found a column twice",
        "column_for_two_types",
    ),
    ("price_not_negative", "PriceOk", "17: quality[1].name: found 'PriceOk'", "rule_name"),
    (
        "{name: price_not_negative, expect: unit_price >= 0}",
        "unit_price >= 0",
        "17: quality[1]: found 'unit_price >= 0'",
        "rule_as_text",
    ),
    ("expect: unit_price >= 0", "expect: to_json(a)(", "17: quality[1].expect: found", "rule_expression"),
    (
        "  - {name: price_not_negative, expect: unit_price >= 0}",
        "  a: b",
        "16: quality: found a mapping",
        "rules_as_mapping",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), [pytest.param(*case, id=name) for *case, name in REFUSED])
def test_C02_one_mistake_in_a_source_gives_one_problem(old: str, new: str, message: str):
    found = problems(changed(ORDERS, old, new))
    assert len(found) == 1
    assert found[0].startswith(f"d.yml:{message}")


REFUSED_REFERENCES = [
    (PRODUCTS, "target: products", "target: product", "1: target: found 'product'", "unknown_target"),
    (PRODUCTS, "target: products", "tagret: products", "1: tagret: found an unknown key", "target_misspelled"),
    (PRODUCTS, "key: [product_id]", "key: [prodct_id]", "4: key: found 'prodct_id'", "unknown_key_column"),
    (PRODUCTS, "key: [product_id]", "key: []", "4: key: found an empty list", "empty_key"),
    (PRODUCTS, "key: [product_id]\n", "", "1: key: found nothing", "no_key"),
    (PRODUCTS, "mode: latest", "mode: last", "5: mode: found 'last'", "unknown_mode"),
    (PRODUCTS, "mode: latest", "mode: scd2", "1: valid_from: found nothing", "scd2_without_valid_from"),
    (PRODUCTS, "mode: latest", "mode: latest\nchannel: pos", "6: channel: found an unknown key", "key_of_a_source"),
    (PRODUCTS, "mode: latest", "mode: latest\nsource: x", "6: source: found an unknown key", "source_and_target"),
    (
        PRODUCTS,
        "mode: latest",
        "mode: latest\ncolumns: {bran: b}",
        "6: columns.bran: found an unknown key",
        "unknown_column",
    ),
    (
        CUSTOMERS,
        "  identifiers: map('email', mail)\n",
        "",
        "7: columns.identifiers: found nothing",
        "person_without_identifiers",
    ),
    (
        CUSTOMERS,
        "valid_from: to_timestamp(changed_at)",
        "valid_from: now()",
        "6: valid_from: found function now",
        "clock",
    ),
    (CUSTOMERS, "key: [identity_key]", "key: [bucket]", "4: key: found 'bucket'", "key_that_is_ours"),
    (
        CUSTOMERS,
        "path: in/customers",
        "path: x\noptions: {mergeSchema: true}",
        "4: options.mergeSchema: found an unknown key",
        "option_of_parquet",
    ),
]


@pytest.mark.parametrize(
    ("text", "old", "new", "message"), [pytest.param(*case, id=name) for *case, name in REFUSED_REFERENCES]
)
def test_C02_one_mistake_in_a_reference_table_gives_one_problem(text: str, old: str, new: str, message: str):
    found = problems(changed(text, old, new))
    assert len(found) == 1
    assert found[0].startswith(f"d.yml:{message}")
