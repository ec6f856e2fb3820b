"""Fitting a model: grow many leaves on one sorted partition, look at the tree, prune it to the segments.

MLlib splits large clusters first, so asking it for the wanted number directly misses small distinct groups; growing
more leaves and merging the siblings that cost least finds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame

from omniseg.algorithms.matching import shared_customers
from omniseg.errors import ModelRefused
from omniseg.lake.bounded import bounded
from omniseg.models.agreement import adjusted_rand
from omniseg.models.pipeline import (
    build_pipeline,
    leaf_sizes,
    node_table,
    predicted,
    sample_figures,
    scales,
    segment_numbers,
    silhouette,
    unscaled_vectors,
)
from omniseg.models.spec import FeatureSpec, ModelSpec
from omniseg.models.tree import TreeNode, leaves, prune, recounted, tree_nodes
from omniseg.segments.declaration import FeatureUse, SegmentsDeclaration
from omniseg.segments.naming import fresh_ids


@dataclass(frozen=True)
class FittedModel:
    """A Spark ML pipeline, the plain numbers that segments are assigned by, and the figures of the fit."""

    pipeline: PipelineModel
    spec: ModelSpec
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Fit:
    """How to fit: `segments` to end with, `leaves` to grow before, MLlib's seed."""

    segments: int
    leaves: int
    seed: int


def fit(sample: DataFrame, *, declaration: SegmentsDeclaration, how: Fit, work_dir: str) -> FittedModel:
    """Fit on `sample` (one sorted partition, see `training_sample`).

    `work_dir` (a path Spark can write) holds the saved tree meanwhile. ModelRefused when the data do not come apart
    into `how.segments` clusters. Metrics: silhouette, cost (squared distances, by MLlib's count), customers, leaves,
    smallest_share.
    """
    kept = sample.persist()
    try:
        features = prepared_features(kept, declaration, how)
        vectors = unscaled_vectors(kept, features)
        weights = {use.name: use.weight for use in declaration.in_model}
        grown, nodes = grow(vectors, weights, how, f"{work_dir}/tree-{how.seed}")
        rows = nodes[0].size
        training = {"seed": how.seed, "leaves": how.leaves, "sample_rows": rows}
        scaled = tuple(replace(f, scale=s) for f, s in zip(features, scales(grown, weights), strict=True))
        frontier = prune(nodes, how.segments).frontier
        spec = ModelSpec(scaled, nodes, sized_ids(nodes, frontier), issued=len(frontier), training=training)
        return FittedModel(grown, spec, judge(vectors, grown, nodes, frontier))
    finally:
        kept.unpersist()


def prepared_features(sample: DataFrame, declaration: SegmentsDeclaration, how: Fit) -> tuple[FeatureSpec, ...]:
    """How each feature of the model is filled and cut, from the sample's exact quantiles; scales are still 1."""
    names = tuple(use.name for use in declaration.in_model)
    figures = sample_figures(sample, columns=names, quantiles=declaration.winsorise)
    found = bounded(figures, 1)[0].asDict()
    if found["rows"] < how.segments:
        raise ModelRefused(f"{found['rows']} customers cannot make {how.segments} segments")
    return tuple(
        feature_spec(use, found[f"lower_{use.name}"], found[f"upper_{use.name}"]) for use in declaration.in_model
    )


def feature_spec(use: FeatureUse, lower: float | None, upper: float | None) -> FeatureSpec:
    """The declared use with its limits; a feature without any value is 0 for everybody."""
    low, high = (0.0, 0.0) if lower is None or upper is None else (float(lower), float(upper))
    missing = high if use.missing is None else use.missing
    return FeatureSpec(use.name, use.transform, missing=missing, lower=min(low, missing), upper=max(high, missing))


def grow(
    vectors: DataFrame, weights: Mapping[str, float], how: Fit, saved: str
) -> tuple[PipelineModel, tuple[TreeNode, ...]]:
    """The fitted pipeline and its tree; ModelRefused when fewer leaves hold customers than segments are wanted."""
    grown = build_pipeline(weights, leaves=how.leaves, seed=how.seed).fit(vectors)
    table = node_table(vectors, grown, saved)
    tree = tree_nodes(row.asDict() for row in bounded(table, 4 * how.leaves))
    sizes = {row["cluster"]: row["customers"] for row in bounded(leaf_sizes(vectors, grown), how.leaves)}
    nodes = recounted(tree, sizes)
    found = len(sizes)
    if found < how.segments:
        raise ModelRefused(
            f"the model collapsed: {nodes[0].size:,} customers came apart into {found} of the {how.segments} segments "
            f"wanted ({how.leaves} leaves asked for, cost {nodes[0].cost:.6g}); "
            "do customers differ in the features of the model?"
        )
    return grown, nodes


def sized_ids(nodes: Iterable[TreeNode], frontier: tuple[str, ...]) -> dict[str, str]:
    """Fresh segment ids by path, the largest segment first."""
    sizes = {node.path: node.size for node in nodes}
    ordered = sorted(frontier, key=lambda path: (-sizes[path], path))
    return dict(zip(ordered, fresh_ids(len(ordered), issued=0), strict=True))


def judge(
    vectors: DataFrame, grown: PipelineModel, nodes: Iterable[TreeNode], frontier: tuple[str, ...]
) -> dict[str, float]:
    """The figures of a fit; see `fit`. One segment has no silhouette: 0."""
    by_path = {node.path: node for node in nodes}
    numbers = segment_numbers({path: by_path[path].cluster for path in leaves(by_path.values())}, frontier)
    points = predicted(vectors, grown, numbers)
    segments = [by_path[path] for path in frontier]
    customers = sum(segment.size for segment in segments)
    return {
        "silhouette": silhouette(points) if len(frontier) > 1 else 0.0,
        "cost": sum(segment.cost for segment in segments),
        "customers": float(customers),
        "leaves": float(len(numbers)),
        "smallest_share": min(segment.size for segment in segments) / customers,
    }


def stability(
    sample: DataFrame, fitted: FittedModel, *, declaration: SegmentsDeclaration, how: Fit, work_dir: str
) -> float:
    """How far a second fit, on the next seed, groups the sample as `fitted` does: the adjusted Rand index.

    1: the segments are in the data; about 0: they are in the seed. Costs as much as `fit`.
    """
    again = fit(sample, declaration=declaration, how=replace(how, seed=how.seed + 1), work_dir=work_dir)
    return adjusted_rand(shared_customers(sample, fitted.spec, again.spec))
