"""The archive of classes: made once for one Java and its jars, never in the way of a set-up or of a session."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg import bootstrap, class_archive, java
from omniseg.lake import session

FAKE = """#!/bin/sh
case "$*" in
    *Xshare:on*) exit {lacks_base} ;;
    *SharedArchiveFile*) ! grep -q half "${{1#*=}}" ;;
esac
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python environment of its own with a jar and a Java that can archive."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "my venv"))
    monkeypatch.setattr(java, "java_home", lambda: None)
    monkeypatch.setattr(class_archive, "spark_jars", list)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    java.kept_folder().mkdir(parents=True)
    (tmp_path / "delta.jar").write_text("classes")
    put_java(tmp_path)
    return tmp_path


def put_java(folder: Path, lacks_base: int = 0) -> None:
    """A fake Java, with or without the archive of its own classes, that does not start with half an archive."""
    program = folder / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(FAKE.format(lacks_base=lacks_base), encoding="utf-8")
    program.chmod(0o755)


def jars(folder: Path) -> tuple[str, ...]:
    """The jars of the environment."""
    return (str(folder / "delta.jar"),)


def place(folder: Path) -> Path:
    """Where the environment's archive is, or would be."""
    found = class_archive.archive_for(folder / "jdk" / "bin" / "java", jars(folder))
    assert found is not None
    return found


def options(folder: Path) -> list[str]:
    """Java's options for a session of the environment, as words."""
    return shlex.split(class_archive.options(folder / "jdk" / "bin" / "java", jars(folder)))


def rehearsal(monkeypatch: pytest.MonkeyPatch, content: str | None, failure: str = "") -> list[Path]:
    """Stands for the rehearsal: leaves a file of this content. Returns the files that were asked for."""
    asked: list[Path] = []

    def rehearse(file: Path) -> str:
        asked.append(file)
        if content is not None:
            file.write_text(content)
        return failure

    monkeypatch.setattr(class_archive, "rehearse", rehearse)
    return asked


def test_without_an_archive_java_gets_no_option(environment: Path):
    assert options(environment) == []


def test_an_archive_is_mapped_in_silence(environment: Path):
    place(environment).write_text("classes")
    first, *others = options(environment)
    assert first == f"-XX:SharedArchiveFile={environment}/my venv/share/omniseg/{place(environment).name}"
    assert others == ["-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]


@pytest.mark.parametrize("lacking", ["java", "jars"])
def test_without_java_or_jars_there_is_none(environment: Path, lacking: str):
    program = None if lacking == "java" else environment / "jdk" / "bin" / "java"
    assert class_archive.archive_for(program, () if lacking == "jars" else jars(environment)) is None


def longer(environment: Path) -> None:
    (environment / "delta.jar").write_text("more classes")


def touched(environment: Path) -> None:
    os.utime(environment / "delta.jar", (1, 1))


def another_java(environment: Path) -> None:
    put_java(environment, lacks_base=1)
    os.utime(environment / "jdk" / "bin" / "java", (1, 1))


@pytest.mark.parametrize("change", [longer, touched, another_java])
def test_the_archive_of_other_classes_is_not_taken(environment: Path, change: Callable[[Path], None]):
    place(environment).write_text("classes")
    change(environment)
    assert options(environment) == []


def test_the_archive_is_made_once(environment: Path, monkeypatch: pytest.MonkeyPatch):
    outdated = java.kept_folder() / "classes-0123456789ab.jsa"
    outdated.write_text("old classes")
    asked = rehearsal(monkeypatch, "classes")
    assert class_archive.make(jars(environment)) == f"made: {place(environment)}"
    assert class_archive.make(jars(environment)) == f"already there: {place(environment)}"
    assert len(asked) == 1
    assert list(java.kept_folder().iterdir()) == [place(environment)]


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        pytest.param(None, "no space left", id="no_file"),
        pytest.param("classes", "no space left", id="a_file_of_a_session_that_failed"),
        pytest.param("half", "", id="a_file_that_java_does_not_start_with"),
    ],
)
def test_a_failed_rehearsal_leaves_nothing_but_its_reason(
    environment: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, failure: str
):
    rehearsal(monkeypatch, content, failure)
    told = class_archive.make(jars(environment))
    assert told.startswith("none, since the rehearsal failed")
    assert told.endswith(failure)
    assert list(java.kept_folder().iterdir()) == []


def test_half_an_archive_is_made_again(environment: Path, monkeypatch: pytest.MonkeyPatch):
    place(environment).write_text("half")
    rehearsal(monkeypatch, "classes")
    assert class_archive.make(jars(environment)).startswith("made")
    assert place(environment).read_text() == "classes"


def test_a_java_without_an_archive_of_its_own_is_not_rehearsed(environment: Path, monkeypatch: pytest.MonkeyPatch):
    put_java(environment, lacks_base=1)
    asked = rehearsal(monkeypatch, "classes")
    assert class_archive.make(jars(environment)).startswith("none, since this Java makes none")
    assert asked == []


def test_without_the_packages_of_the_rehearsal_there_is_none(environment: Path, monkeypatch: pytest.MonkeyPatch):
    """As in the environment of the other tested pair, which has Spark and Delta alone."""
    monkeypatch.setattr(class_archive, "find_spec", lambda _: None)
    asked = rehearsal(monkeypatch, "classes")
    assert class_archive.make(jars(environment)).startswith("none, since pyarrow")
    assert asked == []


@pytest.mark.parametrize(("program", "reason"), [("exit 3", "went wrong"), ("sleep 60", "timed out")])
def test_a_rehearsal_that_fails_is_told_and_not_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, reason: str
):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho went wrong\n{program}\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(class_archive, "REHEARSAL_SECONDS", 1)
    assert reason in class_archive.rehearse(tmp_path / "file")


def test_java_starts_in_silence_with_an_archive_that_does_not_fit(environment: Path, monkeypatch: pytest.MonkeyPatch):
    place(environment).write_text("no archive at all")
    given = options(environment)
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.undo()
    program = java.executable(java.java_home())
    assert program is not None
    with_it, without = (
        subprocess.run([program, *words, "-version"], capture_output=True, text=True, check=True).stderr
        for words in (given, ["-Xshare:off"])
    )
    assert with_it.splitlines()[:2] == without.splitlines()[:2]
    assert "archive" not in with_it


def test_the_operator_s_java_options_stand_beside_it(environment: Path, monkeypatch: pytest.MonkeyPatch):
    place(environment).write_text("classes")
    monkeypatch.setattr(bootstrap, "delta_jars", lambda: jars(environment))
    given = session.laptop()
    assert "SharedArchiveFile" in given["spark.driver.defaultJavaOptions"]
    assert "spark.driver.extraJavaOptions" not in given
    assert given["spark.driver.extraClassPath"] == given["spark.jars"] == jars(environment)[0]


def test_the_shared_session_maps_the_archive_that_the_set_up_made(spark: SparkSession):
    """On a Java that makes none, as that of PyPI, the session starts without."""
    beans = spark.sparkContext._jvm.java.lang.management.ManagementFactory  # type: ignore[union-attr]
    given = [str(word) for word in beans.getRuntimeMXBean().getInputArguments()]
    archive = class_archive.archive_for(java.executable(java.java_home()), bootstrap.delta_jars())
    assert (f"-XX:SharedArchiveFile={archive}" in given) == (archive is not None and archive.is_file())
