"""Privacy before the first write: pseudonyms wherever the identifier stands, redacted text where nobody reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from omniseg.ingest.parse import PARSED
from omniseg.ingest.protect import Protection, is_used, protect, to_redact
from omniseg.lake.bounded import bounded
from omniseg.privacy.keys import key
from omniseg.privacy.pseudonyms import keyed

KEY = "OMNISEG_PSEUDONYM_KEY"
AT = datetime(2024, 3, 5, 10, 0, 0, 123456, timezone.utc)
SCHEMA = """
    card STRING, member BIGINT, note STRING, remark STRING, tags ARRAY<STRING>, facts MAP<STRING,STRING>,
    user STRUCT<mail: STRING, note: STRING, deep: STRUCT<phone: STRING, note: STRING, age: INT>>,
    other STRUCT<note: STRING>, items ARRAY<STRUCT<n: INT, note: STRING>>, at TIMESTAMP, qty INT,
    __file STRING, __received_at TIMESTAMP, __position BIGINT, __rules ARRAY<STRING>, __reject STRING, __rescued STRING
"""
DIRTY = "call +49 30 1234567 or a.b@example.org"
CLEAN = "call <phone> or <email>"
RECORD: Mapping[str, Any] = {
    "card": "4711",
    "member": 42,
    "note": DIRTY,
    "remark": DIRTY,
    "tags": ["x", DIRTY, None],
    "facts": {"k": DIRTY, "n": None},
    "user": (" A@Example.org ", DIRTY, ("+49 (30) 123", DIRTY, 30)),
    "other": (DIRTY,),
    "items": [(1, DIRTY), (2, None)],
    "at": AT,
    "qty": 3,
    "__file": "f",
    "__received_at": AT,
    "__position": 0,
    "__rules": [],
    "__reject": None,
    "__rescued": json.dumps({"more": DIRTY}),
}
USUAL = Protection(
    personal={"card": "loyalty", "member": "account", "user.mail": "email", "user.deep.phone": "phone"},
    used=frozenset({"card", "note", "at", "qty", "user.deep.age"}),
    free_text=frozenset(),
    keep_text=False,
    key_name=KEY,
    key_version="v1",
)
WAYS: Mapping[str, Protection] = {
    "usual": USUAL,
    "keep": replace(USUAL, keep_text=True),
    "free_text": replace(USUAL, free_text=frozenset({"note"})),
    "reads_inside": replace(USUAL, used=USUAL.used | {"user.note", "items", "tags", "facts"}),
    "reads_all_of_user": replace(USUAL, used=USUAL.used | {"user"}),
    "nothing_personal": replace(USUAL, personal={}, keep_text=True),
    "personal_and_kept": replace(USUAL, keep_text=True, key_version="v2"),
}


def record(spark: SparkSession, protection: Protection, **changes: Any) -> Row:
    """RECORD with changes, protected."""
    rows = spark.createDataFrame([tuple({**RECORD, **changes}.values())], SCHEMA)
    return bounded(protect(rows, protection), 1)[0]


@pytest.fixture(scope="module")
def ways(spark: SparkSession) -> dict[str, Row]:
    """RECORD, protected in each of WAYS."""
    return {name: record(spark, way) for name, way in WAYS.items()}


def expected(text: str, kind: str, version: str = "v1") -> str | None:
    """The pseudonym, computed without Spark."""
    return keyed(text, kind, version, key(KEY))


def test_top_level_identifiers_become_pseudonyms(ways: dict[str, Row]):
    assert ways["usual"].card == expected("4711", "loyalty")
    assert ways["usual"].card.startswith("loyalty:v1:")


def test_a_number_is_an_identifier_like_its_text(ways: dict[str, Row]):
    assert ways["usual"].member == expected("42", "account")


def test_identifiers_inside_structs_become_pseudonyms(ways: dict[str, Row]):
    user = ways["usual"].user
    assert user.mail == expected("a@example.org", "email")
    assert user.deep.phone == expected("+4930123", "phone")


def test_what_is_beside_an_identifier_stays(ways: dict[str, Row]):
    assert ways["usual"].user.deep.age == 30


def test_the_key_version_is_a_part_of_the_pseudonym(ways: dict[str, Row]):
    assert ways["personal_and_kept"].card == expected("4711", "loyalty", "v2")


def test_text_that_nobody_reads_is_redacted(ways: dict[str, Row]):
    row = ways["usual"]
    assert row.remark == CLEAN
    assert (row.user.note, row.user.deep.note, row.other.note) == (CLEAN, CLEAN, CLEAN)


def test_text_that_an_expression_reads_is_data(ways: dict[str, Row]):
    assert ways["usual"].note == DIRTY
    assert ways["reads_inside"].user.note == DIRTY
    assert ways["reads_inside"].user.deep.note == CLEAN


def test_who_reads_a_struct_reads_all_of_it(ways: dict[str, Row]):
    row = ways["reads_all_of_user"]
    assert (row.user.note, row.user.deep.note) == (DIRTY, DIRTY)
    assert row.user.mail == expected("a@example.org", "email")


def test_free_text_is_redacted_although_it_is_read(ways: dict[str, Row]):
    assert ways["free_text"].note == CLEAN


def test_arrays_and_maps_are_redacted_element_by_element(ways: dict[str, Row]):
    row = ways["usual"]
    assert row.tags == ["x", CLEAN, None]
    assert row.facts == {"k": CLEAN, "n": None}
    assert [tuple(item) for item in row["items"]] == [(1, CLEAN), (2, None)]


def test_arrays_and_maps_that_are_read_stay(ways: dict[str, Row]):
    row = ways["reads_inside"]
    assert (row.tags, row.facts) == (RECORD["tags"], RECORD["facts"])
    assert [tuple(item) for item in row["items"]] == RECORD["items"]


def test_numbers_and_times_are_no_text(ways: dict[str, Row]):
    row = ways["usual"]
    assert row.qty == 3
    assert row["at"].replace(tzinfo=timezone.utc) == AT


def test_free_text_is_kept_where_the_declaration_says_so(ways: dict[str, Row]):
    row = ways["keep"]
    assert (row.remark, row.other.note, row.tags) == (DIRTY, DIRTY, RECORD["tags"])
    assert row["__rescued"] == RECORD["__rescued"]
    assert row.card == expected("4711", "loyalty")


def test_rescued_fields_are_redacted(ways: dict[str, Row]):
    assert json.loads(ways["usual"]["__rescued"]) == {"more": CLEAN}


def test_without_anything_to_protect_the_record_is_as_it_was(ways: dict[str, Row]):
    row = ways["nothing_personal"]
    assert (row.card, row.member, row.user.mail) == ("4711", 42, " A@Example.org ")


def test_the_payload_holds_what_is_protected(ways: dict[str, Row]):
    payload = json.loads(ways["usual"]["__payload"])
    assert payload["card"] == expected("4711", "loyalty")
    assert payload["user"]["deep"] == {"phone": expected("+4930123", "phone"), "note": CLEAN, "age": 30}
    assert payload["remark"] == CLEAN
    assert not [name for name in payload if name in PARSED]
    assert "4711" not in ways["usual"]["__payload"].replace(str(expected("4711", "loyalty")), "")


def test_the_payload_keeps_microseconds(ways: dict[str, Row]):
    """A replay reads the payload; with milliseconds it would give another event_time."""
    assert json.loads(ways["usual"]["__payload"])["at"] == "2024-03-05T10:00:00.123456Z"


def test_rejected_text_has_no_payload(spark: SparkSession):
    row = record(spark, USUAL, __reject="{", __rules=["malformed"])
    assert (row["__payload"], row["__reject"], row["__rules"]) == (None, "{", ["malformed"])


def test_absent_values_stay_absent(spark: SparkSession):
    row = record(spark, USUAL, card="n/a", member=None, user=None, tags=None, items=None, remark=None, __rescued=None)
    assert (row.card, row.member, row.tags, row["items"], row.remark, row["__rescued"]) == (None,) * 6
    assert row.user is None or set(row.user.asDict(recursive=True).values()) == {None}


def test_protected_again_pseudonyms_stay_and_redacted_text_links_nobody(spark: SparkSession):
    again = replace(USUAL, again=True)
    made = expected("4711", "loyalty")
    row = record(spark, again, card=made, user=(CLEAN, "x", ("+49 (30) 123", "x", 1)))
    assert (row.card, row.user.mail) == (made, None)
    # What the first protection let pass (nobody had declared it personal) becomes a pseudonym now.
    assert row.user.deep.phone == expected("+4930123", "phone")


@pytest.mark.parametrize(
    ("path", "used", "expected"),
    [
        pytest.param("a", {"a"}, True, id="itself"),
        pytest.param("a", {"a.b"}, True, id="something_inside"),
        pytest.param("a.b", {"a"}, True, id="something_around"),
        pytest.param("a.b", {"a.c"}, False, id="a_sister"),
        pytest.param("a", {"ab"}, False, id="a_longer_name"),
        pytest.param("ab", {"a"}, False, id="a_shorter_name"),
        pytest.param("a", set(), False, id="nobody"),
    ],
)
def test_who_reads_what(path: str, used: set[str], *, expected: bool):
    assert is_used(path, used) is expected


@pytest.mark.parametrize(
    ("path", "protection", "expected"),
    [
        pytest.param("remark", USUAL, True, id="unread"),
        pytest.param("note", USUAL, False, id="read"),
        pytest.param("note", WAYS["free_text"], True, id="read_but_free_text"),
        pytest.param("remark", WAYS["keep"], False, id="unread_but_kept"),
        pytest.param("note", replace(WAYS["free_text"], keep_text=True), False, id="keep_goes_before_free_text"),
    ],
)
def test_what_is_redacted(path: str, protection: Protection, *, expected: bool):
    assert to_redact(path, protection) is expected
