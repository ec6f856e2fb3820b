"""What PySpark and Delta ask the JVM for at every step is known already."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from delta.tables import DeltaTable
from py4j.java_gateway import JavaPackage, JVMView
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def asked(_: object, name: str) -> NoReturn:
    raise AssertionError(f"the JVM was asked what {name} is")


def test_columns_and_tables_need_no_search_for_classes(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as forbidden:
        for kind in (JVMView, JavaPackage):
            forbidden.setattr(kind, "__getattr__", asked)
        pair = F.array(F.lit(1), F.col("id") + F.when(F.col("id") > 0, F.coalesce("id", F.lit(2))).otherwise(0))
        assert not DeltaTable.isDeltaTable(spark, str(tmp_path))
    assert spark.range(1, 2).select(pair.alias("pair")).first() == ([1, 2],)
