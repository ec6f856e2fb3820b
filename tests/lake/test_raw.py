"""Delivered files as frames: every record, its text unchanged, its place known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.deliveries import plain_path
from omniseg.lake.bounded import bounded
from omniseg.lake.raw import (
    CORRUPT,
    GROUP_BITS,
    infer_json,
    read_csv,
    read_lines,
    read_parquet,
)

ORIGIN = ["__file", "__received_at", "__position"]


def written(folder: Path, name: str, content: bytes) -> str:
    """A delivered file of 2024-04-01."""
    file = folder / name
    file.write_bytes(content)
    os.utime(file, (1_711_929_600, 1_711_929_600))
    return str(file)


def values(rows: DataFrame, *columns: str) -> list[Any]:
    """The values of one column, or tuples of several, in reading order."""
    found = sorted(bounded(rows, 1000), key=lambda row: int(row["__position"]))
    return [row[columns[0]] if len(columns) == 1 else tuple(row[name] for name in columns) for row in found]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"a\nb\n", ["a", "b"], id="lines"),
        pytest.param(b"a\nb", ["a", "b"], id="last_line_without_end"),
        pytest.param(b"a\r\nb\r\n", ["a", "b"], id="D19_crlf"),
        pytest.param(b"a\n\n   \nb\n\n", ["a", "b"], id="blank_lines_are_no_records"),
        pytest.param(b"", [], id="D17_empty_file"),
        pytest.param(b"\n\n", [], id="only_blank_lines"),
        pytest.param(b"  a \n", ["  a "], id="space_around_is_kept"),
        pytest.param('{"x":"ö😀"}\n'.encode(), ['{"x":"ö😀"}'], id="other_scripts"),
        pytest.param(b"x" * 100_000 + b"\n", ["x" * 100_000], id="long_line"),
    ],
)
def test_lines(spark: SparkSession, tmp_path: Path, content: bytes, expected: list[str]):
    assert values(read_lines(spark, [written(tmp_path, "a.jsonl", content)]), "value") == expected


def test_lines_of_another_encoding(spark: SparkSession, tmp_path: Path):
    path = written(tmp_path, "a.jsonl", "größe\nstraße\n".encode("latin-1"))
    assert values(read_lines(spark, [path], encoding="ISO-8859-1"), "value") == ["größe", "straße"]


def test_every_record_knows_where_it_came_from(spark: SparkSession, tmp_path: Path):
    paths = [written(tmp_path, name, b"a\nb\n") for name in ("1.jsonl", "2.jsonl")]
    rows = read_lines(spark, paths)
    assert rows.columns == ["value", *ORIGIN]
    found = bounded(rows, 10)
    assert sorted(plain_path(row["__file"]) for row in found) == sorted(f"file:{path}" for path in paths * 2)
    seconds = bounded(rows.select(F.unix_seconds("__received_at").alias("seconds")).distinct(), 5)
    assert [row.seconds for row in seconds] == [1_711_929_600]


def test_positions_increase_with_the_lines_of_a_file_and_never_repeat(spark: SparkSession, tmp_path: Path):
    paths = [
        written(tmp_path, f"{name}.jsonl", "".join(f"{name}{i:03}\n" for i in range(100)).encode()) for name in "abc"
    ]
    found = bounded(read_lines(spark, paths), 1000)
    assert len({row["__position"] for row in found}) == 300
    for path in paths:
        mine = sorted((row for row in found if row["__file"].endswith(path)), key=lambda row: int(row["__position"]))
        assert [row.value for row in mine] == sorted(row.value for row in mine)


def csv(spark: SparkSession, path: str, names: list[str], *, group: int = 0, **options: str) -> DataFrame:
    """A CSV file with a header."""
    return read_csv(spark, [path], options={"header": "true", **options}, names=names, group=group)


def test_csv_columns_are_texts_as_they_stand(spark: SparkSession, tmp_path: Path):
    path = written(tmp_path, "a.csv", b"id,price\n007,1.10\n1e5,NO\n")
    rows = csv(spark, path, ["id", "price"])
    assert rows.columns == ["id", "price", CORRUPT, *ORIGIN]
    assert {rows.schema[name].dataType.simpleString() for name in ("id", "price", CORRUPT)} == {"string"}
    assert values(rows, "id", "price") == [("007", "1.10"), ("1e5", "NO")]


def test_csv_with_too_few_or_too_many_fields_is_kept_as_text(spark: SparkSession, tmp_path: Path):
    path = written(tmp_path, "a.csv", b"id,price\n1,2\n3\n4,5,6\n7,8\n")
    rows = values(csv(spark, path, ["id", "price"]), "id", "price", CORRUPT)
    assert rows[0] == ("1", "2", None)
    assert [row[2] for row in rows] == [None, "3", "4,5,6", None]
    assert rows[3] == ("7", "8", None)


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        pytest.param(b"a;b\n1;2\n", {"sep": ";"}, [("1", "2")], id="D19_semicolons"),
        pytest.param(b'a,b\n"1,5",2\n', {}, [("1,5", "2")], id="D19_separator_in_quotes"),
        pytest.param(b'a,b\n"say ""x""",2\n', {}, [('say "x"', "2")], id="D19_quotes_in_quotes"),
        pytest.param(b'a,b\n"say \\"x\\"",2\n', {"escape": "\\"}, [('say "x"', "2")], id="backslashes_in_quotes"),
        pytest.param(b'a,b\n"x\ny",2\n', {"multiLine": "true"}, [("x\ny", "2")], id="D19_line_end_in_quotes"),
        pytest.param(b"a,b\r\n1,2\r\n", {}, [("1", "2")], id="D19_crlf"),
        pytest.param("a,b\nü,2\n".encode("latin-1"), {"encoding": "ISO-8859-1"}, [("ü", "2")], id="latin_1"),
        pytest.param(b"a,b\n,2\n", {}, [(None, "2")], id="empty_field_is_null"),
        pytest.param(b"a,b\n", {}, [], id="D17_header_only"),
        pytest.param(b"", {}, [], id="D17_empty_file"),
    ],
)
def test_csv_dialects(
    spark: SparkSession, tmp_path: Path, content: bytes, options: dict[str, str], expected: list[tuple[str, str]]
):
    path = written(tmp_path, "a.csv", content)
    assert (
        values(read_csv(spark, [path], options={"header": "true", **options}, names=["a", "b"], group=0), "a", "b")
        == expected
    )


