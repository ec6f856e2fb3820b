"""The canonical event: business day, money, identity, payload hash and the rules that all sources share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from omniseg.currencies import CURRENCIES
from omniseg.ingest.events import HASHED, LARGEST_AMOUNT, Rules, canonical_events
from omniseg.ingest.vocabulary import EVENT_COLUMNS, EVENT_TYPES
from omniseg.lake.bounded import bounded
from omniseg.tables import CHANNELS, SILVER_EVENTS

RECEIVED = datetime(2024, 3, 6, 4, tzinfo=timezone.utc)
ORIGIN = """
    record_id STRING, file STRING, position BIGINT, received_at TIMESTAMP, payload STRING, rescued STRING,
    lookalike BOOLEAN, reject STRING, rules ARRAY<STRING>
"""
SCHEMA = ORIGIN + "".join(f", {name} {kind}" for name, kind in EVENT_COLUMNS.items())
EVENT: Mapping[str, Any] = {
    "record_id": "r",
    "file": "f",
    "position": 0,
    "received_at": RECEIVED,
    "payload": "{}",
    "rescued": None,
    "lookalike": False,
    "reject": None,
    "rules": [],
    **dict.fromkeys(EVENT_COLUMNS),
    "event_id": "e-1",
    "event_time": datetime(2024, 3, 5, 10, tzinfo=timezone.utc),
    "event_type": "purchase",
    "identifiers": {"loyalty": "l-1"},
    "quantity": Decimal(2),
    "unit_price": Decimal("1.5"),
}
RULES = Rules(
    source="till",
    channel="pos",
    time_zone="UTC",
    business_currency="EUR",
    source_currency="EUR",
    priority=("login", "loyalty", "card"),
    buckets=16,
    batch_id=5,
)


def frame(spark: SparkSession, rows: Mapping[str, Mapping[str, Any]]) -> DataFrame:
    """EVENT with the changes of each row; the record id is the row's name."""
    made = [tuple({**EVENT, **changes, "record_id": name}.values()) for name, changes in rows.items()]
    return spark.createDataFrame(made, SCHEMA)


def judged(
    spark: SparkSession,
    rows: Mapping[str, Mapping[str, Any]],
    rules: Rules = RULES,
    rates: DataFrame | None = None,
) -> dict[str, Row]:
    """The canonical events by record id."""
    return {row.record_id: row for row in bounded(canonical_events(frame(spark, rows), rules=rules, rates=rates), 1000)}


