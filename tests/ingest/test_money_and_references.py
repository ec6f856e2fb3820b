"""Money in the business currency, and reference tables with and without history."""

from __future__ import annotations

from datetime import date

import pytest

from omniseg import faults
from omniseg.tables import CUSTOMER_DAY, CUSTOMERS, EXCHANGE_RATES, IDENTITIES, PRODUCTS
from tests.ingest.conftest import ORDERS_JSON, Shop, order

RATES = """
target: exchange_rates
format: csv
path: ${landing.root}/rates/*.csv
key: [currency, rate_date]
mode: append
columns: {currency: currency, rate_date: to_date(day), rate: rate}
"""
PRODUCT_MASTER = """
target: products
format: csv
path: ${landing.root}/products/*.csv
key: [product_id]
mode: latest
"""
PRODUCT_HISTORY = """
target: products
format: csv
path: ${landing.root}/products/*.csv
key: [product_id]
mode: scd2
valid_from: to_timestamp(since)
columns: {product_id: product_id, name: name}
"""
CRM = """
target: customers
format: csv
path: ${landing.root}/crm/*.csv
personal: [card, phone]
key: [identity_key]
mode: latest
columns: {identifiers: "map('loyalty', card)", age_band: age}
"""


def test_amounts_are_converted_at_the_rate_of_the_day(shop: Shop) -> None:
    shop.declare(ORDERS_JSON.replace("\"'EUR'\"", "note"))
    shop.declare(RATES, "rates.yml")
    shop.deliver(
        "rates/1.csv", "currency,day,rate", "USD,2024-03-05,0.92345678", "USD,2024-03-06,0.5", "GBP,2024-03-05,x"
    )
    lines = [
        order(id="usd", note="usd", price=10.01),
        order(id="next-day", note="USD", at="2024-03-06T10:00:00Z", price=1),
        order(id="no-rate", note="JPY", price=500),
        order(id="own", note="EUR", price=7),
        order(id="bad-currency", note="EURO", price=7),
        order(id="no-money", note="EUR", price=None, kind="store_visit"),
    ]
    shop.deliver("orders/1.jsonl", *lines)
    run = shop.ingest("business.currency=EUR")
    found = {row.event_id: (str(row.amount), str(row.amount_native), row.amount_status) for row in shop.rows()}
    assert found == {
        "usd": ("9.2438", "10.0100", "ok"),  # 10.01 x 0.92345678 = 9.24380…, HALF_UP at 4 decimals
        "next-day": ("0.5000", "1.0000", "ok"),
        "no-rate": ("None", "500.0000", "no_rate"),
        "own": ("7.0000", "7.0000", "ok"),
        "no-money": ("None", "None", "none"),
    }
    assert shop.rules() == {"1.jsonl:5": ["unknown_currency"], "1.csv:3": ["missing:rate", "unreadable:rate"]}
    assert {account.source: account.read.rows for account in run.accounts} == {"exchange_rates": 3, "orders": 6}
    assert len(shop.rows(EXCHANGE_RATES)) == 2


def test_a_later_rate_fills_the_amounts_that_waited_for_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.declare(ORDERS_JSON.replace("\"'EUR'\"", "note"))
    shop.declare(RATES, "rates.yml")
    shop.deliver("orders/1.jsonl", order(id="own", note="EUR", price=7))
    shop.ingest("business.currency=EUR")
    shop.deliver("orders/2.jsonl", order(id="yen", note="JPY", price=500), order(id="won", note="KRW", price=900))
    shop.ingest("business.currency=EUR")
    partials = [(f"key-{batch}", 0, date(2024, 3, 5), batch) for batch in (1, 2)]
    shop.lake.append(CUSTOMER_DAY, shop.spark.createDataFrame(partials, CUSTOMER_DAY.ddl))
    shop.deliver("rates/1.csv", "currency,day,rate", "JPY,2024-03-05,0.006", "KRW,2024-03-06,0.0007")
    monkeypatch.setenv(faults.MODE, "raise")
    monkeypatch.setenv(faults.VARIABLE, "ingest.rates.before")
    with pytest.raises(faults.SimulatedCrash):
        shop.ingest("business.currency=EUR")
    monkeypatch.delenv(faults.VARIABLE)
    shop.ingest("business.currency=EUR")
    found = {row.event_id: (str(row.amount), row.amount_status, row.batch_id) for row in shop.rows()}
    assert found == {
        "own": ("7.0000", "ok", 1),
        "yen": ("3.0000", "ok", 2),  # 500 x 0.006
        "won": ("None", "no_rate", 2),  # its rate is of another day
    }
    # Partials that counted the event without its amount are gone, so that they are built anew; older ones stay.
    assert [row.batch_id for row in shop.rows(CUSTOMER_DAY)] == [1]


