"""Facts of reference data as they stood at an instant: of a person's own record, and of rows that her features name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.features.declaration import Attribute
from omniseg.tables import REFERENCES

UNKNOWN = "unknown"  # member that stands for a row, or a text of it, that reference data do not hold


def attributes_at(
    customers: DataFrame, persons: DataFrame, attributes: Iterable[Attribute], *, end: Column, known_batch_id: int
) -> DataFrame:
    """One row per customer_id with a valid record: the attributes of one record, the newest.

    `customers` is silver.customers, `persons` has one row per identifier. A record counts when it was known, began
    before `end` and was not over by then. Of a person's records the one that began last counts, then the last known,
    then the one with the greatest key, so the choice never varies.
    """
    records = valid_rows(customers, ["identity_key"], end=end, known_batch_id=known_batch_id)
    facts = F.struct(*(F.col(attribute.source).alias(attribute.name) for attribute in attributes))
    order = F.struct("valid_from", "batch_id", "identity_key", "record_id")
    chosen = (
        records.select("identity_key", facts.alias("facts"), order.alias("order"))
        .join(persons, F.col("identity_key") == F.col("identifier"))
        .groupBy("customer_id")
        .agg(F.max_by("facts", "order").alias("facts"))
    )
    return chosen.select("customer_id", "facts.*")


def looked_up(
    vectors: DataFrame,
    references: Mapping[str, DataFrame],
    attributes: Iterable[Attribute],
    *,
    end: Column,
    known_batch_id: int,
) -> DataFrame:
    """Vectors with the facts of the rows that their columns name. Grain unchanged; `references` are the tables by name.

    Where a key is not null but there is no such row, or no such fact, a text is the member 'unknown', a number null.
    """

    def place(attribute: Attribute) -> tuple[str, tuple[str, ...]]:
        return attribute.table, attribute.keys

    for (table, keys), found in groupby(sorted(attributes, key=place), key=place):
        own, asked = REFERENCES[table].key[:-1], list(found)
        rows = valid_rows(references[table], own, end=end, known_batch_id=known_batch_id)
        facts = F.struct(*(F.col(one.source).alias(one.name) for one in asked)).alias("facts")
        order = F.struct("valid_from", "batch_id", "record_id").alias("order")
        chosen = rows.select(*own, facts, order).groupBy(*own).agg(F.max_by("facts", "order").alias("__facts"))
        named = chosen.select("__facts", *(F.col(name).alias(key) for name, key in zip(own, keys, strict=True)))
        joined = vectors.join(named, list(keys), how="left")
        vectors = joined.withColumns({one.name: fact(one) for one in asked}).drop("__facts")
    return vectors


def fact(attribute: Attribute) -> Column:
    """The fact of the row that was found."""
    value: Column = F.col("__facts")[attribute.name]
    if attribute.type != "STRING":
        return value
    asked = F.concat_ws("", *(F.col(key).isNull().cast("string") for key in attribute.keys)).contains("true")
    return F.when(~asked, F.coalesce(value, F.lit(UNKNOWN)))


def valid_rows(rows: DataFrame, key: Sequence[str], *, end: Column, known_batch_id: int) -> DataFrame:
    """Versions of reference rows that were known, began before `end` and were not over by then."""
    valid = F.col("valid_to").isNull() | (F.col("valid_to") >= end) | superseded(key)
    return rows.select("*", valid.alias("__valid")).where(
        F.col("__valid") & (F.col("valid_from") < end) & (F.col("batch_id") <= known_batch_id)
    )


def superseded(key: Sequence[str]) -> Column:
    """True where valid_to is no end of its own but the beginning of the next version.

    Such an end needs no check, because the next version is chosen once it has begun; and where only a later batch
    brought it, the ended version is what was known.
    """
    versions = Window.partitionBy(*key).orderBy("valid_from", "batch_id", "record_id")
    return F.col("valid_to").eqNullSafe(F.lead("valid_from").over(versions))
