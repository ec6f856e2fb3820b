"""D05, D14, D17, D19: what is a delivery (a file, the news of a Delta table), how CSV is read, what is refused, waits.

Each scenario is a source of its own; the same two nights take what all of them deliver.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from omniseg.runtime import Run
from omniseg.tables import BRONZE_EVENTS, FILES, QUARANTINE, SILVER_EVENTS
from tests.ingest.conftest import Seen, Shop, order, orders_like, rules_by_line

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
SALE = "R1;1;05.03.2024 14:30;4711;2;1.50;x"
OLD = 946_684_800  # a file time of the year 2000
SETTLE = 3600  # files younger than this many seconds wait
TABLE_SCHEMA = "id STRING, at STRING, kind STRING, card STRING, basket STRING, qty DECIMAL(18,3), price DECIMAL(18,4)"

# The lines of each file; its folder is its source.
FIRST_NIGHT: Mapping[str, Sequence[str]] = {
    "store_orders/1.csv": (
        HEADER,
        "R1;1;05.03.2024 14:30;4711;2;1.50;plain",
        "R1;2;05.07.2024 00:15;4711;-1;1.50;summer time, and a return",
        "R2;1;05.03.2024 14:30;;abc;1.50;no card, no number",
        "R3;1;05.03.2024 14:30;4712;1;-2;negative price",
        "R4;1;05.03.2024 14:30;4712",
    ),
    "drifting/1.csv": (HEADER, SALE),
    "empty/1.csv": (HEADER, SALE),
    "empty/2.csv": (),
    "empty/3.csv": (HEADER,),
    "orders/old.jsonl": (order(id="old"),),
    "orders/_half.jsonl": (order(id="half"),),
    "orders/.hidden.jsonl": (order(id="hidden"),),
    "belated/1.jsonl": (order(id="a"),),
}
QUOTED = (
    "\ufeff" + HEADER,
    'R1;1;05.03.2024 14:30;4711;1;1.00;"semicolon; and ""quotes"""',
    'R2;1;05.03.2024 14:30;4711;1;1.00;"two\nlines"',
    "R3;1;05.03.2024 14:30;4711;1;1.00;last",
)
SECOND_NIGHT: Mapping[str, Sequence[str]] = {
    "drifting/2.csv": ("price;qty;card_no;sold_at;line;receipt;note", "1.50;2;4711;05.03.2024 14:30;1;R2;x"),
    "drifting/3.csv": (f"{HEADER};till", "R3;1;05.03.2024 14:30;4711;2;1.50;x;T9"),
    "drifting/4.csv": (HEADER.replace("price", "Price"), SALE.replace("R1", "R4")),
    "drifting/5.csv": (HEADER, SALE.replace("R1", "R5")),
    "orders/growing.jsonl": (order(id="growing"), order(id="grown")),
}


@dataclass(frozen=True)
class Nights:
    """Two runs, what the second one told, the runs for which everything waits, and what is left at the end."""

    held_back: list[Run]
    first: Run
    between: Run
    second: Run
    told: str
    after: Run
    seen: Seen
    work: list[Path]
    landing: Path


def deliver(shop: Shop, files: Mapping[str, Sequence[str]], end: str = "\n") -> None:
    """Files that have settled."""
    for name, lines in files.items():
        shop.deliver(name, *lines, end=end, mtime=settled())


def settled() -> int:
    """A file time that is old enough."""
    return int(time.time()) - 2 * SETTLE


def deliver_with_manifest(shop: Shop) -> list[Run]:
    """A file and then its manifest; the runs while there is none, and while it promises other bytes."""
    file = shop.deliver("promised/1.jsonl", order(id="a"), mtime=settled())
    manifest = file.with_name("1.jsonl.manifest.json")
    missing = shop.ingest()
    manifest.write_text(json.dumps({"sha256": "0" * 64}))
    wrong = shop.ingest()
    right = {"size": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    manifest.write_text(json.dumps(right))
    return [missing, wrong]


def append(shop: Shop, *ids: str) -> None:
    """Append orders to the Delta table."""
    rows = [(name, "2024-03-05T10:00:00Z", "purchase", "CARD-4711", "b-1", Decimal(1), Decimal("2.5")) for name in ids]
    shop.spark.createDataFrame(rows, TABLE_SCHEMA).write.format("delta").mode("append").save(table_of(shop))


def alter(shop: Shop, command: str) -> None:
    """SQL on the Delta table; `{}` stands for its name."""
    shop.spark.sql(command.format(f"delta.`{table_of(shop)}`"))


def table_of(shop: Shop) -> str:
    """Where the Delta table lies."""
    return str(shop.folder / "landing" / "table")


def table_declaration() -> str:
    """The declaration of a Delta table of orders, which brings its schema along."""
    text = orders_like("table").replace("format: json", "format: delta").replace("/table/*.jsonl", "/table")
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("schema:"))
    return "\n".join(lines[:start] + lines[start + 2 :]) + "\n"


