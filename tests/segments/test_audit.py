"""The verdicts of the audit at their limits, and the figures they rest on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from omniseg.segments.audit import AuditFigures, AuditLimits, audit, audit_figures, audit_totals, segment_sizes

LIMITS = AuditLimits(min_share=0.1, max_null_rate=0.5)
GOOD = AuditFigures(
    customers=100, rows=100, missing=0, strangers=0, repeated=0, broken_distances=0,
    nulls={"spend": 0, "recency": 50}, sizes={"s01": 60, "s02": 30, "s03": 10},
)  # fmt: skip


def failed(figures: AuditFigures, segments: int = 3) -> list[str]:
    """The names of the checks that did not pass."""
    return [check.name for check in audit(figures, LIMITS, segments=segments) if not check.passed]


def test_everything_at_its_limit_passes():
    assert failed(GOOD) == []


@pytest.mark.parametrize(
    ("change", "names"),
    [
        pytest.param({"missing": 1}, ["assigned_to_each_customer"], id="a_customer_without_segment"),
        pytest.param({"strangers": 1}, ["assigned_to_known_customers"], id="a_customer_nobody_knows"),
        pytest.param({"repeated": 1}, ["assigned_once"], id="a_customer_twice"),
        pytest.param({"broken_distances": 1}, ["distances_finite"], id="a_distance_that_is_none"),
        pytest.param({"sizes": {"s01": 70, "s02": 30}}, ["segments"], id="a_segment_is_empty"),
        pytest.param({"sizes": {"s01": 60, "s02": 20, "s03": 10, "s04": 10}}, ["segments"], id="a_segment_too_many"),
        pytest.param(
            {"sizes": {"s01": 61, "s02": 30, "s03": 9}}, ["smallest_share"], id="a_share_just_below_the_limit"
        ),
        pytest.param({"nulls": {"recency": 51}}, ["null_rate.recency"], id="a_null_rate_just_above_the_limit"),
    ],
)
def test_one_beyond_its_limit_fails(change, names):
    assert failed(replace(GOOD, **change)) == names


def test_an_empty_snapshot_never_passes():
    nobody = AuditFigures(0, 0, 0, 0, 0, 0, {"spend": 0}, {})
    assert failed(nobody) == ["segments", "smallest_share"]
    assert "smallest_share" in [
        check.name for check in audit(nobody, AuditLimits(0.0, 1.0), segments=0) if not check.passed
    ]


def test_a_check_says_figure_limit_and_what_was_counted():
    share = next(check for check in audit(GOOD, LIMITS, segments=3) if check.name == "smallest_share")
    assert (share.figure, share.limit, share.detail) == (0.1, ">= 0.1", "segment s03: 10 customers")


SNAPSHOT = "customer_id STRING, segment_id STRING, distance DOUBLE"
FEATURES = "customer_id STRING, spend DOUBLE, visits INT"


def counted(spark, assigned, features) -> AuditFigures:
    """The figures of literal rows."""
    snapshot = spark.createDataFrame(assigned, SNAPSHOT)
    totals = audit_totals(snapshot, spark.createDataFrame(features, FEATURES), columns=("spend", "visits"))
    sizes = {row["segment_id"]: row["customers"] for row in segment_sizes(snapshot).collect()}
    return audit_figures(totals.collect()[0].asDict(), sizes)


def test_figures_of_a_sound_snapshot(spark):
    figures = counted(spark, [("a", "s01", 1.0), ("b", "s02", 0.0)], [("a", 5.0, 1), ("b", None, 2)])
    assert figures == AuditFigures(2, 2, 0, 0, 0, 0, {"spend": 1, "visits": 0}, {"s01": 1, "s02": 1})


def test_figures_of_everything_wrong(spark):
    assigned = [
        ("a", "s01", float("nan")),
        ("a", "s02", 1.0),
        ("a", "s02", -1.0),
        ("x", "s01", float("inf")),
        ("b", "s01", None),
    ]
    figures = counted(spark, assigned, [("a", float("nan"), None), ("b", 1.0, 1), ("c", 1.0, 1)])
    assert figures == AuditFigures(
        customers=3, rows=5, missing=1, strangers=1, repeated=2, broken_distances=4,
        nulls={"spend": 1, "visits": 1}, sizes={"s01": 3, "s02": 2},
    )  # fmt: skip


def test_figures_of_nobody(spark):
    assert counted(spark, [], []) == AuditFigures(0, 0, 0, 0, 0, 0, {"spend": 0, "visits": 0}, {})
