"""One Spark session for the whole suite, small and with Delta, and a warehouse per test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.lake.session import build_session
from omniseg.lake.store import Lake

SMALL = {
    "spark.master": "local[2]",
    "spark.driver.memory": "3g",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC",
    # A handful of rows is interpreted sooner than code for it is compiled. What runs as a process of its own (golden
    # run, SIGKILL tests, jobs, benchmarks) compiles, as production does.
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.ui.enabled": "false",
    "spark.sql.ui.explainMode": "simple",
    "spark.ui.showConsoleProgress": "false",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The shared session; keys for pseudonyms and vault stand in the environment as in production."""
    os.environ["OMNISEG_PSEUDONYM_KEY"] = "test-key-of-pseudonyms-0123456789abcdef"
    os.environ["OMNISEG_VAULT_KEY"] = "test-key-of-the-vault-0123456789abcdef"
    warehouse = tmp_path_factory.mktemp("spark-warehouse")
    session = build_session("omniseg-tests", {**SMALL, "spark.sql.warehouse.dir": str(warehouse)})
    yield session
    session.stop()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """An empty warehouse in the test's own folder."""
    return Lake(spark, str(tmp_path / "warehouse"))
