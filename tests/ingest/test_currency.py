"""The currency of sums where the settings name none: shared by all sources with money, or refused. Needs no Spark."""

from __future__ import annotations

import pytest

from omniseg.errors import ConfigError
from omniseg.ingest.currency import fixed_currency, has_money, with_currency
from omniseg.ingest.declaration import Declaration, SourceDeclaration
from omniseg.ingest.declaration_reader import read_declaration
from omniseg.settings import yaml_strict

HEAD = """\
source: {name}
channel: web
format: csv
path: in/*.csv
"""
EVENT = """\
columns:
  event_id: id
  event_time: to_timestamp(at)
  event_type: "'purchase'"
"""
PRICE = "  unit_price: price\n"
PRODUCTS = "target: products\nformat: csv\npath: in/*.csv\nkey: [product_id]\nmode: latest\n"
RATES = """\
target: exchange_rates
format: csv
path: in/*.csv
key: [currency, rate_date]
mode: append
columns: {currency: code, rate_date: to_date(day), rate: amount}
"""


def source(name: str = "till", *, top: str = "", columns: str = PRICE) -> SourceDeclaration:
    """A source with more keys at the top, or more columns."""
    made = declaration(HEAD.format(name=name) + top + EVENT + columns)
    assert isinstance(made, SourceDeclaration)
    return made


def declaration(text: str) -> Declaration:
    """Any declaration."""
    return read_declaration(yaml_strict.parse(text.encode(), "d.yml"), file="d.yml")


EUR, USD = source("eur", top="currency: EUR\n"), source("usd", top="currency: USD\n")
FROM_DATA = source("data", columns=PRICE + "  currency: code\n")
NO_MONEY = source("clicks", columns="  quantity: qty\n")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param("  unit_price: price\n", True, id="price"),
        pytest.param("  amount: total\n", True, id="amount"),
        pytest.param("  unit_price: price\n  amount: total\n", True, id="both"),
        pytest.param("  quantity: qty\n", False, id="quantity_alone"),
        pytest.param("  discount: off\n", False, id="discount_alone"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_what_money_is(columns: str, *, expected: bool):
    assert has_money(source(columns=columns)) is expected


@pytest.mark.parametrize(
    ("top", "column", "expected"),
    [
        pytest.param("currency: EUR\n", "", "EUR", id="declared"),
        pytest.param("", "  currency: \"'EUR'\"\n", "EUR", id="literal"),
        pytest.param("", "  currency: \" 'eur' \"\n", "EUR", id="literal_in_small_letters_and_blanks"),
        pytest.param("", "  currency: code\n", None, id="from_the_data"),
        pytest.param("", "  currency: \"'EURO'\"\n", None, id="literal_of_four_letters"),
        pytest.param("", "  currency: \"upper('EUR')\"\n", None, id="expression_around_a_literal"),
        pytest.param("", "", None, id="nowhere"),
        pytest.param("currency: USD\n", "  currency: \"'EUR'\"\n", "EUR", id="the_column_goes_before"),
    ],
)
def test_the_currency_that_a_source_states(top: str, column: str, expected: str | None):
    assert fixed_currency(source(top=top, columns=PRICE + column)) == expected


@pytest.mark.parametrize(
    ("business", "declarations", "expected"),
    [
        pytest.param("CHF", [EUR, USD, FROM_DATA], "CHF", id="settings_decide"),
        pytest.param(None, [EUR], "EUR", id="one_source"),
        pytest.param(None, [EUR, source("more", columns=PRICE + "  currency: \"'EUR'\"\n")], "EUR", id="two_agree"),
        pytest.param(None, [EUR, NO_MONEY], "EUR", id="sources_without_money_have_no_say"),
        pytest.param(None, [NO_MONEY], None, id="no_money_at_all"),
        pytest.param(None, [], None, id="no_sources"),
        pytest.param(None, [declaration(PRODUCTS), EUR], "EUR", id="reference_tables_have_no_say"),
        pytest.param(None, [declaration(RATES)], None, id="rates_are_no_source"),
    ],
)
def test_one_currency(business: str | None, declarations: list[Declaration], expected: str | None):
    assert with_currency(business, declarations) == expected


@pytest.mark.parametrize(
    ("declarations", "found"),
    [
        pytest.param([USD, EUR], "eur: EUR, usd: USD", id="two_currencies"),
        pytest.param([FROM_DATA], "data: from its data", id="from_the_data"),
        pytest.param([FROM_DATA, EUR], "data: from its data, eur: EUR", id="one_fixed_one_from_the_data"),
        pytest.param([source("bare")], "bare: from its data", id="declared_nowhere"),
    ],
)
def test_sums_need_a_common_currency(declarations: list[Declaration], found: str):
    with pytest.raises(ConfigError) as refused:
        with_currency(None, declarations)
    problem = refused.value.problems[0]
    assert (problem.key, problem.found) == ("business.currency", f"nothing, and sources with {found}")
