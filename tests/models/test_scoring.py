"""Assigning customers from plain numbers alone."""

from __future__ import annotations

import pytest

from omniseg.models.scoring import assign
from omniseg.models.spec import FeatureSpec, ModelSpec
from omniseg.models.tree import TreeNode

AXES = tuple(FeatureSpec(name, "none", missing=0.0, lower=-1000.0, upper=1000.0) for name in ("x", "y"))


def model(*nodes: tuple[str, float, float], ids: dict[str, str], features=AXES) -> ModelSpec:
    """A tree of (path, x, y)."""
    tree = tuple(TreeNode(path, 1, (x, y), 0.0, -1) for path, x, y in nodes)
    return ModelSpec(features, tree, ids, issued=len(ids))


# Left and right; the right one again below and above.
TREE = model(
    ("0", 0, 0),
    ("0.0", -4, 0),
    ("0.1", 4, 0),
    ("0.1.0", 4, -3),
    ("0.1.1", 4, 3),
    ids={"0.0": "s03", "0.1.0": "s01", "0.1.1": "s02"},
)


def points(spark, *places: tuple[float | None, float | None]):
    """Customers c0, c1, … at these places."""
    rows = [(f"c{number}", *place) for number, place in enumerate(places)]
    return spark.createDataFrame(rows, "customer_id STRING, x DOUBLE, y DOUBLE")


def assigned(spark, spec: ModelSpec, *places: tuple[float | None, float | None]):
    """The rows of these places, in order."""
    return sorted(assign(points(spark, *places), spec, buckets=16).collect(), key=lambda row: row["customer_id"])


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param((-4.0, 0.0), ("s03", "0.0", 0, 0.0), id="on_a_centre"),
        pytest.param((4.0, -6.0), ("s01", "0.1.0", 1, 3.0), id="below_right"),
        pytest.param((1.0, 7.0), ("s02", "0.1.1", 2, 5.0), id="above_right"),
        pytest.param((0.0, 0.0), ("s03", "0.0", 0, 4.0), id="in_the_middle_goes_to_the_first_child"),
        pytest.param((4.0, 0.0), ("s01", "0.1.0", 1, 3.0), id="between_two_segments_goes_to_the_first"),
        pytest.param((None, None), ("s03", "0.0", 0, 4.0), id="without_values_goes_where_the_fillings_are"),
        pytest.param((1.0, 1.0), ("s02", "0.1.1", 2, 3.60555), id="distance_has_six_digits"),
    ],
)
def test_place_of_one_customer(spark, place, expected):
    (row,) = assigned(spark, TREE, place)
    assert (row["segment_id"], row["segment_path"], row["cluster"], row["distance"]) == expected


def test_the_walk_decides_not_the_nearest_centre(spark):
    # MLlib goes down from the root: a point right of the middle never reaches a left segment, however near that is.
    spec = model(
        ("0", 0, 0),
        ("0.0", -9, 0),
        ("0.0.0", -17, 0),
        ("0.0.1", -1, 0),
        ("0.1", 10, 0),
        ids={"0.0.0": "a", "0.0.1": "b", "0.1": "c"},
    )
    (row,) = assigned(spark, spec, (1.0, 0.0))
    assert (row["segment_id"], row["distance"]) == ("c", 9.0)


def test_one_segment_takes_everybody(spark):
    rows = assigned(spark, model(("0", 0, 0), ids={"0": "s01"}), (3.0, 4.0), (0.0, 0.0))
    assert [(row["segment_id"], row["segment_path"], row["distance"]) for row in rows] == [
        ("s01", "0", 5.0),
        ("s01", "0", 0.0),
    ]


def test_an_only_child_is_walked_through(spark):
    spec = model(("0", 0, 0), ("0.0", 1, 0), ("0.0.0", 0, 0), ("0.0.1", 2, 0), ids={"0.0.0": "a", "0.0.1": "b"})
    assert [row["segment_id"] for row in assigned(spark, spec, (-1.0, 0.0), (3.0, 0.0))] == ["a", "b"]


def test_columns_and_bucket(spark):
    frame = assign(points(spark, (0.0, 0.0)), TREE, buckets=16)
    types = {field.name: field.dataType.simpleString() for field in frame.schema}
    assert types == {
        "customer_id": "string",
        "bucket": "int",
        "segment_id": "string",
        "segment_path": "string",
        "cluster": "int",
        "distance": "double",
    }
    expected = points(spark, (0.0, 0.0)).selectExpr("CAST(pmod(xxhash64(customer_id), 16) AS INT) AS bucket").collect()
    assert frame.collect()[0]["bucket"] == expected[0]["bucket"]


def test_the_order_of_rows_is_of_no_account(spark):
    places = [(float(n % 17) - 8, float(n % 13) - 6) for n in range(200)]
    frame = points(spark, *places)
    here = {tuple(row) for row in assign(frame, TREE, buckets=4).collect()}
    there = {tuple(row) for row in assign(frame.repartition(5), TREE, buckets=4).collect()}
    assert here == there


def test_it_is_one_compiled_pass(spark):
    plan = assign(points(spark, (0.0, 0.0)), TREE, buckets=4)._jdf.queryExecution().executedPlan().toString()
    assert "Exchange" not in plan
    assert "Python" not in plan
