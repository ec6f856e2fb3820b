"""`omniseg snapshots list|show`: what was published."""

from __future__ import annotations

import json

from omniseg.commands.declared import segments_declaration
from omniseg.commands.published import asked_for, manifests, pointer, report_of
from omniseg.report.contents import contents
from omniseg.report.listing import render
from omniseg.report.terminal import segment_table
from omniseg.runtime import Run

LISTED = ("snapshot_id", "as_of", "model_version", "customers", "segments", "created_at", "readers_see")
SEGMENT = ("segment_id", "name", "customers", "share", "came", "left")


def show_list(run: Run) -> None:
    """Published snapshots, oldest date first."""
    seen = pointer(run)
    rows = []
    for row in manifests(run):
        metrics = json.loads(row.metrics)
        more = {"customers": metrics["customers"], "segments": len(metrics["segments"])}
        rows.append({**row.asDict(), **more, "readers_see": "yes" if row.snapshot_id == seen else ""})
    run.say(render(rows, LISTED, run.options["format"]))


def show(run: Run) -> None:
    """One snapshot: the published one, or the given one."""
    found = report_of(run, asked_for(run))
    declaration = segments_declaration(run.settings)
    report = contents(found, declaration, min_group=run.settings.reports.min_group)
    if run.options["format"] == "table":
        run.say(segment_table(report, declaration, currency=run.settings.business.currency or ""))
        return
    rows = [{name: getattr(line, name) for name in SEGMENT} for line in report.lines]
    run.say(render(rows, SEGMENT, run.options["format"]))
