"""One day with every kind of dirt in JSON Lines: only the bad records are quarantined, each with its rule and line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import pytest
from pyspark.sql import Row

from omniseg.commands.frames import newest_date
from omniseg.ingest.declaration import SourceDeclaration
from omniseg.lake.bounded import bounded
from omniseg.privacy.keys import key
from omniseg.privacy.vault import LONGEST, decrypt
from omniseg.runtime import Run
from omniseg.settings.sources import load_declarations
from omniseg.tables import BRONZE_EVENTS, QUARANTINE, RAW_REJECTS
from tests.ingest.conftest import Shop, order

LONG = "x" * 10_000

# One line of the file per scenario: its text and the rules that it must break ([] = accepted).
DIRT: Mapping[str, tuple[str, list[str]]] = {
    "clean": (order(id="clean"), []),
    "D04_not_json": ("{this is not json", ["malformed"]),
    "D04_json_but_no_object": ("[1, 2]", ["malformed"]),
    "D04_two_objects": (order(id="a") + order(id="b"), ["malformed"]),
    "D04_long_garbage": ("{" + LONG, ["malformed"]),
    "D05_new_field_is_rescued": (order(id="new-field", loyalty_tier="gold"), []),
    "D05_field_in_capitals": (order(id="capitals", qty=..., QTY=1), ["case_variant:qty"]),
    "D05_field_missing": (order(id="no-kind", kind=...), []),
    "D06_nan": (order(id="nan", price="NaN"), ["unreadable:price"]),
    "D06_infinity": (order(id="inf", price="Infinity"), ["unreadable:price"]),
    "D06_beyond_double": (order(id="big").replace("2.5", "1e400"), ["unreadable:price"]),
    "D06_tiny_rounds_to_zero": (order(id="tiny").replace("2.5", "1e-400"), []),
    "D06_negative_zero": (order(id="minus-zero").replace("2.5", "-0.0"), []),
    "D06_word": (order(id="word", price="cheap"), ["unreadable:price"]),
    "D07_decimal_overflow": (order(id="over", price=10**15), ["unreadable:price"]),
    "D07_overflow_in_product": (order(id="product", qty=10**14, price=10**13), ["unreadable:amount"]),
    "D07_implausible_amount": (order(id="much", qty=10**6, price=10**7), ["amount_out_of_range"]),
    "D07_id_of_19_digits": (order(id=...).replace("{", '{"id": 9223372036854775809, ', 1), []),
    "D07_id_with_leading_zeros": (order(id="00042"), []),
    "D07_money_of_18_digits": (order(id="18-digits").replace("2.5", "99999999999.1234"), []),
    "D07_text_that_looks_like_a_number": (order(id="text", note='x: 1e5, "quoted": 12345678901234.5678}'), []),
    "D07_id_in_scientific_notation": (order(id=...).replace("{", '{"id": 1.50e3, ', 1), []),
    "D19_duplicate_key": (order(id="twice")[:-1] + ', "id": "other"}', ["duplicate_key"]),
    "D19_comment": (order(id="comment")[:-1] + " /* hello */ }", ["malformed"]),
    "D19_trailing_comma": (order(id="comma")[:-1] + ",}", ["malformed"]),
    "D08_negative_price": (order(id="negative", price=-1), ["price_not_negative", "purchase_negative"]),
    "D08_positive_return": (order(id="return", kind="return"), ["return_positive"]),
    "D08_return": (order(id="returned", kind="return", qty=-1), []),
    "no_id": (order(id=""), ["missing:event_id"]),
    "no_time": (order(id="timeless", at=None), ["missing:event_time"]),
    "unreadable_time": (order(id="late", at="yesterday"), ["missing:event_time", "unreadable:event_time"]),
    "D03_far_future": (order(id="future", at="2999-01-01T00:00:00Z"), ["future"]),
    "D16_clock_ahead": (order(id="ahead", at="2024-03-05T18:30:00Z"), []),
    "D10_nobody": (order(id="nobody", card="N/A"), []),
    "own_event_type": (order(id="own", kind="Kiosk_Touch"), []),
}


@dataclass
class Day:
    """What became of the file."""

    shop: Shop
    run: Run
    quarantine: dict[int, Row]
    accepted: dict[str, Row]


@pytest.fixture(scope="module")
def day(module_shop: Shop) -> Day:
    """The dirty file, ingested once."""
    at_six = int(datetime(2024, 3, 5, 18, tzinfo=timezone.utc).timestamp())
    module_shop.deliver("orders/2024-03-05.jsonl", *(text for text, _ in DIRT.values()), mtime=at_six)
    run = module_shop.ingest()
    quarantine = {row.line: row for row in module_shop.rows(QUARANTINE)}
    return Day(module_shop, run, quarantine, {row.event_id: row for row in module_shop.rows()})


@pytest.mark.parametrize("scenario", DIRT)
def test_each_record_breaks_exactly_its_rules(day: Day, scenario: str) -> None:
    line = list(DIRT).index(scenario) + 1
    rules = sorted(day.quarantine[line].rules) if line in day.quarantine else []
    assert rules == sorted(DIRT[scenario][1])


def test_the_law_counts_every_line(day: Day) -> None:
    bad = sum(bool(rules) for _, rules in DIRT.values())
    counts = day.run.accounts[0].counts()
    assert counts == {
        "read": len(DIRT),
        "accepted": len(DIRT) - bad,
        "duplicates": 0,
        "quarantined": bad,
        "suppressed": 0,
    }
    assert len(day.accepted) == len(DIRT) - bad


def test_D07_ids_keep_their_digits(day: Day) -> None:
    assert {"9223372036854775809", "00042", "1.50e3"} <= day.accepted.keys()


def test_D07_money_keeps_its_digits(day: Day) -> None:
    assert str(day.accepted["18-digits"].unit_price) == "99999999999.1234"


def test_D10_a_filler_is_no_identifier(day: Day) -> None:
    nobody = day.accepted["nobody"]
    assert (nobody.identity_key, nobody.identifiers) == (None, {})
    assert day.run.accounts[0].unattributed == 1


def test_D03_a_far_future_time_does_not_move_the_newest_day(day: Day) -> None:
    run = day.shop.run()
    source = load_declarations(run.settings.sources.dir, run.settings)[0]
    assert isinstance(source, SourceDeclaration)
    assert newest_date(run, replace(source, max_late_days=3), batch_id=2) == "2024-03-05"


def test_D16_a_clock_that_is_ahead_is_reported(day: Day) -> None:
    account = day.run.accounts[0]
    assert (account.ahead, account.most_ahead) == (1, 1800)
    assert account.clock_ahead().startswith("Source orders has 1 accepted event(s) with a time after the delivery")
    assert "0:30:00" in account.clock_ahead()


def test_unknown_event_types_pass_as_custom(day: Day) -> None:
    assert day.accepted["own"].event_type == "custom:kiosk_touch"


def test_D05_a_new_field_is_kept_beside_the_record(day: Day) -> None:
    rescued = [row.rescued for row in day.shop.rows(BRONZE_EVENTS) if row.rescued]
    assert '{"loyalty_tier":"gold"}' in rescued


def test_D04_the_vault_holds_the_first_4_kb_encrypted(day: Day) -> None:
    vault = {row.vault_ref: row.encrypted for row in day.shop.rows(RAW_REJECTS)}
    row = day.quarantine[list(DIRT).index("D04_long_garbage") + 1]
    assert row.excerpt is None
    assert LONG[:100] not in vault[row.vault_ref]
    assert decrypt(vault[row.vault_ref], key("OMNISEG_VAULT_KEY")) == ("{" + LONG)[:LONGEST]


def test_rejects_are_told_apart_by_a_keyed_hash(day: Day) -> None:
    hashes = [row.record_hash for row in day.quarantine.values() if row.vault_ref]
    assert len(hashes) == len(set(hashes)) > 0
    assert all(len(text) == 64 for text in hashes)


def test_no_raw_identifier_is_written_anywhere(day: Day) -> None:
    written = [file.read_bytes() for file in (day.shop.folder / "warehouse").rglob("*") if file.is_file()]
    assert not any(b"CARD-4711" in content for content in written)
    payloads = bounded(day.shop.lake.read(BRONZE_EVENTS).select("payload"), 1000)
    assert all("CARD-4711" not in (row.payload or "") for row in payloads)
    assert sum("loyalty:v1:" in (row.payload or "") for row in payloads) > 10
