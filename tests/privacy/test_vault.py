"""Rejected texts: readable with the key alone, cut at 4 KB, the same bytes after a crash."""

from __future__ import annotations

import base64

import pyarrow as pa
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.errors import ConfigError
from omniseg.lake.bounded import bounded
from omniseg.privacy.vault import (
    LONGEST,
    decrypt,
    decrypt_or_none,
    derived,
    encrypt,
    encrypted,
    keyed_hash,
    opened,
    sealer,
    text_hash,
)

KEY = b"a-key-of-the-vault-0123456789"
OTHER = b"another-key-of-the-vault-0123"
NAME = "OMNISEG_VAULT_KEY"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param('{"id": "o-1", "price":', id="half_a_record"),
        pytest.param("max@example.com;+49 30 1234567", id="personal_data"),
        pytest.param("日本語 😀 İ e\u0301", id="other_scripts"),
        pytest.param("a\x00b\x1fc", id="control_characters"),
        pytest.param("x" * LONGEST, id="exactly_the_longest"),
        pytest.param("line\r\nline", id="line_ends"),
    ],
)
def test_round_trip(text: str):
    assert decrypt(encrypt(text, KEY), KEY) == text


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_round_trip_of_anything(text: str):
    """A lone surrogate (no character) comes back as replacement characters; everything else as it was."""
    expected = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert decrypt(encrypt(text, KEY), KEY) == expected


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("x" * (LONGEST + 1), "x" * LONGEST, id="one_byte_too_many"),
        pytest.param("é" * LONGEST, "é" * (LONGEST // 2), id="between_two_characters_of_two_bytes"),
        pytest.param("a" + "é" * LONGEST, "a" + "é" * (LONGEST // 2 - 1) + "\ufffd", id="inside_two_bytes"),
        pytest.param("ab" + "€" * LONGEST, "ab" + "€" * ((LONGEST - 2) // 3) + "\ufffd", id="inside_three_bytes"),
        pytest.param("a" + "😀" * LONGEST, "a" + "😀" * (LONGEST // 4 - 1) + "\ufffd", id="inside_four_bytes"),
    ],
)
def test_longer_texts_are_cut_by_bytes(text: str, kept: str):
    assert decrypt(encrypt(text, KEY), KEY) == kept


def test_a_text_of_25_mb_takes_no_more_room_than_a_short_one():
    assert len(encrypt("x" * 25_000_000, KEY)) == len(encrypt("x" * LONGEST, KEY))


def test_the_same_text_gives_the_same_bytes_so_a_repeated_run_changes_nothing():
    assert encrypt("text", KEY) == encrypt("text", KEY)
    assert encrypt("text", KEY) != encrypt("text ", KEY)
    assert encrypt("text", KEY) != encrypt("text", OTHER)


def test_the_text_does_not_stand_in_what_is_stored():
    stored = encrypt("max@example.com" * 20, KEY)
    assert b"example" not in base64.b64decode(stored)


def test_another_key_opens_nothing():
    stored = encrypt("text", KEY)
    assert decrypt_or_none(stored, OTHER) is None
    with pytest.raises(InvalidTag):
        decrypt(stored, OTHER)


@pytest.mark.parametrize("place", [0, 15, 16, -1])
def test_altered_bytes_open_nothing(place: int):
    stored = bytearray(base64.b64decode(encrypt("a text of some length", KEY)))
    stored[place] ^= 1
    assert decrypt_or_none(base64.b64encode(stored).decode(), KEY) is None


def test_the_key_of_encryption_is_not_the_key_itself():
    assert len(derived(KEY)) == 64
    assert KEY not in derived(KEY)
    assert derived(KEY) != derived(OTHER)


def test_hashes_tell_equal_rejects_without_their_text():
    assert keyed_hash("text", KEY) == keyed_hash("text", KEY)
    assert len({keyed_hash("text", KEY), keyed_hash("text", OTHER), keyed_hash("text ", KEY)}) == 3
    assert len(keyed_hash("", KEY)) == 64


def test_hashes_cover_the_whole_text_not_the_part_that_is_kept():
    same_start = "x" * LONGEST
    assert keyed_hash(same_start + "a", KEY) != keyed_hash(same_start + "b", KEY)
    assert encrypt(same_start + "a", KEY) == encrypt(same_start + "b", KEY)


def test_a_lone_surrogate_has_a_hash():
    assert keyed_hash("\ud800", KEY) != keyed_hash("?", KEY)


def test_the_key_is_fetched_where_the_function_runs(monkeypatch: pytest.MonkeyPatch):
    compute = sealer("OMNISEG_TEST_KEY", keyed_hash)
    monkeypatch.delenv("OMNISEG_TEST_KEY", raising=False)
    with pytest.raises(ConfigError, match="OMNISEG_TEST_KEY"):
        compute(pa.array(["text"]))
    monkeypatch.setenv("OMNISEG_TEST_KEY", KEY.decode())
    assert compute(pa.array(["text", None])).to_pylist() == [keyed_hash("text", KEY), None]


def test_columns_round_trip_nulls_included(spark: SparkSession):
    texts = ["{broken", "", "é" * LONGEST, None]
    rows = spark.createDataFrame([(text,) for text in texts], "text STRING")
    sealed = rows.select(encrypted(F.col("text"), key_name=NAME).alias("sealed"))
    found = bounded(sealed.select("sealed", opened(F.col("sealed"), key_name=NAME).alias("opened")), 10)
    assert {row.opened for row in found} == {"{broken", "", "é" * (LONGEST // 2), None}
    assert {row.sealed for row in found} & {text for text in texts if text is not None} == set()


def test_columns_of_another_key_are_null_and_do_not_end_the_others(spark: SparkSession):
    known = b"test-key-of-the-vault-0123456789abcdef"
    rows = spark.createDataFrame([(encrypt("mine", known),), (encrypt("theirs", OTHER),)], "sealed STRING")
    found = bounded(rows.select(opened(F.col("sealed"), key_name=NAME)), 2)
    assert [row[0] for row in found] == ["mine", None]


def test_the_hash_column_is_the_hash_function(spark: SparkSession):
    rows = spark.createDataFrame([("text",)], "text STRING")
    (row,) = bounded(rows.select(text_hash(F.col("text"), key_name=NAME)), 1)
    assert row[0] == keyed_hash("text", b"test-key-of-the-vault-0123456789abcdef")
