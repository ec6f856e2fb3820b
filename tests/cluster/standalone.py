"""A real Spark standalone cluster on loopback, from the installed pyspark: one master and two workers of one core."""

from __future__ import annotations

import ctypes
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.request import urlopen

import pyspark

from omniseg import java
from tests.source_tree import ROOT

HOME = Path(pyspark.__file__).parent
PYTHON = ROOT / "docs" / "examples" / "omniseg-python"  # reads the keys from the machine's file
DEPLOY = "org.apache.spark.deploy"
EXECUTOR = "CoarseGrainedExecutorBackend"
# What runs for minutes is compiled by the quick compiler alone: docs/decisions/0005-two-processes.md.
QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
PATIENCE = 300.0  # seconds until something that should happen counts as not happening
Found = TypeVar("Found")


@dataclass
class Cluster:
    """A running cluster; `environment` is that of its machines, for a driver to be started in."""

    master: str
    page: str
    workers: list[subprocess.Popen[bytes]]
    environment: dict[str, str]
    secret: str  # behind spark.authenticate

    def alive(self) -> int:
        """Workers that the master counts on."""
        with urlopen(f"{self.page}/json/", timeout=10) as answer:
            found = json.load(answer)
        return sum(worker["state"] == "ALIVE" for worker in found["workers"])

    def executors(self) -> dict[str, int]:
        """Executors that run on the workers: number of the executor → number of the process."""
        parents = {worker.pid for worker in self.workers}
        listed = subprocess.run(
            ["ps", "-axww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
        )
        rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
        return {
            match[1]: int(pid)
            for pid, parent, command in rows
            if int(parent) in parents and EXECUTOR in command
            if (match := re.search(r"--executor-id (\S+)", command))
        }


def other_python() -> dict[str, str]:
    """A Python with the packages of this environment and without omniseg, as on a cluster: it must be shipped."""
    base = getattr(sys, "_base_executable", sys.executable)
    found = {"PYTHONPATH": sysconfig.get_path("purelib"), "OMNISEG_PYTHON": base, "PYSPARK_PYTHON": str(PYTHON)}
    asked = [base, "-c", "import pyspark, omniseg.runtime"]  # an editable install leaves a folder of that name there
    refused = subprocess.run(asked, env=os.environ | found, capture_output=True, text=True, cwd="/", check=False)
    assert "No module named 'omniseg" in refused.stderr
    return found


@contextmanager
def standalone(folder: Path, machine: Mapping[str, str]) -> Iterator[Cluster]:
    """A cluster whose processes keep everything below `folder`, have `machine` in their environment, and are gone at
    the end, however it comes.
    """
    configuration = folder / "spark-conf"
    configuration.mkdir(parents=True)
    defaults = configuration / "spark-defaults.conf"
    defaults.touch(mode=0o600)
    secret = secrets.token_hex(32)
    defaults.write_text(f"{shared()}spark.authenticate.secret {secret}\n", encoding="utf-8")
    ours = ("OMNISEG_", "PYSPARK_", "SPARK_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {"SPARK_HOME": str(HOME), "SPARK_CONF_DIR": str(configuration), "SPARK_LOCAL_IP": "127.0.0.1"}
    environment |= {"JAVA_HOME": str(java.chosen_home()), "SPARK_DAEMON_MEMORY": "256m", **machine}
    environment |= {"SPARK_DAEMON_JAVA_OPTS": QUICK}
    with ExitStack() as started:
        log = folder / "master.log"
        started.enter_context(daemon(["master.Master", "--port", "0", "--webui-port", "0"], log, environment))
        master = within(log, r"Starting Spark master at (spark://\S+)")
        page = within(log, r"MasterWebUI to .*, and started at (http://\S+)")
        homes = [folder / "worker-1", folder / "worker-2"]
        workers = [
            started.enter_context(daemon(worker(home, master), home.with_suffix(".log"), environment)) for home in homes
        ]
        cluster = Cluster(master, page, workers, environment, secret)
        until(lambda: cluster.alive() == 2 or None, "two workers at the master")
        yield cluster


def shared() -> str:
    """What every process of a cluster has to agree on, daemons included: lines of conf/spark-submit.conf."""
    lines = (ROOT / "conf" / "spark-submit.conf").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith(("spark.authenticate", "spark.network.crypto.")))


def worker(folder: Path, master: str) -> list[str]:
    """The words that start a worker of one core."""
    return ["worker.Worker", "--cores", "1", "--memory", "1g", "--work-dir", str(folder), "--webui-port", "0", master]


@contextmanager
def daemon(words: list[str], log: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the cluster on loopback; it and its children are killed at the end."""
    command = [str(HOME / "bin" / "spark-class"), f"{DEPLOY}.{words[0]}", "--host", "127.0.0.1", *words[1:]]
    with log.open("wb") as output, killed_at_the_end(command, environment, output) as process:
        yield process


@contextmanager
def killed_at_the_end(
    command: list[str], environment: Mapping[str, str], output: BinaryIO
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a group of its own, all of which ends with the block; `output` gets all that it prints.

    spark-submit puts what a Python driver writes to stderr on stdout, so one file serves both.
    """
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_the_test,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def die_with_the_test() -> None:
    """On Linux a process also ends when the test that started it is killed; its children then end by themselves."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def until(look: Callable[[], Found | None], what: str) -> Found:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if (found := look()) is not None:
                return found
        except OSError:
            pass  # nobody listens yet
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE:.0f} s in vain for {what}")


def within(log: Path, pattern: str) -> str:
    """The first group of a pattern, once a log has it."""

    def look() -> str | None:
        match = re.search(pattern, log.read_text(encoding="utf-8", errors="replace"))
        return match[1] if match else None

    return until(look, f"{pattern!r} in {log}")
