"""Delta tables of others as deliveries: what was added since the version taken before, by the table's change feed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.lake.raw import position
from omniseg.quoting import sql_name

PLACE = re.compile(r"(?P<path>.+)@v(?:(?P<first>\d+)-)?(?P<last>\d+)")
FEED = "delta.enableChangeDataFeed"
# An update delivers the row as it is now; what becomes of it (a conflict, usually) is decided like for any delivery.
DELIVERED = ("insert", "update_postimage")
FEED_COLUMNS = ("_change_type", "_commit_version", "_commit_timestamp")


@dataclass(frozen=True)
class Versions:
    """Versions of a table that are delivered together; `first` None: the whole table as of `last`."""

    path: str
    first: int | None
    last: int

    @property
    def place(self) -> str:
        """How the ledger and every record name them: `<path>@v<last>`, or `<path>@v<first>-<last>`."""
        return f"{self.path}@v{self.last}" if self.first is None else f"{self.path}@v{self.first}-{self.last}"


def versions_of(place: str) -> Versions | None:
    """The versions that a place names; None for what is no such place."""
    found = PLACE.fullmatch(place)
    if found is None:
        return None
    first = found["first"]
    return Versions(found["path"], None if first is None else int(first), int(found["last"]))


def newest_version(spark: SparkSession, path: str) -> tuple[int, datetime] | None:
    """Number and time (UTC) of the table's newest version; None where there is no Delta table."""
    if not DeltaTable.isDeltaTable(spark, path):
        return None
    found = DeltaTable.forPath(spark, path).history(1).select("version", F.unix_millis("timestamp").alias("at")).first()
    assert found is not None, "a Delta table has a version"
    return int(found["version"]), datetime.fromtimestamp(found["at"] / 1000, timezone.utc)


def untaken_versions(path: str, newest: int, taken: Iterable[str]) -> Versions | None:
    """What lies between the last version taken (`taken`: places in the ledger) and the newest; None when nothing."""
    before = [seen.last for seen in map(versions_of, taken) if seen is not None and seen.path == path]
    if not before:
        return Versions(path, None, newest)
    return Versions(path, max(before) + 1, newest) if max(before) < newest else None


def has_feed(spark: SparkSession, path: str) -> bool:
    """True when the table keeps a change feed."""
    found = DeltaTable.forPath(spark, path).detail().select("properties").first()
    return found is not None and found[0].get(FEED) == "true"


def feed_reaches(spark: SparkSession, wanted: Versions) -> bool:
    """True when the table has kept its change feed since the first of the versions."""
    try:
        changes(spark, wanted).isEmpty()
    except AnalysisException as error:
        if error.getCondition() != "DELTA_MISSING_CHANGE_DATA":
            raise
        return False
    return True


def changes(spark: SparkSession, wanted: Versions) -> DataFrame:
    """The change feed of the versions."""
    feed = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", str(wanted.first))
    return feed.option("endingVersion", wanted.last).load(wanted.path)


def read_versions(spark: SparkSession, wanted: Versions, received_at: datetime) -> DataFrame:
    """One row per record that the versions delivered, and the origin columns; a version's own time is received_at.

    The whole table came at `received_at`, since nobody knows any more when each of its rows did.
    """
    if wanted.first is None:
        rows = spark.read.format("delta").option("versionAsOf", wanted.last).load(wanted.path)
        arrived = F.lit(received_at).cast("timestamp")
    else:
        rows = changes(spark, wanted).where(F.col("_change_type").isin(*DELIVERED))
        arrived = F.col("_commit_timestamp")
    own = [F.col(sql_name(name)) for name in rows.columns if name not in FEED_COLUMNS]
    origin = (F.lit(wanted.place).alias("__file"), arrived.alias("__received_at"), position(0).alias("__position"))
    return rows.select(*own, *origin)
