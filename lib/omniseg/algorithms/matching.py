"""Segments keep their meaning: clusters of a new model inherit the ids of old ones by the customers they share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]  # ships no types

from omniseg.lake.bounded import bounded
from omniseg.models.scoring import assign
from omniseg.models.spec import ModelSpec
from omniseg.segments.naming import fresh_ids


def inherit_ids(features: DataFrame, current: ModelSpec, previous: ModelSpec, *, least_overlap: float) -> ModelSpec:
    """`current` with the ids of the segments of `previous` that it matches; the others get ids never given out before.

    Both models assign the customers of `features`; see `match`.
    """
    matched = match(shared_customers(features, current, previous), least_overlap=least_overlap)
    kept = {path: matched[segment] for path, segment in current.segment_ids.items() if segment in matched}
    new = [path for path in sorted(current.segment_ids, key=current.segment_ids.__getitem__) if path not in kept]
    fresh = dict(zip(new, fresh_ids(len(new), issued=previous.issued), strict=True))
    return current.named({**kept, **fresh}, issued=previous.issued + len(new))


def shared_customers(features: DataFrame, current: ModelSpec, previous: ModelSpec) -> dict[tuple[str, str], int]:
    """Customers by (segment of `current`, segment of `previous`); pairs without a customer are left out."""
    here = assign(features, current, buckets=1).select("customer_id", "segment_id")
    there = assign(features, previous, buckets=1).select("customer_id", F.col("segment_id").alias("previous_id"))
    pairs = here.join(there, "customer_id", how="inner").groupBy("segment_id", "previous_id")
    limit = len(current.segment_ids) * len(previous.segment_ids)
    rows = bounded(pairs.agg(F.count(F.lit(1)).alias("customers")), limit)
    return {(row["segment_id"], row["previous_id"]): row["customers"] for row in rows}


def match(shared: Mapping[tuple[str, str], int], *, least_overlap: float) -> dict[str, str]:
    """The old id of each new segment that has one.

    One to one, so that the matched segments share the most customers in total; a pair counts only from `least_overlap`
    on (customers in both ÷ customers in either). Equal totals: the first ids in order.
    """
    new = sorted({pair[0] for pair in shared})
    old = sorted({pair[1] for pair in shared})
    table = np.array([[shared.get((row, column), 0) for column in old] for row in new]).reshape(len(new), len(old))
    either = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    enough = table >= least_overlap * either
    rows, columns = linear_sum_assignment(np.where(enough, table, 0), maximize=True)
    return {new[r]: old[c] for r, c in zip(rows, columns, strict=True) if enough[r, c] and table[r, c] > 0}
