"""A job file is the command of its name: same options, same exit codes, same last line. No Spark is started here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

JOBS = Path(__file__).parents[2] / "jobs"


def run(job: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The finished process of one job."""
    command = [sys.executable, str(JOBS / f"{job}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_init_as_a_job(tmp_path: Path):
    done = run("init_project", str(tmp_path / "project"))
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["command"], last["status"], last["exit_code"]) == ("init", "ok", 0)
    assert (tmp_path / "project" / "settings.yml").is_file()


@pytest.mark.parametrize(
    ("job", "arguments", "words"),
    [
        pytest.param("init_project", [str(JOBS)], "which is not empty", id="refused_by_the_command"),
        pytest.param("ingest_events", ["--as-of", "2017-09-31"], "a date YYYY-MM-DD", id="refused_by_the_command_line"),
        pytest.param(
            "check_source", ["x.yml", "--set", "lake.bukets=4"], "'lake.buckets'", id="refused_by_the_settings"
        ),
    ],
)
def test_refusals_of_a_job(job: str, arguments: list[str], words: str):
    done = run(job, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 2
