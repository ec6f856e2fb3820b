"""Money in the business currency, and reference tables with and without history.

One shop takes deliveries on two nights, of which the second dies once before it ends; the tests look at what is there
then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.rates import exchange_rates
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import CUSTOMER_CHANGES, CUSTOMER_DAY, CUSTOMERS, EXCHANGE_RATES, IDENTITIES, PRODUCTS, STORES
from tests.crash import crash_at
from tests.ingest.conftest import ORDERS_JSON, Shop, order, orders_like

RATES = """
target: exchange_rates
format: csv
path: ${landing.root}/rates/*.csv
schema: currency STRING, day STRING, rate STRING
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
STORE_HISTORY = """
target: stores
format: csv
path: ${landing.root}/stores/*.csv
schema: store_id STRING, name STRING, since STRING
key: [store_id]
mode: scd2
valid_from: to_timestamp(since)
columns: {store_id: store_id, name: name}
"""
CRM = """
target: customers
format: csv
path: ${landing.root}/crm/*.csv
schema: card STRING, age STRING, phone STRING, remark STRING
personal: [card, phone]
key: [identity_key]
mode: latest
columns: {identifiers: "map('loyalty', card)", age_band: age}
"""
RATE, PRODUCT, STORE = "currency,day,rate", "product_id,name,brand,eco_score", "store_id,name,since"


def of_any_currency(source: str) -> str:
    """The declaration of orders that state their currency in `note`."""
    return orders_like(source).replace("\"'EUR'\"", "note")


def sale(event_id: str, currency: str, price: float | None, **changes: str) -> str:
    """An order of nobody, in some currency."""
    return order(id=event_id, note=currency, price=price, card=..., **changes)


@dataclass(frozen=True)
class Nights:
    """The shop after both nights, and their runs."""

    shop: Shop
    first: Run
    second: Run


@pytest.fixture(scope="module")
def nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Orders, and sources in which the currencies differ, beside every kind of reference table."""
    shop = Shop(tmp_path_factory.mktemp("shop"), spark, ["business.currency=EUR"])
    texts = [ORDERS_JSON, of_any_currency("sales"), of_any_currency("imports")]
    for number, text in enumerate([*texts, RATES, PRODUCT_MASTER, STORE_HISTORY, CRM]):
        shop.declare(text, f"{number}.yml")
    return Nights(shop, first_night(shop), second_night(shop))


def first_night(shop: Shop) -> Run:
    """Masters, sales with the rates of their days, and imports without."""
    shop.deliver("products/p1.csv", PRODUCT, "p1,Milk,Own,A", "p2,Bread,Own,", ",Nothing,Own,B")
    shop.deliver("stores/s1.csv", STORE, "s1,Stall,2024-01-01T00:00:00Z", "s1,Hall,2024-03-01T00:00:00Z")
    shop.deliver("crm/c1.csv", "card,age,phone,remark", "4711,25-34,+49 30 1234567,call +49 30 1234567 or a@b.de")
    shop.deliver("orders/o1.jsonl", order(card="4711"), order(id="o-2", card="4712"))
    shop.deliver("rates/r1.csv", RATE, "USD,2024-03-05,0.92345678", "USD,2024-03-06,0.5", "GBP,2024-03-05,x")
    lines = [
        sale("usd", "usd", 10.01),
        sale("next-day", "USD", 1, at="2024-03-06T10:00:00Z"),
        sale("no-rate", "CAD", 500),
        sale("own", "EUR", 7),
        sale("bad-currency", "EURO", 7),
        sale("no-money", "EUR", None, kind="store_visit"),
    ]
    shop.deliver("sales/s1.jsonl", *lines)
    somebodys = order(id="yen", note="JPY", price=500, card="4711")
    shop.deliver("imports/i1.jsonl", sale("own", "EUR", 7), somebodys, sale("won", "KRW", 900))
    return shop.ingest()


def second_night(shop: Shop) -> Run:
    """Rates that come late, to a warehouse whose events are in partials, and changes of the masters.

    The run dies on the rates, and the masters come before it is run again.
    """
    partials = [(f"key-{batch}", 0, date(2024, 3, 5), batch) for batch in (0, 1)]
    shop.lake.append(CUSTOMER_DAY, shop.spark.createDataFrame(partials, CUSTOMER_DAY.ddl))
    shop.deliver("rates/r2.csv", RATE, "JPY,2024-03-05,0.006", "KRW,2024-03-06,0.0007", "USD,2024-03-05,2")
    shop.deliver("rates/r3.csv", RATE, "KRW,2024-03-05,0", "KRW,2024-03-05,-1")
    with crash_at("ingest.rates.before"):
        shop.ingest()
    shop.deliver("products/p2.csv", PRODUCT, "p1,Whole milk,Own,A", "p2,Bread,Own,", "p2,Bread,Own,")
    shop.deliver("stores/s2.csv", STORE, "s1,Shop,2024-02-01T00:00:00Z", "s1,Hall,2024-03-01T00:00:00Z")
    return shop.ingest()


def read(run: Run) -> dict[str, int]:
    """How many records were read for each declaration."""
    return {account.source: account.read.rows for account in run.accounts}


def counts(run: Run, name: str) -> dict[str, int]:
    """The account of one declaration."""
    return next(account.counts() for account in run.accounts if account.source == name)


def test_amounts_are_converted_at_the_rate_of_the_day(nights: Nights) -> None:
    sales = [row for row in nights.shop.rows() if row.source == "sales"]
    assert {row.event_id: (str(row.amount), str(row.amount_native), row.amount_status) for row in sales} == {
        "usd": ("9.2438", "10.0100", "ok"),  # 10.01 x 0.92345678 = 9.24380…, HALF_UP at 4 decimals
        "next-day": ("0.5000", "1.0000", "ok"),
        "no-rate": ("None", "500.0000", "no_rate"),
        "own": ("7.0000", "7.0000", "ok"),
        "no-money": ("None", "None", "none"),
    }
    masters = {"products": 3, "stores": 2}
    assert read(nights.first) == {"exchange_rates": 3, "sales": 6, "imports": 3, "orders": 2, "customers": 1, **masters}
    assert read(nights.second) == {"exchange_rates": 5, **masters}
    known = sorted((row.currency, row.rate_date.day) for row in nights.shop.rows(EXCHANGE_RATES))
    assert known == [("JPY", 5), ("KRW", 6), ("USD", 5), ("USD", 5), ("USD", 6)]


def test_what_cannot_be_read_is_quarantined_under_its_rules(nights: Nights) -> None:
    assert nights.shop.rules() == {
        "s1.jsonl:5": ["unknown_currency"],
        "r1.csv:3": ["missing:rate", "unreadable:rate"],
        "r3.csv:1": ["not_positive:rate"],
        "r3.csv:2": ["not_positive:rate"],
        "p1.csv:3": ["missing:product_id"],
    }


def test_a_later_rate_fills_the_amounts_that_waited_for_it(nights: Nights) -> None:
    imports = [row for row in nights.shop.rows() if row.source == "imports"]
    assert {row.event_id: (str(row.amount), row.amount_status, row.batch_id) for row in imports} == {
        "own": ("7.0000", "ok", 1),
        "yen": ("3.0000", "ok", 1),  # 500 x 0.006
        "won": ("None", "no_rate", 1),  # its rate is of another day
    }
    # Partials that counted the event without its amount are gone, so that they are built anew; older ones stay.
    assert [row.batch_id for row in nights.shop.rows(CUSTOMER_DAY)] == [0]
    yen = next(row for row in imports if row.event_id == "yen")
    noted = nights.shop.rows(CUSTOMER_CHANGES)
    assert [(row.identity_key, row.bucket, row.batch_id) for row in noted] == [(yen.identity_key, yen.bucket, 2)]


def test_D09_a_revised_rate_holds_from_then_on_and_a_rate_of_nothing_is_none(nights: Nights) -> None:
    rates = exchange_rates(nights.shop.run())
    assert rates is not None
    known = {(row.currency, row.rate_date.day): str(row.rate) for row in bounded(rates, 10)}
    assert known["USD", 5] == "2.00000000"
    assert ("KRW", 5) not in known
    # What was sold before keeps its amount, so that a published figure does not move by itself.
    sold = next(row for row in nights.shop.rows() if row.event_id == "usd")
    assert (str(sold.amount), sold.batch_id) == ("9.2438", 1)


def test_sources_of_different_currencies_need_a_business_currency(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.declare(ORDERS_JSON.replace("source: orders", "source: others").replace("'EUR'", "'USD'"), "others.yml")
    shop.deliver("orders/1.jsonl", order())
    shop.ingest(expected=2)
    assert "business.currency" in capsys.readouterr().err


def test_latest_keeps_one_row_per_key_and_unknown_columns_as_attributes(nights: Nights) -> None:
    assert counts(nights.first, "products")["quarantined"] == 1
    assert counts(nights.second, "products") == {
        "read": 3,
        "accepted": 1,
        "duplicates": 2,
        "quarantined": 0,
        "suppressed": 0,
    }
    rows = {row.product_id: (row.name, row.attributes, row.batch_id) for row in nights.shop.rows(PRODUCTS)}
    assert rows == {"p1": ("Whole milk", {"eco_score": "A"}, 2), "p2": ("Bread", {}, 1)}


def test_scd2_keeps_every_version_with_its_time(nights: Nights) -> None:
    versions = sorted((str(row.valid_from)[:10], str(row.valid_to)[:10], row.name) for row in nights.shop.rows(STORES))
    assert versions == [
        ("2024-01-01", "2024-02-01", "Stall"),
        ("2024-02-01", "2024-03-01", "Shop"),
        ("2024-03-01", "None", "Hall"),
    ]


def test_customers_are_keyed_by_pseudonym_and_known_as_identities(nights: Nights) -> None:
    customer = nights.shop.rows(CUSTOMERS)[0]
    assert (customer.age_band, customer.attributes["remark"]) == ("25-34", "call <phone> or <email>")
    identities = {row.identifier: row for row in nights.shop.rows(IDENTITIES)}
    assert len(identities) == 2
    mine = identities[customer.identity_key]
    assert (mine.identifier_type, mine.customer_id) == ("loyalty", mine.surrogate)
    orders = [row for row in nights.shop.rows() if row.source == "orders"]
    assert {row.identity_key for row in orders} == identities.keys()
