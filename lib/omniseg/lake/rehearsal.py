"""A little of all that a run does, so that its classes can be archived: `python -m omniseg.lake.rehearsal FILE`.

Part of the set-up, in a process of its own: Java writes FILE when the session ends (see omniseg.class_archive).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from omniseg import class_archive
from omniseg.lake.bounded import bounded
from omniseg.lake.session import build_session

CONF = {
    "spark.master": "local[2]",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.showConsoleProgress": "false",
}
SHOWN = 1000
TABLE = "(id STRING NOT NULL, day DATE, amount DECIMAL(18,4), tags ARRAY<STRING>, facts MAP<STRING,STRING>)"


def main(file: str) -> None:
    """Run the rehearsal in a session that leaves its classes in `file`."""
    with TemporaryDirectory() as folder:
        places = {"spark.sql.warehouse.dir": folder, "spark.driver.extraJavaOptions": class_archive.making(file)}
        spark = build_session("omniseg rehearsal", {**CONF, **places})
        rehearse(spark, Path(folder))
        spark.stop()


def rehearse(spark: SparkSession, folder: Path) -> None:
    """Text in, a Delta table written in each way that the lake knows, a result out."""
    table = str(folder / "table")
    spark.sql(f"CREATE TABLE delta.`{table}` {TABLE} USING delta TBLPROPERTIES ('delta.constraints.c' = 'amount >= 0')")
    rows = sealed(delivered(spark, folder)).persist()
    rows.write.format("delta").mode("append").save(table)
    rows.write.format("delta").mode("overwrite").option("replaceWhere", "day >= DATE'2000-01-01'").save(table)
    kept = DeltaTable.forPath(spark, table)
    kept.update(F.col("id") == "none", {"amount": F.lit(0)})
    kept.alias("old").merge(rows.alias("new"), "old.id = new.id").whenNotMatchedInsertAll().execute()
    kept.delete(F.col("id") == "none")
    bounded(summed(spark.read.format("delta").load(table)), SHOWN)


def delivered(spark: SparkSession, folder: Path) -> DataFrame:
    """Some rows that came as CSV and as JSON."""
    numbers = spark.range(0, 100, 1, 2).select(F.col("id").cast("string"), (F.col("id") % 7).alias("day"))
    numbers.write.option("header", "true").csv(str(folder / "csv"))
    numbers.write.json(str(folder / "json"))
    lines = spark.read.option("header", "true").schema("id STRING, day STRING").csv(str(folder / "csv"))
    objects = spark.read.schema("id STRING, day STRING").json(str(folder / "json"))
    return lines.union(objects).select(
        F.concat_ws("-", "id", F.sha2("day", 256)).alias("id"),
        F.date_add(F.lit("2024-01-01").cast("date"), F.col("day").cast("int")).alias("day"),
        F.col("day").try_cast("decimal(18,4)").alias("amount"),
        F.array("id").alias("tags"),
        F.create_map("id", "day").alias("facts"),
    )


def sealed(rows: DataFrame) -> DataFrame:
    """The rows once through Python, as pseudonyms go."""

    def unchanged(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches

    return rows.mapInArrow(unchanged, rows.schema)


def summed(rows: DataFrame) -> DataFrame:
    """Windows, joins and aggregates as features and reports have them."""
    newest = Window.partitionBy("day").orderBy(F.desc("amount"), "id").rowsBetween(Window.unboundedPreceding, 0)
    ranked = rows.withColumn("place", F.row_number().over(newest)).where(F.col("place") < 50)
    days = ranked.groupBy("day").agg(F.sum("amount").alias("total"), F.collect_set("id").alias("ids"), F.max("place"))
    return ranked.join(days, on="day", how="left").orderBy("day", "id")


if __name__ == "__main__":
    main(sys.argv[1])