def utc(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


# ---- the business day

DAYS = [
    pytest.param("UTC", "2024-03-05T23:59:59.999999", "2024-03-05", id="utc_last_microsecond"),
    pytest.param("UTC", "2024-03-06T00:00:00", "2024-03-06", id="utc_midnight"),
    pytest.param("Europe/Berlin", "2024-03-05T22:59:59", "2024-03-05", id="berlin_winter_before_midnight"),
    pytest.param("Europe/Berlin", "2024-03-05T23:00:00", "2024-03-06", id="berlin_winter_midnight"),
    pytest.param("Europe/Berlin", "2024-03-30T23:00:00", "2024-03-31", id="berlin_day_of_23_hours_begins"),
    pytest.param("Europe/Berlin", "2024-03-31T21:59:59", "2024-03-31", id="berlin_day_of_23_hours_ends"),
    pytest.param("Europe/Berlin", "2024-03-31T22:00:00", "2024-04-01", id="berlin_summer_midnight"),
    pytest.param("Europe/Berlin", "2024-10-26T22:00:00", "2024-10-27", id="berlin_day_of_25_hours_begins"),
    pytest.param("Europe/Berlin", "2024-10-27T22:59:59", "2024-10-27", id="berlin_day_of_25_hours_ends"),
    pytest.param("Europe/Berlin", "2024-10-27T23:00:00", "2024-10-28", id="berlin_winter_again"),
    pytest.param("America/New_York", "2024-03-10T04:59:59", "2024-03-09", id="new_york_before_midnight"),
    pytest.param("America/New_York", "2024-03-10T05:00:00", "2024-03-10", id="new_york_midnight"),
    pytest.param("America/New_York", "2024-03-11T03:59:59", "2024-03-10", id="new_york_day_of_23_hours_ends"),
    pytest.param("America/New_York", "2024-03-11T04:00:00", "2024-03-11", id="new_york_summer_midnight"),
    pytest.param("Asia/Kolkata", "2024-03-05T18:29:59", "2024-03-05", id="half_an_hour_before_midnight"),
    pytest.param("Asia/Kolkata", "2024-03-05T18:30:00", "2024-03-06", id="half_an_hour_midnight"),
    pytest.param("Pacific/Kiritimati", "2024-03-05T10:00:00", "2024-03-06", id="fourteen_hours_ahead"),
]


@pytest.fixture(scope="module")
def days(spark: SparkSession) -> dict[str, date]:
    """event_date by zone and moment."""
    frames = []
    for zone in sorted({str(case.values[0]) for case in DAYS}):
        moments = [str(case.values[1]) for case in DAYS if case.values[0] == zone]
        events = frame(spark, {f"{zone} {moment}": {"event_time": utc(moment)} for moment in moments})
        frames.append(canonical_events(events, rules=replace(RULES, time_zone=zone), rates=None))
    every = frames[0]
    for more in frames[1:]:
        every = every.unionByName(more)
    return {row.record_id: row.event_date for row in bounded(every.select("record_id", "event_date"), 100)}


@pytest.mark.parametrize(("zone", "moment", "day"), DAYS)
def test_the_business_day(days: dict[str, date], zone: str, moment: str, day: str):
    assert days[f"{zone} {moment}"] == date.fromisoformat(day)


# ---- rules, vocabulary and identity: one event per scenario

DAY = timedelta(days=1)
CASES: Mapping[str, tuple[Mapping[str, Any], list[str], Mapping[str, Any]]] = {
    "base": ({}, [], {"channel": "pos", "event_type": "purchase", "source": "till", "batch_id": 5}),
    # what is missing
    "no_id": ({"event_id": None}, ["missing:event_id"], {}),
    "blank_id": ({"event_id": "  "}, ["missing:event_id"], {}),
    "no_time": ({"event_time": None}, ["missing:event_time"], {"event_date": None}),
    "no_type": ({"event_type": None}, ["missing:event_type"], {}),
    "blank_type": ({"event_type": " "}, ["missing:event_type"], {}),
    "several_rules": ({"event_id": None, "event_time": None}, ["missing:event_id", "missing:event_time"], {}),
    # time
    "24_hours_ahead": ({"event_time": RECEIVED + DAY}, [], {}),
    "24_hours_and_a_microsecond_ahead": (
        {"event_time": RECEIVED + DAY + timedelta(microseconds=1)},
        ["future"],
        {},
    ),
    "long_ago": ({"event_time": utc("1999-12-31T00:00:00")}, [], {"event_date": date(1999, 12, 31)}),
    # vocabulary
    "type_in_capitals": ({"event_type": " Page_View "}, [], {"event_type": "page_view"}),
    "type_of_its_own": ({"event_type": "Kiosk Touch"}, [], {"event_type": "custom:kiosk touch"}),
    "type_custom_already": ({"event_type": "CUSTOM:kiosk"}, [], {"event_type": "custom:kiosk"}),
    "type_custom_without_name": ({"event_type": "custom:"}, ["missing:event_type"], {}),
    "channel_of_the_event": ({"channel": " WEB "}, [], {"channel": "web"}),
    "channel_unknown": ({"channel": "pigeon"}, ["unknown_channel"], {"channel": "pigeon"}),
    "bot": ({"is_bot": True}, [], {"is_bot": True}),
    "nothing_said_of_bots": ({"is_bot": None}, [], {"is_bot": False}),
    "properties_are_redacted": ({"properties": {"q": "a@b.org"}}, [], {"properties": {"q": "<email>"}}),
    # identity
    "higher_priority": ({"identifiers": {"card": "c", "login": "g", "loyalty": "l"}}, [], {"identity_key": "g"}),
    "empty_is_absent": (
        {"identifiers": {"login": "", "loyalty": "l"}},
        [],
        {"identity_key": "l", "identifiers": {"loyalty": "l"}},
    ),
    "null_is_absent": (
        {"identifiers": {"login": None, "card": "c"}},
        [],
        {"identity_key": "c", "identifiers": {"card": "c"}},
    ),
    "type_without_priority": (
        {"identifiers": {"household": "h"}},
        [],
        {"identity_key": None, "identifiers": {"household": "h"}},
    ),
    "nobody": ({"identifiers": None}, [], {"identity_key": None, "identifiers": {}}),
    # money
    "declared_amount_goes_first": ({"amount": Decimal("9.99")}, [], {"amount": Decimal("9.9900")}),
    "quantity_times_price": ({}, [], {"amount": Decimal("3.0000"), "amount_status": "ok", "currency": "EUR"}),
    "less_discount": ({"discount": Decimal("0.75")}, [], {"amount": Decimal("2.2500")}),
    "discount_of_everything": ({"discount": Decimal(3)}, [], {"amount": Decimal("0.0000")}),
    "discount_of_more": ({"discount": Decimal("3.01")}, ["purchase_negative"], {}),
    "half_up": (
        {"quantity": Decimal("0.001"), "unit_price": Decimal("0.05")},
        [],
        {"amount": Decimal("0.0001")},
    ),
    "below_half": ({"quantity": Decimal("0.001"), "unit_price": Decimal("0.0499")}, [], {"amount": Decimal("0.0000")}),
    "half_up_of_a_return": (
        {"event_type": "return", "quantity": Decimal("-0.001"), "unit_price": Decimal("0.05")},
        [],
        {"amount": Decimal("-0.0001")},
    ),
    "no_price": ({"unit_price": None}, [], {"amount": None, "amount_status": "none"}),
    "no_quantity": ({"quantity": None}, [], {"amount": None, "amount_status": "none"}),
    "product_too_large": (
        {"quantity": Decimal(10**14), "unit_price": Decimal(10**13)},
        ["unreadable:amount"],
        {"amount": None},
    ),
    "unreadable_is_said_once": (
        {"quantity": Decimal(10**14), "unit_price": Decimal(10**13), "rules": ["unreadable:amount"]},
        ["unreadable:amount"],
        {},
    ),
    "largest_amount": ({"amount": Decimal(LARGEST_AMOUNT)}, [], {"amount": Decimal(LARGEST_AMOUNT)}),
    "beyond_the_largest": ({"amount": LARGEST_AMOUNT + Decimal("0.0001")}, ["amount_out_of_range"], {}),
    "below_the_smallest": (
        {"event_type": "return", "amount": -LARGEST_AMOUNT - Decimal("0.0001")},
        ["amount_out_of_range"],
        {},
    ),
    "negative_purchase": ({"amount": Decimal("-0.0001")}, ["purchase_negative"], {"amount": Decimal("-0.0001")}),
    "purchase_of_nothing": ({"amount": Decimal(0)}, [], {}),
    "positive_return": ({"event_type": "return", "amount": Decimal("0.0001")}, ["return_positive"], {}),
    "return_of_nothing": ({"event_type": "return", "amount": Decimal(0)}, [], {}),
    "sign_of_other_events_is_free": ({"event_type": "cancel", "amount": Decimal(-5)}, [], {"amount": Decimal(-5)}),
    "currency_in_small_letters": ({"currency": " eur "}, [], {"currency": "EUR", "amount": Decimal(3)}),
    "other_currency_without_rates": (
        {"currency": "USD"},
        [],
        {"amount": None, "amount_native": Decimal(3), "amount_status": "no_rate"},
    ),
    "no_currency_code": ({"currency": "euros"}, ["unknown_currency"], {}),
    "code_of_no_currency": ({"currency": "XXQ"}, ["unknown_currency"], {}),
    "no_currency_code_and_no_money": ({"currency": "euros", "unit_price": None}, [], {"amount_status": "none"}),
    # what the parser and the mapping found goes along
    "rules_so_far": ({"rules": ["few"], "event_id": None}, ["few", "missing:event_id"], {}),
    "rejected_text": (
        {**dict.fromkeys(EVENT_COLUMNS), "payload": None, "reject": "{", "rules": ["malformed"]},
        ["malformed"],
        {"event_id": None},
    ),
}


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> dict[str, Row]:
    """All of CASES, judged at once."""
    return judged(spark, {name: case[0] for name, case in CASES.items()})


@pytest.mark.parametrize("scenario", CASES)
def test_an_event(events: dict[str, Row], scenario: str):
    _, rules, values = CASES[scenario]
    row = events[scenario].asDict()
    assert sorted(row["rules"]) == sorted(rules)
    assert {name: row[name] for name in values} == values


def test_the_columns_of_the_table_are_all_there(events: dict[str, Row]):
    beside = {"file", "position", "payload", "rescued", "lookalike", "reject", "rules"}
    assert set(events["base"].asDict()) == {*SILVER_EVENTS.column_names, *beside}


def test_buckets_follow_the_identity(spark: SparkSession, events: dict[str, Row]):
    pairs = bounded(
        spark.createDataFrame([("g",), ("e-1",)], "key STRING").select(
            "key", F.pmod(F.xxhash64("key"), F.lit(16)).cast("int").alias("bucket")
        ),
        2,
    )
    expected = {row.key: row.bucket for row in pairs}
    assert events["higher_priority"].bucket == expected["g"]
    assert events["nobody"].bucket == expected["e-1"]  # without a person the event's own id spreads the rows
    assert events["rejected_text"].bucket in range(16)


# ---- settings that change what an event means


def test_late_events(spark: SparkSession):
    rows = {f"{days} days late": {"event_time": utc("2024-03-31T12:00:00") - days * DAY} for days in (0, 10, 11)}
    rows["newer than any"] = {"event_time": utc("2024-04-01T12:00:00"), "received_at": utc("2024-04-02T00:00:00")}
    rows["0 days late"]["received_at"] = utc("2024-04-02T00:00:00")
    limit = replace(RULES, max_late_days=10, newest_date="2024-03-31")
    found = {name: list(row.rules) for name, row in judged(spark, rows, limit).items()}
    late = {name for name, rules in found.items() if "too_late" in rules}
    assert late == {"11 days late"}


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(replace(RULES, max_late_days=None, newest_date="2024-03-31"), id="no_limit"),
        pytest.param(replace(RULES, max_late_days=0, newest_date=None), id="first_delivery_of_a_source"),
    ],
)
def test_nothing_is_late(spark: SparkSession, limit: Rules):
    assert list(judged(spark, {"old": {"event_time": utc("2001-01-01T00:00:00")}}, limit)["old"].rules) == []


