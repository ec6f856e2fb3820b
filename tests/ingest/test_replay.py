"""Received records as text again: what is put together is what stood in the file, as far as it was kept."""

from __future__ import annotations

import json
from datetime import date

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.ingest.parse import parse_json
from omniseg.ingest.protect import Protection, protect
from omniseg.ingest.replay import known_rules, text_again, too_late, whole
from omniseg.privacy.vault import encrypt, opened


@pytest.mark.parametrize(
    ("payload", "rescued", "expected"),
    [
        pytest.param('{"a":"1"}', None, {"a": "1"}, id="payload_alone"),
        pytest.param('{"a":"1"}', '{"B":"2"}', {"a": "1", "B": "2"}, id="with_unknown_fields"),
        pytest.param("{}", '{"B":"2"}', {"B": "2"}, id="nothing_known"),
        pytest.param('{"a":{"x":"1"},"b":["1","2"]}', "{}", {"a": {"x": "1"}, "b": ["1", "2"]}, id="nested"),
        pytest.param("{}", None, {}, id="nothing_at_all"),
        pytest.param('{"a":"},{"}', '{"B":"}"}', {"a": "},{", "B": "}"}, id="brackets_in_values"),
    ],
)
def test_text_again(spark: SparkSession, payload: str, rescued: str | None, expected: dict[str, object]):
    rows = spark.createDataFrame([(payload, rescued)], "payload STRING, rescued STRING")
    assert json.loads(rows.select(text_again()).collect()[0][0]) == expected


@pytest.mark.parametrize(
    ("record_id", "expected"),
    [
        pytest.param("till-1-5", "till-1-5", id="record"),
        pytest.param("till-1-5#12", "till-1-5", id="element"),
    ],
)
def test_whole(spark: SparkSession, record_id: str, expected: str):
    rows = spark.createDataFrame([(record_id,)], "record_id STRING")
    assert rows.select(whole()).collect()[0][0] == expected


@pytest.mark.parametrize(
    ("json_format", "kept"),
    [
        pytest.param(True, ["case_variant:id", "malformed"], id="json_keeps_both"),
        pytest.param(False, ["malformed"], id="other_formats_know_no_variants"),
    ],
)
def test_known_rules(spark: SparkSession, json_format: bool, kept: list[str]):
    rows = spark.createDataFrame([(["case_variant:id", "malformed"],)], "rules ARRAY<STRING>")
    assert rows.select(known_rules(F.col("rules"), json=json_format)).collect()[0][0] == kept


def test_lateness_by_the_batch_that_a_record_came_with(spark: SparkSession):
    first, later = date(2025, 1, 1), date(2025, 1, 8)
    rows = [("s-1-1", first, ["bad"]), ("s-2-1", first, []), ("s-3-1#2", first, []), ("s-3-2", later, [])]
    judged = spark.createDataFrame(rows, "record_id STRING, event_date DATE, rules ARRAY<STRING>")
    names = [("s-1-1", 1), ("s-2-1", 2), ("s-3-1#2", 3), ("s-3-2", 3)]
    opened = spark.createDataFrame(names, "record_id STRING, batch_id BIGINT")
    known = [(1, None), (2, date(2025, 1, 4)), (3, date(2025, 1, 5))]
    newest = spark.createDataFrame(known, "batch_id BIGINT, newest_date DATE")
    found = too_late(judged, opened, newest, max_late_days=3)
    assert found.columns == judged.columns
    assert {row.record_id: row.rules for row in found.collect()} == {
        "s-1-1": ["bad"],
        "s-2-1": [],
        "s-3-1#2": ["too_late"],
        "s-3-2": [],
    }


MADE = "loyalty:v1:" + "0f" * 32


@pytest.mark.parametrize(
    ("delivered", "expected"),
    [
        pytest.param(MADE, MADE, id="pseudonym_stays"),
        pytest.param("<email>", None, id="redacted_text_is_nobody"),
        pytest.param("see <phone>", None, id="partly_redacted_text_is_nobody"),
        pytest.param(None, None, id="nobody_stays_nobody"),
    ],
)
def test_protecting_again(spark: SparkSession, delivered: str | None, expected: str | None):
    assert protected_again(spark, delivered) == expected


def test_protecting_again_finds_columns_that_became_personal(spark: SparkSession):
    assert str(protected_again(spark, "4001")).startswith("loyalty:v1:")


def protected_again(spark: SparkSession, value: str | None) -> object:
    """The personal column `card` of a replayed record."""
    lines = [(json.dumps({"card": value}), "f", 1)]
    rows = spark.createDataFrame(lines, "value STRING, __file STRING, __position INT")
    parsed = parse_json(rows.withColumn("__received_at", F.lit("2025-01-01").cast("timestamp")), schema="card STRING")
    how = Protection({"card": "loyalty"}, frozenset(), frozenset(), False, "OMNISEG_PSEUDONYM_KEY", "v1", again=True)
    return protect(parsed, how).collect()[0].card


def test_vault_gives_back_what_its_own_key_sealed(spark: SparkSession):
    own = encrypt("a text", b"test-key-of-the-vault-0123456789abcdef")
    sealed = [(own,), (encrypt("a text", b"another key"),), (own[:-8] + "AAAAAAA=",), (None,)]
    rows = spark.createDataFrame(sealed, "sealed STRING")
    found = rows.select(opened(F.col("sealed"), key_name="OMNISEG_VAULT_KEY").alias("text")).collect()
    assert [row.text for row in found] == ["a text", None, None, None]
