"""What the scores of recency, frequency and monetary value are called, and how many customers each name has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from omniseg.report.cells import share_cell

NOBODY = "none"  # customers who never bought, or whose scores no name is for


@dataclass(frozen=True)
class Named:
    """One name of scores and its customers."""

    name: str
    customers: int
    share: float  # of all customers


def named_sizes(sizes: Mapping[str | None, int], *, min_group: int) -> list[Named]:
    """The names with their customers, the largest first.

    Groups below `min_group` are left out, and where these are too few together, the next smallest with them: the
    difference to all customers would tell their size.
    """
    everybody = sum(sizes.values())
    largest_first = sorted(((name or NOBODY, size) for name, size in sizes.items()), key=lambda one: (-one[1], one[0]))
    hidden = 0
    while largest_first and (largest_first[-1][1] < min_group or 0 < hidden < min_group):
        hidden += largest_first.pop()[1]
    return [Named(name, size, size / everybody) for name, size in largest_first]


def section(found: Sequence[Named], *, min_group: int) -> str:
    """The part of the page about them; nothing where nobody is to be shown."""
    if not found:
        return ""
    widest = max(one.share for one in found)
    rows = "\n".join(row(one, widest) for one in found)
    head = '<th>Name</th><th class="n">Customers</th><th>Share</th>'
    return (
        "<h2>Recency, frequency, monetary value</h2>"
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
        "<p>Each customer is scored by the days since the last purchase, the number of purchases and their value, each "
        "among all who ever bought; a name stands for some scores (docs/features.md). "
        f"“{NOBODY}”: never bought, or scores without a name. Names of fewer than {min_group} customers, and where "
        "these could be told from the rest the next smallest name, are not shown.</p>"
    )


def row(one: Named, widest: float) -> str:
    """One name as a row of the table."""
    name = f'<td class="name">{escape(one.name)}</td>'
    return f'<tr>{name}<td class="n">{one.customers:,}</td>{share_cell(one.share, widest)}</tr>'