RATES = [
    ("USD", date(2024, 3, 5), Decimal("0.92345678")),
    ("USD", date(2024, 3, 6), Decimal("0.5")),
    ("JPY", date(2024, 3, 5), Decimal("0.00005")),
    ("KWD", date(2024, 3, 5), Decimal("9999999999.99999999")),
]
CONVERTED: Mapping[str, tuple[Mapping[str, Any], str | None, str]] = {
    "rate_of_the_day": ({"currency": "USD", "amount": Decimal("10.01")}, "9.2438", "ok"),
    "rate_of_the_next_day": (
        {"currency": "USD", "amount": Decimal(1), "event_time": utc("2024-03-06T00:00:00")},
        "0.5000",
        "ok",
    ),
    "half_up": ({"currency": "JPY", "amount": Decimal(1)}, "0.0001", "ok"),
    "no_rate_on_that_day": (
        {"currency": "USD", "amount": Decimal(1), "event_time": utc("2024-03-04T10:00:00")},
        None,
        "no_rate",
    ),
    "currency_without_rates": ({"currency": "CHF", "amount": Decimal(1)}, None, "no_rate"),
    "own_currency_needs_no_rate": ({"currency": "EUR", "amount": Decimal(7)}, "7.0000", "ok"),
    "no_money": ({"currency": "USD", "unit_price": None}, None, "none"),
    "product_beyond_any_number": ({"currency": "KWD", "amount": Decimal(10**12)}, None, "no_rate"),
}


