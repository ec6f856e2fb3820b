"""What people see of a bad record: every rule in words, its line in the file, an excerpt that is safe to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from omniseg.ingest.quarantine import BLOCK_BITS, EXCERPT, EXPLANATIONS, explained, first_positions, quarantined
from omniseg.lake.bounded import bounded
from omniseg.tables import QUARANTINE

SCHEMA = """
    record_id STRING, source STRING, rules ARRAY<STRING>, file STRING, position BIGINT, payload STRING,
    batch_id BIGINT
"""
RECORD: Mapping[str, Any] = {
    "record_id": "r",
    "source": "till",
    "rules": ["few"],
    "file": "a.jsonl",
    "position": 0,
    "payload": "{}",
    "batch_id": 3,
}
BLOCK = 1 << BLOCK_BITS
MAIL = "somebody@example.org"

# All rows of the batch; those without rules are good, and count as lines all the same.
READ: Mapping[str, Mapping[str, Any]] = {
    "first": {"position": 5},
    "good": {"position": 6, "rules": []},
    "third": {"position": 7},
    "second block": {"position": 3 * BLOCK + 1},
    "second block, good": {"position": 3 * BLOCK, "rules": []},
    "first of another file": {"file": "b.jsonl", "position": 100},
    "fifth of another file": {"file": "b.jsonl", "position": 104},
    "rejected": {"position": 8, "payload": None, "rules": ["malformed"]},
    "several": {
        "position": 9,
        "rules": ["case_variant:id", "case_variant:at", "unreadable:qty", "few", "missing:event_id"],
    },
    "long": {"position": 10, "payload": "x" * 2000},
    "mail": {"position": 11, "payload": f'{{"note":"ask {MAIL}"}}'},
    "mail at the cut": {"position": 12, "payload": "x" * (EXCERPT - 12) + f" {MAIL} and more"},
}


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> dict[str, Row]:
    """The bad rows of READ, as they go to the quarantine."""
    made = [tuple({**RECORD, **changes, "record_id": name}.values()) for name, changes in READ.items()]
    read = spark.createDataFrame(made, SCHEMA)
    found = quarantined(read.where(F.size("rules") > 0), first_positions(read))
    assert set(found.columns) == set(QUARANTINE.column_names) - {"record_hash"}
    return {row.record_id: row for row in bounded(found, 100)}


@pytest.mark.parametrize(
    ("record", "line"),
    [
        pytest.param("first", 1, id="lines_count_from_1"),
        pytest.param("third", 3, id="good_lines_count"),
        pytest.param("second block", 2, id="a_block_counts_for_itself"),
        pytest.param("first of another file", 1, id="a_file_counts_for_itself"),
        pytest.param("fifth of another file", 5, id="lines_left_out_by_the_reader_count"),
    ],
)
def test_the_line_in_the_file(rows: dict[str, Row], record: str, line: int):
    assert rows[record].line == line


def test_only_bad_records_are_there(rows: dict[str, Row]):
    assert rows.keys() == {name for name, changes in READ.items() if changes.get("rules") != []}


def test_rules_are_told_in_words_each_once(rows: dict[str, Row]):
    assert rows["several"].detail == "; ".join(
        [EXPLANATIONS["case_variant"], EXPLANATIONS["unreadable"], "expectation few", EXPLANATIONS["missing"]]
    )
    assert list(rows["several"].rules) == READ["several"]["rules"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param("malformed", EXPLANATIONS["malformed"], id="without_a_column"),
        pytest.param("unreadable:price", EXPLANATIONS["unreadable"], id="with_a_column"),
        pytest.param("price_not_negative", "expectation price_not_negative", id="declared"),
        pytest.param("missing_price", "expectation missing_price", id="declared_and_begins_like_ours"),
    ],
)
def test_explanations(spark: SparkSession, rule: str, words: str):
    assert bounded(spark.range(1).select(explained(F.lit(rule)).alias("words")), 1)[0].words == words


def test_rejected_text_is_in_the_vault_and_nowhere_else(rows: dict[str, Row]):
    row = rows["rejected"]
    assert (row.vault_ref, row.excerpt) == ("rejected", None)
    assert (rows["first"].vault_ref, rows["first"].excerpt) == (None, "{}")


def test_excerpts_are_short(rows: dict[str, Row]):
    assert rows["long"].excerpt == "x" * EXCERPT


def test_excerpts_are_redacted(rows: dict[str, Row]):
    assert rows["mail"].excerpt == '{"note":"ask <email>"}'


def test_an_address_across_the_cut_is_redacted_too(rows: dict[str, Row]):
    """Cut first, half an address would be left, which no pattern finds."""
    assert "somebody" not in rows["mail at the cut"].excerpt
    assert rows["mail at the cut"].excerpt == "x" * (EXCERPT - 12) + " <email> and"


def test_new_entries_are_open(rows: dict[str, Row]):
    assert {(row.status, row.status_batch_id, row.batch_id) for row in rows.values()} == {("open", None, 3)}
