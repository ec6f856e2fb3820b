"""Customers flowing from segment to segment over the snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from omniseg.report.contents import Contents, Snapshot, flows, whole

INK = "#222222"
BAR = 0.035  # width of a snapshot's bar; snapshots stand 1 apart
GAP = 0.018  # between segments, part of all customers
CURVE = np.linspace(0, 1, 40)


@dataclass(frozen=True)
class Block:
    """One segment in one snapshot: its customers, and where it stands (0 at the top, part of all customers)."""

    customers: int
    top: float
    height: float


Column = Mapping[str, Block]


def draw_rivers(
    axes: Axes, snapshots: Sequence[Snapshot], report: Contents, colours: Mapping[str, str], *, min_group: int
) -> None:
    """One bar per snapshot, oldest left; rivers between them are as wide as the customers who went that way."""
    order = segment_order(snapshots, report)
    columns = [blocks(snapshot, order, min_group) for snapshot in snapshots]
    for place, (snapshot, column) in enumerate(zip(snapshots, columns, strict=True)):
        draw_bar(axes, place, column, colours)
        axes.text(place, -0.03, f"{snapshot.as_of.day} {snapshot.as_of:%B %Y}", ha="center", va="bottom", fontsize=11.5)
        if place:
            ways = flows(snapshot, min_group=min_group)
            draw_ways(axes, place - 1, ways, columns[place - 1], column, colours)
    name_blocks(axes, columns, {line.segment_id: line.name for line in report.lines})
    foot = max((block.top + block.height for column in columns for block in column.values()), default=1.0)
    axes.set_xlim(-0.12 * len(columns), len(columns) - 1 + 0.24 * len(columns))
    axes.set_ylim(foot, -0.09)
    axes.axis("off")


def segment_order(snapshots: Sequence[Snapshot], report: Contents) -> list[str]:
    """Segments from top to bottom: as in the report, then those that only earlier snapshots have."""
    listed = [line.segment_id for line in report.lines]
    others = {str(row["segment_id"]) for snapshot in snapshots for row in snapshot.profiles}
    return listed + sorted(others.difference(listed))


def blocks(snapshot: Snapshot, order: Sequence[str], min_group: int) -> Column:
    """The segments of one snapshot that are no small group, from the top down."""
    sizes = {str(row["segment_id"]): whole(row["customers"]) for row in snapshot.profiles}
    everybody = sum(sizes.values())
    column: dict[str, Block] = {}
    top = 0.0
    for segment in order:
        if sizes.get(segment, 0) >= min_group:
            column[segment] = Block(sizes[segment], top, sizes[segment] / everybody)
            top += column[segment].height + GAP
    return column


def draw_bar(axes: Axes, place: int, column: Column, colours: Mapping[str, str]) -> None:
    """The bar of one snapshot."""
    for segment, block in column.items():
        corner = (place - BAR / 2, block.top)
        axes.add_patch(Rectangle(corner, BAR, block.height, color=colours[segment], linewidth=0, zorder=3))


def draw_ways(
    axes: Axes,
    place: int,
    ways: Mapping[tuple[str, str], int],
    before: Column,
    after: Column,
    colours: Mapping[str, str],
) -> None:
    """The rivers between two bars, in the colour of where they come from; who stays is paler than who moves."""
    starts = {segment: block.top for segment, block in before.items()}
    ends = {segment: block.top for segment, block in after.items()}
    rank = {segment: number for number, segment in enumerate(after)}
    for source in before:
        for target in sorted(
            (there for here, there in ways if here == source and there in after), key=rank.__getitem__
        ):
            customers = ways[source, target]
            left = customers * before[source].height / before[source].customers
            right = customers * after[target].height / after[target].customers
            span = (starts[source], left, ends[target], right)
            draw_river(axes, place, span, colours[source], 0.25 if source == target else 0.6)
            starts[source] += left
            ends[target] += right


def draw_river(axes: Axes, place: int, span: tuple[float, float, float, float], colour: str, alpha: float) -> None:
    """One river: from its top and width on the left to those on the right, in a smooth curve."""
    left, left_width, right, right_width = span
    bend = CURVE * CURVE * (3 - 2 * CURVE)
    upper = left + (right - left) * bend
    lower = upper + left_width + (right_width - left_width) * bend
    across = place + BAR / 2 + CURVE * (1 - BAR)
    axes.fill_between(across, upper, lower, color=colour, alpha=alpha, linewidth=0)


def name_blocks(axes: Axes, columns: Sequence[Column], names: Mapping[str, str]) -> None:
    """Sizes beside the bars, names at the last one."""
    last = len(columns) - 1
    for place, column in enumerate(columns):
        for segment, block in column.items():
            middle = block.top + block.height / 2
            if place == last:
                text = f"{names.get(segment, segment)}  {block.customers:,}"
                axes.text(place + BAR, middle, text, ha="left", va="center", fontsize=11, color=INK)
            else:
                axes.text(
                    place + BAR * 0.8, middle, f"{block.customers:,}", ha="left", va="center", fontsize=10, color=INK
                )
