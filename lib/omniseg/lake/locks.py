"""One writing run per warehouse: a lease in `ops.locks`, taken by a conditional MERGE and renewed while the run lives."""

from __future__ import annotations

import logging
import os
import socket
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    MetadataChangedException,
)
from pyspark.sql import Row
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
        free = [FREE, *([found.holder] if (found := self.current()) is not None and not alive(found) else [])]
        self.take(free)
        found = self.current()
        if found is None or found.holder != self.run_id:
            raise self.held(found)
        self.renewer = threading.Thread(target=self.renew, name="lease", daemon=True)
        self.renewer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lease back; a run that dies leaves it to the next one, which sees that the process is gone."""
        self.stop.set()
        if self.renewer is not None:
            self.renewer.join()
        self.write(FREE, f"old.name = new.name AND old.holder = '{self.run_id}'", insert=False)

    def take(self, free: list[str]) -> None:
        """Write our name where the lease is free, expired or held by a dead process; two at once: Delta lets one through."""
        listed = ", ".join(f"'{holder}'" for holder in free)
        now = datetime.now(timezone.utc)
        available = f"(old.holder IN ({listed}) OR old.expires_at < TIMESTAMP'{now:%Y-%m-%d %H:%M:%S}')"
        try:
            self.write(self.run_id, "old.name = new.name", insert=True, only_if=available)
        except CONFLICTS:
            log.info("another run took the lease at the same moment")

    def renew(self) -> None:
        """Push the end of the lease out, three times per lease, until stopped."""
        while not self.stop.wait(self.seconds / 3):
            self.write(self.run_id, f"old.name = new.name AND old.holder = '{self.run_id}'", insert=False)

    def write(self, holder: str, on: str, *, insert: bool, only_if: str | None = None) -> None:
        """One conditional MERGE of the lease row."""
        expires = datetime.now(timezone.utc) + timedelta(seconds=self.seconds)
        row = (NAME, holder, socket.gethostname(), os.getpid(), process_start(os.getpid()), expires)
        rows = self.lake.spark.createDataFrame([row], LOCKS.ddl)
        merging = self.lake.delta(LOCKS).alias("old").merge(rows.alias("new"), on)
        merging = merging.whenMatchedUpdateAll(condition=only_if)
        (merging.whenNotMatchedInsertAll() if insert else merging).execute()

    def current(self) -> Row | None:
        """The lease row as it stands."""
        rows = bounded(self.lake.read(LOCKS).where(F.col("name") == NAME), 1)
        return rows[0] if rows else None

    def held(self, found: Row | None) -> LockHeld:
        """The error for the run that came second."""
        who = "another run" if found is None else f"run {found.holder} (host {found.host}, process {found.pid})"
        until = "" if found is None else f"; its lease ends at {found.expires_at:%Y-%m-%d %H:%M:%S} UTC unless renewed"
        return LockHeld(f"{who} holds the lock of {self.lake.root}{until}. Nothing was changed; run again when it is done")


def alive(row: Row) -> bool:
    """False only when the holder ran on this machine and its process is gone (or its number is used by another one)."""
    if row.host != socket.gethostname():
        return True
    start = process_start(row.pid)
    return start != "" and start == row.process_start


def process_start(pid: int) -> str:
    """When a process started, as the kernel counts it; '' when it does not run (or, outside Linux, 'unknown' when it does)."""
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
