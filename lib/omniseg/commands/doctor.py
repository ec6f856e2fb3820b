"""`omniseg doctor`: is everything there that a run needs, and what to do where it is not. Works when Spark does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

from omniseg.commands.checks import FAIL, WARN, Finding
from omniseg.commands.checks.machine import (
    check_jars,
    check_java,
    check_pair,
    check_python,
    check_secrecy_of_spark,
    check_session,
)
from omniseg.commands.checks.places import check_calendar, check_disk, check_landing, check_sources, check_tracking
from omniseg.commands.checks.warehouse import check_keys, check_lease
from omniseg.errors import EnvironmentRefused
from omniseg.report.listing import render
from omniseg.runtime import Run
from omniseg.settings.load import describe

Check = Callable[[Run], Iterator[Finding]]
PLAIN: tuple[Check, ...] = (check_python, check_disk, check_landing, check_sources, check_calendar, check_tracking)
FOR_SPARK: tuple[Check, ...] = (check_java, check_pair, check_jars)
IN_SESSION: tuple[Check, ...] = (check_keys, check_lease, check_secrecy_of_spark)
COLUMNS = ("state", "what", "found", "mend")
SETTING = ("setting", "value", "origin")


def doctor(run: Run) -> None:
    """Reads everything, writes nothing; prints one line for each check, then every setting with where it was decided.

    Exit code 10 when a check failed.
    """
    findings = list(examined(run))
    settings = [dict(zip(SETTING, row, strict=True)) for row in describe(run.settings)]
    style = run.options["format"]
    if style == "json":
        run.say(json.dumps({"checks": [asdict(finding) for finding in findings], "settings": settings}, indent=2))
    elif style == "csv":
        run.say(render([asdict(finding) for finding in findings], COLUMNS, "csv"))
    else:
        run.say("\n".join(map(told, findings)))
        run.say("\nSettings:\n" + render(settings, SETTING, "table"))
    failed = [finding.what for finding in findings if finding.state == FAIL]
    if failed:
        raise EnvironmentRefused(f"not ready to run: {', '.join(failed)}; see above how to mend")


def examined(run: Run) -> Iterator[Finding]:
    """All findings. What needs a session is looked at only when what a session needs is there, and it starts."""
    for check in PLAIN:
        yield from check(run)
    before = [finding for check in FOR_SPARK for finding in check(run)]
    yield from before
    if any(finding.state == FAIL for finding in before):
        yield Finding(WARN, "Spark session", "not tried", "mend the lines above; keys and lock are checked then, too")
        return
    session = list(check_session(run))
    yield from session
    if not any(finding.state == FAIL for finding in session):
        for check in IN_SESSION:
            yield from check(run)


def told(finding: Finding) -> str:
    """One finding in words."""
    lines = finding.found.splitlines() or [""]
    text = "\n".join([f"{finding.state:<4}  {finding.what}: {lines[0]}", *(f"        {line}" for line in lines[1:])])
    return f"{text}\n      → {finding.mend}" if finding.mend else text