@pytest.fixture(scope="module")
def converted(spark: SparkSession) -> dict[str, Row]:
    """All of CONVERTED at once."""
    rates = spark.createDataFrame(RATES, "currency STRING, rate_date DATE, rate DECIMAL(18,8)")
    return judged(spark, {name: case[0] for name, case in CONVERTED.items()}, rates=rates)


@pytest.mark.parametrize("scenario", CONVERTED)
def test_money_in_the_business_currency(converted: dict[str, Row], scenario: str):
    _, amount, status = CONVERTED[scenario]
    row = converted[scenario]
    assert (None if row.amount is None else str(row.amount), row.amount_status) == (amount, status)
    assert converted.keys() == CONVERTED.keys()  # a missing rate costs no event


def test_currencies_by_default(spark: SparkSession):
    rows: dict[str, dict[str, Any]] = {"declared nowhere": {}, "in the data": {"currency": "usd"}}
    source = judged(spark, rows, replace(RULES, source_currency="USD"))
    business = judged(spark, rows, replace(RULES, source_currency=None))
    none = judged(spark, rows, replace(RULES, source_currency=None, business_currency=None))
    assert [source[name].currency for name in rows] == ["USD", "USD"]
    assert [business[name].currency for name in rows] == ["EUR", "USD"]
    assert list(none["declared nowhere"].rules) == ["unknown_currency"]
    # Without a currency to sum in (no source has money of its own) native money counts as it is.
    assert (str(none["in the data"].amount), none["in the data"].amount_status) == ("3.0000", "ok")


