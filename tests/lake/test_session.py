"""What every session has, whatever the settings say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import SparkSession

from omniseg import java
from omniseg.errors import ConfigError
from omniseg.lake import session
from omniseg.lake.session import build_session, in_force, stdout_for_results
from omniseg.sparkconf import DEMANDS, FIXED, REDACTION
from tests.source_tree import ROOT


@pytest.mark.parametrize("name", sorted(FIXED))
def test_what_the_tables_rest_on_is_in_force(spark: SparkSession, name: str):
    assert spark.conf.get(name) == FIXED[name]


def test_a_laptop_listens_to_itself_alone(spark: SparkSession):
    conf = spark.sparkContext.getConf()
    assert conf.get("spark.driver.host") == "127.0.0.1"
    assert conf.get("spark.driver.bindAddress") == "127.0.0.1"


def test_python_on_executors_is_this_python(spark: SparkSession):
    assert os.environ["PYSPARK_PYTHON"] == spark.sparkContext.pythonExec == sys.executable


def test_addresses_are_redacted_in_plans(spark: SparkSession, capsys: pytest.CaptureFixture[str]):
    spark.range(1).selectExpr("'max@example.com' AS mail", "'kept' AS word").explain(extended=False)
    shown = capsys.readouterr().out
    assert "kept" in shown
    assert "max@example.com" not in shown


def test_processes_started_meanwhile_print_to_stderr(capfd: pytest.CaptureFixture[str]):
    shout = [sys.executable, "-c", "print('from the child')"]
    with stdout_for_results():
        subprocess.run(shout, check=True)
    subprocess.run(shout, check=True)
    shown = capfd.readouterr()
    assert (shown.err.count("from the child"), shown.out.count("from the child")) == (1, 1)


def test_stdout_is_given_back_after_a_failure(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(RuntimeError, match="no Java"), stdout_for_results():
        raise RuntimeError("no Java")
    os.write(1, b"a result\n")
    assert capfd.readouterr().out == "a result\n"


def test_what_is_in_force_is_what_spark_was_started_with(spark: SparkSession):
    """An option that comes too late to count stands in the session all the same."""
    SparkSession.builder.config("spark.authenticate", "true").getOrCreate()
    assert spark.conf.get("spark.authenticate") == "true"
    assert "spark.authenticate" not in in_force(spark)
    assert in_force(spark)[REDACTION] == FIXED[REDACTION]


def test_production_refuses_a_running_spark_that_lacks_anything(spark: SparkSession):
    with pytest.raises(ConfigError) as refused:
        build_session("refused", {}, production=True)
    assert refused.value.exit_code == 2
    assert {problem.key for problem in refused.value.problems} >= {"spark.authenticate", "spark.io.encryption.enabled"}


def test_what_spark_submit_gave_counts_before_our_defaults_and_is_never_replaced_in_silence(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    given = {"spark.sql.session.timeZone": "Europe/Berlin", "omniseg.test.default": "given", "omniseg.test.asked": "x"}
    monkeypatch.setattr(session, "submitted", lambda: True)
    monkeypatch.setattr(session, "submitted_options", lambda: given)
    asked = {"omniseg.test.default": "ours", "omniseg.test.asked": "asked"}
    build_session("submitted", asked, defaults=frozenset({"omniseg.test.default"}))
    assert spark.conf.get("omniseg.test.default", None) is None
    assert spark.conf.get("omniseg.test.asked") == "asked"
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert [record.getMessage() for record in caplog.records if record.name == session.__name__] == [
        "omniseg.test.asked=asked: what spark-submit gave for it is not used",
        "spark.sql.session.timeZone=UTC: what spark-submit gave for it is not used",
    ]
    spark.conf.unset("omniseg.test.asked")


def test_production_under_spark_submit_names_everything_that_is_off_before_spark_starts(tmp_path: Path):
    home = Path(pyspark.__file__).parent
    options = ["--master", "local[1]", "--conf", "spark.authenticate=true", "--conf", f"spark.eventLog.dir={tmp_path}"]
    sets = ["profile=production", f"warehouse.root={tmp_path / 'w'}", f"landing.root={tmp_path / 'l'}"]
    sets += [f"mlflow.tracking_uri=sqlite:///{tmp_path / 'm.db'}"]
    words = [word for text in sets for word in ("--set", text)]
    command = [str(home / "bin" / "spark-submit"), *options, "--conf", "spark.eventLog.enabled=true"]
    command += [str(ROOT / "jobs" / "list_runs.py"), "--env", "cluster", *words]
    environment = os.environ | {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    environment |= {"JAVA_HOME": str(java.chosen_home()), "SPARK_LOCAL_IP": "127.0.0.1"}
    environment.pop("PYSPARK_GATEWAY_PORT", None)
    # spark-submit puts what a Python driver writes to stderr on stdout.
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout
    missing = {demand.option for demand in DEMANDS} - {"spark.authenticate", "spark.eventLog.dir", REDACTION}
    named = [line for line in done.stdout.splitlines() if "profile production: " in line]
    assert {name for name in missing for line in named if f" {name}: found " in line} == missing
    assert len(named) == len(missing)
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 2
    assert list(tmp_path.iterdir()) == []  # a Spark that had started would have begun its event log
