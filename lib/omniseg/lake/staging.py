"""A folder for rows on their way: written once, read by several queries, gone at the end.

Not a cache: what is cached lies uncompressed in the memory of executors and carries the plan that made it into every
query that reads it; a lost executor would read the source again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from omniseg.lake.landing import file_system, hadoop_path

# What is read once or twice is not worth a dictionary: most texts of an event are its own.
QUICK = {"parquet.enable.dictionary": "false"}


@dataclass(frozen=True)
class Staging:
    """Rows below a folder, as Parquet, under names."""

    spark: SparkSession
    folder: str

    def write(self, name: str, rows: DataFrame, *, by: Sequence[str] = ()) -> None:
        """Put rows under a name, in a folder for each value of the columns `by`."""
        writer = rows.write.mode("overwrite").options(**QUICK).partitionBy(*by)
        writer.parquet(f"{self.folder}/{name}")

    def keep(self, name: str, rows: DataFrame, *, by: Sequence[str] = ()) -> DataFrame:
        """Put rows under a name; returns them as they are read from there."""
        self.write(name, rows, by=by)
        return self.read([name], rows.schema)

    def read(self, names: Sequence[str], schema: T.StructType | str) -> DataFrame:
        """The rows under the names together, with the columns of `schema`, which all of them have."""
        return self.spark.read.schema(schema).parquet(*(f"{self.folder}/{name}" for name in names))


@contextmanager
def staging(spark: SparkSession, folder: str) -> Iterator[Staging]:
    """A folder that is removed at the end, good or bad."""
    try:
        yield Staging(spark, folder)
    finally:
        remove_folder(spark, folder)


def remove_folder(spark: SparkSession, folder: str) -> None:
    """Remove a folder, if it is there, and what lies in it."""
    located = hadoop_path(spark, folder)
    file_system(spark, located).delete(located, True)