def test_properties_stay_where_free_text_is_kept(spark: SparkSession):
    rows = {"r": {"properties": {"q": "a@b.org"}}}
    assert judged(spark, rows, replace(RULES, redact_properties=False))["r"].properties == {"q": "a@b.org"}


def test_columns_that_nobody_declared_are_null(spark: SparkSession):
    few = frame(spark, {"r": {}}).drop("quantity", "unit_price", "properties", "channel", "is_bot")
    row = bounded(canonical_events(few, rules=RULES, rates=None), 1)[0]
    assert (row.quantity, row.properties, row.channel, row.is_bot, row.amount_status) == (
        None,
        None,
        "pos",
        False,
        "none",
    )
    assert list(row.rules) == []


@pytest.mark.parametrize(("kind", "words"), [("channel", CHANNELS), ("event_type", EVENT_TYPES)])
def test_every_word_of_the_vocabulary_is_fine(spark: SparkSession, kind: str, words: tuple[str, ...]):
    found = judged(spark, {word: {kind: word, "unit_price": None} for word in words})
    assert {word: (row[kind], list(row.rules)) for word, row in found.items()} == {word: (word, []) for word in words}


# ---- the payload hash

FULL: dict[str, Any] = {
    "event_id": "e",
    "event_time": utc("2024-03-05T10:00:00"),
    "event_type": "review",
    "channel": "web",
    "identifiers": {"login": "a", "card": "b"},
    "session_id": "s",
    "order_id": "o",
    "product_id": "p",
    "category": "c",
    "brand": "b",
    "quantity": Decimal(1),
    "unit_price": Decimal(2),
    "discount": Decimal("0.5"),
    "amount": Decimal("1.5"),
    "currency": "USD",
    "store_id": "st",
    "campaign_id": "ca",
    "country": "DE",
    "region": "BE",
    "postal_code": "10115",
    "rating": Decimal(5),
    "dwell_seconds": Decimal(3),
    "is_bot": True,
    "properties": {"k": "v", "l": "w"},
}
OTHER: dict[str, Any] = {
    **{name: f"{value}2" for name, value in FULL.items() if isinstance(value, str)},
    **{name: value + 1 for name, value in FULL.items() if isinstance(value, Decimal)},
    "event_type": "search",
    "channel": "mobile",
    "currency": "CHF",
    "identifiers": {"login": "a", "card": "c"},
    "properties": {"k": "v", "l": "x"},
    "is_bot": False,
}
# Of these a null is replaced by what the declaration says, or by an empty value.
NULL_IS_A_VALUE = [name for name in HASHED if name != "is_bot"]


