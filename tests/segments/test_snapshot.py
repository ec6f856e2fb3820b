"""Names and hashes of snapshots: equal for equal content, different for anything else."""

from __future__ import annotations

from datetime import date

import pytest

from omniseg.segments.snapshot import bucket_hashes, snapshot_id

AS_OF = date(2017, 9, 30)
INPUTS = {"model": "abc", "highest_batch": 41, "references": {"products": 3, "stores": None}, "settings": ["x", 0.5]}


def test_the_name_is_pinned():
    # Anyone can repeat it: sha256 of {"batch":1,"model":"é"} in UTF-8.
    assert snapshot_id(AS_OF, {"model": "é", "batch": 1}) == "2017-09-30-bdaf29504e50"


def test_the_order_of_inputs_is_of_no_account():
    turned = {key: INPUTS[key] for key in reversed(INPUTS)}
    assert snapshot_id(AS_OF, turned) == snapshot_id(AS_OF, INPUTS)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({**INPUTS, "highest_batch": 42}, id="another_batch"),
        pytest.param({**INPUTS, "highest_batch": "41"}, id="text_instead_of_number"),
        pytest.param({**INPUTS, "references": {"products": 3}}, id="a_null_left_out"),
        pytest.param({**INPUTS, "settings": [0.5, "x"]}, id="a_list_turned_round"),
    ],
)
def test_other_inputs_have_another_name(other):
    assert snapshot_id(AS_OF, other) != snapshot_id(AS_OF, INPUTS)


def test_another_day_has_another_name():
    assert snapshot_id(date(2017, 10, 1), INPUTS)[11:] == snapshot_id(AS_OF, INPUTS)[11:]
    assert snapshot_id(date(2017, 10, 1), INPUTS).startswith("2017-10-01-")


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        pytest.param({"day": AS_OF}, TypeError, id="a_date_is_no_text"),
        pytest.param({"share": float("nan")}, ValueError, id="not_a_number"),
    ],
)
def test_inputs_without_one_plain_form_are_refused(inputs, error):
    with pytest.raises(error):
        snapshot_id(AS_OF, inputs)


SCHEMA = "bucket INT, customer_id STRING, segment_id STRING, distance DOUBLE"
ROWS = [(0, "a", "s01", 0.5), (0, "b", "s02", 1.25), (1, "c", "s01", 3.0)]


def hashes(frame) -> dict[int, str]:
    """The hash of each bucket."""
    return {row["bucket"]: row["hash"] for row in bucket_hashes(frame).collect()}


def test_order_and_partitions_are_of_no_account(spark):
    turned = spark.createDataFrame(ROWS[::-1], SCHEMA).repartition(3)
    reordered = turned.select("distance", "segment_id", "bucket", "customer_id")
    assert hashes(reordered) == hashes(spark.createDataFrame(ROWS, SCHEMA))


def test_a_change_shows_in_its_bucket_only(spark):
    before = hashes(spark.createDataFrame(ROWS, SCHEMA))
    after = hashes(spark.createDataFrame([(0, "a", "s01", 0.500001), *ROWS[1:]], SCHEMA))
    assert after[0] != before[0]
    assert after[1] == before[1]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([ROWS[2]] * 2, id="a_row_twice"),
        pytest.param([(1, "s01", "c", 3.0)], id="values_in_each_others_columns"),
        pytest.param([(1, "c", "s02", 3.0)], id="another_segment"),
    ],
)
def test_other_rows_have_another_hash(spark, rows):
    assert hashes(spark.createDataFrame(rows, SCHEMA))[1] != hashes(spark.createDataFrame(ROWS[2:], SCHEMA))[1]


def test_sums_wrap_instead_of_overflowing(spark):
    many = spark.range(20_000).selectExpr(
        "0 AS bucket", "CAST(id AS STRING) AS customer_id", "'s01' AS segment_id", "0D AS distance"
    )
    count, total = hashes(many)[0].split(":")
    assert int(count) == 20_000
    assert 0 <= int(total) < 2**64


def test_no_rows_have_no_hashes(spark):
    assert hashes(spark.createDataFrame([], SCHEMA)) == {}
