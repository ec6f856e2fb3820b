"""Which segment a customer belongs to, as column expressions made from the model's plain numbers.

The walk is MLlib's own: from the root, at each node on to the nearer child, until a segment is reached. Written as
expressions it compiles with the rest of the query and needs neither MLflow nor a stored Spark model.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.models.space import coordinate, coordinates
from omniseg.models.spec import ModelSpec
from omniseg.models.tree import ROOT, children_of, path_key
from omniseg.segments.figures import DISTANCE_DIGITS, significant


def assign(features: DataFrame, spec: ModelSpec, *, buckets: int) -> DataFrame:
    """One row per row of `features`: customer_id, bucket, segment_id, segment_path, cluster, distance.

    `cluster` numbers the segments in order of their paths. `distance` is Euclidean, to the segment's centre in model
    space, 6 significant digits. Equal distances go to the first child, as in MLlib.
    """
    placed = features.select("customer_id", *coordinates(spec.features))
    walked = placed.withColumn("segment_path", segment_path(spec))
    paths = sorted(spec.segment_ids, key=path_key)
    return walked.select(
        "customer_id",
        F.pmod(F.xxhash64("customer_id"), F.lit(buckets)).cast("int").alias("bucket"),
        by_path({path: F.lit(spec.segment_ids[path]) for path in paths}).alias("segment_id"),
        "segment_path",
        by_path({path: F.lit(number) for number, path in enumerate(paths)}).alias("cluster"),
        significant(by_path(distances(spec)), DISTANCE_DIGITS).alias("distance"),
    )


def segment_path(spec: ModelSpec) -> Column:
    """The path of the segment that a point (columns `x_…`) walks to."""
    centers = {node.path: node.center for node in spec.nodes}
    below = children_of(centers)

    def walk(path: str) -> Column:
        if path in spec.segment_ids:
            return F.lit(path)
        first, *others = below[path]
        if not others:  # MLlib drops an empty child and leaves the other one alone
            return walk(first)
        return F.when(nearer(spec, centers[first], centers[others[0]]), walk(first)).otherwise(walk(others[0]))

    return walk(ROOT)


def nearer(spec: ModelSpec, here: tuple[float, ...], there: tuple[float, ...]) -> Column:
    """True where the point is at least as near to `here` as to `there`: the side of a plane, so linear in the point."""
    offset = sum(a * a for a in here) - sum(b * b for b in there)
    terms = [
        F.col(coordinate(feature.name)) * F.lit(2.0 * (b - a))
        for feature, a, b in zip(spec.features, here, there, strict=True)
    ]
    return added(terms) + F.lit(offset) <= F.lit(0.0)


def distances(spec: ModelSpec) -> dict[str, Column]:
    """The Euclidean distance to each segment's centre, by path."""
    centers = {node.path: node.center for node in spec.nodes}
    return {path: distance(spec, centers[path]) for path in sorted(spec.segment_ids, key=path_key)}


def distance(spec: ModelSpec, center: tuple[float, ...]) -> Column:
    """The Euclidean distance from the point to `center`."""
    gaps = [
        F.col(coordinate(feature.name)) - F.lit(value) for feature, value in zip(spec.features, center, strict=True)
    ]
    return F.sqrt(added([gap * gap for gap in gaps]))


def added(terms: list[Column]) -> Column:
    """The sum of the terms, in their order."""
    return reduce(lambda total, term: total + term, terms)


def by_path(values: dict[str, Column]) -> Column:
    """The value that belongs to the row's segment_path; null for a path without one."""
    return F.coalesce(*(F.when(F.col("segment_path") == path, value) for path, value in values.items()))
