"""The number of a batch is in every row, and not in the generated code."""

from __future__ import annotations

from pyspark.sql import SparkSession

from omniseg.ingest.batch_number import batch_number


def test_every_row_bears_it(spark: SparkSession):
    rows = spark.createDataFrame([("a-7-0",), ("a-7-1\N{SNOWMAN}" * 1000,)], "record_id STRING")
    numbered = rows.select(batch_number(7))
    assert numbered.dtypes == [("batch_id", "bigint")]
    assert [row.batch_id for row in numbered.collect()] == [7, 7]


def test_the_optimizer_leaves_it_where_the_code_does_not_see_it(spark: SparkSession):
    rows = spark.createDataFrame([("a",)], "record_id STRING").select(batch_number(7))
    assert rows._jdf.queryExecution().optimizedPlan().projectList().apply(0).toString().startswith("[7][")
