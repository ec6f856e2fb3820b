"""Daily partial aggregates: the smallest set from which every declared feature can be merged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg import tables
from omniseg.expressions import Compiled, column
from omniseg.features.declaration import ENRICHED, FeatureSet, Measured, sql
from omniseg.features.measures import DAY_SUM, NUMBER

GRAIN = ("identity_key", "bucket", "event_date", "batch_id")  # the bucket is a function of the key
UNKNOWN = "unknown"  # member that stands for a product, or a fact of it, that the master does not hold

TYPES = {"count": "BIGINT", "sum": DAY_SUM, "min": NUMBER, "max": NUMBER, "hashes": "ARRAY<BIGINT>"}
MEANINGS = {
    "count": "events",
    "sum": "sum; null = none",
    "min": "least; null = none",
    "max": "greatest; null = none",
    "hashes": "sorted distinct xxhash64; empty = none",
}


@dataclass(frozen=True)
class Partial:
    """One aggregate per identity key, day and batch: `kind` of the values `of`, over the events for which `where`
    holds.
    """

    kind: str
    of: Compiled | None
    where: Compiled | None

    @property
    def name(self) -> str:
        """The column; a function of what is aggregated, so that features which need the same share it."""
        return f"{self.kind}_{digest(sql(self.of), sql(self.where))}"

    @property
    def value(self) -> str:
        """Name of the prepared input column with the value."""
        return f"value_{digest(sql(self.of))}"

    @property
    def condition(self) -> str:
        """Name of the prepared input column with the condition."""
        return f"where_{digest(sql(self.where))}"

    @property
    def declared(self) -> tables.Column:
        """The column as gold.customer_day declares it."""
        of = f" of {sql(self.of)}" if self.of is not None else ""
        where = f" where {sql(self.where)}" if self.where is not None else ""
        return tables.Column(self.name, TYPES[self.kind], True, "attribute", f"{MEANINGS[self.kind]}{of}{where}")


def partial_of(feature: Measured) -> Partial:
    """What a feature is merged from."""
    return Partial(feature.rule.partial, feature.of, feature.where)


def partials(features: FeatureSet) -> tuple[Partial, ...]:
    """The partials that the features need, each once, ordered by name."""
    by_name = {partial.name: partial for partial in map(partial_of, features.measured)}
    return tuple(by_name[name] for name in sorted(by_name))


def partial_columns(features: FeatureSet) -> tuple[tables.Column, ...]:
    """The columns that extend gold.customer_day."""
    return tuple(partial.declared for partial in partials(features))


def day_partials(events: DataFrame, *, features: FeatureSet) -> DataFrame:
    """Events -> gold.customer_day extended by `partial_columns`: one row per identity key, event_date and batch.

    `events` is silver.events, passed through `enriched` where `features.reads_products`. Unattributed events and bots
    are left out. A day on which no feature counts anything still has its row: the person was there. Sums in
    DECIMAL(28,4); a value that is null, or does not fit DECIMAL(18,4), adds nothing.
    """
    wanted = partials(features)
    aggregates = [aggregate(partial).alias(partial.name) for partial in wanted]
    # The count keeps a row for every day, also where no feature needs a partial.
    days = prepared(events, wanted).groupBy(*GRAIN).agg(F.count(F.lit(1)).alias("__events"), *aggregates)
    return days.select(*tables.CUSTOMER_DAY.column_names, *(partial.name for partial in wanted))


def prepared(events: DataFrame, wanted: Iterable[Partial]) -> DataFrame:
    """Events as narrow rows: the grain, and every value and condition once, however many partials share it."""
    values = {partial.value: partial.of for partial in wanted if partial.of is not None}
    conditions = {partial.condition: partial.where for partial in wanted if partial.where is not None}
    return events.where(F.col("identity_key").isNotNull() & ~F.col("is_bot")).select(
        *GRAIN,
        *(column(compiled).alias(name) for name, compiled in values.items()),
        *(F.coalesce(column(compiled), F.lit(False)).alias(name) for name, compiled in conditions.items()),
    )


def aggregate(partial: Partial) -> Column:
    """The aggregate of a partial over prepared events."""
    if partial.kind == "count":
        return F.count_if(counted(partial))
    if partial.kind == "hashes":
        return F.array_sort(F.collect_set(F.when(counted(partial), F.xxhash64(partial.value))))
    value = F.when(counted(partial), F.col(partial.value))
    functions = {"sum": F.sum, "min": F.min, "max": F.max}
    return functions[partial.kind](value).cast(TYPES[partial.kind])


def counted(partial: Partial) -> Column:
    """True on prepared events that enter the partial."""
    there = F.col(partial.value).isNotNull() if partial.of is not None else F.lit(True)
    return there & F.col(partial.condition) if partial.where is not None else there


def enriched(events: DataFrame, products: DataFrame) -> DataFrame:
    """Events with department, product_category and product_brand of silver.products, valid at event_time. Grain
    unchanged.

    A product without a valid row, or without the fact, is the member 'unknown'; an event without a product has nulls.
    The join adds no rows whatever the master holds: a version ends at the latest where the next one of its key begins,
    and of versions that begin together the last known counts.
    """
    order = Window.partitionBy("product_id").orderBy("valid_from", "batch_id", "record_id")
    versions = products.select(
        F.col("product_id").alias("__product_id"),
        F.col("valid_from").alias("__from"),
        F.least("valid_to", F.lead("valid_from").over(order)).alias("__to"),
        F.col("department").alias("__department"),
        F.col("category").alias("__product_category"),
        F.col("brand").alias("__product_brand"),
    )
    same = F.col("product_id") == F.col("__product_id")
    begun = F.col("__from") <= F.col("event_time")
    not_over = F.col("__to").isNull() | (F.col("event_time") < F.col("__to"))
    joined = events.join(versions, same & begun & not_over, how="left")
    facts = [
        F.when(F.col("product_id").isNotNull(), F.coalesce(f"__{name}", F.lit(UNKNOWN))).alias(name)
        for name in ENRICHED
    ]
    return joined.select(*(events[name] for name in events.columns), *facts)


def digest(*texts: str) -> str:
    """8 hex digits that name the texts."""
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()[:8]
