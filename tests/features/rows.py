"""Rows of the tables that features are made of: a base row each, a test names only what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession

from omniseg import tables
from omniseg.features.as_of import Seen, features_as_of
from omniseg.features.days import day_partials
from omniseg.features.declaration import FeatureSet
from omniseg.features.parsing import parse_features
from omniseg.features.partials import partial_columns
from omniseg.features.products import enriched
from omniseg.settings.conf import conf_path
from omniseg.settings.yaml_strict import load, parse

UTC_NOON = datetime(2017, 3, 10, 12, tzinfo=timezone.utc)
BEGINNING = datetime(1900, 1, 1, tzinfo=timezone.utc)
AS_OF = date(2017, 3, 31)

EVENT: dict[str, Any] = {
    "event_id": "e",
    "source": "till",
    "event_time": UTC_NOON,
    "event_date": UTC_NOON.date(),
    "received_at": UTC_NOON,
    "channel": "pos",
    "event_type": "purchase",
    "identity_key": "k1",
    "bucket": 1,
    "order_id": "o1",
    "amount": Decimal("10.0000"),
    "amount_status": "ok",
    "is_bot": False,
    "payload_hash": 0,
    "record_id": "r",
    "batch_id": 1,
}
IDENTITY: dict[str, Any] = {
    "identifier": "k1",
    "identifier_type": "loyalty",
    "bucket": 1,
    "surrogate": "p1",
    "customer_id": "p1",
    "first_seen": UTC_NOON,
    "valid_from": BEGINNING,
    "batch_id": 1,
}
VERSION: dict[str, Any] = {"valid_from": BEGINNING, "row_hash": 0, "record_id": "r", "batch_id": 1}
CUSTOMER: dict[str, Any] = {"identity_key": "k1", "bucket": 1, "age_band": "25-34", **VERSION}
STORE: dict[str, Any] = {"store_id": "s1", "latitude": 52.5, "longitude": 13.4, "region": "BE", **VERSION}
AREA: dict[str, Any] = {"country": "DEU", "postal_code": "10115", "urbanity": "city", **VERSION}
PRODUCT: dict[str, Any] = {
    "product_id": "milk",
    "department": "DAIRY",
    "category": "MILK",
    "brand": "Private",
    **VERSION,
}


def frame(
    spark: SparkSession, table: tables.Table, base: Mapping[str, Any], *overrides: Mapping[str, Any]
) -> DataFrame:
    """One row per override, in the table's schema; columns that nothing names are null."""
    rows = [tuple({**base, **override}.get(name) for name in table.column_names) for override in overrides]
    return spark.createDataFrame(rows, table.ddl)


def events(spark: SparkSession, *overrides: Mapping[str, Any]) -> DataFrame:
    """Silver events; each is a purchase of 10.00 unless it says otherwise. `event_date` moves `event_time` along."""
    moved = [
        {"event_time": datetime.combine(row["event_date"], UTC_NOON.timetz()), **row} if "event_date" in row else row
        for row in overrides
    ]
    return frame(spark, tables.SILVER_EVENTS, EVENT, *moved)


def identities(spark: SparkSession, *overrides: Mapping[str, Any]) -> DataFrame:
    """Identities; k1 is p1 unless it says otherwise."""
    return frame(spark, tables.IDENTITIES, IDENTITY, *(overrides or ({},)))


def customers(spark: SparkSession, *overrides: Mapping[str, Any]) -> DataFrame:
    """Records of the customer master; none unless given."""
    return frame(spark, tables.CUSTOMERS, CUSTOMER, *overrides)


def products(spark: SparkSession, *overrides: Mapping[str, Any]) -> DataFrame:
    """Records of the product master; none unless given."""
    return frame(spark, tables.PRODUCTS, PRODUCT, *overrides)


def stores(spark: SparkSession, *overrides: Mapping[str, Any]) -> DataFrame:
    """Stores; none unless given."""
    return frame(spark, tables.STORES, STORE, *overrides)


def areas(spark: SparkSession, *overrides: Mapping[str, Any]) -> DataFrame:
    """Postal areas; none unless given."""
    return frame(spark, tables.POSTAL_AREAS, AREA, *overrides)


def feature_set(*declarations: str) -> FeatureSet:
    """Features from YAML flow mappings; descriptions and units are added."""
    lines = [f"  - {{{text}, description: what, unit: number}}" for text in declarations]
    return parse_features(parse("\n".join(["features:", *lines]).encode(), "features.yml"))


def shipped(name: str) -> FeatureSet:
    """The features of a declaration that comes with omniseg."""
    return parse_features(load(conf_path(name), name))


def vectors(
    source: DataFrame,
    features: FeatureSet,
    *,
    who: DataFrame | None = None,
    master: DataFrame | None = None,
    places: Mapping[str, DataFrame] | None = None,
    assortment: DataFrame | None = None,
    as_of: date = AS_OF,
    known_batch_id: int = 9,
    time_zone: str = "UTC",
) -> DataFrame:
    """The whole way from events to vectors, through a table of days in its declared schema."""
    spark = source.sparkSession
    sold = products(spark) if assortment is None else assortment
    joined = enriched(source, sold) if features.reads_products else source
    days = day_partials(joined, features=features)
    declared = tables.CUSTOMER_DAY.extended(partial_columns(features))
    assert days.columns == list(declared.column_names)
    return features_as_of(
        days,
        identities(spark) if who is None else who,
        {"customers": customers(spark) if master is None else master, **(places or {})},
        seen=Seen(features, as_of, known_batch_id, time_zone),
        buckets=16,
    )


def vectors_of(
    spark: SparkSession, histories: Mapping[str, Sequence[Mapping[str, Any]]], features: FeatureSet
) -> dict[str, Row]:
    """The vector of each person; everybody has two keys, k1 and k2, of which an event names one as `key`."""
    who = [{"identifier": f"{key} {one}", "customer_id": one} for one in histories for key in ("k1", "k2")]
    rows = [
        {**event, "identity_key": f"{event.get('key', 'k1')} {one}"}
        for one, all_of in histories.items()
        for event in all_of
    ]
    found = vectors(events(spark, *rows), features, who=identities(spark, *who))
    return {row["customer_id"]: row for row in found.collect()}


def values(rows: DataFrame, *names: str) -> dict[str, tuple[Any, ...]]:
    """The named columns by customer."""
    return {row["customer_id"]: tuple(row[name] for name in names) for row in rows.collect()}
