"""Column functions asked about many texts in one Spark job: each test looks up its own answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from omniseg.lake.bounded import bounded

Answers = dict[str | None, str | bool | None]
Ask = Callable[[Iterable[str | None], Callable[[Column], Column]], Answers]


@pytest.fixture(scope="session")
def ask(spark: SparkSession) -> Ask:
    """`ask(texts, function)`: text -> function(text), computed by Spark."""

    def answers(texts: Iterable[str | None], function: Callable[[Column], Column]) -> Answers:
        rows = spark.createDataFrame([(text,) for text in texts], "text STRING")
        found = bounded(rows.select("text", function(F.col("text")).alias("answer")), 1000)
        return {row.text: row.answer for row in found}

    return answers
