"""D05, D17, D19 for files: what is a delivery, how CSV is read, what is refused and what waits."""

from __future__ import annotations

import hashlib
import json
import time

import pytest

from omniseg.tables import BRONZE_EVENTS, FILES, QUARANTINE
from tests.ingest.conftest import Shop, order

STORE_ORDERS = """
source: store_orders
channel: pos
format: csv
path: ${landing.root}/store_orders/*.csv
options: {header: true, sep: ";", multiLine: true}
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
HEADER = "receipt;line;sold_at;card_no;qty;price;note"


@pytest.fixture
def store(shop: Shop) -> Shop:
    """A shop with the CSV source `store_orders` alone."""
    (shop.folder / "sources" / "orders.yml").unlink()
    shop.declare(STORE_ORDERS, "store_orders.yml")
    return shop


def test_the_declaration_of_the_readme(store: Shop) -> None:
    store.deliver(
        "store_orders/1.csv",
        HEADER,
        "R1;1;05.03.2024 14:30;4711;2;1.50;plain",
        "R1;2;05.07.2024 00:15;4711;-1;1.50;summer time, and a return",
        "R2;1;05.03.2024 14:30;;abc;1.50;no card, no number",
        "R3;1;05.03.2024 14:30;4712;1;-2;negative price",
        "R4;1;05.03.2024 14:30;4712",
    )
    run = store.ingest()
    assert run.accounts[0].counts()["quarantined"] == 3
    assert store.rules() == {
        "1.csv:3": ["unreadable:quantity"],
        "1.csv:4": ["price_not_negative", "purchase_negative"],
        "1.csv:5": ["malformed"],
    }
    rows = {(row.event_type, str(row.amount), str(row.event_time), str(row.event_date)) for row in store.rows()}
    assert rows == {
        ("purchase", "3.0000", "2024-03-05 13:30:00", "2024-03-05"),
        ("return", "-1.5000", "2024-07-04 22:15:00", "2024-07-04"),
    }


def test_D19_quotes_newlines_bom_and_crlf(store: Shop) -> None:
    lines = [
        "\ufeff" + HEADER,
        'R1;1;05.03.2024 14:30;4711;1;1.00;"semicolon; and ""quotes"""',
        'R2;1;05.03.2024 14:30;4711;1;1.00;"two\nlines"',
        "R3;1;05.03.2024 14:30;4711;1;1.00;last",
    ]
    store.deliver("store_orders/1.csv", *lines, end="\r\n")
    store.ingest()
    assert len(store.rows()) == 3
    notes = {json.loads(row.payload)["note"] for row in store.rows(BRONZE_EVENTS)}
    assert notes == {'semicolon; and "quotes"', "two\nlines", "last"}


def test_D05_columns_are_read_by_name_in_any_order(store: Shop) -> None:
    store.deliver("store_orders/1.csv", HEADER, "R1;1;05.03.2024 14:30;4711;2;1.50;x")
    store.ingest()
    store.deliver(
        "store_orders/2.csv", "price;qty;card_no;sold_at;line;receipt;note", "1.50;2;4711;05.03.2024 14:30;1;R2;x"
    )
    store.deliver("store_orders/3.csv", f"{HEADER};till", "R3;1;05.03.2024 14:30;4711;2;1.50;x;T9")
    store.ingest()
    assert [str(row.amount) for row in store.rows()] == ["3.0000"] * 3
    assert [row.rescued for row in store.rows(BRONZE_EVENTS) if row.rescued] == ['{"till":"T9"}']


def test_D05_a_file_without_a_known_column_is_refused_and_the_others_are_taken(
    store: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    store.deliver("store_orders/1.csv", HEADER, "R1;1;05.03.2024 14:30;4711;2;1.50;x")
    store.ingest()
    store.deliver("store_orders/2.csv", HEADER.replace("price", "Price"), "R2;1;05.03.2024 14:30;4711;2;1.50;x")
    store.deliver("store_orders/3.csv", HEADER, "R3;1;05.03.2024 14:30;4711;2;1.50;x")
    store.ingest(expected=3)
    message = capsys.readouterr().err
    assert "2.csv" in message
    assert "price (nearest: Price)" in message
    assert len(store.rows()) == 2
    states = {row.path.rpartition("/")[2]: row.status for row in store.rows(FILES)}
    assert states == {"1.csv": "taken", "2.csv": "refused", "3.csv": "taken"}
    assert store.ingest().status == "nothing_new"


def test_D17_empty_files_and_headers_alone_are_taken_with_no_rows(store: Shop) -> None:
    store.deliver("store_orders/1.csv", HEADER, "R1;1;05.03.2024 14:30;4711;2;1.50;x")
    store.deliver("store_orders/2.csv")
    store.deliver("store_orders/3.csv", HEADER)
    store.ingest()
    assert {row.path.rpartition("/")[2]: row.rows for row in store.rows(FILES)} == {"1.csv": 1, "2.csv": 0, "3.csv": 0}
    assert store.rows(QUARANTINE) == []


def test_D17_files_that_wait(shop: Shop) -> None:
    now = int(time.time())
    shop.deliver("orders/old.jsonl", order(id="old"), mtime=now - 600)
    shop.deliver("orders/growing.jsonl", order(id="growing"), mtime=now)
    for name in ("_half.jsonl", ".hidden.jsonl"):
        shop.deliver(f"orders/{name}", order(id=name), mtime=now - 600)
    shop.ingest("landing.settle_seconds=300")
    assert shop.ids() == ["old"]
    shop.deliver("orders/growing.jsonl", order(id="growing"), order(id="grown"), mtime=now - 400)
    shop.ingest("landing.settle_seconds=300")
    assert shop.ids() == ["growing", "grown", "old"]


def test_D17_a_required_manifest_holds_the_file_back(shop: Shop) -> None:
    shop.declare((shop.folder / "sources" / "orders.yml").read_text() + "delivery: {manifest: required}\n")
    file = shop.deliver("orders/1.jsonl", order(id="a"))
    assert shop.ingest().status == "nothing_new"
    manifest = file.with_name("1.jsonl.manifest.json")
    manifest.write_text(json.dumps({"sha256": "0" * 64}))
    assert shop.ingest().status == "nothing_new"
    manifest.write_text(
        json.dumps({"size": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()})
    )
    shop.ingest()
    assert shop.ids() == ["a"]


def test_an_old_file_time_is_no_reason_to_skip_a_new_file(shop: Shop) -> None:
    shop.deliver("orders/1.jsonl", order(id="a"))
    shop.ingest()
    shop.deliver("orders/2.jsonl", order(id="b"), mtime=946_684_800)
    shop.ingest("dedupe.window_days=35")
    assert {row.event_id or "future" for row in shop.rows()} | set(shop.rules()) >= {"a", "2.jsonl:1"}
