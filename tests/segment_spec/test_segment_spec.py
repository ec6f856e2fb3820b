"""The ready-made declaration for Segment and RudderStack messages, end to end on fixtures of our own making."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from omniseg.ingest.declaration_reader import read_declaration
from omniseg.ingest.vocabulary import EVENT_TYPES
from omniseg.settings import yaml_strict
from omniseg.tables import BRONZE_EVENTS, QUARANTINE, SILVER_EVENTS
from tests.ingest.conftest import Seen, Shop, rules_by_line

ROOT = Path(__file__).parents[2]
PACK = ROOT / "conf" / "packs" / "segment_spec"
DAYS = sorted((ROOT / "tests" / "fixtures" / "segment_spec").glob("*.jsonl"))
BY_ORDER, BY_LINE = "sources", "sources_by_line"
NAMES = {BY_ORDER: "segment_spec", BY_LINE: "segment_spec_by_line"}
SETS = ["landing.settle_seconds=0", "business.currency=EUR"]


def declaration_text(folder: str) -> str:
    """One of the two declarations of the pack."""
    return (PACK / folder / "segment_spec.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def seen(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A shop that has taken both days, in order, by both declarations; each is a source with files of its own."""
    shop = Shop(tmp_path_factory.mktemp("shop"), spark, sets=list(SETS))
    for folder, name in NAMES.items():
        shop.declare(declaration_text(folder).replace("segment_spec", name), f"{name}.yml")
    for day in DAYS:
        for name in NAMES.values():
            shop.deliver(f"{name}/{day.name}", *day.read_text(encoding="utf-8").splitlines())
        shop.ingest()
    return shop.seen(BRONZE_EVENTS, SILVER_EVENTS, QUARANTINE)


@pytest.fixture(scope="module")
def events(seen: Seen) -> dict[str, Row]:
    """Events with one purchase per order, by message id."""
    return {row.event_id: row for row in seen.of(NAMES[BY_ORDER])}


@pytest.fixture(scope="module")
def lines(seen: Seen) -> list[Row]:
    """Events with one purchase per product."""
    return seen.of(NAMES[BY_LINE])


@pytest.mark.parametrize("folder", [BY_ORDER, BY_LINE])
def test_declaration_is_complete_and_valid(folder):
    text = declaration_text(folder)
    declared = read_declaration(yaml_strict.parse(text.encode(), folder), file=folder)
    named = set(re.findall(r"then '([a-z_]+)'", declared.columns["event_type"]))
    assert named <= set(EVENT_TYPES)
    assert len(named) >= 15


def test_both_declarations_read_the_same_raw_columns():
    first, second = (
        read_declaration(yaml_strict.parse(declaration_text(folder).encode(), folder), file=folder)
        for folder in (BY_ORDER, BY_LINE)
    )
    assert (first.schema, first.personal, first.name) == (second.schema, second.personal, second.name)


@pytest.mark.parametrize(
    ("message", "event_type", "channel"),
    [
        ("m-01", "page_view", "web"),
        ("m-02", "search", "web"),
        ("m-03", "custom:product_list_viewed", "web"),
        ("m-04", "product_view", "web"),
        ("m-05", "signup", "web"),
        ("m-06", "signup", "web"),
        ("m-07", "cart_add", "web"),
        ("m-08", "cart_remove", "web"),
        ("m-09", "coupon_redeem", "web"),
        ("m-10", "checkout_start", "web"),
        ("m-11", "purchase", "web"),
        ("m-12", "email_sent", "email"),
        ("m-13", "email_open", "email"),
        ("m-14", "email_click", "email"),
        ("m-15", "page_view", "mobile"),
        ("m-16", "purchase", "mobile"),
        ("m-17", "login", "mobile"),
        ("m-18", "review", "web"),
        ("m-19", "custom:wishlist_product_added_", "web"),
        ("m-20", "page_view", "web"),
        ("m-21", "custom:store_opened", "web"),
        ("m-22", "custom:group", "web"),
        ("m-23", "custom:alias", "web"),
        ("m-24", "push_open", "push"),
        ("m-25", "return", "web"),
        ("m-26", "cancel", "web"),
        ("m-27", "login", "web"),
    ],
)
def test_event_type_and_channel(events, message, event_type, channel):
    assert (events[message].event_type, events[message].channel) == (event_type, channel)


def test_nothing_else_is_accepted(seen):
    ids = sorted(row.event_id for row in seen.of(NAMES[BY_ORDER]))
    assert ids == [f"m-{number:02}" for number in range(1, 28)]


