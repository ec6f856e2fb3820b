"""The report on a snapshot: a table for the terminal, a picture and a page in reports.dir."""

from __future__ import annotations

from pathlib import Path

from omniseg.commands.declared import feature_set, segments_declaration
from omniseg.commands.features import vectors_of
from omniseg.commands.published import manifest, newest_per_date, reports_of
from omniseg.commands.rfm import sizes_of_names
from omniseg.report.contents import contents
from omniseg.report.page import Basis, page
from omniseg.report.picture import picture
from omniseg.report.scores import named_sizes
from omniseg.report.terminal import segment_table
from omniseg.runtime import Run

SHOWN = 3  # snapshots in the picture of movement


def write_report(run: Run) -> None:
    """Print the table of the run's snapshot; write `segments-<as_of>.png` and `.html`; say where."""
    assert run.snapshot_id is not None
    declaration, settings = segments_declaration(run.settings), run.settings
    shown = manifest(run, run.snapshot_id)
    earlier = [row for row in newest_per_date(run) if row.as_of < shown.as_of][-(SHOWN - 1) :]
    snapshots = reports_of(run, [*earlier, shown])
    currency = settings.business.currency or ""
    report = contents(snapshots[-1], declaration, min_group=settings.reports.min_group)
    folder = Path(settings.reports.dir)
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / f"segments-{shown.as_of}"
    image = base.with_suffix(".png")
    features = feature_set(settings)
    with run.step("report"):
        sizes = sizes_of_names(vectors_of(run, features, shown.as_of), features.rfm)
        picture(snapshots, declaration, min_group=settings.reports.min_group, path=str(image))
        basis = Basis(settings.consent.mode, settings.consent.legal_basis)
        page(
            report,
            declaration,
            currency=currency,
            basis=basis,
            picture=image.read_bytes(),
            path=base.with_suffix(".html"),
            scores=named_sizes(sizes, min_group=settings.reports.min_group),
        )
    run.say(segment_table(report, declaration, currency=currency))
    run.say(basis.sentence)
    run.say(f"Picture: {image}\nPage:    {base.with_suffix('.html')}")
    run.say("Next: omniseg snapshots show, omniseg quarantine list, omniseg runs list")