@pytest.fixture(scope="module")
def stores(module_shop: Shop) -> Shop:
    """A shop with a source for each scenario."""
    module_shop.sets += [f"landing.settle_seconds={SETTLE}", "dedupe.window_days=35"]
    module_shop.sets.append("landing.max_unpacked_mb=1")
    for name in ("store_orders", "quoted", "drifting", "empty"):
        module_shop.declare(STORE_ORDERS.replace("store_orders", name), f"{name}.yml")
    module_shop.declare(orders_like("promised") + "delivery: {manifest: required}\n", "promised.yml")
    module_shop.declare(orders_like("belated"), "belated.yml")
    module_shop.declare(orders_like("packed").replace("*.jsonl", "*"), "packed.yml")
    module_shop.declare(table_declaration(), "table.yml")
    return module_shop


@pytest.fixture(scope="module")
def nights(stores: Shop) -> Nights:
    """Both nights; a file of the second is refused."""
    held_back = deliver_with_manifest(stores)
    deliver_first(stores)
    first, between = stores.ingest(), stores.ingest()
    deliver_second(stores)
    with redirect_stderr(StringIO()) as told:
        second = stores.ingest(expected=3)
    after = stores.ingest()
    seen = stores.seen(SILVER_EVENTS, BRONZE_EVENTS, QUARANTINE, FILES)
    work = list((stores.folder / "warehouse" / "_work").iterdir())
    return Nights(held_back, first, between, second, told.getvalue(), after, seen, work, stores.folder / "landing")


def deliver_first(shop: Shop) -> None:
    """What the first night finds; the file that grows is too young for it."""
    deliver(shop, FIRST_NIGHT)
    deliver(shop, {"quoted/1.csv": QUOTED}, end="\r\n")
    shop.deliver("orders/growing.jsonl", order(id="growing"))
    append(shop, "o-1", "o-2")
    alter(shop, "ALTER TABLE {} SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")


def deliver_second(shop: Shop) -> None:
    """What the second night finds. A deletion delivers nothing; joining small files changes no row."""
    deliver(shop, SECOND_NIGHT)
    shop.deliver("belated/2.jsonl", order(id="b"), mtime=OLD)
    deliver_packed(shop)
    append(shop, "o-3")
    append(shop, "o-4")
    alter(shop, "DELETE FROM {} WHERE id = 'o-1'")
    alter(shop, "OPTIMIZE {}")


def deliver_packed(shop: Shop) -> None:
    """D14: compressed files, of which one unpacks to more than is allowed and one is cut, links that lead out of the
    landing zone and inside it, and an archive, which nobody unpacks.
    """
    good, bomb = gzip.compress(order(id="packed").encode()), gzip.compress(b" " * 2_000_000)
    for name, content in (("good", good), ("bomb", bomb), ("cut", good[:-20])):
        shop.deliver(f"packed/{name}.gz").write_bytes(content)
    shop.deliver("packed/archive.zip").write_bytes(b"PK\x03\x04 ../../etc/passwd")
    outside, folder = shop.folder / "secret.jsonl", shop.folder / "landing" / "packed"
    outside.write_text(order(id="secret"))
    (folder / "out.jsonl").symlink_to(outside)
    (folder / "in.jsonl").symlink_to(shop.deliver("packed/linked.jsonl", order(id="linked")))
    for file in (*folder.iterdir(), outside):
        os.utime(file, (settled(), settled()))


def read(run: Run) -> dict[str, int]:
    """Records read, by source."""
    return {account.source: account.counts()["read"] for account in run.accounts}


def ids(seen: Seen, source: str) -> list[str]:
    """Accepted ids of a source, sorted, each as often as it is there."""
    return sorted(row.event_id for row in seen.of(source))


def name_of(path: str) -> str:
    """The file alone."""
    return path.rpartition("/")[2]


def test_the_declaration_of_the_readme(nights: Nights) -> None:
    counts = {account.source: account.counts() for account in nights.first.accounts}
    assert counts["store_orders"]["quarantined"] == 3
    assert rules_by_line(nights.seen.of("store_orders", QUARANTINE)) == {
        "1.csv:3": ["unreadable:quantity"],
        "1.csv:4": ["price_not_negative", "purchase_negative"],
        "1.csv:5": ["malformed"],
    }
    events = nights.seen.of("store_orders")
    assert {(row.event_type, str(row.amount), str(row.event_time), str(row.event_date)) for row in events} == {
        ("purchase", "3.0000", "2024-03-05 13:30:00", "2024-03-05"),
        ("return", "-1.5000", "2024-07-04 22:15:00", "2024-07-04"),
    }


