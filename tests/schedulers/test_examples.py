"""The examples for schedulers: what they submit, in which order after an outage, and what becomes of exit codes."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from omniseg import errors
from omniseg.cli import command_parser
from omniseg.commands.catalogue import COMMANDS
from omniseg.settings.load import load_settings
from omniseg.versions import JARS
from tests.schedulers.conftest import EXAMPLES
from tests.source_tree import ROOT

# Of all exit codes those after which the same command may end better: Spark failed, another run held the lock.
WORTH_ANOTHER_TRY = {1, errors.LockHeld.exit_code}
CODES = {1, *(kind.exit_code for kind in errors.OmnisegError.__subclasses__())}


@dataclass
class Machine:
    """A machine on which cron or systemd starts the example script."""

    folder: Path
    submitter: Path
    environment: dict[str, str] = field(default_factory=dict)

    def night(self, today: str, code: int = 0) -> int:
        """The script's exit code on a day on which the job ends with `code`."""
        given = {"OMNISEG_STATE": str(self.folder), "OMNISEG_ENV_FILE": str(self.folder / "omniseg.env")}
        given |= {"FAKE_LOG": str(self.folder / "submitted"), "FAKE_CODE": str(code), "OMNISEG_TODAY": today}
        given |= {"PATH": f"{self.submitter.parent}:{os.environ['PATH']}", **self.environment}
        return subprocess.run([EXAMPLES / "omniseg-night"], env=given, check=False).returncode

    def submitted(self) -> list[str]:
        """What was submitted, one line each."""
        file = self.folder / "submitted"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def ranges(self) -> list[str]:
        """The days that were asked for."""
        return [line[line.index("--from") :] for line in self.submitted()]


@pytest.fixture
def machine(tmp_path: Path, submitter: Path) -> Machine:
    """A new machine."""
    return Machine(tmp_path, submitter)


def test_the_first_night_does_the_day_before(machine: Machine):
    assert machine.night("2024-03-01") == 0
    assert machine.ranges() == ["--from 2024-02-29 --to 2024-02-29"]


def test_F16_missed_nights_are_caught_up_in_order(machine: Machine):
    machine.night("2025-03-29")
    machine.night("2025-04-01")
    assert machine.ranges()[1:] == ["--from 2025-03-29 --to 2025-03-31"]


def test_F16_a_second_start_on_one_day_does_nothing(machine: Machine):
    assert [machine.night("2025-03-29"), machine.night("2025-03-29")] == [0, 0]
    assert len(machine.submitted()) == 1


def test_F16_a_clock_that_went_back_does_nothing(machine: Machine):
    assert [machine.night("2025-03-29"), machine.night("2025-03-20")] == [0, 0]
    assert len(machine.submitted()) == 1


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_failed_night_passes_its_code_on_and_is_done_again(machine: Machine, code: int):
    machine.night("2025-03-29")
    assert machine.night("2025-03-30", code) == code
    assert machine.night("2025-03-30") == 0
    assert machine.ranges()[1:] == ["--from 2025-03-29 --to 2025-03-29"] * 2


def test_the_day_is_that_of_the_business(machine: Machine):
    """Half past ten in the evening in UTC: in Tokyo it is the next morning already."""
    machine.environment["OMNISEG_ZONE"] = "Asia/Tokyo"
    machine.night("2025-03-29 22:30 UTC")
    assert machine.ranges() == ["--from 2025-03-29 --to 2025-03-29"]


def test_keys_and_places_come_from_a_file_of_the_machine(machine: Machine):
    (machine.folder / "omniseg.env").write_text("OMNISEG_MASTER=k8s://https://cluster\n", encoding="utf-8")
    machine.night("2025-03-29")
    assert machine.submitted()[0].startswith("--master k8s://https://cluster ")


def test_the_script_is_posix_sh():
    shell = shutil.which("dash") or "sh"
    assert subprocess.run([shell, "-n", EXAMPLES / "omniseg-night"], check=False).returncode == 0


def dag_constant(name: str) -> object:
    """A constant of the DAG, read without Airflow."""
    tree = ast.parse((EXAMPLES / "omniseg_nightly.py").read_text(encoding="utf-8"))
    [value] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
    ]
    return ast.literal_eval(value)


def test_the_dag_tries_again_what_may_end_better():
    assert dag_constant("WORTH_ANOTHER_TRY") == WORTH_ANOTHER_TRY


def unit(name: str) -> dict[str, str]:
    """The settings of a systemd unit."""
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_systemd_tries_again_what_may_end_better():
    service = unit("omniseg.service")
    never = {int(code) for code in service["RestartPreventExitStatus"].split()}
    assert service["Restart"] == "on-failure"
    assert CODES - never == WORTH_ANOTHER_TRY


def test_tries_are_further_apart_than_a_lease():
    """A driver that died on another machine holds the lock until its lease ends."""
    places = ["warehouse.root=/w", "landing.root=/l", "mlflow.tracking_uri=sqlite:////m.db"]
    lease = load_settings(env="cluster", conf=None, sets=places, environ={}).lock.lease_seconds
    waiting = re.fullmatch(r"(\d+)min", unit("omniseg.service")["RestartSec"])
    again = re.search(r"retry_delay=timedelta\(minutes=(\d+)\)", (EXAMPLES / "omniseg_nightly.py").read_text("utf-8"))
    assert waiting and int(waiting[1]) * 60 > lease
    assert again and int(again[1]) * 60 > lease


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_accepts_the_units(tmp_path: Path):
    service = (EXAMPLES / "omniseg.service").read_text(encoding="utf-8")
    program = unit("omniseg.service")["ExecStart"]
    files = [tmp_path / "omniseg.service", tmp_path / "omniseg.timer"]
    files[0].write_text(service.replace(program, str(EXAMPLES / "omniseg-night")), encoding="utf-8")
    files[1].write_bytes((EXAMPLES / "omniseg.timer").read_bytes())
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "omniseg" in line]) == (0, [])


def test_cron_starts_the_same_program():
    lines = (EXAMPLES / "omniseg.cron").read_text(encoding="utf-8").splitlines()
    [job] = [line for line in lines if line and not line.startswith(("#", "MAILTO"))]
    assert re.match(r"\d+ [\d,]+ \* \* \* omniseg ", job)
    assert job.split()[-1] == unit("omniseg.service")["ExecStart"]


def submitted_by(example: str) -> list[str]:
    """The words after the job file, of an example."""
    text = (EXAMPLES / example).read_text(encoding="utf-8")
    tail = text[text.index("run_nightly.py") :].replace("\\\n", " ")
    return re.findall(r"--[a-z-]+", tail.split("||")[0].split("]\n")[0])


@pytest.mark.parametrize("example", ["omniseg_nightly.py", "omniseg-night"])
def test_examples_use_options_that_exist(example: str):
    known = {option for action in command_parser(COMMANDS["run"])._actions for option in action.option_strings}
    words = submitted_by(example)
    assert {"--env", "--conf"} <= set(words) <= known


@pytest.mark.parametrize("example", ["omniseg_nightly.py", "omniseg-night"])
def test_examples_name_files_that_the_guide_tells_to_put_there(example: str):
    text = (EXAMPLES / example).read_text(encoding="utf-8")
    jars = {f"{jar.artifact}-{jar.version}.jar" for jar in JARS[("4.2.0", "4.4.0")]}
    assert set(re.findall(r"delta-[\w.]+-[\d.]+\.jar", text)) == jars
    for name in ("spark-submit.conf", "omniseg-0.1.0-py3-none-any.zip"):
        assert name in text
        assert name in (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
