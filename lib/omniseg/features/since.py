"""Vectors of a later date from those of an earlier one: only persons whose days changed are built anew.

A person's measured features are a function of the days in each window. From one date to the next those change for
whoever did something, of whom something became known late, or one of whose days left a window or went from one to the
next. Everybody else keeps what was measured; only days since an event are more, and formulas and attributes are looked
at again. No measure needs an inverse, so none is an exception (docs/decisions/0007-who-changed.md).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import reduce
from math import ceil
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.features.as_of import References, Seen, completed, measured_as_of
from omniseg.features.declaration import FeatureSet
from omniseg.features.measures import CUT_DAYS


def changed_customers(
    days: DataFrame, changes: DataFrame, identities: DataFrame, *, before: Seen, now: Seen
) -> DataFrame:
    """customer_id of the persons whose measured features may differ between two looks at the same declarations.

    `changes` is gold.customer_changes: whose days of earlier batches a later one changed.
    """
    since = F.col("batch_id").between(before.known_batch_id + 1, now.known_batch_id)
    late = F.col("batch_id") > before.known_batch_id
    crossed = [
        F.col("event_date").between(*map(F.lit, span)) for span in crossed_days(now.features, before.as_of, now.as_of)
    ]
    moved = days.where(now.counts() & reduce(or_, crossed, late))
    keys = moved.select("identity_key").unionByName(changes.where(since).select("identity_key"))
    persons = now.persons(identities)
    renamed = identities.where(since)
    found = persons.join(keys, F.col("identifier") == F.col("identity_key"), how="left_semi").select("customer_id")
    return found.unionByName(renamed.select("customer_id")).distinct()


def crossed_days(features: FeatureSet, before: date, as_of: date) -> list[tuple[date, date]]:
    """First and last day of each stretch of days that lie in other windows as of the one date than of the other."""
    edges = {(before - timedelta(edge.age(before)), as_of - timedelta(edge.age(as_of))) for edge in features.edges}
    spans = {(old + timedelta(1), new) for old, new in edges | {(before, as_of)} if old < new}
    hours = [int(feature.option or 0) for feature in features.of_family("carts")]
    if hours:  # carts that were open at the end of the earlier date
        spans.add((before - timedelta(ceil(max(hours) / 24)), before))
    return sorted(spans)


def days_of(days: DataFrame, changed: DataFrame, identities: DataFrame, *, now: Seen) -> DataFrame:
    """The days of the `changed_customers`, who are few: those of everybody else need not be read further."""
    theirs = now.persons(identities).join(changed, "customer_id", how="left_semi")
    keys = theirs.select(F.col("identifier").alias("identity_key"))
    return days.where(now.counts()).join(keys, "identity_key", "left_semi")


def features_since(
    previous: DataFrame,
    changed: DataFrame,
    mine: DataFrame,
    identities: DataFrame,
    references: References,
    *,
    before: Seen,
    now: Seen,
    buckets: int,
) -> DataFrame:
    """What `features_as_of` gives for `now`, from its rows for `before` and the days of the `changed_customers`."""
    persons = now.persons(identities)
    theirs = persons.join(changed, "customer_id", how="left_semi")
    anew = measured_as_of(mine, theirs, seen=now)
    others = previous.join(changed, "customer_id", how="left_anti")
    kept = others.select("customer_id", CUT_DAYS, *unchanged(before, now))
    return completed(anew.unionByName(kept), persons, references, seen=now, buckets=buckets)


def unchanged(before: Seen, now: Seen) -> list[Column]:
    """The measured columns of persons whose days did not change: only days since an event are more."""
    later = F.lit((now.as_of - before.as_of).days).cast("int")
    return [
        (F.col(named.name) + later).alias(named.name) if feature.rule.days else F.col(named.name)
        for feature in now.features.measured
        for named in feature.columns
    ]
