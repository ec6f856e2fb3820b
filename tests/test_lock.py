"""The lock files satisfy pyproject.toml, pin everything by content and name no source. Offline and cheap."""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.metadata import version
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from omniseg.versions import SUPPORTED
from tests.source_tree import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LOCKS = (
    "requirements.lock",
    "requirements-build.lock",
    "requirements-java.lock",
    "tests/handshake/requirements.lock",
    "tests/schedulers/requirements.lock",
    "tests/s3/requirements.lock",
)
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)", re.MULTILINE)
SOURCE = re.compile(r"https?://|file:|--(?:extra-)?index-url|--find-links|--trusted-host|\s@\s|(?<!\w)/\w+/")


@cache
def project() -> dict[str, Any]:
    """pyproject.toml."""
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return loaded


def asked_for(lock: str) -> list[Requirement]:
    """What pyproject.toml declares for the lock file."""
    extras, groups = project()["project"]["optional-dependencies"], project()["dependency-groups"]
    texts: dict[str, list[str]] = {
        "requirements.lock": [*project()["project"]["dependencies"], *extras["demo"], *extras["dev"]],
        "requirements-build.lock": groups["build"],
        "requirements-java.lock": groups["java"],
        "tests/handshake/requirements.lock": groups["handshake"],
        "tests/schedulers/requirements.lock": groups["airflow"],
        "tests/s3/requirements.lock": groups["s3"],
    }
    return [Requirement(text) for text in texts[lock]]


def pinned(lock: str) -> dict[str, set[Version]]:
    """Versions by name; a name has several where they differ by Python or platform."""
    found: dict[str, set[Version]] = {}
    for match in PIN.finditer((ROOT / lock).read_text(encoding="utf-8")):
        found.setdefault(canonicalize_name(match["name"]), set()).add(Version(match["version"]))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_satisfies_pyproject(lock: str):
    pins = pinned(lock)
    missing = [
        str(requirement)
        for requirement in asked_for(lock)
        if not pins.get(canonicalize_name(requirement.name))
        or not all(requirement.specifier.contains(found) for found in pins[canonicalize_name(requirement.name)])
    ]
    assert not missing, f"{lock} lacks {missing}: run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str):
    blocks = re.split(r"^(?=[A-Za-z0-9])", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert blocks
    assert not [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_source(lock: str):
    """Where packages come from is the business of whoever installs."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if SOURCE.search(line)]


def test_build_tools_are_the_same_in_both_locks():
    """The set-up installs one lock after the other into one environment; they must not take turns."""
    everything, tools = pinned("requirements.lock"), pinned("requirements-build.lock")
    assert not {name for name in everything.keys() & tools.keys() if everything[name] != tools[name]}


def test_locked_pairs_are_the_supported_ones():
    """The environments of `make test` hold exactly the pairs that the product claims."""
    locked = [pinned(lock) for lock in ("requirements.lock", "tests/handshake/requirements.lock")]
    pairs = {(str(*pins["pyspark"]), str(*pins["delta-spark"])) for pins in locked}
    assert pairs == set(SUPPORTED)


@pytest.mark.parametrize("name", ["pyspark", "delta-spark", "mlflow", "sqlglot", "pandas", "pyarrow", "ruff", "mypy"])
def test_this_environment_is_the_locked_one(name: str):
    assert Version(version(name)) in pinned("requirements.lock")[name]


def test_java_extra_and_group_agree():
    """`pip install omniseg[java]` brings the runtime that the set-up brings."""
    assert project()["project"]["optional-dependencies"]["java"] == project()["dependency-groups"]["java"]
