"""What storage did to a run, in words: Spark and Delta tell it in pages of stack traces."""

from __future__ import annotations

import re

from pyspark.sql import SparkSession

from omniseg.errors import StorageFailed
from omniseg.lake.landing import list_files

FULL = "No space left on device"
UNREADABLE = re.compile(r"reading file (\S+/)_delta_log/(\S+?)\.?\s")
BROKEN_LOG = re.compile(
    r"\[(DELTA_(?:VERSIONS_NOT_CONTIGUOUS|LOG_FILE_NOT_FOUND\w*|TRUNCATED_TRANSACTION_LOG|STATE_RECOVER_ERROR"
    r"|MISSING_PART_FILES|CHECKPOINT_NON_EXIST_TABLE))\] ([^\n]*)"
)
BRIDGE = "An error occurred while calling"  # how the bridge to Java begins what Java says
REPAIR = (
    "restore it from a backup of the warehouse or from an older version in the object store; RESTORE and VACUUM cannot "
    "mend a log"
)


def storage_failure(error: Exception, *, table: str = "") -> StorageFailed | None:
    """The error as one that an operator can mend, where storage is its cause; `table` is its table, if known."""
    told = str(error)
    if FULL in told:
        return StorageFailed(
            f"a disk is full ({FULL}). Make room and start the run again: what was not committed is seen by nobody, "
            "and is written anew"
        )
    if found := UNREADABLE.search(told):
        return StorageFailed(f"the log of the table in {found[1]} is damaged: {found[2]} cannot be read; {REPAIR}")
    if found := BROKEN_LOG.search(told):
        name = f"the log of table {table}" if table else "the log of a table"
        return StorageFailed(f"{name} is damaged: {found[2].strip()} ({found[1]}); {REPAIR}")
    return None


def refuse_emptied_logs(spark: SparkSession, root: str) -> None:
    """Raise StorageFailed where a commit file of a table below `root` is empty, as a disk leaves it that lost power.

    Delta takes it for a commit of nothing, so its rows would be missing without a word.
    """
    commits = list_files(spark, f"{root.rstrip('/')}/*/*/_delta_log/*.json")
    for file in commits:
        if file.size == 0:
            table, _, name = file.path.rpartition("_delta_log/")
            raise StorageFailed(f"the log of the table in {table} is damaged: {name} is empty; {REPAIR}")


def told_by(error: Exception) -> str:
    """What an error of Spark says, in its first line and without the stack."""
    lines = [line.strip().removeprefix(": ") for line in str(error).splitlines()]
    return next((line for line in lines if line and not line.startswith(BRIDGE)), type(error).__name__)
