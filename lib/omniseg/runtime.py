"""What every command shares: the run and its id, session and lock, progress, exit code, the row in ops.runs, the last
line.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from omniseg.errors import ConfigError, OmnisegError, Problem
from omniseg.ingest.accounting import Account
from omniseg.lake.damage import refuse_emptied_logs, storage_failure
from omniseg.lake.locks import Lease
from omniseg.lake.session import build_session
from omniseg.lake.store import Lake
from omniseg.privacy.keys import key, provide_local_key
from omniseg.settings.schema import Settings
from omniseg.tables import RUNS

log = logging.getLogger(__name__)
DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class Run:
    """One run of one command: what it was asked for, and what it reports at its end."""

    command: str
    settings: Settings
    options: Mapping[str, Any]
    as_of: date | None = None
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    clock: float = field(default_factory=time.monotonic)
    run_id: str = ""
    status: str = "ok"
    snapshot_id: str | None = None
    batch_id: int | None = None
    accounts: list[Account] = field(default_factory=list)
    detail: str = ""
    exit_code: int = 0
    given_lake: Lake | None = None  # a warehouse that the caller opened (tests, notebooks)

    def __post_init__(self) -> None:
        if not self.run_id:
            self.run_id = f"{self.command.replace(' ', '-')}-{self.started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"

    @cached_property
    def lake(self) -> Lake:
        """The warehouse; the first use starts Spark."""
        if self.given_lake is not None:
            return self.given_lake
        with progress("starting Spark"):
            spark = build_session(
                f"omniseg {self.command}",
                self.settings.spark,
                defaults=self.settings.spark_defaults,
                production=self.settings.profile == "production",
            )
        return Lake(spark, self.settings.warehouse.root, self.settings.warehouse.catalog)

    @property
    def spark(self) -> SparkSession:
        """The session of the warehouse."""
        return self.lake.spark

    @property
    def work_dir(self) -> str:
        """Where this run keeps what is on its way; a killed run leaves it to `omniseg maintain`."""
        return f"{work_root(self.settings)}/{self.run_id}"

    @property
    def seconds(self) -> float:
        """How long it has run, to the millisecond."""
        return round(time.monotonic() - self.clock, 3)

    def say(self, text: str = "") -> None:
        """A result for the person at the terminal (stdout; logs go to stderr)."""
        print(text, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A long step: named in the Spark UI, with a line at its start and its seconds at the end."""
        with progress(name):
            self.spark.sparkContext.setJobDescription(f"{self.run_id}: {name}")
            try:
                yield
            finally:
                self.spark.sparkContext.setLocalProperty("spark.job.description", "")

    def last_line(self) -> str:
        """The machine-readable end of every command."""
        return json.dumps(
            {
                "run_id": self.run_id,
                "command": self.command,
                "as_of": self.as_of.isoformat() if self.as_of else None,
                "status": self.status,
                "exit_code": self.exit_code,
                "seconds": self.seconds,
                "snapshot_id": self.snapshot_id,
                "counts": {account.source: account.counts() for account in self.accounts},
            }
        )


def work_root(settings: Settings) -> str:
    """The folder of all runs for what is on its way."""
    return f"{settings.warehouse.root.rstrip('/')}/_work"


def last_line_of_refusal(command: str, error: OmnisegError) -> str:
    """The last line of a command that was refused before it became a run."""
    ends = {"run_id": None, "command": command, "as_of": None, "status": "refused", "exit_code": error.exit_code}
    return json.dumps({**ends, "seconds": 0.0, "snapshot_id": None, "counts": {}})


@contextmanager
def progress(name: str) -> Iterator[None]:
    """Tell the person who waits what is going on."""
    started = time.monotonic()
    log.info("… %s", name)
    yield
    log.info("✓ %s (%.1f s)", name, time.monotonic() - started)


def execute(run: Run, function: Callable[[Run], None], *, locks: bool) -> int:
    """Run `function(run)`; every end, good or bad, gives an exit code, a row in ops.runs (for locking commands) and a
    last line.
    """
    attempt(run, (lambda run: locked(run, function)) if locks else function)
    run.say(run.last_line())
    return run.exit_code


def attempt(run: Run, function: Callable[[Run], None]) -> None:
    """Call `function(run)`; whatever end it takes is kept in the run."""
    try:
        function(run)
    except OmnisegError as error:
        fail(run, error)
    except KeyboardInterrupt:
        run.status, run.exit_code, run.detail = "interrupted", 130, "interrupted"
    except Exception as error:  # noqa: BLE001 - a bug, or Spark itself failed: the one place that shows a stack trace
        if (failure := storage_failure(error)) is not None:
            fail(run, failure)
            return
        traceback.print_exc()
        run.status, run.exit_code, run.detail = "bug", 1, type(error).__name__


def locked(run: Run, function: Callable[[Run], None]) -> None:
    """Call the command as the only writer of the warehouse; how it ended is recorded while the lock is still held."""
    provide_keys(run.settings)
    if not run.lake.catalog:
        refuse_emptied_logs(run.spark, run.lake.root)
    with Lease(run.lake, run.run_id, run.settings.lock.lease_seconds):
        attempt(run, function)
        record(run)


def fail(run: Run, error: OmnisegError) -> None:
    """Show an expected error without a stack trace."""
    run.status, run.exit_code, run.detail = "refused", error.exit_code, str(error)
    print(f"omniseg {run.command}: {error}", file=sys.stderr, flush=True)


def record(run: Run) -> None:
    """One row per source in ops.runs; '(all)' where the command reads no sources."""
    shared = (run.batch_id, run.started, run.seconds, run.exit_code, run.detail or None)
    accounts = run.accounts or [Account("(all)")]
    rows = [
        (
            run.run_id,
            run.command,
            run.as_of,
            account.source,
            *account.counts().values(),
            account.unattributed,
            account.bots,
            *shared,
        )
        for account in accounts
    ]
    run.lake.append(RUNS, run.spark.createDataFrame(rows, RUNS.ddl))


def provide_keys(settings: Settings) -> None:
    """Keys from the environment; on a laptop from files of mode 0600, made at first use. Elsewhere an unset key is
    refused.
    """
    for reference in (settings.privacy.pseudonym_key, settings.privacy.vault_key):
        name = reference.env_name
        if settings.profile == "local":
            file = provide_local_key(name, key_folder(), os.environ)
            if file is not None:
                log.info("key %s read from %s", name, file)
        key(name)


def key_folder() -> Path:
    """Where a laptop keeps its keys: apart from the data."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "omniseg" / "keys"


def parse_date(text: str, where: str) -> date:
    """A calendar date YYYY-MM-DD from the command line."""
    try:
        if not DATE.fullmatch(text):  # Python 3.11 and later take other forms of ISO 8601, too
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError([Problem("command line", where, repr(text), "a date YYYY-MM-DD")]) from None
