"""Delta's jars: taken only with the pinned content, kept per environment, never half installed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from omniseg import bootstrap
from omniseg.errors import EnvironmentRefused
from omniseg.versions import JARS, Jar

CONTENT = b"the content of a jar"
JAR = Jar("io.example", "part_2.13", "1.0", hashlib.sha256(CONTENT).hexdigest())
REAL = bootstrap.jar_folder()


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python environment of its own, without jars."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Let pyspark and delta-spark be installed in these versions; an empty version means not at all."""

    def install(spark: str, delta: str) -> None:
        versions = {"pyspark": spark, "delta-spark": delta}

        def version(name: str) -> str:
            if not versions[name]:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(importlib.metadata, "version", version)

    return install


def put_real_jars() -> None:
    """Copy this environment's jars into the pretended one."""
    shutil.copytree(REAL, bootstrap.jar_folder())


def test_environment_without_jars_has_none(prefix: Path):
    assert bootstrap.delta_jars() == ()


def test_one_of_two_jars_is_none(prefix: Path):
    put_real_jars()
    next(bootstrap.jar_folder().glob("*delta-storage*")).unlink()
    assert bootstrap.delta_jars() == ()


def test_jars_in_place_are_not_installed_again(prefix: Path):
    put_real_jars()
    before = {path: path.stat().st_mtime_ns for path in bootstrap.jar_folder().iterdir()}
    assert bootstrap.install_delta_jars() is False
    assert {path: path.stat().st_mtime_ns for path in bootstrap.jar_folder().iterdir()} == before
    assert [Path(jar).parent for jar in bootstrap.delta_jars()] == [prefix / "share" / "omniseg" / "jars"] * 2


def test_jars_of_the_other_pair_do_not_serve(prefix: Path, pretend: Callable[[str, str], None]):
    put_real_jars()
    pretend("4.1.4", "4.4.0")
    assert bootstrap.delta_jars() == ()


def test_untested_pair_gets_no_jars(prefix: Path, pretend: Callable[[str, str], None]):
    pretend("4.3.0", "4.4.0")
    with pytest.raises(EnvironmentRefused, match=r"pyspark 4\.3\.0 with delta-spark 4\.4\.0 was never tested"):
        bootstrap.install_delta_jars()
    assert not bootstrap.jar_folder().exists()


@pytest.mark.parametrize(
    ("spark", "delta", "missing"),
    [pytest.param("", "4.4.0", "pyspark", id="spark"), pytest.param("4.2.0", "", "delta-spark", id="delta")],
)
def test_missing_package_is_named(pretend: Callable[[str, str], None], spark: str, delta: str, missing: str):
    pretend(spark, delta)
    with pytest.raises(EnvironmentRefused, match=f"{missing} is not installed; run `make setup`"):
        bootstrap.installed_pair()


def test_resolved_jar_moves_to_its_place(prefix: Path):
    bootstrap.jar_folder().mkdir(parents=True)
    found = prefix / "resolved.jar"
    found.write_bytes(CONTENT)
    bootstrap.adopt(found, JAR)
    assert (bootstrap.jar_folder() / "io.example_part_2.13-1.0.jar").read_bytes() == CONTENT
    assert not found.exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(CONTENT + b"!", "has another SHA-256 than the pinned one", id="one_byte_more"),
        pytest.param(CONTENT[:-1], "has another SHA-256 than the pinned one", id="cut_off"),
        pytest.param(b"", "has another SHA-256 than the pinned one", id="empty"),
        pytest.param(None, "was not delivered", id="absent"),
    ],
)
def test_other_content_is_refused_and_not_kept(prefix: Path, content: bytes | None, complaint: str):
    bootstrap.jar_folder().mkdir(parents=True)
    found = prefix / "resolved.jar"
    if content is not None:
        found.write_bytes(content)
    with pytest.raises(EnvironmentRefused, match=rf"io\.example:part_2\.13:1\.0 {complaint}"):
        bootstrap.adopt(found, JAR)
    assert list(bootstrap.jar_folder().iterdir()) == []


def test_damaged_jar_is_noticed(prefix: Path):
    put_real_jars()
    first, _ = JARS[("4.2.0", "4.4.0")]
    damaged = bootstrap.jar_folder() / first.file_name
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert not bootstrap.matches(damaged, first)


def test_pins_are_whole_hashes():
    pins = [jar.sha256 for jars in JARS.values() for jar in jars]
    assert all(len(pin) == 64 and int(pin, 16) for pin in pins)


def test_only_telling_lines_of_the_log_are_shown():
    log = ":: resolving\n\tERRORS\n\t\tnot found: io.delta#x;1\n    at some.Frame\nException in thread main\nfine\n"
    assert bootstrap.relevant(log) == "not found: io.delta#x;1\nException in thread main"


def test_long_log_is_cut_to_ten_lines():
    assert len(bootstrap.relevant("error: again\n" * 50).splitlines()) == 10
