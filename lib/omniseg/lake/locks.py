"""One writing run per warehouse: a lease in `ops.locks`, taken by a conditional update and renewed while the run
lives.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    MetadataChangedException,
)
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from omniseg.errors import LockHeld
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.tables import LOCKS

log = logging.getLogger(__name__)
NAME = "warehouse"
FREE = ""
CONFLICTS = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    MetadataChangedException,
)


@dataclass
class Lease:
    """The lock of a warehouse; use as a context manager. `run_id` names the holder."""

    lake: Lake
    run_id: str
    seconds: int
    stop: threading.Event = field(default_factory=threading.Event)
    renewer: threading.Thread | None = None

    def __enter__(self) -> Lease:
        """Take the lease, or raise LockHeld (exit code 9) with the holder's name."""
        self.lake.ensure(LOCKS)
        found = self.current()
        self.take(found)
        holder = self.current()
        if holder is None or holder.holder != self.run_id:
            raise self.held(holder)
        self.renewer = threading.Thread(target=self.renew, name="lease", daemon=True)
        self.renewer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lease back; a run that dies leaves it to the next one, which sees that the process is gone."""
        self.stop.set()
        if self.renewer is not None:
            self.renewer.join()
        self.lake.delta(LOCKS).update(self.mine(), {"holder": F.lit(FREE)})

    def take(self, found: Row | None) -> None:
        """Write our name where the lease is new, free, expired or held by a dead process; of two at once Delta lets
        one through.
        """
        try:
            if found is None:
                self.lake.merge(LOCKS, self.row(), on="old.name = new.name", update=None, insert=True)
                return
            dead = found.holder if not alive(found) else FREE
            free = F.col("holder").isin(FREE, dead) | (F.col("expires_at") < F.lit(datetime.now(timezone.utc)))
            changes: dict[str, str | Column] = {name: F.lit(value) for name, value in self.values().items()}
            self.lake.delta(LOCKS).update((F.col("name") == NAME) & free, changes)
        except CONFLICTS:
            log.info("another run took the lease at the same moment")

    def renew(self) -> None:
        """Push the end of the lease out, three times per lease, until stopped."""
        while not self.stop.wait(self.seconds / 3):
            self.lake.delta(LOCKS).update(self.mine(), {"expires_at": F.lit(self.values()["expires_at"])})

    def mine(self) -> Column:
        """The lease while we hold it."""
        return (F.col("name") == NAME) & (F.col("holder") == self.run_id)

    def values(self) -> dict[str, Any]:
        """The lease row that says that we hold it from now on."""
        return {
            "name": NAME,
            "holder": self.run_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process_start": process_start(os.getpid()),
            "expires_at": datetime.now(timezone.utc) + timedelta(seconds=self.seconds),
        }

    def row(self) -> DataFrame:
        """`values` as a frame."""
        return self.lake.spark.createDataFrame([tuple(self.values().values())], LOCKS.ddl)

    def current(self) -> Row | None:
        """The lease row as it stands."""
        rows = bounded(self.lake.read(LOCKS).where(F.col("name") == NAME), 2)
        # Two first runs of a new warehouse could insert a row each; then neither holds the lock alone.
        return max(rows, key=lambda row: row.holder, default=None)

    def held(self, found: Row | None) -> LockHeld:
        """The error for the run that came second."""
        who = "another run" if found is None else f"run {found.holder} (host {found.host}, process {found.pid})"
        until = "" if found is None else f"; its lease ends at {found.expires_at:%Y-%m-%d %H:%M:%S} UTC unless renewed"
        return LockHeld(
            f"{who} holds the lock of {self.lake.root}{until}. Nothing was changed; run again when it is done"
        )


def alive(row: Row) -> bool:
    """False only when the holder ran on this machine and its process is gone (or its number is used by another one)."""
    if row.host != socket.gethostname():
        return True
    start = process_start(row.pid)
    return start != "" and start == row.process_start


def process_start(pid: int) -> str:
    """When a process started, as the kernel counts it; '' when it does not run (or, outside Linux, 'unknown' when it
    does).
    """
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        return stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "unknown"
