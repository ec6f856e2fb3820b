"""`omniseg run`: the night's work for one date, or for the dates of a range in order."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta

from omniseg.commands.declared import feature_set
from omniseg.commands.features import prepared
from omniseg.commands.ingest import ingest
from omniseg.commands.reports import write_report
from omniseg.commands.snapshot import publish
from omniseg.errors import ConfigError, ContractError, Problem
from omniseg.runtime import Run, parse_date


def nightly(run: Run) -> None:
    """Ingest once, then features and a published snapshot for each date. Refused files are reported at the end (exit
    code 3).
    """
    days = dates(run)
    refused: ContractError | None = None
    try:
        ingest(run)
    except ContractError as error:
        refused = error
    ingested = run.status
    known = prepared(run, feature_set(run.settings))
    states = []
    for day in days:
        run.as_of, run.status = day, "ok"
        publish(run, day, known)
        states.append(run.status)
    write_report(run)
    quiet = ingested == "nothing_new" and all(state == "nothing_new" for state in states)
    run.status = "nothing_new" if quiet else "ok"
    if refused is not None:
        raise refused


def dates(run: Run) -> list[date]:
    """The dates of the run, in order; ConfigError unless there is either --as-of or both --from and --to."""
    first, last = run.options.get("first"), run.options.get("last")
    if (run.as_of is None) == (first is None) or (first is None) != (last is None):
        found = "both" if run.as_of and first else "neither, or half a range"
        raise ConfigError([Problem("command line", "--as-of", found, "either --as-of DATE or --from DATE --to DATE")])
    if run.as_of is not None:
        return [run.as_of]
    start, end = parse_date(str(first), "--from"), parse_date(str(last), "--to")
    if start > end:
        raise ConfigError([Problem("command line", "--to", str(end), f"a date not before --from {start}")])
    return list(stepped(start, end, str(run.options.get("every", "day"))))


def stepped(start: date, end: date, every: str) -> Iterator[date]:
    """Each day, each seventh day, or each month-end from `start` to `end`."""
    day = start
    while day <= end:
        if every != "month" or day.day == calendar.monthrange(day.year, day.month)[1]:
            yield day
        day += timedelta(days=7 if every == "week" else 1)
