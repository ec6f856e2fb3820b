"""What lies in the landing zone: names, hashes, first lines."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.lake.landing import (
    DeliveredFile,
    content_hash,
    content_hashes,
    first_line,
    first_lines,
    folder_exists,
    list_files,
)


def written(folder: Path, name: str, content: bytes = b"x", mtime: int = 1_712_000_000) -> Path:
    """A delivered file."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, (mtime, mtime))
    return file


def names(files: list[DeliveredFile]) -> list[str]:
    """Their last parts, in the given order."""
    return [file.path.rpartition("/")[2] for file in files]


def test_a_file_has_its_whole_path_size_and_time(spark: SparkSession, tmp_path: Path):
    file = written(tmp_path, "a.csv", b"12345")
    expected = DeliveredFile(f"file:{file}", 5, datetime.fromtimestamp(1_712_000_000, timezone.utc))
    assert list_files(spark, f"{tmp_path}/*.csv") == [expected]


def test_times_keep_their_milliseconds_in_utc(spark: SparkSession, tmp_path: Path):
    file = written(tmp_path, "a.csv")
    os.utime(file, ns=(1_712_000_000_123_000_000, 1_712_000_000_123_000_000))
    (found,) = list_files(spark, str(file))
    assert found.mtime == datetime(2024, 4, 1, 19, 33, 20, 123000, tzinfo=timezone.utc)


def test_files_come_sorted_by_path_not_by_age(spark: SparkSession, tmp_path: Path):
    for age, name in enumerate(["b.csv", "a.csv", "c.csv", "B.csv"]):
        written(tmp_path, name, mtime=1_712_000_000 - age)
    assert names(list_files(spark, f"{tmp_path}/*")) == ["B.csv", "a.csv", "b.csv", "c.csv"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("orders/*.csv", ["1.csv", "2.csv"], id="star"),
        pytest.param("orders/?.json", ["3.json"], id="question_mark"),
        pytest.param("orders/[12].csv", ["1.csv", "2.csv"], id="class"),
        pytest.param("orders/*.{csv,json}", ["1.csv", "2.csv", "3.json"], id="choice"),
        pytest.param("*/*.csv", ["1.csv", "2.csv", "4.csv"], id="folders"),
        pytest.param("orders/1.csv", ["1.csv"], id="one_name"),
        pytest.param("orders/*.xml", [], id="no_match"),
        pytest.param("nowhere/*.csv", [], id="no_folder"),
        pytest.param("nowhere/1.csv", [], id="no_file"),
        pytest.param("*", [], id="folders_are_no_files"),
    ],
)
def test_globs(spark: SparkSession, tmp_path: Path, pattern: str, expected: list[str]):
    for name in ("orders/1.csv", "orders/2.csv", "orders/3.json", "returns/4.csv"):
        written(tmp_path, name)
    assert names(list_files(spark, f"{tmp_path}/{pattern}")) == expected


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a;b\n1;2\n", id="text"),
        pytest.param(bytes(range(256)) * 5000, id="binary_over_a_megabyte"),
        pytest.param(b"\xff\xfe\x00bad", id="not_utf8"),
    ],
)
def test_content_hashes_are_sha256_of_the_bytes(spark: SparkSession, tmp_path: Path, content: bytes):
    file = written(tmp_path, "a", content)
    assert content_hash(spark, str(file)) == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_content_hashes_see_content_alone(spark: SparkSession, tmp_path: Path):
    paths = [
        str(written(tmp_path, "a", b"same", mtime=1_712_000_000)),
        str(written(tmp_path, "b", b"same", mtime=1_600_000_000)),
        str(written(tmp_path, "c", b"sama")),
    ]
    found = content_hashes(spark, paths)
    assert list(found) == paths
    assert found[paths[0]] == found[paths[1]] != found[paths[2]]


def test_many_files_are_hashed_side_by_side_and_none_is_mixed_up(spark: SparkSession, tmp_path: Path):
    files = {str(written(tmp_path, f"{i}.txt", f"content {i}".encode())): f"content {i}" for i in range(40)}
    found = content_hashes(spark, list(files))
    assert found == {path: f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" for path, text in files.items()}


def test_no_files_no_hashes(spark: SparkSession):
    assert content_hashes(spark, []) == {}
    assert first_lines(spark, [], "UTF-8") == {}


@pytest.mark.parametrize(
    ("content", "encoding", "expected"),
    [
        pytest.param(b"", "UTF-8", "", id="empty_file"),
        pytest.param(b"\n", "UTF-8", "", id="empty_line"),
        pytest.param(b"a;b\n1;2\n", "UTF-8", "a;b", id="header"),
        pytest.param(b"a;b", "UTF-8", "a;b", id="without_line_end"),
        pytest.param(b"a;b\r\n1;2\r\n", "UTF-8", "a;b", id="D19_crlf"),
        pytest.param(b"\xef\xbb\xbfa;b\n", "UTF-8", "a;b", id="D19_byte_order_mark"),
        pytest.param(b"\xef\xbb\xbf", "UTF-8", "", id="byte_order_mark_alone"),
        pytest.param("größe;preis\n".encode("latin-1"), "ISO-8859-1", "größe;preis", id="latin_1"),
        pytest.param("\ufeffgröße\n".encode("utf-16-le"), "UTF-16LE", "größe", id="utf_16"),
        pytest.param("größe\n".encode(), "UTF-8", "größe", id="utf_8"),
    ],
)
def test_first_lines(spark: SparkSession, tmp_path: Path, content: bytes, encoding: str, expected: str):
    file = written(tmp_path, "a.csv", content)
    assert first_line(spark, str(file), encoding) == expected
    assert first_lines(spark, [str(file)], encoding) == {str(file): expected}


def test_folders_and_files_exist_or_not(spark: SparkSession, tmp_path: Path):
    file = written(tmp_path, "a.csv")
    found = [folder_exists(spark, str(place)) for place in (tmp_path, file, tmp_path / "nowhere")]
    assert found == [True, True, False]