def test_bad_messages_are_quarantined_with_their_rules(seen):
    bad = seen.of(NAMES[BY_ORDER], QUARANTINE)
    assert rules_by_line(bad) == {
        "2024-05-07.jsonl:2": ["id_conflict"],
        "2024-05-07.jsonl:6": ["order_has_an_amount", "unreadable:amount"],
        "2024-05-07.jsonl:7": ["missing:event_time", "unreadable:event_time"],
        "2024-05-07.jsonl:8": ["known_call", "missing:event_type"],
        "2024-05-07.jsonl:9": ["missing:event_type", "track_has_a_name"],
        "2024-05-07.jsonl:10": ["missing:event_id"],
        "2024-05-07.jsonl:11": ["order_has_an_amount"],
        "2024-05-07.jsonl:12": ["malformed"],
        "2024-05-07.jsonl:13": ["case_variant:messageId"],
    }


@pytest.mark.parametrize(
    ("message", "amount", "status"),
    [
        pytest.param("m-11", Decimal("59.8000"), "ok", id="an_order_is_worth_its_revenue"),
        pytest.param("m-25", Decimal("-59.9000"), "ok", id="a_refund_is_negative"),
        pytest.param("m-16", None, "no_rate", id="another_currency_waits_for_its_rate"),
        pytest.param("m-26", None, "none", id="a_cancellation_has_no_amount"),
    ],
)
def test_money(events, message, amount, status):
    assert (events[message].amount, events[message].amount_status) == (amount, status)


@pytest.mark.parametrize(
    ("message", "at"),
    [
        pytest.param("m-01", datetime(2024, 5, 6, 8, 0, 0, 120_000), id="utc_with_milliseconds"),
        pytest.param("m-15", datetime(2024, 5, 6, 8, 0), id="offset"),
        pytest.param("m-16", datetime(2024, 5, 6, 10, 5), id="without_offset_it_is_utc"),
    ],
)
def test_time(events, message, at):
    assert events[message].event_time == at


@pytest.mark.parametrize(
    ("message", "kinds"),
    [
        pytest.param("m-01", {"cookie"}, id="a_visitor"),
        pytest.param("m-05", {"account", "email", "phone", "cookie"}, id="identify_by_traits"),
        pytest.param("m-17", {"account", "email", "phone", "device", "cookie"}, id="identify_by_context_traits"),
        pytest.param("m-12", {"account", "email"}, id="an_email_from_the_server"),
        pytest.param("m-21", set(), id="nobody"),
    ],
)
def test_identifiers(events, message, kinds):
    assert set(events[message].identifiers) == kinds


def test_one_address_gives_one_pseudonym_wherever_it_stands(events):
    assert events["m-05"].identifiers["email"] == events["m-12"].identifiers["email"]


def test_details(events):
    assert (events["m-04"].product_id, events["m-04"].category, events["m-04"].brand) == ("p-1", "Shoes", "Fleet")
    assert events["m-02"].properties["query"] == "red shoes"
    assert events["m-12"].campaign_id == "k-9"
    assert events["m-01"].campaign_id == "spring"
    assert (events["m-15"].session_id, events["m-15"].country) == ("1714982400", "DE")
    assert events["m-18"].rating == Decimal("4.000")
    assert {message for message, row in events.items() if row.is_bot} == {"m-20"}


@pytest.mark.parametrize("folder", [BY_ORDER, BY_LINE])
@pytest.mark.parametrize(
    "secret",
    ["u-17", "anon-1", "ada@example.org", "Ada@Example.org", "1234567", "Ada Muster", "203.0.113.9", "Ben's", "dev-8"],
)
def test_no_direct_identifier_is_written(seen, folder, secret):
    written = [*seen.of(NAMES[folder], BRONZE_EVENTS), *seen.of(NAMES[folder])]
    assert len(written) > 50
    assert not [row for row in written if secret in str(row)]


def test_by_line_an_order_is_its_products(lines):
    bought = {row.event_id: row for row in lines if row.order_id == "o-1" and row.event_type == "purchase"}
    assert {key: (row.product_id, row.category, row.quantity, row.amount) for key, row in bought.items()} == {
        "m-11#p-1": ("p-1", "Shoes", Decimal("1.000"), Decimal("54.9000")),
        "m-11#p-3": ("p-3", "Care", Decimal("1.000"), Decimal("4.9000")),
    }


def test_by_line_lines_and_refund_have_the_signs_of_money(lines):
    amounts = {row.event_id: row.amount for row in lines if row.event_type in ("purchase", "return")}
    assert amounts == {
        "m-11#p-1": Decimal("54.9000"),
        "m-11#p-3": Decimal("4.9000"),
        "m-16": None,
        "m-25#p-1": Decimal("-59.9000"),
    }


def test_by_line_a_message_without_products_is_one_event(lines, events):
    several = {"m-03", "m-10", "m-11", "m-25"}
    assert {row.event_id for row in lines if "#" not in row.event_id} == set(events) - several