@pytest.fixture(scope="module")
def hashes(spark: SparkSession) -> dict[str, int]:
    """payload_hash of FULL and of many changes of it."""
    rows: dict[str, dict[str, Any]] = {"full": {}, "again": {"record_id": "other", "file": "g", "position": 9}}
    rows |= {f"other {name}": {name: OTHER[name]} for name in HASHED}
    rows |= {f"null {name}": {name: None} for name in NULL_IS_A_VALUE}
    rows |= {
        "other event_time": {"event_time": FULL["event_time"] + timedelta(hours=1)},
        "other delivery": {"received_at": RECEIVED + DAY},
        "maps in another order": {
            "identifiers": {"card": "b", "login": "a"},
            "properties": {"l": "w", "k": "v"},
        },
        "null beside": {"session_id": "a", "order_id": None},
        "beside null": {"session_id": None, "order_id": "a"},
        "empty": {"session_id": "", "order_id": "a"},
        "absent identifiers": {"identifiers": {"login": "a", "card": "b", "device": None, "cookie": ""}},
        "property without value": {"properties": {"k": "v", "l": "w", "m": None}},
        "capitals": {"event_type": "REVIEW", "channel": "Web", "currency": "usd"},
        "further zeros": {"quantity": Decimal("1.000"), "amount": Decimal("1.5000")},
    }
    found = judged(spark, {name: {**FULL, **changes} for name, changes in rows.items()})
    return {name: row.payload_hash for name, row in found.items()}


@pytest.mark.parametrize("column", HASHED)
def test_another_value_is_another_payload(hashes: dict[str, int], column: str):
    assert hashes[f"other {column}"] != hashes["full"]


@pytest.mark.parametrize("column", NULL_IS_A_VALUE)
def test_no_value_is_another_payload(hashes: dict[str, int], column: str):
    assert hashes[f"null {column}"] not in {hashes["full"], hashes[f"other {column}"]}


def test_no_two_changes_are_taken_for_each_other(hashes: dict[str, int]):
    changes = [value for name, value in hashes.items() if name.startswith(("other ", "null "))]
    same = 2  # another event_time and another delivery are the same payload
    assert len(set(changes)) == len(changes) - same + 1


def test_every_declared_column_but_the_time_is_hashed():
    assert set(EVENT_COLUMNS) - set(HASHED) == {"event_time"}
    assert FULL.keys() == EVENT_COLUMNS.keys()


@pytest.mark.parametrize(
    "same",
    [
        "again",
        "other event_time",
        "other delivery",
        "maps in another order",
        "absent identifiers",
        "capitals",
        "further zeros",
    ],
)
def test_the_same_payload(hashes: dict[str, int], same: str):
    assert hashes[same] == hashes["full"]


def test_nulls_do_not_slip_into_the_next_column(hashes: dict[str, int]):
    assert len({hashes["null beside"], hashes["beside null"], hashes["empty"]}) == 3


def test_a_property_without_value_is_said(hashes: dict[str, int]):
    assert hashes["property without value"] != hashes["full"]


def test_known_currencies_are_those_of_iso_4217(spark: SparkSession):
    """Java carries the list, too; the Java of some machines is older than these four."""
    known = spark.sparkContext._jvm.java.util.Currency.getAvailableCurrencies()  # type: ignore[union-attr]
    codes = {currency.getCurrencyCode() for currency in known}
    assert CURRENCIES - codes <= {"SLE", "VED", "XCG", "ZWG"}
    assert {"EUR", "USD", "CHF", "PLN"} <= CURRENCIES
    assert not {"XXX", "XTS", "XAU", "XXQ"} & CURRENCIES
