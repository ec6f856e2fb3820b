"""One Spark session per test process, small and with Delta, and a warehouse per test.

`make test` has two processes, because Spark plans small queries on one core: see docs/decisions/0005-two-processes.md.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.lake.session import build_session
from omniseg.lake.store import Lake
from omniseg.tables import ALL
from omniseg.tables.model import Table

SMALL = {
    "spark.master": "local[2]",
    "spark.driver.memory": "3g",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    # The quick compiler alone, with room for all that it compiles: see docs/decisions/0005-two-processes.md.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m",
    # What nobody looks at later is not kept in memory.
    "spark.sql.ui.retainedExecutions": "5",
    "spark.ui.retainedJobs": "5",
    "spark.ui.retainedStages": "5",
    "spark.ui.retainedTasks": "50",
    # A handful of rows is interpreted sooner than code for it is compiled. What runs as a process of its own (golden
    # run, SIGKILL tests, jobs, benchmarks) compiles, as production does.
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.python.sql.dataFrameDebugging.enabled": "false",  # this and the next two as conf/base.yml has them
    "spark.sql.execution.useObjectHashAggregateExec": "false",
    "spark.sql.optimizer.windowGroupLimitThreshold": "8192",
    # Spark looks for its own mistakes after each step of planning; here only where a process plans as production does.
    "spark.sql.lightweightPlanChangeValidation": "false",
    "spark.ui.enabled": "false",
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "2000",
    "spark.ui.showConsoleProgress": "false",
}

# The main module of a process of pytest-xdist has no file; pyspark.ml.connect takes that for a doctest and exits.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

# Files of several minutes each begin first, so that the two processes of `make test` end together.
LONG = ("tests/test_faults.py", "tests/golden/test_complete_journey.py", "tests/cluster/test_standalone.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; pytest-xdist deals files out in this order."""
    root = Path(__file__).parent.parent
    places = {root / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


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


@pytest.fixture(scope="session", autouse=True)
def created_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A declared table is created by Delta once in a suite; every further warehouse gets a copy of the empty table.

    Creating one is a commit, and an ingest needs ten. tests/lake creates tables of its own.
    """
    templates, create = tmp_path_factory.mktemp("empty-tables"), Lake.create

    def create_or_copy(lake: Lake, table: Table) -> None:
        template = Lake(lake.spark, str(templates))
        if lake.catalog or table not in ALL:
            create(lake, table)
            return
        if not Path(template.path(table)).exists():
            create(template, table)
        shutil.copytree(template.path(table), lake.path(table), dirs_exist_ok=True)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Lake, "create", create_or_copy)
        yield
