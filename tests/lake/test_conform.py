"""Nothing but the declared columns in the declared types is ever written; a refusal names everything at once."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.errors import ContractError, OmnisegError
from omniseg.lake.bounded import bounded
from omniseg.lake.store import conform, properties
from omniseg.tables import ALL, SILVER_EVENTS
from omniseg.tables.types import canonical_type
from tests.lake.conftest import VISITS

SPARK = pytest.mark.usefixtures("spark")  # its parser reads types


def test_columns_come_in_declared_order(spark: SparkSession):
    names = sorted(VISITS.column_names, reverse=True)
    rows = spark.createDataFrame([], VISITS.ddl).select(*names)
    assert conform(rows, VISITS).columns == list(VISITS.column_names)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda rows: rows.drop("day"), ["day (want int, have nothing)"], id="missing"),
        pytest.param(lambda rows: rows.withColumn("x", F.lit(1)), ["x (want nothing, have int)"], id="unknown"),
        pytest.param(
            lambda rows: rows.withColumn("day", F.lit("3")), ["day (want int, have string)"], id="another_type"
        ),
        pytest.param(
            lambda rows: rows.withColumn("day", F.lit(3).cast("bigint")),
            ["day (want int, have bigint)"],
            id="a_wider_type_is_not_narrowed",
        ),
        pytest.param(
            lambda rows: rows.withColumn("seconds", F.lit(1).cast("decimal(18,4)")),
            ["seconds (want decimal(18,3), have decimal(18,4))"],
            id="another_scale",
        ),
        pytest.param(
            lambda rows: rows.withColumnRenamed("day", "DAY"),
            ["DAY (want nothing, have int)", "day (want int, have nothing)"],
            id="another_case",
        ),
        pytest.param(
            lambda rows: rows.drop("visit", "facts").withColumns({"day": F.lit(1.5), "new": F.lit(True)}),
            [
                "day (want int, have double)",
                "facts (want map<string,string>, have nothing)",
                "new (want nothing, have boolean)",
                "visit (want string, have nothing)",
            ],
            id="all_at_once",
        ),
    ],
)
def test_every_discrepancy_is_named(spark: SparkSession, change, words: list[str]):
    rows = change(spark.createDataFrame([], VISITS.ddl))
    with pytest.raises(ContractError) as refused:
        conform(rows, VISITS)
    assert str(refused.value) == f"silver.visits: {', '.join(words)}"
    assert refused.value.exit_code == 3


def test_names_with_dots_are_names(spark: SparkSession):
    rows = spark.createDataFrame([], VISITS.ddl).withColumn("a.b", F.lit("x"))
    with pytest.raises(ContractError, match=r"a\.b \(want nothing, have string\)"):
        conform(rows, VISITS)


@pytest.mark.parametrize("table", ALL, ids=lambda table: str(table.name))
def test_every_declared_table_accepts_a_frame_of_its_own_schema(spark: SparkSession, table):
    assert conform(spark.createDataFrame([], table.ddl), table).columns == list(table.column_names)


@SPARK
@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("MAP<STRING,STRING>", "map<string, string>", id="case_and_space"),
        pytest.param("BIGINT", "long", id="two_names_of_one_type"),
        pytest.param("DECIMAL(18,4)", "dec(18, 4)", id="short_name"),
        pytest.param("ARRAY<STRUCT<a: INT, b: STRING>>", "array<struct<a:int,b:string>>", id="nested"),
    ],
)
def test_spellings_of_one_type(left: str, right: str):
    assert canonical_type(left) == canonical_type(right)


@SPARK
@pytest.mark.parametrize(("left", "right"), [("INT", "BIGINT"), ("DECIMAL(18,4)", "DECIMAL(18,3)"), ("DATE", "STRING")])
def test_types_that_differ(left: str, right: str):
    assert canonical_type(left) != canonical_type(right)


def test_statistics_cover_the_declared_columns_or_none():
    assert properties(SILVER_EVENTS)["delta.dataSkippingStatsColumns"] == "event_date,batch_id,bucket"
    bare = {table.name: properties(table) for table in ALL if not table.statistics}
    assert bare
    assert all(found["delta.dataSkippingNumIndexedCols"] == "0" for found in bare.values())


def test_deletion_vectors_are_off_everywhere():
    assert {properties(table)["delta.enableDeletionVectors"] for table in ALL} == {"false"}


@pytest.mark.parametrize(("rows", "limit"), [(0, 0), (0, 5), (4, 5), (5, 5)])
def test_bounded_gives_all_rows_up_to_its_limit(spark: SparkSession, rows: int, limit: int):
    assert sorted(row.id for row in bounded(spark.range(rows).toDF("id"), limit)) == list(range(rows))


@pytest.mark.parametrize(("rows", "limit"), [(1, 0), (6, 5), (100_000, 5)])
def test_bounded_refuses_one_row_more(spark: SparkSession, rows: int, limit: int):
    with pytest.raises(OmnisegError, match=f"at most {limit:,} rows") as refused:
        bounded(spark.range(rows).toDF("id"), limit)
    assert refused.value.exit_code == 1
