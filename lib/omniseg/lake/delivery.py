"""Files of a landing zone as systems deliver them: one named file per day or hour, its rows in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from omniseg.lake.landing import THREADS, file_system, hadoop_path, jvm

WORK = "_writing"  # ingest passes over names that begin with an underscore


def deliver(
    rows: DataFrame, folder: str, *, form: str, header: str = "", mtime: Callable[[str], datetime]
) -> list[str]:
    """Write `rows` (columns `file`, `place` and the record's own) to `folder`/<file>.<form>; returns the names, sorted.

    A file's rows are sorted by `place`; its modification time is `mtime(file)`. Files are written beside the others
    and renamed into place whole. `header` is the first line of every text file, '' for none.
    """
    spark, work = rows.sparkSession, f"{folder}/{WORK}"
    ordered = rows.repartition("file").sortWithinPartitions("file", "place")
    if form == "parquet":
        ordered.drop("place").write.mode("overwrite").partitionBy("file").parquet(work)
    else:
        lines = with_header(ordered, header) if header else ordered
        lines.select("file", "value").write.mode("overwrite").partitionBy("file").text(work)
    root = hadoop_path(spark, work)
    files = file_system(spark, root)
    parts = [status.getPath() for status in files.globStatus(hadoop_path(spark, f"{work}/file=*/part-*")) or []]
    with ThreadPoolExecutor(THREADS) as pool:
        written = list(pool.map(lambda part: move(files, spark, part, folder, form, mtime), parts))
    files.delete(root, True)
    return sorted(written)


def with_header(rows: DataFrame, header: str) -> DataFrame:
    """The header line goes before the first line of each file; the window leaves rows together and in order."""
    first = F.row_number().over(Window.partitionBy("file").orderBy("place")) == 1
    line = F.when(first, F.concat(F.lit(f"{header}\n"), "value")).otherwise(F.col("value"))
    return rows.withColumn("value", line)


def move(files: Any, spark: SparkSession, part: Any, folder: str, form: str, mtime: Callable[[str], datetime]) -> str:
    """Rename one written part to its delivered name, replacing an older one, and set its time."""
    name = str(part.getParent().getName()).removeprefix("file=")
    target = hadoop_path(spark, f"{folder}/{name}.{form}")
    files.delete(target, False)
    if not files.rename(part, target):
        raise OSError(f"{part} could not be renamed to {target}")
    stamp(files, target, mtime(name))
    return name


def stamp(files: Any, path: Any, modified: datetime) -> None:
    """Set the modification time of a file."""
    files.setTimes(path, int(modified.timestamp() * 1000), -1)


def deliver_again(
    spark: SparkSession, folder: str, names: Iterable[str], *, form: str, mtime: Callable[[str], datetime]
) -> None:
    """Copy delivered files to <name>_again.<form>, as a sender does that did not hear that all went well."""
    home = hadoop_path(spark, folder)
    files, configuration = file_system(spark, home), spark.sparkContext._jsc.hadoopConfiguration()
    for name in names:
        source, target = (hadoop_path(spark, f"{folder}/{text}.{form}") for text in (name, f"{name}_again"))
        jvm(spark).org.apache.hadoop.fs.FileUtil.copy(files, source, files, target, False, True, configuration)
        stamp(files, target, mtime(name))


def write_truth(rows: DataFrame, folder: str) -> None:
    """One table of the truth as Parquet."""
    rows.write.mode("overwrite").parquet(folder)
