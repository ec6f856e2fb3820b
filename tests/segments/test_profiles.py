"""Profiles and lineage of snapshots, on frames small enough to compute by hand."""

from __future__ import annotations

import random
import statistics
from decimal import Decimal

import pytest

from omniseg import tables
from omniseg.segments.figures import significant
from omniseg.segments.profiles import lineage, profiles

SNAPSHOT = "snapshot_id STRING, customer_id STRING, segment_id STRING"
FEATURES = "customer_id STRING, spend DECIMAL(18,4), visits INT"


def assigned(spark, *pairs: tuple[str, str], snapshot: str = "now"):
    """A snapshot of (customer, segment) pairs."""
    return spark.createDataFrame([(snapshot, *pair) for pair in pairs], SNAPSHOT)


def profiled(spark, snapshot, features: str, *rows):
    """Profile rows by (segment, feature)."""
    frame = profiles(snapshot, spark.createDataFrame(rows, features), columns=("spend", "visits"))
    return {(row["segment_id"], row["feature"]): row for row in frame.collect()}


DOUBLES = "customer_id STRING, spend DOUBLE, visits INT"


def test_figures_computed_by_hand(spark):
    snapshot = assigned(spark, ("a", "s01"), ("b", "s01"), ("c", "s02"), ("d", "s02"))
    found = profiled(spark, snapshot, DOUBLES, ("a", 1.0, 4), ("b", 3.0, 4), ("c", 5.0, 4), ("d", 7.0, 4))
    row = found["s01", "spend"]
    assert (row["snapshot_id"], row["customers"], row["share"]) == ("now", 2, 0.5)
    assert (row["mean"], row["overall_mean"], row["overall_stddev"]) == (2.0, 4.0, 2.236067977)  # √5 to 10 digits
    assert row["z"] == -0.894427191
    assert found["s02", "spend"]["z"] == 0.894427191


def test_money_is_taken_as_it_is_stored(spark):
    found = profiled(spark, assigned(spark, ("a", "s01")), FEATURES, ("a", Decimal("12.3456"), 1))
    assert found["s01", "spend"]["mean"] == 12.3456


def test_a_feature_that_never_varies_has_no_z(spark):
    found = profiled(spark, assigned(spark, ("a", "s01"), ("b", "s02")), DOUBLES, ("a", 0.1, 4), ("b", 0.1, 4))
    assert {key: row["z"] for key, row in found.items() if row["z"] is not None} == {}


@pytest.mark.parametrize("nothing", [pytest.param(None, id="null"), pytest.param(float("nan"), id="not_a_number")])
def test_a_gap_is_left_out_of_the_means_and_counted_as_customer(spark, nothing):
    snapshot = assigned(spark, ("a", "s01"), ("b", "s01"), ("c", "s02"))
    found = profiled(spark, snapshot, DOUBLES, ("a", 2.0, 1), ("b", nothing, 2), ("c", 6.0, 3))
    assert (found["s01", "spend"]["mean"], found["s01", "spend"]["customers"]) == (2.0, 2)
    assert found["s01", "spend"]["overall_mean"] == 4.0


def test_a_segment_without_any_value_has_nulls_and_spoils_nothing(spark):
    snapshot = assigned(spark, ("a", "s01"), ("b", "s02"), ("c", "s02"))
    found = profiled(spark, snapshot, DOUBLES, ("a", None, 1), ("b", 4.0, 2), ("c", 6.0, 3))
    assert (found["s01", "spend"]["mean"], found["s01", "spend"]["z"]) == (None, None)
    assert (found["s02", "spend"]["overall_mean"], found["s02", "spend"]["overall_stddev"]) == (5.0, 1.0)


def test_a_feature_without_any_value_has_nulls(spark):
    found = profiled(spark, assigned(spark, ("a", "s01")), DOUBLES, ("a", None, 1))
    row = found["s01", "spend"]
    assert (row["mean"], row["overall_mean"], row["overall_stddev"], row["z"]) == (None, None, None, None)


def test_columns_are_those_of_the_table_without_the_names(spark):
    frame = profiles(assigned(spark), spark.createDataFrame([], DOUBLES), columns=("spend", "visits"))
    declared = [(c.name, c.type.lower()) for c in tables.SEGMENT_PROFILES.columns if c.name != "segment_name"]
    assert [(field.name, field.dataType.simpleString()) for field in frame.schema] == declared


def test_the_same_to_the_last_bit_however_rows_lie(spark):
    rng = random.Random(5)
    values = [(f"c{n}", rng.lognormvariate(3, 2), rng.randint(0, 9)) for n in range(500)]
    snapshot = assigned(spark, *((customer, f"s0{n % 3}") for n, (customer, _, _) in enumerate(values)))
    first = profiled(spark, snapshot, DOUBLES, *values)
    again = profiled(spark, snapshot.repartition(5), DOUBLES, *values[::-1])
    assert first == again
    spends = [spend for _, spend, _ in values]
    assert first["s00", "spend"]["overall_stddev"] == pytest.approx(statistics.pstdev(spends), rel=1e-9)


def moves(frame) -> dict[tuple[str, str], int]:
    """Customers by (segment, previous segment)."""
    return {(row["segment_id"], row["previous_segment_id"]): row["customers"] for row in frame.collect()}


class TestLineage:
    def test_stayed_moved_new_and_gone(self, spark):
        before = assigned(spark, ("a", "s01"), ("b", "s01"), ("gone", "s02"), snapshot="then")
        now = assigned(spark, ("a", "s01"), ("b", "s02"), ("c", "s02"))
        found = lineage(now, before, snapshot_id="now", previous_id="then")
        assert moves(found) == {("s01", "s01"): 1, ("s02", "s01"): 1, ("s02", "(new)"): 1, ("(gone)", "s02"): 1}
        assert {(row["snapshot_id"], row["previous_snapshot_id"]) for row in found.collect()} == {("now", "then")}

    def test_in_the_first_snapshot_everybody_is_new(self, spark):
        found = lineage(assigned(spark, ("a", "s01"), ("b", "s01")), None, snapshot_id="now", previous_id=None)
        assert moves(found) == {("s01", "(new)"): 2}
        assert found.collect()[0]["previous_snapshot_id"] is None

    def test_columns_are_those_of_the_table(self, spark):
        declared = [(column.name, column.type.lower()) for column in tables.SEGMENT_LINEAGE.columns]
        for before, previous_id in ((assigned(spark, snapshot="then"), "then"), (None, None)):
            found = lineage(assigned(spark), before, snapshot_id="now", previous_id=previous_id)
            assert [(field.name, field.dataType.simpleString()) for field in found.schema] == declared


@pytest.mark.parametrize(
    ("number", "digits", "cut"),
    [
        pytest.param(123456.789, 6, 123457.0, id="large"),
        pytest.param(0.000012345675, 6, 0.0000123457, id="small"),
        pytest.param(-2.5, 1, -3.0, id="half_goes_away_from_zero"),
        pytest.param(0.0, 6, 0.0, id="zero"),
        pytest.param(1e300, 6, 1e300, id="huge"),
        pytest.param(None, 6, None, id="null"),
        pytest.param(float("inf"), 6, float("inf"), id="infinite"),
    ],
)
def test_significant_digits(spark, number, digits, cut):
    frame = spark.createDataFrame([(number,)], "number DOUBLE")
    assert frame.select(significant(frame["number"], digits).alias("cut")).collect()[0]["cut"] == cut
