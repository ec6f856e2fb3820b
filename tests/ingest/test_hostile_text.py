"""D12, D13: texts that no keyboard makes, and records too large or too deep, on their way from a file to a verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from omniseg.ingest.parse import MOST_FIELDS, parse_columns, parse_json, parse_text
from omniseg.ingest.protect import Protection, protect
from omniseg.ingest.quarantine import LONGEST_TEXT
from omniseg.lake.bounded import bounded
from omniseg.lake.raw import read_csv, read_lines
from omniseg.privacy.vault import encrypted, opened, text_hash

SCHEMA = "id STRING, login STRING, note STRING"
HOW = Protection({"login": "login"}, frozenset(["id"]), frozenset(), False, "OMNISEG_PSEUDONYM_KEY", "v1")


def line(scenario: str, **values: str) -> bytes:
    """A JSON line as a system writes it."""
    return json.dumps({"id": scenario, **values}, ensure_ascii=False).encode("utf-8", "surrogatepass")


# Scenario -> (line of the file, broken rules, the note that is kept).
TEXTS: Mapping[str, tuple[bytes, list[str], str | None]] = {
    "D12_composed": (line("x", login="jos\u00e9", note="caf\u00e9"), [], "caf\u00e9"),
    "D12_decomposed_is_the_same_person": (line("x", login="jose\u0301", note="cafe\u0301"), [], "cafe\u0301"),
    "D12_full_width_is_the_same_person": (line("x", login="\uff4a\uff4f\uff53\u00e9", note="\uff41"), [], "\uff41"),
    "D12_cyrillic_is_somebody_else": (line("x", login="j\u043es\u00e9", note="j\u043es"), [], "j\u043es"),
    "D12_right_to_left": (line("x", note="\u202eabc\u202c"), [], "\u202eabc\u202c"),
    "D12_emoji": (line("x", note="\U0001f600\U0001f468\u200d\U0001f469"), [], "\U0001f600\U0001f468\u200d\U0001f469"),
    "D12_dotted_capital_i": (line("x", note="\u0130stanbul"), [], "\u0130stanbul"),
    "D12_escaped_nul": (b'{"id":"x","note":"a\\u0000b"}', [], "a\x00b"),
    "D12_nul_as_it_is": (b'{"id":"x","note":"a\x00b"}', ["malformed"], None),
    "D12_lone_surrogate": (b'{"id":"x","note":"a\\ud83d b"}', [], "a? b"),
    "D12_invalid_utf_8": (b'{"id":"x","note":"a\xff\xfeb"}', ["malformed"], None),
    "D12_cut_utf_8": (b'{"id":"x","note":"a\xc3"}', ["malformed"], None),
}


@pytest.fixture(scope="module")
def texts(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """TEXTS as one file, read, parsed and protected."""
    file: Path = tmp_path_factory.mktemp("texts") / "1.jsonl"
    file.write_bytes(b"\n".join(text for text, _, _ in TEXTS.values()) + b"\n")
    rows = protect(parse_json(read_lines(spark, [str(file)]), schema=SCHEMA), HOW)
    found = sorted(bounded(rows, 1000), key=lambda row: int(row["__position"]))
    return dict(zip(TEXTS, found, strict=True))


@pytest.mark.parametrize("scenario", TEXTS)
def test_D12_a_text_is_kept_or_its_record_refused(texts: dict[str, Row], scenario: str):
    _, rules, note = TEXTS[scenario]
    row = texts[scenario]
    assert (list(row["__rules"]), row.note) == (rules, note)
    assert (row["__reject"] is None) == (not rules)


def test_D12_one_person_however_written_and_a_look_alike_is_another(texts: dict[str, Row]):
    written = {name.removeprefix("D12_"): row.login for name, row in texts.items() if row.login}
    same = {written["composed"], written["decomposed_is_the_same_person"], written["full_width_is_the_same_person"]}
    assert len(same) == 1
    assert written["cyrillic_is_somebody_else"] not in same


def test_D12_a_look_alike_is_marked_and_nothing_else(texts: dict[str, Row]):
    assert [name for name, row in texts.items() if row["__lookalike"]] == ["D12_cyrillic_is_somebody_else"]


# Scenario -> (line of a CSV file, broken rules, the note that is kept).
CELLS: Mapping[str, tuple[bytes, list[str], str | None]] = {
    "D12_csv_text": ("x;caf\u00e9\n".encode(), [], "caf\u00e9"),
    "D12_csv_invalid_utf_8": (b"x;a\xffb\n", ["malformed"], "a\ufffdb"),
    "D12_csv_invalid_utf_8_in_an_identifier": (b"\xfe;a\n", ["malformed"], "a"),
    "D12_csv_empty": (b"x;\n", [], None),
}


@pytest.fixture(scope="module")
def cells(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """CELLS as one file, read and parsed."""
    file: Path = tmp_path_factory.mktemp("cells") / "1.csv"
    file.write_bytes(b"id;note\n" + b"".join(text for text, _, _ in CELLS.values()))
    options = {"header": "true", "sep": ";"}
    rows = read_csv(spark, [str(file)], options=options, names=("id", "note"), group=0)
    found = sorted(bounded(parse_columns(rows, known=("id", "note")), 1000), key=lambda row: int(row["__position"]))
    return dict(zip(CELLS, found, strict=True))


@pytest.mark.parametrize("scenario", CELLS)
def test_D12_bytes_that_are_no_text_make_a_csv_record_malformed(cells: dict[str, Row], scenario: str):
    _, rules, note = CELLS[scenario]
    row = cells[scenario]
    assert (list(row["__rules"]), row.note) == (rules, note)
    assert (row["__reject"] is None) == (not rules)


def test_D12_so_do_they_a_line_of_text(spark: SparkSession, tmp_path: Path):
    file = tmp_path / "1.log"
    file.write_bytes(b"GET /a\nGET /\xff\n")
    rows = bounded(parse_text(read_lines(spark, [str(file)])), 10)
    assert [(row.value is not None, row["__rules"], row["__reject"]) for row in rows] == [
        (True, [], None),
        (True, ["malformed"], "GET /\ufffd"),
    ]


def fields(many: int) -> str:
    """An expression of a record with so many fields beside its id."""
    made = f"""transform(sequence(1, {many}), n -> concat(',"f', n, '":1'))"""
    return f"""concat('{{"id":"x"', array_join({made}, ''), '}}')"""


# Scenario -> (expression of the line, broken rules, characters of it that go to the vault).
LARGE: Mapping[str, tuple[str, list[str], int | None]] = {
    "D13_25_mb_in_one_text": (
        """concat('{"id":"x","note":"', repeat('y', 25000000), '"}')""",
        ["malformed"],
        LONGEST_TEXT,
    ),
    "D13_1200_levels": (
        """concat('{"id":"x","note":', repeat('[', 1200), repeat(']', 1200), '}')""",
        ["malformed"],
        2 * 1200 + 18,
    ),
    "D13_100000_fields": (fields(100_000), ["too_many_fields"], LONGEST_TEXT),
    "D13_a_million_elements": ("""concat('{"id":"x","note":[1', repeat(',1', 999999), ']}')""", [], None),
    "D13_as_many_fields_as_are_taken": (fields(MOST_FIELDS - 1), [], None),
}


@pytest.fixture(scope="module")
def large(spark: SparkSession) -> dict[str, Row]:
    """LARGE, parsed and protected, as sizes; and of what is refused, what the vault gets."""
    records = [
        spark.range(1).select(
            F.lit(name).alias("__file"),
            F.lit("2024-03-05").cast("timestamp").alias("__received_at"),
            F.lit(0).alias("__position"),
            F.expr(text).alias("value"),
        )
        for name, (text, _, _) in LARGE.items()
    ]
    lines = records[0]
    for more in records[1:]:
        lines = lines.unionByName(more)
    return {row["__file"]: row for row in bounded(sizes(protect(parse_json(lines, schema=SCHEMA), HOW)), 100)}


def sizes(rows: DataFrame) -> DataFrame:
    """What is kept of each record, in characters."""
    sealed = encrypted(F.substring("__reject", 1, LONGEST_TEXT), key_name="OMNISEG_VAULT_KEY")
    return rows.select(
        "__file",
        "__rules",
        F.length("note").alias("note"),
        F.length("__rescued").alias("rescued"),
        F.length(opened(sealed, key_name="OMNISEG_VAULT_KEY")).alias("vault"),
        F.length(text_hash(F.col("__reject"), key_name="OMNISEG_VAULT_KEY")).alias("hash"),
    )


@pytest.mark.parametrize("scenario", LARGE)
def test_D13_a_record_that_is_too_large_is_refused_alone_and_cut(large: dict[str, Row], scenario: str):
    _, rules, kept = LARGE[scenario]
    row = large[scenario]
    assert list(row["__rules"]) == rules
    assert (row.vault, row.hash) == (kept, 64 if rules else None)
    assert bool(row.rescued) == (scenario == "D13_as_many_fields_as_are_taken")
