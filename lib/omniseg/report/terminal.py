"""The segments of a snapshot on a terminal: plain text, at most 100 columns."""

from __future__ import annotations

from textwrap import wrap

from omniseg.report.contents import Contents, Figure, Line, shown
from omniseg.segments.declaration import SegmentsDeclaration

WIDTH = 100
NAME, BAR = 30, 18
INDENT = "    "


def segment_table(report: Contents, declaration: SegmentsDeclaration, *, currency: str, bar: str = "█") -> str:
    """Two lines per segment: its figures, then what distinguishes it. `bar` draws the shares."""
    moves = "" if report.first else f" {'Came':>7} {'Left':>7}"
    head = f"{'Segment':<{NAME}} {'Customers':>11}  {'Share':>6} {'':{BAR}} {'Spend':>11}{moves}"
    title = f"Segments of {report.day}: {report.total}, snapshot {report.snapshot_id}"
    lines = [title, "", head, "-" * len(head)]
    for line in report.lines:
        lines += figures(line, report, declaration, currency=currency, bar=bar)
        lines += explanation(line, declaration, currency=currency)
    return "\n".join([*lines, "", *notes(report, declaration)])


def figures(line: Line, report: Contents, declaration: SegmentsDeclaration, *, currency: str, bar: str) -> list[str]:
    """The figures of one segment; a name that is too long has lines of its own before."""
    names = wrap(line.name, NAME, break_on_hyphens=False) or [""]
    length = max(1, round(line.share / max(one.share for one in report.lines) * BAR))
    money = declaration.by_name[declaration.money]
    spend = shown(line.figures[money.name].mean, money, currency=currency)
    moved = "" if report.first else f" {count(line.came):>7} {count(line.left):>7}"
    share = f"{100 * line.share:>4.1f} % {bar * length:<{BAR}}"
    row = f"{names[-1]:<{NAME}} {line.customers:>11,}  {share} {spend:>11}{moved}"
    return [*names[:-1], row.rstrip()]


def count(customers: int | None) -> str:
    """A number of customers, or a sign that it is withheld."""
    return "*" if customers is None else f"{customers:,}"


def explanation(line: Line, declaration: SegmentsDeclaration, *, currency: str) -> list[str]:
    """What distinguishes a segment, indented."""
    parts = [compared(figure, declaration, currency=currency) for figure in line.distinguishing]
    return wrap("; ".join(parts), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def compared(figure: Figure, declaration: SegmentsDeclaration, *, currency: str) -> str:
    """One figure beside that of all customers: "Orders in 90 days 38 (all: 15)"."""
    use = declaration.by_name[figure.feature]
    here, everywhere = shown(figure.mean, use, currency=currency), shown(figure.overall, use, currency=currency)
    return f"{use.label} {here} (all: {everywhere})"


def notes(report: Contents, declaration: SegmentsDeclaration) -> list[str]:
    """What the columns mean, and what is not shown."""
    money = declaration.by_name[declaration.money].label
    since = "" if report.first else "; Came, Left: customers who changed segment since the snapshot before"
    found = [f"Spend: mean of {money}{since}."]
    if any(line.came is None for line in report.lines) and not report.first:
        found.append(f"*: withheld, since a group of fewer than {report.min_group} customers is never shown.")
    if report.hidden:
        found.append(f"{report.hidden} segment(s) of fewer than {report.min_group} customers are not shown.")
    return [part for note in found for part in wrap(note, WIDTH)]
