"""`omniseg runs list|show`: what ran, what it counted and how it ended."""

from __future__ import annotations

from pyspark.sql import functions as F

from omniseg.errors import ConfigError, Problem
from omniseg.lake.bounded import bounded
from omniseg.names import nearest
from omniseg.report.listing import render
from omniseg.runtime import Run
from omniseg.tables import RUNS

NEWEST = 100  # runs that are listed, and among which a mistyped id is looked for
MOST_SOURCES = 10_000
COUNTS = ("read", "accepted", "duplicates", "quarantined", "suppressed", "unattributed", "bots")
LISTED = ("run_id", "command", "as_of", "started_at", "seconds", "exit_code", *COUNTS)
SHOWN = ("source", *COUNTS)


def show_list(run: Run) -> None:
    """Reads ops.runs; prints the newest runs, the newest first, with the sums over their sources."""
    by_run = ("run_id", "command", "as_of", "started_at", "seconds", "exit_code")
    totals = run.lake.read(RUNS).groupBy(*by_run).agg(*(F.sum(name).alias(name) for name in COUNTS))
    newest = totals.orderBy(F.desc("started_at"), F.desc("run_id")).limit(NEWEST)
    rows = [row.asDict() for row in bounded(newest, NEWEST)]
    run.say(render(rows, LISTED, run.options["format"]))


def show(run: Run) -> None:
    """Reads ops.runs; prints one run: how it went, and its counts by source."""
    wanted = run.options["run"]
    rows = [row.asDict() for row in bounded(run.lake.read(RUNS).where(F.col("run_id") == wanted), MOST_SOURCES)]
    if not rows:
        raise ConfigError([Problem("command line", "RUN_ID", repr(wanted), *expected(run, wanted))])
    rows.sort(key=lambda row: str(row["source"]))
    if run.options["format"] == "table":
        for name in ("run_id", "command", "as_of", "batch_id", "started_at", "seconds", "exit_code", "detail"):
            run.say(f"{name:<10}  {'' if rows[0][name] is None else rows[0][name]}")
        run.say()
        run.say(render(rows, SHOWN, "table"))
    else:
        run.say(render(rows, RUNS.column_names, run.options["format"]))


def expected(run: Run, wanted: str) -> tuple[str, str]:
    """What a run id that nobody knows should have been: in words, and the nearest known one."""
    newest = run.lake.read(RUNS).groupBy("run_id").agg(F.max("started_at").alias("started_at"))
    rows = bounded(newest.orderBy(F.desc("started_at")).limit(NEWEST), NEWEST)
    return "the id of a run; see omniseg runs list", nearest(wanted, [row.run_id for row in rows])
