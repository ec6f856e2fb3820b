"""F19: a past date gives the same bytes, however the rows lie in files and partitions (`make soak`)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.tables import SEGMENT_SNAPSHOTS
from tests.spark_options import spark_options
from tests.test_faults import deliver, night

PAST, LATER = date(2024, 3, 30), date(2024, 3, 31)
ORDERS = "landing/orders/1.jsonl"
pytestmark = [pytest.mark.soak, pytest.mark.timeout(2400)]


def as_delivered(zone: Path) -> None:
    """One file, in its own order."""


def shuffled(zone: Path) -> None:
    """The same lines in another order, in three files of which the names say nothing."""
    file = zone / ORDERS
    lines = file.read_text(encoding="utf-8").splitlines()
    random.Random(5).shuffle(lines)
    file.unlink()
    for part, name in enumerate(("z", "a", "m")):
        file.with_name(f"{name}.jsonl").write_text("\n".join(lines[part::3]) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Way:
    """How the rows lie, and how Spark works on them."""

    partitions: int
    adaptive: bool
    lay: Callable[[Path], None]


WAYS: Mapping[str, Way] = {
    "as delivered, two partitions": Way(2, True, as_delivered),
    "one partition, nothing adapted": Way(1, False, as_delivered),
    "eight partitions, shuffled files": Way(8, True, shuffled),
    "eight partitions, shuffled files, nothing adapted": Way(8, False, shuffled),
}


@contextmanager
def working(spark: SparkSession, way: Way) -> Iterator[None]:
    """Spark works in this way, and afterwards as before."""
    asked = {
        "spark.sql.shuffle.partitions": str(way.partitions),
        "spark.sql.adaptive.enabled": str(way.adaptive).lower(),
        "spark.sql.files.minPartitionNum": str(way.partitions),
    }
    with spark_options(spark, asked):
        yield


def export(lake: Lake, as_of: date) -> str:
    """SHA-256 of the snapshot of a date as text: sorted, numbers as they are stored, no run ids."""
    rows = lake.read(SEGMENT_SNAPSHOTS).where(F.col("as_of") == F.lit(as_of))
    lines = sorted(",".join(str(value) for value in row) for row in bounded(rows, 1000))
    assert len(lines) == 60
    return sha256("\n".join(lines).encode()).hexdigest()


def test_F19_a_past_date_gives_the_same_bytes(spark: SparkSession, tmp_path: Path) -> None:
    found: dict[str, str] = {}
    for number, (name, way) in enumerate(WAYS.items()):
        zone, folder = tmp_path / f"zone{number}", tmp_path / f"place{number}"
        deliver(zone)
        way.lay(zone)
        with working(spark, way):
            lake = night(spark, folder, zone, PAST)
            at_its_time = export(lake, PAST)
            night(spark, folder, zone, LATER)
            night(spark, folder, zone, PAST)  # asked for again, after a later one
            found[name] = export(lake, PAST)
        assert found[name] == at_its_time
    assert len(set(found.values())) == 1, found
