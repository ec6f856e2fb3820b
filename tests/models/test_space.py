"""Model space: gaps, limits, transforms, and a training sample that is always the same."""

from __future__ import annotations

import math

import pytest

from omniseg.models.space import coordinates, training_sample
from omniseg.models.spec import FeatureSpec


def placed(spark, value: float | None, **changes: object) -> float:
    """The coordinate of one value of a feature that is left as it is but for `changes`."""
    plain: dict[str, object] = {"transform": "none", "missing": 0.0, "lower": -100.0, "upper": 100.0, "scale": 1.0}
    feature = FeatureSpec(name="spend", **{**plain, **changes})  # type: ignore[arg-type]
    frame = spark.createDataFrame([(value,)], "spend DOUBLE")
    return float(frame.select(*coordinates([feature])).collect()[0]["x_spend"])


@pytest.mark.parametrize(
    ("value", "changes", "expected"),
    [
        pytest.param(7.0, {}, 7.0, id="as_it_is"),
        pytest.param(None, {"missing": 3.0}, 3.0, id="null_is_filled"),
        pytest.param(float("nan"), {"missing": 3.0}, 3.0, id="nan_is_filled"),
        pytest.param(float("inf"), {}, 100.0, id="infinity_is_cut"),
        pytest.param(101.0, {}, 100.0, id="above_the_upper_limit"),
        pytest.param(-101.0, {}, -100.0, id="below_the_lower_limit"),
        pytest.param(None, {"missing": 900.0}, 100.0, id="the_filling_is_cut_too"),
        pytest.param(math.e - 1, {"transform": "log1p"}, 1.0, id="log1p"),
        pytest.param(1 - math.e, {"transform": "log1p"}, -1.0, id="log1p_keeps_the_sign"),
        pytest.param(-9.0, {"transform": "sqrt"}, -3.0, id="sqrt_keeps_the_sign"),
        pytest.param(0.25, {"transform": "share"}, math.asin(0.5), id="share"),
        pytest.param(1.2, {"transform": "share"}, math.pi / 2, id="share_above_one"),
        pytest.param(-0.2, {"transform": "share"}, 0.0, id="share_below_zero"),
        pytest.param(9.0, {"transform": "sqrt", "scale": 0.5}, 1.5, id="scaled_after_the_transform"),
    ],
)
def test_coordinate(spark, value, changes, expected):
    assert placed(spark, value, **changes) == pytest.approx(expected)


def people(spark, count: int):
    """That many customers with one feature."""
    return spark.range(count).selectExpr("concat('c', id) AS customer_id", "CAST(id AS DOUBLE) AS spend", "1 AS other")


def test_a_sample_is_one_sorted_partition_with_the_columns_asked_for(spark):
    sample = training_sample(people(spark, 50).repartition(4), columns=("spend",), rows=20, seed=17)
    names = [row["customer_id"] for row in sample.collect()]
    assert sample.rdd.getNumPartitions() == 1
    assert (len(names), names, sample.columns) == (20, sorted(names), ["customer_id", "spend"])


def test_all_are_taken_when_they_are_few(spark):
    assert training_sample(people(spark, 5), columns=("spend",), rows=20, seed=17).count() == 5


def test_a_sample_depends_on_its_seed_alone(spark):
    drawn = [
        training_sample(frame, columns=("spend",), rows=20, seed=seed).collect()
        for frame, seed in ((people(spark, 50), 17), (people(spark, 50).repartition(7), 17), (people(spark, 50), 18))
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_a_customer_stays_in_the_sample_when_others_come(spark):
    few = {row[0] for row in training_sample(people(spark, 50), columns=(), rows=20, seed=17).collect()}
    more = {row[0] for row in training_sample(people(spark, 60), columns=(), rows=20, seed=17).collect()}
    assert len(few & more) >= 12
