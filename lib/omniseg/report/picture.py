"""The picture of a snapshot: how large segments are, what distinguishes them, how customers moved between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation

from omniseg.report.contents import Contents, Figure, Snapshot, contents
from omniseg.report.rivers import draw_rivers
from omniseg.segments.declaration import SegmentsDeclaration

# Okabe and Ito's palette, told apart with any colour vision; black is kept for text.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6BB1", "#B8A900", "#7F7F7F", "#44AA99")
INK, PALE = "#222222", "#8A8A8A"
SEGMENTS_SHOWN, FEATURES_SHOWN = 12, 11
FULL_COLOUR = 1.5  # standard deviations from which a cell of the heat map has its full colour

# The layout in inches, from the top: title, one row per segment, labels of the features, movement.
WIDTH, HEAD, ROW, LABELS, MOVEMENT, MARGIN = 15.0, 1.35, 0.62, 1.5, 5.1, 0.35
SIZES_LEFT, SIZES_WIDTH, HEAT_LEFT = 2.75, 4.1, 6.95


def picture(snapshots: Sequence[Snapshot], declaration: SegmentsDeclaration, *, min_group: int, path: str) -> None:
    """Draw the last of `snapshots` (oldest first, at least one) as a PNG at `path` (local).

    The movement is drawn from the second snapshot on. Small groups are neither shown nor followed.
    """
    report = contents(snapshots[-1], declaration, min_group=min_group)
    colours = segment_colours(snapshots)
    rows = ROW * min(len(report.lines), SEGMENTS_SHOWN)
    movement = MOVEMENT if len(snapshots) > 1 else 0.0
    canvas = matplotlib.figure.Figure(figsize=(WIDTH, HEAD + rows + LABELS + movement), facecolor="white")
    title(canvas, report)
    bottom = LABELS + movement
    if report.lines:
        draw_sizes(part(canvas, SIZES_LEFT, bottom, SIZES_WIDTH, rows), report, colours)
        draw_heat(part(canvas, HEAT_LEFT, bottom, WIDTH - HEAT_LEFT - MARGIN, rows), report, declaration)
    if movement:
        river = part(canvas, MARGIN, MARGIN, WIDTH - 2 * MARGIN, movement - MARGIN - 0.35)
        draw_rivers(river, snapshots, report, colours, min_group=min_group)
        heading(
            canvas, "Movement", f"customers who changed segment; fewer than {min_group} are not drawn", MARGIN, movement
        )
    canvas.savefig(path, dpi=110, metadata={"Software": None})


def part(canvas: matplotlib.figure.Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place in inches."""
    wide, tall = canvas.get_size_inches()
    return canvas.add_axes((left / wide, bottom / tall, width / wide, height / tall))


def title(canvas: matplotlib.figure.Figure, report: Contents) -> None:
    """The title, and the headings of the two upper parts."""
    tall = canvas.get_figheight()
    text = f"Customer segments, {report.day}"
    canvas.text(MARGIN / WIDTH, 1 - 0.5 / tall, text, fontsize=20, fontweight="bold", color=INK)
    heading(canvas, "Size", report.total, SIZES_LEFT, tall - HEAD + 0.17)
    unit = "standard deviations above or below all customers"
    heading(canvas, "What distinguishes them", unit, HEAT_LEFT, tall - HEAD + 0.17)


def heading(canvas: matplotlib.figure.Figure, text: str, more: str, left: float, bottom: float) -> None:
    """The heading of a part, with a smaller explanation behind it, at a place in inches."""
    place = (left / WIDTH, bottom / canvas.get_figheight())
    drawn = canvas.text(*place, text, fontsize=13.5, fontweight="bold", color=INK, va="baseline")
    behind = Annotation(more, xy=(1, 0.03), xycoords=drawn, xytext=(9, 0), textcoords="offset points", va="bottom")
    behind.set(fontsize=11, color=PALE)
    canvas.add_artist(behind)


def segment_colours(snapshots: Sequence[Snapshot]) -> dict[str, str]:
    """A colour per segment id over all snapshots, so that a segment keeps its colour from picture to picture."""
    found = sorted({str(row["segment_id"]) for snapshot in snapshots for row in snapshot.profiles})
    return {segment: PALETTE[place % len(PALETTE)] for place, segment in enumerate(found)}


def draw_sizes(axes: Axes, report: Contents, colours: Mapping[str, str]) -> None:
    """Bars of customers by segment, the largest on top."""
    lines = report.lines[:SEGMENTS_SHOWN]
    places = range(len(lines))
    sizes = [line.customers for line in lines]
    bars = axes.barh(places, sizes, height=0.72, color=[colours[line.segment_id] for line in lines])
    labels = [f" {line.customers:,}  ({100 * line.share:.1f} %)" for line in lines]
    axes.bar_label(bars, labels=labels, fontsize=11, color=INK, padding=2)
    names = [fill(line.name, 24, break_on_hyphens=False) for line in lines]
    axes.set_yticks(places, names, fontsize=12, color=INK)
    axes.set_xlim(0, 1.5 * max(sizes))
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xticks([])
    bare(axes)


def bare(axes: Axes) -> None:
    """No ticks and no frame."""
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_heat(axes: Axes, report: Contents, declaration: SegmentsDeclaration) -> None:
    """Cells of segment × feature: how far the segment's mean lies above (red) or below (blue) that of all customers."""
    lines = report.lines[:SEGMENTS_SHOWN]
    features = telling_features(report, declaration)
    table = np.array([[z_of(line.figures.get(feature)) for feature in features] for line in lines])
    axes.pcolormesh(table, cmap="RdBu_r", vmin=-FULL_COLOUR, vmax=FULL_COLOUR, edgecolors="white", linewidth=2)
    for row, column in np.ndindex(table.shape):
        value = table[row, column]
        ink = "white" if abs(value) > 0.72 * FULL_COLOUR else INK
        axes.text(column + 0.5, row + 0.5, f"{value:+.1f}", ha="center", va="center", fontsize=11, color=ink)
    axes.set_ylim(len(lines), 0)
    axes.set_yticks([])
    labels = [fill(declaration.by_name[feature].label, 18) for feature in features]
    places = [place + 0.62 for place in range(len(features))]
    axes.set_xticks(places, labels, fontsize=10.5, color=INK, rotation=38, ha="right", rotation_mode="anchor")
    bare(axes)


def z_of(figure: Figure | None) -> float:
    """The z of a figure; 0 where there is none."""
    return figure.z if figure is not None and figure.z is not None else 0.0


def telling_features(report: Contents, declaration: SegmentsDeclaration) -> list[str]:
    """Of each theme the feature that distinguishes any segment most; the strongest of these, in declared order."""
    strength = {
        name: max((abs(z_of(line.figures.get(name))) for line in report.lines), default=0.0)
        for name in declaration.columns
    }
    of_theme: dict[str, str] = {}
    for name in sorted(strength, key=lambda one: (-strength[one], one)):
        if strength[name] > 0:
            of_theme.setdefault(declaration.by_name[name].theme, name)
    kept = list(of_theme.values())[:FEATURES_SHOWN]
    return [name for name in declaration.columns if name in kept]
