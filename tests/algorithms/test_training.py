"""Fitting on planted customers: found again, the same again, refused where there is nothing to find."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from omniseg.algorithms.matching import shared_customers
from omniseg.algorithms.training import Fit, FittedModel, fit, stability
from omniseg.errors import ModelRefused
from omniseg.models.agreement import adjusted_rand
from omniseg.models.scoring import assign
from omniseg.models.space import training_sample
from omniseg.models.spec import parse_spec
from omniseg.models.tree import leaves
from omniseg.segments.declaration import FeatureUse, Naming, SegmentsDeclaration

AXES = tuple("abcd")
HOW = Fit(segments=6, leaves=18, seed=1)


def declaration(*axes: str, transform: str = "none", weights: dict[str, float] | None = None) -> SegmentsDeclaration:
    """A model of these axes."""
    uses = tuple(
        FeatureUse(axis, axis, "number", "model", transform, (weights or {}).get(axis, 1.0), 0.0, "", "", axis)
        for axis in axes
    )
    return SegmentsDeclaration(uses, (0.0, 1.0), axes[0], 0.3, Naming(0.5, 2, "Typical"))


def planted(spark, seed: int, sizes: tuple[int, ...] = (120, 90, 60, 45, 30, 15)):
    """Six types far apart, of very different sizes; customer_id starts with the type."""
    rng = random.Random(seed)
    centers = [tuple(12.0 * ((kind >> bit) & 1) + 6.0 * (kind == 5) for bit in range(4)) for kind in range(6)]
    rows = [
        (f"{kind}-{number:03d}", *(rng.gauss(value, 1.0) for value in centers[kind]))
        for kind, size in enumerate(sizes)
        for number in range(size)
    ]
    return spark.createDataFrame(rows, "customer_id STRING, a DOUBLE, b DOUBLE, c DOUBLE, d DOUBLE")


def sampled(features):
    """All customers as a training sample."""
    return training_sample(features, columns=AXES, rows=1000, seed=1)


@pytest.fixture(scope="module")
def model_of(spark, tmp_path_factory):
    """The model of the types planted by a seed, fitted with the same seed; each once for this file."""

    @cache
    def model(seed: int) -> FittedModel:
        work_dir = str(tmp_path_factory.mktemp("fit"))
        how = replace(HOW, seed=seed)
        return fit(sampled(planted(spark, seed)), declaration=declaration(*AXES), how=how, work_dir=work_dir)

    return model


@pytest.fixture(scope="module")
def fitted(model_of):
    """The model of the first seed."""
    return model_of(HOW.seed)


@pytest.fixture(scope="module")
def assigned(spark, fitted):
    """The customers of the first seed in their segments."""
    return assign(planted(spark, HOW.seed), fitted.spec, buckets=4).collect()


@pytest.mark.parametrize("seed", [1, 2, 3, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (4, 5))])
def test_six_planted_types_are_found_with_every_seed(spark, model_of, seed):
    rows = assign(planted(spark, seed), model_of(seed).spec, buckets=4).collect()
    shared = Counter((row["customer_id"][0], row["segment_id"]) for row in rows)
    assert adjusted_rand(shared) >= 0.95


def test_the_walk_ends_where_mllib_puts_everybody(spark, fitted):
    """All 18 leaves as segments: our expressions and MLlib's own transform agree on every customer."""
    spec = fitted.spec
    clusters = {node.path: node.cluster for node in spec.nodes}
    unpruned = spec.named({path: str(clusters[path]) for path in leaves(spec.nodes)}, issued=99)
    features = planted(spark, 1)
    ours = {row["customer_id"]: int(row["segment_id"]) for row in assign(features, unpruned, buckets=4).collect()}
    inputs = features.selectExpr("customer_id", *(f"{axis} AS x_{axis}" for axis in AXES))
    theirs = {row["customer_id"]: row["prediction"] for row in fitted.pipeline.transform(inputs).collect()}
    assert ours == theirs
    assert len(set(ours.values())) == 18


def test_ids_go_by_size(assigned):
    sizes = Counter(row["segment_id"] for row in assigned)
    assert [sizes[f"s0{number}"] for number in range(1, 7)] == [120, 90, 60, 45, 30, 15]


def test_sizes_in_the_tree_are_those_of_the_customers_who_walk_there(assigned, fitted):
    walked = Counter(row["segment_path"] for row in assigned)
    assert {node.path: node.size for node in fitted.spec.nodes if node.path in walked} == walked


def test_figures_of_the_fit(fitted):
    assert fitted.metrics["customers"] == 360
    assert fitted.metrics["leaves"] == 18
    assert fitted.metrics["smallest_share"] == pytest.approx(15 / 360)
    assert fitted.metrics["silhouette"] > 0.75
    assert fitted.spec.training == {"seed": 1, "leaves": 18, "sample_rows": 360}


def test_the_same_customers_and_seed_give_the_same_model(spark, tmp_path, fitted):
    again = fit(
        sampled(planted(spark, 1).repartition(5)), declaration=declaration(*AXES), how=HOW, work_dir=str(tmp_path)
    )
    assert again.spec.document == fitted.spec.document
    assert parse_spec(again.spec.document) == fitted.spec


def test_a_second_seed_agrees(spark, tmp_path, fitted):
    sample = sampled(planted(spark, 1))
    agreed = stability(sample, fitted, declaration=declaration(*AXES), how=HOW, work_dir=str(tmp_path))
    assert agreed >= 0.95
    assert adjusted_rand(shared_customers(sample, fitted.spec, fitted.spec)) == 1.0


def test_values_are_cut_filled_and_scaled(spark, tmp_path):
    rows = [(f"c{n:03d}", float(n % 2) * 10, None if n == 7 else float(n)) for n in range(101)]
    features = spark.createDataFrame(rows, "customer_id STRING, a DOUBLE, b DOUBLE")
    uses = (
        FeatureUse("a", "a", "number", "model", "none", 3.0, 0.0, "", "", "a"),
        FeatureUse("b", "b", "number", "model", "none", 1.0, None, "", "", "b"),
    )
    declared = SegmentsDeclaration(uses, (0.1, 0.9), "a", 0.3, Naming(0.5, 2, "Typical"))
    sample = training_sample(features, columns=("a", "b"), rows=1000, seed=1)
    model = fit(sample, declaration=declared, how=Fit(2, 2, 17), work_dir=str(tmp_path))
    a, b = model.spec.features
    assert (b.lower, b.upper, b.missing) == pytest.approx((10.9, 90.1, 90.1))  # over the 100 values present
    assert a.scale == pytest.approx(3.0 / 5.0247, rel=1e-3)  # weight ÷ sample deviation of 0 and 10


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param([5.0] * 50, "collapsed: 50 customers came apart into 1 of the 3", id="all_alike"),
        pytest.param([5.0, 6.0] * 25, "into 2 of the 3", id="two_kinds_where_three_are_wanted"),
        pytest.param([1.0], "1 customers cannot make 3 segments", id="too_few_customers"),
        pytest.param([None] * 50, "collapsed", id="no_values"),
    ],
)
def test_what_does_not_come_apart_is_refused(spark, tmp_path, values, message):
    rows = [(f"c{number:02d}", value, 5.0) for number, value in enumerate(values)]
    features = spark.createDataFrame(rows, "customer_id STRING, a DOUBLE, b DOUBLE")
    sample = training_sample(features, columns=("a", "b"), rows=1000, seed=1)
    with pytest.raises(ModelRefused, match=message):
        fit(sample, declaration=declaration("a", "b"), how=Fit(3, 4, 17), work_dir=str(tmp_path))
