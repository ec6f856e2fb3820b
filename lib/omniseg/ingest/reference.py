"""Reference data: rows of a declared table from mapped records, and which of them change anything."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.identity.keys import bucket, identity_key, present_identifiers
from omniseg.ingest.batch_number import batch_number
from omniseg.ingest.mapping import ORIGIN, named_rules, with_earlier
from omniseg.tables import VERSIONING, Table

BEGINNING = "1900-01-01 00:00:00"  # valid_from of rows whose source gives none
OWN = tuple(column.name for column in VERSIONING)


def declared_columns(table: Table) -> dict[str, str]:
    """What a declaration may set for this table: column -> type. Keys of persons come from `identifiers`."""
    derived = {*OWN, "bucket", "identity_key"}
    columns = {column.name: column.type.lower() for column in table.columns if column.name not in derived}
    if "identity_key" in table.column_names:
        columns["identifiers"] = "map<string,string>"
    return columns | {"valid_from": "timestamp"}


def reference_rows(
    mapped: DataFrame,
    table: Table,
    *,
    source: str,
    key: Sequence[str],
    priority: Sequence[str],
    buckets: int,
    batch_id: int,
) -> DataFrame:
    """All columns of `table` (valid_to null) plus ORIGIN and `source`; a row without its key breaks `missing:<key>`, a
    rate of nothing or less `not_positive:rate`.

    `mapped` has the declared columns it could map, ORIGIN and `attributes` (map of the columns that nothing takes).
    """
    declared = declared_columns(table)
    missing = [name for name in declared if name not in mapped.columns]
    rows = mapped.select("*", *(F.lit(None).cast(declared[name]).alias(name) for name in missing))
    if "identity_key" in table.column_names:
        rows = rows.withColumn("identifiers", present_identifiers(F.col("identifiers")))
        rows = rows.withColumn("identity_key", identity_key(F.col("identifiers"), priority))
        rows = rows.withColumn("bucket", bucket(F.col("identity_key"), buckets))
    values = [name for name in table.column_names if name not in ("valid_from", *OWN)]
    lacking = {f"missing:{name}": F.col(name).isNull() for name in (*key, *required(table)) if name in rows.columns}
    if "rate" in table.column_names:
        lacking["not_positive:rate"] = F.col("rate") <= 0
    parsed = F.col("payload").isNotNull()
    rules = with_earlier(F.when(parsed, named_rules(lacking)))
    return rows.select(
        *(F.col(name) for name in values),
        F.coalesce("valid_from", F.lit(BEGINNING).cast("timestamp")).alias("valid_from"),
        F.lit(None).cast("timestamp").alias("valid_to"),
        F.col("attributes"),
        row_hash([*values, "valid_from", "attributes"], table).alias("row_hash"),
        batch_number(batch_id),
        F.lit(source).alias("source"),
        *(F.col(name) for name in ORIGIN if name != "rules"),
        rules.alias("rules"),
    )


def required(table: Table) -> list[str]:
    """Columns that may not be null, but for those that are filled here."""
    return [column.name for column in table.columns if not column.nullable and column.name not in (*OWN, "bucket")]


def row_hash(names: Sequence[str], table: Table) -> Column:
    """xxhash64 of the delivered values, with nulls told apart from absent ones."""
    maps = {column.name for column in table.columns if column.type.startswith("MAP")} | {"attributes", "identifiers"}
    values = [F.array_sort(F.map_entries(name)) if name in maps else F.col(name) for name in names]
    return F.xxhash64(F.concat_ws("", *(F.col(name).isNull().cast("string") for name in names)), *values)


def winners(rows: DataFrame, *, key: Sequence[str], mode: str) -> DataFrame:
    """The rows that count among those of one batch: per key (and valid_from, with history) the last delivered;
    `append` keeps
    one of equal rows.
    """
    by = {"latest": [*key], "scd2": [*key, "valid_from"], "append": [*key, "valid_from", "row_hash"]}[mode]
    order = Window.partitionBy(*by).orderBy(F.desc("received_at"), F.desc("position"), F.desc("record_id"))
    return rows.withColumn("__rank", F.row_number().over(order)).where("__rank = 1").drop("__rank")


def changing(rows: DataFrame, existing: DataFrame, *, key: Sequence[str]) -> DataFrame:
    """The winners that are not in the table already, value for value."""
    return rows.join(existing.select(*key, "row_hash"), [*key, "row_hash"], "left_anti")


def history(rows: DataFrame, existing: DataFrame, *, key: Sequence[str]) -> DataFrame:
    """SCD2: all versions of the keys in `rows`, old and new, with valid_to = valid_from of the next version."""
    touched = existing.join(rows.select(*key).distinct(), [*key], "left_semi")
    replaced = touched.join(rows.select(*key, "valid_from"), [*key, "valid_from"], "left_anti")
    every = replaced.unionByName(rows.select(*existing.columns))
    following = F.lead("valid_from").over(Window.partitionBy(*key).orderBy("valid_from"))
    return every.withColumn("valid_to", following)