def test_csv_names_may_hold_anything(spark: SparkSession, tmp_path: Path):
    names = ["order id", "price (EUR)", "a.b", "tick`ed"]
    path = written(tmp_path, "a.csv", b"1,2,3,4\n")
    rows = read_csv(spark, [path], options={"header": "false"}, names=names, group=0)
    assert rows.columns[:4] == names
    assert values(rows, *names) == [("1", "2", "3", "4")]


def test_groups_of_files_have_positions_of_their_own(spark: SparkSession, tmp_path: Path):
    first = csv(spark, written(tmp_path, "1.csv", b"a,b\n1,2\n3,4\n"), ["a", "b"], group=0)
    second = csv(spark, written(tmp_path, "2.csv", b"b,a\n5,6\n7,8\n"), ["b", "a"], group=1)
    low, high = values(first, "__position"), values(second, "__position")
    assert max(low) < 1 << GROUP_BITS <= min(high)
    assert [place - (1 << GROUP_BITS) for place in high] == low


def test_parquet_columns_keep_their_types_and_are_merged_by_name(spark: SparkSession, tmp_path: Path):
    spark.createDataFrame([(1, "x")], "id INT, name STRING").write.parquet(str(tmp_path / "a"))
    spark.createDataFrame([("y", 2, 1.5)], "name STRING, id INT, extra DOUBLE").write.parquet(str(tmp_path / "b"))
    rows = read_parquet(spark, [str(tmp_path / "a"), str(tmp_path / "b")])
    assert rows.select("id", "name", "extra").schema.simpleString() == "struct<id:int,name:string,extra:double>"
    assert rows.columns[-3:] == ORIGIN
    found = {(row.id, row.name, row.extra) for row in bounded(rows, 5)}
    assert found == {(1, "x", None), (2, "y", 1.5)}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(['{"id": 9007199254740993}'], "`id` string", id="D07_numbers_keep_their_digits"),
        pytest.param(['{"a": true, "b": 1.10, "c": null}'], "`a` string, `b` string, `c` string", id="primitives"),
        pytest.param(['{"o": {"x": 1}}'], "`o` struct<x:string>", id="objects"),
        pytest.param(['{"l": [1, 2]}'], "`l` array<string>", id="lists"),
        pytest.param(['{"a": 1}', '{"b": 2}'], "`a` string, `b` string", id="columns_of_all_lines"),
        pytest.param(['{"a": 1}', "{broken", "also broken"], "`a` string", id="D04_broken_lines_are_left_out"),
        pytest.param(['{"order id": 1}'], "`order id` string", id="names_with_spaces"),
    ],
)
def test_infer_json(spark: SparkSession, tmp_path: Path, lines: list[str], expected: str):
    path = written(tmp_path, "a.jsonl", "\n".join(lines).encode())
    assert infer_json(spark, [path]) == expected


def test_infer_json_of_two_files_knows_the_columns_of_both(spark: SparkSession, tmp_path: Path):
    paths = [written(tmp_path, "1.jsonl", b'{"a": 1}\n'), written(tmp_path, "2.jsonl", b'{"b": {"c": 1}}\n')]
    assert infer_json(spark, paths) == "`a` string, `b` struct<c:string>"
