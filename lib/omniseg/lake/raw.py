"""Delivered files as frames: every column as it stands in the file, plus where the record came from.

All readers give `__file`, `__received_at`, `__position` beside the raw columns. Text formats stay text here: JSON comes
as `value`, CSV as one STRING per column, so that nothing is lost or changed before the declaration speaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.quoting import sql_name
from omniseg.tables.types import ddl

CORRUPT = "__corrupt"
LATIN = "ISO-8859-1"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
GROUP_BITS = (
    53  # position = reading order inside a group of files read together; groups are kept apart above these bits
)


def read_lines(spark: SparkSession, paths: Sequence[str], *, encoding: str = "UTF-8") -> DataFrame:
    """One row per line that is not blank: `value` and the origin columns."""
    lines = with_origin(spark.read.option("encoding", encoding).text(list(paths)), group=0)
    if encoding == LATIN:
        # Spark hands lines on as bytes, whatever their encoding; here every byte is a character, so this cannot fail.
        lines = lines.withColumn("value", F.decode(F.col("value").cast("binary"), LATIN))
    return lines.where(F.startswith("value", F.lit("{")) | (F.trim("value") != ""))


def read_csv(
    spark: SparkSession, paths: Sequence[str], *, options: Mapping[str, str], names: Sequence[str], group: int
) -> DataFrame:
    """One row per record of CSV files that share a header: STRING columns `names`, `__corrupt`, origin columns.

    Spark reads bytes that are nothing in the file's encoding as U+FFFD, so two identifiers could become one: a record
    with that character is corrupt.
    """
    texts = ", ".join(f"{sql_name(name)} STRING" for name in (*names, CORRUPT))
    # A quote inside quotes is written twice (RFC 4180); Spark's own default is a backslash before it.
    doubled = options.get("quote") or '"'
    reader = spark.read.schema(texts).options(**{"mode": "PERMISSIVE", "escape": doubled, **options})
    reader = reader.option("columnNameOfCorruptRecord", CORRUPT).option("enforceSchema", "true")
    # Whether a record is corrupt must not depend on the columns that a query asks for. Without pruning it does not; and
    # as Spark refuses queries on the corrupt column alone, that one asks for another (never unlike itself).
    rows = with_origin(reader.option("columnPruning", "false").csv(list(paths)), group=group)
    first = F.col(sql_name(names[0]))
    known = F.when(F.col(CORRUPT).isNotNull() | (first != first), F.col(CORRUPT))
    whole = F.concat_ws(options.get("sep", ","), *(F.col(sql_name(name)) for name in names))
    return rows.withColumn(CORRUPT, F.coalesce(known, F.when(F.contains(whole, F.lit(REPLACEMENT)), whole)))


def read_parquet(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """One row per record of Parquet files, columns merged by name, and the origin columns."""
    return with_origin(spark.read.option("mergeSchema", "true").parquet(*paths), group=0)


def infer_json(spark: SparkSession, paths: Sequence[str], *, encoding: str = "UTF-8") -> str:
    """The schema of JSON Lines as DDL, every primitive a STRING (numbers keep their digits); for pinning, so called
    once.
    """
    reader = (
        spark.read.option("primitivesAsString", "true").option("mode", "DROPMALFORMED").option("encoding", encoding)
    )
    return ddl(reader.json(list(paths)).schema)


def with_origin(rows: DataFrame, *, group: int) -> DataFrame:
    """Adds where each record came from."""
    return rows.select(
        "*",
        F.col("_metadata.file_path").alias("__file"),
        F.col("_metadata.file_modification_time").alias("__received_at"),
        position(group).alias("__position"),
    )


def position(group: int) -> Column:
    """Place in the reading order: increases within a file; see FIXED in sparkconf for why it is the same on any
    machine.
    """
    return F.monotonically_increasing_id() + F.lit(group << GROUP_BITS)
