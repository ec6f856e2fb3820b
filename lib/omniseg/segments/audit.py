"""The audit of a staged snapshot: figures counted in two small queries, then verdicts as a pure function of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class AuditFigures:
    """What was counted in a staged snapshot and in the features that it was made from."""

    customers: int  # in the features
    rows: int  # of the snapshot
    missing: int  # customers of the features without a row
    strangers: int  # customers of the snapshot that the features do not know
    repeated: int  # rows beyond the first of a customer
    broken_distances: int  # null, NaN, infinite or negative
    nulls: Mapping[str, int]  # customers without a value, by feature of the model
    sizes: Mapping[str, int]  # customers by segment


@dataclass(frozen=True)
class AuditLimits:
    """What a snapshot must keep to be published; both are parts of 1."""

    min_share: float
    max_null_rate: float


@dataclass(frozen=True)
class Check:
    """One check with its figure, its limit and its verdict."""

    name: str
    figure: float
    limit: str
    passed: bool
    detail: str = ""


def audit_totals(snapshot: DataFrame, features: DataFrame, *, columns: tuple[str, ...]) -> DataFrame:
    """One row: customers, rows, missing, strangers, repeated, broken_distances and `null_<feature>` for `columns`.

    `features` has one row per customer; `columns` are the features of the model.
    """
    broken = F.isnull("distance") | F.isnan("distance") | (F.col("distance") < 0) | (F.col("distance") == float("inf"))
    assigned = snapshot.groupBy("customer_id").agg(F.count(F.lit(1)).alias("times"), F.count_if(broken).alias("broken"))
    gaps = [F.count_if(F.col("known") & no_value(name)).alias(f"null_{name}") for name in columns]
    known = features.select("customer_id", *columns, F.lit(True).alias("known"))
    both = known.join(assigned, "customer_id", how="full").withColumn("known", F.coalesce("known", F.lit(False)))
    return both.agg(
        F.count_if("known").alias("customers"),
        F.coalesce(F.sum("times"), F.lit(0)).alias("rows"),
        F.count_if(F.col("known") & F.isnull("times")).alias("missing"),
        F.count_if(~F.col("known")).alias("strangers"),
        F.coalesce(F.sum(F.col("times") - 1), F.lit(0)).alias("repeated"),
        F.coalesce(F.sum("broken"), F.lit(0)).alias("broken_distances"),
        *gaps,
    )


def no_value(name: str) -> Column:
    """True where a feature is null or NaN."""
    value = F.col(name).cast("double")
    return F.isnull(value) | F.isnan(value)


def segment_sizes(snapshot: DataFrame) -> DataFrame:
    """One row per segment: segment_id, customers."""
    return snapshot.groupBy("segment_id").agg(F.count(F.lit(1)).alias("customers"))


def audit_figures(totals: Mapping[str, int], sizes: Mapping[str, int]) -> AuditFigures:
    """The figures from the row of `audit_totals` and the rows of `segment_sizes`."""
    nulls = {name.removeprefix("null_"): count for name, count in totals.items() if name.startswith("null_")}
    counts = {name: int(count) for name, count in totals.items() if not name.startswith("null_")}
    return AuditFigures(**counts, nulls=nulls, sizes=dict(sizes))


def audit(figures: AuditFigures, limits: AuditLimits, *, segments: int) -> tuple[Check, ...]:
    """Every check with its verdict; publish only if all passed. An empty snapshot never passes."""
    return (
        nothing("assigned_to_each_customer", figures.missing, "customers of the features without a segment"),
        nothing("assigned_to_known_customers", figures.strangers, "customers that the features do not know"),
        nothing("assigned_once", figures.repeated, "second rows of a customer"),
        nothing("distances_finite", figures.broken_distances, "distances that are no number"),
        segment_count(figures, segments),
        smallest_share(figures, limits.min_share),
        *(null_rate(name, figures, limits.max_null_rate) for name in sorted(figures.nulls)),
    )


def nothing(name: str, count: int, what: str) -> Check:
    """A check that passes when nothing was counted."""
    return Check(name, float(count), "= 0", count == 0, what)


def segment_count(figures: AuditFigures, segments: int) -> Check:
    """Exactly as many segments as the model has must hold customers."""
    found = len(figures.sizes)
    return Check("segments", float(found), f"= {segments}", found == segments, "segments with customers")


def smallest_share(figures: AuditFigures, limit: float) -> Check:
    """The smallest segment must not be smaller than `limit`; equal is enough."""
    name, size = min(figures.sizes.items(), key=lambda item: (item[1], item[0]), default=("none", 0))
    share = size / figures.rows if figures.rows else 0.0
    passed = size > 0 and share >= limit
    return Check("smallest_share", share, f">= {limit:g}", passed, f"segment {name}: {size} customers")


def null_rate(name: str, figures: AuditFigures, limit: float) -> Check:
    """At most `limit` of the customers may lack a feature of the model; equal is allowed."""
    rate = figures.nulls[name] / figures.customers if figures.customers else 0.0
    return Check(f"null_rate.{name}", rate, f"<= {limit:g}", rate <= limit, "customers without a value")
