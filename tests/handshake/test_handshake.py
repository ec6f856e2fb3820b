"""F20: each supported pair of Spark and Delta serves every verb of the product; any other pair is refused at start.

The locked pair shakes hands in the shared session. Each other pair does so in a process and an environment of its own,
as part of `make soak`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from omniseg import java
from omniseg.errors import EnvironmentRefused
from omniseg.versions import SUPPORTED, check_versions
from tests.handshake.verbs import shake_hands

ROOT = Path(__file__).parents[2]
OTHER_PYTHON = ROOT / ".venv-spark41" / "bin" / "python"
PYTHONS = {("4.1.4", "4.4.0"): OTHER_PYTHON}  # of the pairs that are not installed here

# verb → what it must leave behind: [rows, sum of amounts], or as the verb's docstring says
LEFT_BEHIND = {
    "commits": 25,
    "count_and_sum": ["25", "300.0000"],
    "add_column": 25,
    "constraint": True,
    "merge": ["30", "1435.0000"],
    "delete": ["20", "1390.0000"],
    "restore": ["30", "1435.0000"],
    # 25 + 5 inserted, 10 deleted and put back by RESTORE
    "change_feed": {"insert": 40, "update_preimage": 5, "update_postimage": 5, "delete": 10},
    "replace_slice": ["25", "800.0000"],
    "optimize": ["1", "25", "800.0000"],
    "vacuum": ["1", "25", "800.0000"],
    "update": ["25", "25.0000"],
    "is_delta": True,
}


def in_a_process(python: Path, folder: Path) -> dict[str, Any]:
    """What verbs.py reports from its own process under `python`."""
    home = java.chosen_home()
    environment = os.environ | {"PYTHONPATH": str(ROOT / "lib"), "PYSPARK_PYTHON": str(python)}
    environment |= {"JAVA_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    # Another Spark named by the machine, or this very session's gateway, must not answer for the pair.
    for inherited in ("SPARK_HOME", "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYSPARK_SUBMIT_ARGS"):
        environment.pop(inherited, None)
    command = [str(python), str(Path(__file__).with_name("verbs.py")), str(folder)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return report


def test_every_verb_works(spark: SparkSession, tmp_path: Path):
    report = shake_hands(spark, tmp_path)
    assert report.pop("pair") == [version("pyspark"), version("delta-spark")]
    assert report == LEFT_BEHIND


@pytest.mark.soak
@pytest.mark.parametrize("pair", PYTHONS, ids=lambda pair: f"spark_{pair[0]}_with_delta_{pair[1]}")
def test_every_verb_works_with_another_pair(pair: tuple[str, str], tmp_path: Path):
    python = PYTHONS[pair]
    assert python.is_file(), f"{python} is missing: `make soak` makes this environment"
    report = in_a_process(python, tmp_path)
    assert report.pop("pair") == list(pair)
    assert report == LEFT_BEHIND


def test_every_supported_pair_shakes_hands():
    installed = (version("pyspark"), version("delta-spark"))
    assert {installed, *PYTHONS} == set(SUPPORTED)


@pytest.mark.parametrize("pair", SUPPORTED)
def test_supported_pair_is_accepted(pair: tuple[str, str]):
    check_versions(*pair)


@pytest.mark.parametrize(
    ("spark", "delta"),
    [
        pytest.param("4.3.0", "4.4.0", id="newer_spark"),
        pytest.param("4.2.0", "4.4.1", id="newer_delta"),
        pytest.param("4.1.3", "4.4.0", id="older_patch_of_spark"),
        pytest.param("4.2.0.dev1", "4.4.0", id="development_build"),
        pytest.param("4.4.0", "4.2.0", id="swapped"),
        pytest.param("", "", id="unknown"),
    ],
)
def test_untested_pair_is_refused_with_what_to_install(spark: str, delta: str):
    with pytest.raises(EnvironmentRefused) as refused:
        check_versions(spark, delta)
    message = str(refused.value)
    assert f"pyspark {spark} with delta-spark {delta}" in message
    assert "pyspark==4.2.0 with delta-spark==4.4.0" in message
    assert refused.value.exit_code == 10


def test_untested_pair_is_refused_before_java_starts(tmp_path: Path):
    """The product's own session, in a process where pyspark says it is another version, stops with code 10's error."""
    script = (
        "import importlib.metadata as m\n"
        "from omniseg.errors import EnvironmentRefused\n"
        "real = m.version\n"
        "m.version = lambda name: '4.9.9' if name == 'pyspark' else real(name)\n"
        "from omniseg.lake.session import build_session\n"
        "try:\n"
        "    build_session('refused', {})\n"
        "except EnvironmentRefused as refused:\n"
        "    print(refused)\n"
        "    raise SystemExit(refused.exit_code)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "lib"), "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (10, "")
    assert done.stdout.startswith("pyspark 4.9.9 with delta-spark 4.4.0 was never tested")