def test_D19_quotes_newlines_bom_and_crlf(nights: Nights) -> None:
    assert len(nights.seen.of("quoted")) == 3
    notes = {json.loads(row.payload)["note"] for row in nights.seen.of("quoted", BRONZE_EVENTS)}
    assert notes == {'semicolon; and "quotes"', "two\nlines", "last"}


def test_D05_columns_are_read_by_name_in_any_order(nights: Nights) -> None:
    assert [str(row.amount) for row in nights.seen.of("drifting")] == ["3.0000"] * 4
    received = nights.seen.of("drifting", BRONZE_EVENTS)
    assert [row.rescued for row in received if row.rescued] == ['{"till":"T9"}']


def test_D05_a_file_without_a_known_column_is_refused_and_the_others_are_taken(nights: Nights) -> None:
    assert "drifting/4.csv" in nights.told
    assert "price (nearest: Price)" in nights.told
    states = {name_of(row.path): row.status for row in nights.seen.of("drifting", FILES)}
    assert states == {f"{number}.csv": "refused" if number == 4 else "taken" for number in range(1, 6)}
    assert nights.after.status == "nothing_new"


def test_D14_what_unpacks_to_too_much_or_leads_out_is_refused_unread(nights: Nights) -> None:
    rows = {name_of(row.path): (row.status, row.detail) for row in nights.seen.of("packed", FILES)}
    refused = {name: reason for name, (status, reason) in rows.items() if status == "refused"}
    assert refused == {
        "bomb.gz": "it unpacks to more than 1 MB (landing.max_unpacked_mb)",
        "cut.gz": "its compressed content cannot be read to its end (EOFException)",
        "out.jsonl": f"it is a link that leads out of {nights.landing / 'packed'}",
    }
    assert ids(nights.seen, "packed") == ["linked", "packed"]
    assert rules_by_line(nights.seen.of("packed", QUARANTINE)) == {"archive.zip:1": ["malformed"]}


def test_D17_empty_files_and_headers_alone_are_taken_with_no_rows(nights: Nights) -> None:
    taken = {name_of(row.path): row["rows"] for row in nights.seen.of("empty", FILES)}
    assert taken == {"1.csv": 1, "2.csv": 0, "3.csv": 0}
    assert nights.seen.of("empty", QUARANTINE) == []


def test_D17_files_that_wait(nights: Nights) -> None:
    taken = sorted((row.event_id, row.batch_id) for row in nights.seen.of("orders"))
    assert taken == [("growing", 2), ("grown", 2), ("old", 1)]


def test_D17_a_required_manifest_holds_the_file_back(nights: Nights) -> None:
    assert [run.status for run in nights.held_back] == ["nothing_new", "nothing_new"]
    assert read(nights.first)["promised"] == 1
    assert ids(nights.seen, "promised") == ["a"]


def test_an_old_file_time_is_no_reason_to_skip_a_new_file(nights: Nights) -> None:
    assert ids(nights.seen, "belated") == ["a"]
    assert rules_by_line(nights.seen.of("belated", QUARANTINE)) == {"2.jsonl:1": ["future"]}


def test_the_work_folder_of_a_batch_is_empty_at_its_end(nights: Nights) -> None:
    assert nights.work == []


def test_of_a_delta_table_the_whole_then_only_its_news(nights: Nights) -> None:
    assert (read(nights.first)["table"], nights.between.status, read(nights.second)["table"]) == (2, "nothing_new", 2)
    assert ids(nights.seen, "table") == ["o-1", "o-2", "o-3", "o-4"]
    places = [(row.path.rpartition("@")[2], row["rows"], row.batch_id) for row in nights.seen.of("table", FILES)]
    assert sorted(places) == [("v1", 2, 1), ("v2-5", 2, 2)]


@pytest.mark.usefixtures("nights")
def test_news_without_a_change_feed_are_refused_with_the_command_that_mends_it(
    stores: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(stores, "ALTER TABLE {} UNSET TBLPROPERTIES (delta.enableChangeDataFeed)")
    append(stores, "o-5")
    stores.ingest(expected=3)
    told = capsys.readouterr().err
    assert "table.yml" in told and "after version 5" in told
    assert "SET TBLPROPERTIES (delta.enableChangeDataFeed = true)" in told
    assert ids(stores.seen(SILVER_EVENTS), "table") == ["o-1", "o-2", "o-3", "o-4"]
    # With the feed started, the table is read as a whole once more; what it brought before counts as duplicate.
    alter(stores, "ALTER TABLE {} SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")
    append(stores, "o-6")
    (account,) = stores.ingest().accounts
    assert (account.read.rows, account.duplicates.rows, account.accepted.rows) == (5, 3, 2)
    seen = stores.seen(SILVER_EVENTS, FILES)
    assert ids(seen, "table") == ["o-1", "o-2", "o-3", "o-4", "o-5", "o-6"]
    assert [name_of(row.path).partition("@")[2] for row in seen.of("table", FILES) if row.batch_id == 3] == ["v9"]
