"""F14: the shipped wheel on a real cluster, all safeguards of production on, one executor killed midway: the tables are
those of the same night on one machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from omniseg import bootstrap
from omniseg.commands.nightly import nightly
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.tables import ALL, SEGMENT_SNAPSHOTS
from tests.cluster.standalone import HOME, QUICK, Cluster, killed_at_the_end, other_python, standalone, until, within
from tests.multiset import stored
from tests.source_tree import ROOT
from tests.test_faults import AS_OF, UNCOMPARED, VOLATILE, deliver, sets

KEYS = ("OMNISEG_PSEUDONYM_KEY", "OMNISEG_VAULT_KEY")
# conf/spark-submit.conf is made for more than two cores.
SIZES = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": QUICK,
    "spark.executor.memory": "768m",
    "spark.executor.extraJavaOptions": QUICK,
    "spark.executor.cores": "1",
    "spark.dynamicAllocation.enabled": "false",
    # No task runs before both are there, so that both have a part in it.
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "300s",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Small rows are interpreted sooner than code for them is compiled.
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel under a name that Spark accepts."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    [wheel] = folder.glob("*.whl")
    return wheel.rename(wheel.with_suffix(".zip"))


@pytest.fixture
def cluster(spark: SparkSession, tmp_path: Path) -> Iterator[Cluster]:
    """Machines that keep the keys of the shared session in a file, and have no omniseg."""
    keys = tmp_path / "omniseg.env"
    keys.touch(mode=0o600)
    keys.write_text("".join(f"{name}='{os.environ[name]}'\n" for name in KEYS), encoding="utf-8")
    with standalone(tmp_path / "cluster", {"OMNISEG_ENV_FILE": str(keys), **other_python()}) as cluster:
        yield cluster


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """A landing zone."""
    folder = tmp_path / "zone"
    deliver(folder)
    return folder


def on_one_machine(spark: SparkSession, folder: Path, zone: Path) -> Lake:
    """The same night in the shared session."""
    settings = load_settings(env="local", conf=None, sets=sets(folder, zone), environ={})
    lake = Lake(spark, settings.warehouse.root)
    nightly(Run("run", settings, {}, AS_OF, given_lake=lake))
    return lake


def submit(cluster: Cluster, package: Path, folder: Path, zone: Path) -> list[str]:
    """The words that submit a night's work as production."""
    options = SIZES | {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": (folder / "events").as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }
    command = [str(HOME / "bin" / "spark-submit"), "--master", cluster.master, "--py-files", str(package)]
    command += ["--jars", ",".join(bootstrap.delta_jars())]
    command += ["--properties-file", str(ROOT / "conf" / "spark-submit.conf"), "--load-spark-defaults"]
    command += [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
    command += [str(ROOT / "jobs" / "run_nightly.py"), "--env", "cluster", "--as-of", AS_OF.isoformat()]
    given = ["profile=production", *sets(folder, zone)]
    return [*command, *(word for text in given for word in ("--set", text))]


def events(folder: Path) -> list[dict[str, Any]]:
    """Spark's own record of the run, in order."""
    [log] = (folder / "events").iterdir()
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def worked(record: list[dict[str, Any]]) -> set[str]:
    """The executors that finished tasks."""
    ends = [event for event in record if event["Event"] == "SparkListenerTaskEnd"]
    return {event["Task Info"]["Executor ID"] for event in ends if event["Task End Reason"]["Reason"] == "Success"}


def test_F14_a_cluster_that_loses_an_executor_gives_the_tables_of_one_machine(
    spark: SparkSession, cluster: Cluster, package: Path, zone: Path, tmp_path: Path
):
    folder = tmp_path / "on-the-cluster"
    (folder / "events").mkdir(parents=True)
    log = tmp_path / "driver.log"
    with log.open("wb") as output:
        command = submit(cluster, package, folder, zone)
        with killed_at_the_end(command, cluster.environment, output) as driver:
            within(log, r"(… reading, protecting and mapping orders)")
            os.kill(until(lambda: cluster.executors().get("1"), "an executor"), signal.SIGKILL)
            until(lambda: "1" not in cluster.executors() or None, "the end of an executor")
            assert driver.poll() is None, "the job ended before its executor was killed"
            assert driver.wait(timeout=600) == 0, log.read_text(encoding="utf-8")
    last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    assert (last["status"], last["exit_code"]) == ("ok", 0)

    record = events(folder)
    removed = [place for place, event in enumerate(record) if event["Event"] == "SparkListenerExecutorRemoved"]
    [lost] = [place for place in removed if record[place]["Executor ID"] == "1"]
    assert worked(record[:lost]) == {"0", "1"}
    assert worked(record[lost:]) == {"0", "2"}
    text = json.dumps(record)
    assert not [secret for secret in (cluster.secret, *(os.environ[name] for name in KEYS)) if secret in text]

    here, there = on_one_machine(spark, tmp_path / "here", zone), Lake(spark, str(folder / "warehouse"))
    compared = [table for table in ALL if table.name not in UNCOMPARED and here.exists(table)]
    assert SEGMENT_SNAPSHOTS in compared
    for table in compared:
        without = VOLATILE.get(table.name, ())
        assert stored(there.path(table), without) == stored(here.path(table), without), table.name
    assert len(stored(there.path(SEGMENT_SNAPSHOTS))) == 60
