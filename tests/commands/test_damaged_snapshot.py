"""F12: a bit of a published snapshot that flips in storage is found before anybody reads the rows."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from omniseg.commands.published import verified_rows
from omniseg.errors import ReproduceError
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.segments.snapshot import bucket_hashes
from omniseg.settings.load import load_settings
from omniseg.tables import SEGMENT_SNAPSHOTS, SNAPSHOT_MANIFEST
from tests.multiset import multiset

DAY = date(2024, 3, 31)
ROWS = [("one", DAY, f"customer-{number:03d}", number % 4, f"s{number % 3}", "0.1", number / 7) for number in range(60)]
FLIPS = 12


def open_warehouse(spark: SparkSession, folder: Path) -> Run:
    """A run of `snapshot` on a warehouse."""
    settings = load_settings(env="local", conf=None, sets=[f"warehouse.root={folder}"], environ={})
    return Run("snapshot", settings, {}, DAY, given_lake=Lake(spark, str(folder)))


@pytest.fixture(scope="module")
def run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One snapshot, written as one file without compression, so that a flipped bit is a readable wrong value."""
    opened = open_warehouse(spark, tmp_path_factory.mktemp("warehouse"))
    spark.conf.set("spark.sql.parquet.compression.codec", "uncompressed")
    try:
        rows = spark.createDataFrame(ROWS, SEGMENT_SNAPSHOTS.ddl).coalesce(1)
        opened.lake.replace_slice(SEGMENT_SNAPSHOTS, rows, "snapshot_id = 'one'")
    finally:
        spark.conf.unset("spark.sql.parquet.compression.codec")
    return opened


@pytest.fixture(scope="module")
def manifest(run: Run) -> Row:
    """What was written down when it was published."""
    hashes = {row.bucket: row.hash for row in bounded(bucket_hashes(run.lake.read(SEGMENT_SNAPSHOTS)), 10)}
    values = ("one", "m", "1", DAY, "published", "{}", "{}", hashes, "r", datetime(2024, 4, 1), "[]")
    return bounded(run.spark.createDataFrame([values], SNAPSHOT_MANIFEST.ddl), 1)[0]


@pytest.fixture(scope="module")
def file(run: Run) -> Path:
    """The one data file; its checksum, which other systems would not have, is taken away."""
    found = next(Path(run.lake.path(SEGMENT_SNAPSHOTS)).glob("part-*.parquet"))
    (found.parent / f".{found.name}.crc").unlink()
    return found


def places(content: bytes) -> list[int]:
    """Where the values of rows lie in the file: texts of customers, and the bytes of distances."""
    texts = [content.index(row[2].encode()) + drawn for row in ROWS for drawn in (9, 10, 11)]
    numbers = [place for row in ROWS if (place := content.find(struct.pack("<d", row[6]))) > 0]
    return texts + numbers


@contextmanager
def flipped(file: Path, place: int) -> Iterator[None]:
    """One bit of the file is another one."""
    content = file.read_bytes()
    file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    try:
        yield
    finally:
        file.write_bytes(content)


def raw(run: Run) -> DataFrame:
    """The rows as Spark reads them, without looking at hashes."""
    return run.lake.read(SEGMENT_SNAPSHOTS)


def test_an_unharmed_snapshot_is_read(run: Run, manifest: Row, file: Path):
    assert multiset(verified_rows(run, manifest)) == multiset(run.spark.createDataFrame(ROWS, SEGMENT_SNAPSHOTS.ddl))


@pytest.mark.parametrize("seed", range(FLIPS))
def test_F12_a_flipped_bit_is_found_before_the_rows_are_read(run: Run, manifest: Row, file: Path, seed: int):
    whole = multiset(raw(run))
    with flipped(file, random.Random(seed).choice(places(file.read_bytes()))):
        assert multiset(raw(run)) != whole  # Spark itself reads a wrong value and says nothing
        with pytest.raises(ReproduceError, match=r"the rows of bucket [0-3] are not those") as told:
            verified_rows(run, manifest)
    assert told.value.exit_code == 5
    assert multiset(raw(run)) == whole


def test_F12_a_file_that_was_cut_is_told_without_a_stack_trace(run: Run, manifest: Row, file: Path):
    content = file.read_bytes()
    file.write_bytes(content[:-100])
    try:
        with pytest.raises(ReproduceError, match="its rows cannot be read") as told:
            verified_rows(run, manifest)
    finally:
        file.write_bytes(content)
    assert "\n" not in str(told.value)


def test_a_bucket_too_many_or_too_few_is_named(run: Run, manifest: Row, file: Path):
    known = manifest.asDict()
    hashes = dict(known["bucket_hashes"])
    for wrong in ({**hashes, 9: "1:5"}, {bucket: text for bucket, text in hashes.items() if bucket != 2}):
        changed = bounded(
            run.spark.createDataFrame([tuple({**known, "bucket_hashes": wrong}.values())], SNAPSHOT_MANIFEST.ddl), 1
        )
        with pytest.raises(ReproduceError, match=r"bucket (9|2) are not"):
            verified_rows(run, changed[0])
