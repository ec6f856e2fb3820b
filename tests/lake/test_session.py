"""What every session has, whatever the settings say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from pyspark.sql import SparkSession

from omniseg.lake.session import FIXED, stdout_for_results


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
