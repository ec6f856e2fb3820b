"""Every verb that the product uses on a Delta table, on the pair of Spark and Delta that is installed here.

Run as `python verbs.py FOLDER` in an environment of its own pair; the last line of its output is one JSON object with
what each verb left behind, so that the test can say exactly which verb of which pair went wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.lake.session import build_session

COMMITS = 25  # Delta writes a checkpoint every 10 commits; the state must survive two of them
SMALL = {
    "spark.master": "local[1]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
    # A handful of rows is interpreted sooner than code for it is compiled.
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.ui.explainMode": "simple",
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
}

Verb = Callable[[SparkSession, str], object]


def rows(spark: SparkSession, path: str) -> DataFrame:
    """The table's rows as of now: `id BIGINT, amount DECIMAL(18,4)`, later `note STRING` too."""
    return spark.read.format("delta").load(path)


def count_and_sum(spark: SparkSession, path: str) -> list[str]:
    """Rows and the sum of their amounts, as text."""
    [found] = rows(spark, path).agg(F.count(F.lit(1)).alias("n"), F.sum("amount").alias("total")).collect()
    return [str(found["n"]), str(found["total"])]


def commits(spark: SparkSession, path: str) -> object:
    """A table made with constraint and change feed, then 25 commits of one row each: id = 0 … 24, amount = id."""
    spark.sql(
        f"CREATE TABLE delta.`{path}` (id BIGINT NOT NULL, amount DECIMAL(18,4)) USING delta TBLPROPERTIES "
        "('delta.enableChangeDataFeed' = 'true', 'delta.constraints.amount_not_negative' = 'amount >= 0')"
    )
    for number in range(COMMITS):
        one = spark.range(number, number + 1).withColumn("amount", F.col("id").cast("decimal(18,4)"))
        one.write.format("delta").mode("append").save(path)
    return DeltaTable.forPath(spark, path).history(1).collect()[0]["version"]


def add_column(spark: SparkSession, path: str) -> object:
    """A new column is null in the old rows."""
    spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS (note STRING COMMENT 'free text')")
    return rows(spark, path).where(F.col("note").isNull()).count()


def constraint(spark: SparkSession, path: str) -> object:
    """The constraint refuses a row that breaks it and leaves the table as it was; the answer names the constraint."""
    try:
        spark.sql(f"INSERT INTO delta.`{path}` VALUES (99, -1, 'bad')")
    except (PySparkException, Py4JJavaError) as refused:  # Delta's own exceptions are not always translated
        return "amount_not_negative" in str(refused)
    return "the bad row was accepted"


def merge(spark: SparkSession, path: str) -> object:
    """MERGE by the DeltaTable API: 5 rows updated (amount + 100), 5 inserted (id = 25 … 29)."""
    news = spark.range(20, 30).withColumn("amount", (F.col("id") + 100).cast("decimal(18,4)"))
    target = DeltaTable.forPath(spark, path).alias("t")
    merging = target.merge(news.alias("n"), "t.id = n.id").whenMatchedUpdate(set={"amount": "n.amount"})
    merging.whenNotMatchedInsert(values={"id": "n.id", "amount": "n.amount"}).execute()
    return count_and_sum(spark, path)


def delete(spark: SparkSession, path: str) -> object:
    """DELETE of ids below 10."""
    DeltaTable.forPath(spark, path).delete(F.col("id") < 10)
    return count_and_sum(spark, path)


def restore(spark: SparkSession, path: str) -> object:
    """RESTORE to the version before the DELETE."""
    table = DeltaTable.forPath(spark, path)
    last = table.history(1).collect()[0]["version"]
    table.restoreToVersion(last - 1)
    return count_and_sum(spark, path)


def change_feed(spark: SparkSession, path: str) -> object:
    """Kinds of changes from version 0 on, with their number of rows."""
    reader = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 0)
    kinds = reader.load(path).groupBy("_change_type").count().collect()
    return {kind["_change_type"]: kind["count"] for kind in kinds}


def replace_slice(spark: SparkSession, path: str) -> object:
    """Overwriting a slice with nothing leaves nothing in it: `replaceWhere` on ids from 25 on."""
    nothing = rows(spark, path).limit(0)
    nothing.write.format("delta").mode("overwrite").option("replaceWhere", "id >= 25").save(path)
    return count_and_sum(spark, path)


def optimize(spark: SparkSession, path: str) -> object:
    """OPTIMIZE leaves one file per table of this size, and the same rows."""
    DeltaTable.forPath(spark, path).optimize().executeCompaction()
    files = DeltaTable.forPath(spark, path).detail().collect()[0]["numFiles"]
    return [str(files), *count_and_sum(spark, path)]


def vacuum(spark: SparkSession, path: str) -> object:
    """VACUUM without retention removes every file but the live one."""
    check = "spark.databricks.delta.retentionDurationCheck.enabled"
    spark.conf.set(check, "false")
    DeltaTable.forPath(spark, path).vacuum(0)
    spark.conf.unset(check)
    return [str(len(list(Path(path).glob("*.parquet")))), *count_and_sum(spark, path)]


def update(spark: SparkSession, path: str) -> object:
    """UPDATE by the DeltaTable API: every amount 1."""
    DeltaTable.forPath(spark, path).update(set={"amount": F.lit(1)})
    return count_and_sum(spark, path)


VERBS: tuple[Verb, ...] = (
    commits,
    count_and_sum,
    add_column,
    constraint,
    merge,
    delete,
    restore,
    change_feed,
    replace_slice,
    optimize,
    vacuum,
    update,
)


def shake_hands(spark: SparkSession, folder: Path) -> dict[str, Any]:
    """All verbs in order on one table: the pair, and what each verb left behind."""
    path = str(folder.resolve() / "handshake")
    found: dict[str, Any] = {"pair": [spark.version, version("delta-spark")]}
    for verb in VERBS:
        found[verb.__name__] = verb(spark, path)
    return {**found, "is_delta": DeltaTable.isDeltaTable(spark, path)}


def main(folder: str) -> None:
    """Shake hands in a session of this process and print the outcome."""
    spark = build_session("handshake", SMALL)
    found = shake_hands(spark, Path(folder))
    spark.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
