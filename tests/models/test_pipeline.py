"""The parts of the fit: exact limits, weights, the tree read back, leaves that become segments."""

from __future__ import annotations

import pytest

from omniseg.models.pipeline import (
    build_pipeline,
    leaf_sizes,
    node_table,
    predicted,
    sample_figures,
    scales,
    segment_numbers,
    silhouette,
)

POINTS = [("a", 0.0, 1.0), ("b", 0.2, 1.0), ("c", 8.0, 1.0), ("d", 8.2, 1.0)]
WEIGHTS = {"x": 2.0, "y": 1.0}


@pytest.fixture(scope="module")
def vectors(spark):
    """Two pairs far apart on x; y never varies."""
    return spark.createDataFrame(POINTS, "customer_id STRING, x_x DOUBLE, x_y DOUBLE").coalesce(1)


@pytest.fixture(scope="module")
def fitted(vectors):
    """Two leaves."""
    return build_pipeline(WEIGHTS, leaves=2, seed=17).fit(vectors)


@pytest.mark.parametrize(
    ("values", "lower", "upper"),
    [
        pytest.param([float(n) for n in range(101)], 10.0, 90.0, id="a_value_at_the_quantile"),
        pytest.param([0.0, 10.0], 1.0, 9.0, id="between_two_values"),
        pytest.param([None, 4.0, float("nan")], 4.0, 4.0, id="gaps_are_left_out"),
        pytest.param([None, None], None, None, id="no_values"),
    ],
)
def test_limits_are_exact_quantiles(spark, values, lower, upper):
    sample = spark.createDataFrame([(value,) for value in values], "x DOUBLE")
    (row,) = sample_figures(sample, columns=("x",), quantiles=(0.1, 0.9)).collect()
    assert (row["rows"], row["lower_x"], row["upper_x"]) == (len(values), lower, upper)


def test_scales_are_weight_by_deviation_and_nothing_for_what_never_varies(fitted):
    assert scales(fitted, WEIGHTS) == pytest.approx((2.0 / 4.6203, 0.0), rel=1e-4)


def test_the_tree_is_read_back(vectors, fitted, tmp_path):
    rows = {row["index"]: row for row in node_table(vectors, fitted, str(tmp_path / "tree")).collect()}
    root = next(row for index, row in rows.items() if index < 0)
    assert sorted(root["children"]) == [0, 1]
    assert [row["size"] for row in rows.values() if row["index"] >= 0] == [2, 2]


def test_leaves_are_counted(vectors, fitted):
    assert sorted(row["customers"] for row in leaf_sizes(vectors, fitted).collect()) == [2, 2]


def test_far_apart_pairs_have_a_high_silhouette(vectors, fitted):
    points = predicted(vectors, fitted, {0: 1, 1: 0})
    segments = {row["customer_id"]: row["segment"] for row in points.collect()}
    assert segments["a"] == segments["b"] != segments["c"] == segments["d"]
    assert silhouette(points) > 0.99


def test_leaves_become_the_segments_they_lie_under():
    clusters = {"0.0.0": 0, "0.0.1": 1, "0.1": 2}
    assert segment_numbers(clusters, ("0.0", "0.1")) == {0: 0, 1: 0, 2: 1}
