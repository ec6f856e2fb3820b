"""One snapshot as a page that needs nothing else: table, picture, what every number means, the basis of using data."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from omniseg.report.cells import share_cell
from omniseg.report.contents import Contents, Figure, Line, shown
from omniseg.report.scores import Named, section
from omniseg.report.terminal import compared, count
from omniseg.segments.declaration import FeatureUse, SegmentsDeclaration

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; color: #222;
  background: #f5f6f8; margin: 0; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 32px 64px; background: #fff; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 20px; margin: 44px 0 12px; }
.sub { color: #667; margin: 0 0 28px; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
th { text-align: left; font-weight: 600; color: #556; border-bottom: 2px solid #dde; padding: 8px 10px; }
td { border-bottom: 1px solid #e8eaee; padding: 12px 10px; vertical-align: top; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.name { font-weight: 600; }
.id { color: #889; font-size: 13px; font-weight: 400; }
.bar { background: #e6edf5; height: 10px; border-radius: 5px; margin-top: 7px; min-width: 110px; }
.bar i { display: block; height: 10px; border-radius: 5px; background: #0072b2; }
ul { margin: 0; padding-left: 18px; }
img { width: 100%; height: auto; }
dt { font-weight: 600; margin-top: 10px; }
dd { margin: 0; color: #445; }
.basis { background: #f2f6fb; border-left: 4px solid #0072b2; padding: 12px 16px; margin-top: 28px; }
@media print { body { background: #fff; } main { padding: 0; } tr { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Basis:
    """Whose data this is, in the words of the settings: consent mode (`assume` or `enforce`) and legal basis."""

    mode: str
    legal_basis: str

    @property
    def sentence(self) -> str:
        """One sentence for the report."""
        if self.mode == "assume":
            return f"Consent is assumed for every customer. Legal basis: {self.legal_basis or 'not stated'}."
        return "Only customers whose recorded consent allows it are in this report."


def page(
    report: Contents,
    declaration: SegmentsDeclaration,
    *,
    currency: str,
    basis: Basis,
    picture: bytes,
    path: Path,
    scores: Sequence[Named] = (),
) -> None:
    """Write the page to `path`; `picture` is a PNG, `scores` what RFM scores are called, where there are any. The text
    of names and settings is escaped.
    """
    parts = [
        f"<h1>Customer segments, {escape(report.day)}</h1>",
        f'<p class="sub">{report.total} in {len(report.lines)} segments · snapshot {escape(report.snapshot_id)}</p>',
        segments(report, declaration, currency),
        "<h2>The picture</h2>",
        f'<img alt="{escape(alternative(report))}" src="data:image/png;base64,{b64encode(picture).decode()}">',
        section(scores, min_group=report.min_group),
        "<h2>What the numbers mean</h2>",
        definitions(report, declaration),
        f'<p class="basis">{escape(basis.sentence)} Groups below {report.min_group} customers are never shown.</p>',
    ]
    head = f'<meta charset="utf-8"><title>Customer segments, {escape(report.day)}</title><style>{STYLE}</style>'
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    body = "\n".join(["<body><main>", *parts, "</main></body>"])
    text = f'<!doctype html>\n<html lang="en">\n<head>{head}{viewport}</head>\n{body}\n</html>\n'
    path.write_text(text, encoding="utf-8")


def segments(report: Contents, declaration: SegmentsDeclaration, currency: str) -> str:
    """The table of segments."""
    moves = "" if report.first else '<th class="n">Came</th><th class="n">Left</th>'
    figures = '<th class="n">Customers</th><th>Share</th><th class="n">Spend</th>'
    head = f"<th>Segment</th>{figures}{moves}<th>What distinguishes them</th>"
    rows = "\n".join(row(line, report, declaration, currency) for line in report.lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>{withheld(report)}"


def row(line: Line, report: Contents, declaration: SegmentsDeclaration, currency: str) -> str:
    """One segment as a row of the table."""
    money = declaration.by_name[declaration.money]
    widest = max(one.share for one in report.lines)
    spend = shown(line.figures[money.name].mean, money, currency=currency)
    points = "".join(f"<li>{point(figure, declaration, currency)}</li>" for figure in line.distinguishing)
    cells = [
        f'<td class="name">{escape(line.name)}<br><span class="id">{escape(line.segment_id)}</span></td>',
        f'<td class="n">{line.customers:,}</td>',
        share_cell(line.share, widest),
        f'<td class="n">{escape(spend)}</td>',
    ]
    if not report.first:
        cells += [f'<td class="n">{count(line.came)}</td>', f'<td class="n">{count(line.left)}</td>']
    return f"<tr>{''.join(cells)}<td><ul>{points}</ul></td></tr>"


def point(figure: Figure, declaration: SegmentsDeclaration, currency: str) -> str:
    """One distinguishing figure beside that of all customers."""
    return escape(compared(figure, declaration, currency=currency))


def withheld(report: Contents) -> str:
    """What the table does not show, and why."""
    notes = []
    if report.hidden:
        notes.append(f"{report.hidden} segment(s) of fewer than {report.min_group} customers are not shown.")
    if not report.first and any(line.came is None for line in report.lines):
        notes.append(f"*: withheld, because a group of fewer than {report.min_group} customers could be told from it.")
    return "".join(f"<p>{note}</p>" for note in notes)


def alternative(report: Contents) -> str:
    """The picture in words, for those who cannot see it."""
    sizes = ", ".join(f"{line.name} {100 * line.share:.0f} %" for line in report.lines)
    return f"Segments by size: {sizes}. Then what distinguishes them, and movement between snapshots."


def definitions(report: Contents, declaration: SegmentsDeclaration) -> str:
    """Every number of the page explained."""
    money = declaration.by_name[declaration.money].label
    found = {
        "Segment": "Customers who resemble each other in the features below. Each customer is in exactly one segment; "
        "names come from what distinguishes the segment most.",
        "Customers, share": f"Customers in the segment on {report.day}, and their part of the customers shown.",
        "Spend": f"Mean of “{money}” over the segment's customers.",
        "Standard deviations": "Mean of the segment minus mean of all customers, divided by the standard deviation of "
        "all customers. Beyond ±0.5 a difference is noticeable, beyond ±1 it is large.",
    }
    if not report.first:
        found["Came, left"] = (
            "Customers who entered or left the segment since the snapshot before, those who are new or gone included."
        )
    terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in found.items())
    listed = "".join(f"<li>{escape(described(use))}</li>" for use in declaration.features)
    return f"<dl>{terms}<dt>Features</dt><dd><ul>{listed}</ul></dd></dl>"


def described(use: FeatureUse) -> str:
    """One feature in a sentence."""
    part = (
        "described, not used to form segments"
        if use.role == "profile"
        else f"forms the segments, weight {use.weight:g}"
    )
    return f"{use.label} ({use.name}): {part}"
