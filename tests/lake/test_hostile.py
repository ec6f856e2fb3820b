"""D14: which files must not be read: links that lead out, and what unpacks to too much or not to its end."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.lake.hostile import MEGABYTE, fixed_folder, hostile_files, leads_out

PLAIN = b"{}\n" * 1000
PACKED: Mapping[str, tuple[bytes, str]] = {
    "plain.jsonl": (b" " * (2 * MEGABYTE), ""),
    "good.gz": (gzip.compress(PLAIN), ""),
    "just.gz": (gzip.compress(b" " * MEGABYTE), ""),
    "bomb.gz": (gzip.compress(b" " * (MEGABYTE + 1)), "unpacks to more than 1 MB (landing.max_unpacked_mb)"),
    "bomb.bz2": (bz2.compress(b" " * (MEGABYTE + 1)), "unpacks to more than 1 MB"),
    "cut.gz": (gzip.compress(PLAIN)[:-20], "cannot be read to its end"),
    "no_gzip.gz": (PLAIN, "cannot be read to its end"),
    "empty.gz": (b"", "cannot be read to its end"),
}


@pytest.fixture(scope="module")
def refused(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Why each of PACKED is refused."""
    folder = tmp_path_factory.mktemp("packed")
    for name, (content, _) in PACKED.items():
        (folder / name).write_bytes(content)
    paths = [f"file:{folder / name}" for name in PACKED]
    found = hostile_files(spark, paths, pattern=f"{folder}/*", unpacked_mb=1)
    return {path.rpartition("/")[2]: reason for path, reason in found.items()}


@pytest.mark.parametrize("name", PACKED)
def test_D14_a_packed_file(refused: dict[str, str], name: str):
    reason = PACKED[name][1]
    assert (name in refused) == bool(reason)
    assert reason in refused.get(name, "")


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        pytest.param("/in/orders/*.jsonl", "/in/orders", id="names"),
        pytest.param("/in/*/orders/*.jsonl", "/in", id="folders"),
        pytest.param("/in/orders/2024-0?.csv", "/in/orders", id="one_character"),
        pytest.param("/in/{a,b}/x.csv", "/in", id="alternatives"),
        pytest.param("/in/a/b.csv", "/in/a", id="one_file"),
        pytest.param("in/*.csv", "in", id="relative"),
        pytest.param("*.csv", ".", id="here"),
    ],
)
def test_the_folder_that_a_glob_names(pattern: str, folder: str):
    assert fixed_folder(pattern) == folder


@pytest.mark.parametrize("scheme", ["", "file:", "file://"])
def test_D14_a_link_out_of_the_landing_zone(tmp_path: Path, scheme: str):
    landing, outside = tmp_path / "landing", tmp_path / "landing-not"
    for place in (landing, outside):
        place.mkdir()
        (place / "a.csv").write_text("x")
    (landing / "out.csv").symlink_to(outside / "a.csv")
    (landing / "in.csv").symlink_to(landing / "a.csv")
    (landing / "folder").symlink_to(outside)
    (tmp_path / "alias").symlink_to(landing)
    told = {
        name: bool(leads_out(f"{scheme}{tmp_path / name}", f"{tmp_path / 'landing'}/*"))
        for name in ("landing/a.csv", "landing/in.csv", "landing/out.csv", "landing/folder/a.csv", "alias/a.csv")
    }
    assert [name for name, out in told.items() if out] == ["landing/out.csv", "landing/folder/a.csv"]
    assert leads_out("s3a://bucket/landing/a.csv", "s3a://bucket/landing/*") == ""