def test_sources_of_different_currencies_need_a_business_currency(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.declare(ORDERS_JSON.replace("source: orders", "source: others").replace("'EUR'", "'USD'"), "others.yml")
    shop.deliver("orders/1.jsonl", order())
    shop.ingest(expected=2)
    assert "business.currency" in capsys.readouterr().err


def test_latest_keeps_one_row_per_key_and_unknown_columns_as_attributes(shop: Shop) -> None:
    shop.declare(PRODUCT_MASTER, "products.yml")
    shop.deliver(
        "products/1.csv", "product_id,name,brand,eco_score", "p1,Milk,Own,A", "p2,Bread,Own,", ",Nothing,Own,B"
    )
    first = shop.ingest()
    assert first.accounts[0].counts()["quarantined"] == 1
    shop.deliver(
        "products/2.csv", "product_id,name,brand,eco_score", "p1,Whole milk,Own,A", "p2,Bread,Own,", "p2,Bread,Own,"
    )
    second = shop.ingest()
    assert second.accounts[0].counts() == {
        "read": 3,
        "accepted": 1,
        "duplicates": 2,
        "quarantined": 0,
        "suppressed": 0,
    }
    rows = {row.product_id: (row.name, row.attributes, row.batch_id) for row in shop.rows(PRODUCTS)}
    assert rows == {"p1": ("Whole milk", {"eco_score": "A"}, 2), "p2": ("Bread", {}, 1)}


def test_scd2_keeps_every_version_with_its_time(shop: Shop) -> None:
    shop.declare(PRODUCT_HISTORY, "products.yml")
    header = "product_id,name,since"
    shop.deliver("products/1.csv", header, "p1,Milk,2024-01-01T00:00:00Z", "p1,Cream,2024-03-01T00:00:00Z")
    shop.ingest()
    shop.deliver("products/2.csv", header, "p1,Milk drink,2024-02-01T00:00:00Z", "p1,Cream,2024-03-01T00:00:00Z")
    shop.ingest()
    versions = sorted((str(row.valid_from)[:10], str(row.valid_to)[:10], row.name) for row in shop.rows(PRODUCTS))
    assert versions == [
        ("2024-01-01", "2024-02-01", "Milk"),
        ("2024-02-01", "2024-03-01", "Milk drink"),
        ("2024-03-01", "None", "Cream"),
    ]


def test_customers_are_keyed_by_pseudonym_and_known_as_identities(shop: Shop) -> None:
    shop.declare(CRM, "customers.yml")
    shop.deliver("crm/1.csv", "card,age,phone,remark", "4711,25-34,+49 30 1234567,call +49 30 1234567 or a@b.de")
    shop.deliver("orders/1.jsonl", order(card="4711"), order(id="o-2", card="4712"))
    shop.ingest()
    customer = shop.rows(CUSTOMERS)[0]
    assert (customer.age_band, customer.attributes["remark"]) == ("25-34", "call <phone> or <email>")
    identities = {row.identifier: row for row in shop.rows(IDENTITIES)}
    assert len(identities) == 2
    mine = identities[customer.identity_key]
    assert (mine.identifier_type, mine.customer_id) == ("loyalty", mine.surrogate)
    assert {row.identity_key for row in shop.rows()} == identities.keys()
