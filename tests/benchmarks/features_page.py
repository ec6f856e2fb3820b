"""The figures of features as a section of docs/performance.md, and as a picture beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib.figure

from omniseg.report.picture import INK, PALETTE
from tests.benchmarks.results import PAGE

PICTURE = PAGE.with_name("performance-features.png")


@dataclass(frozen=True)
class Ours:
    """Seconds at one number of events, and the driver's highest memory until then."""

    events: int
    backfill: float
    night: float
    again: float
    memory: int


@dataclass(frozen=True)
class Theirs:
    """Seconds of the contenders at the same events, and customers for whom they found other values."""

    plain: float
    duck: float
    wrong: int


@dataclass(frozen=True)
class Figures:
    """All of it: the last 90 days alone, half of the events, all of them beside the contenders, and three times as many
    beside DuckDB alone; and bytes of partials per byte of events, by the events of an active day.
    """

    short: Ours
    half: Ours
    whole: Ours
    theirs: Theirs
    triple: Ours
    triple_duck: float
    shares: Mapping[int, float]


def page(found: Figures, columns: int) -> list[str]:
    """The section."""
    whole, theirs = found.whole, found.theirs

    def row(figures: Ours, contenders: str) -> str:
        seconds = f"{figures.night:.1f} | {figures.backfill:.1f} | {figures.again:.1f}"
        return f"| {figures.events:,} | {seconds} | {contenders} | {figures.memory / 2**30:.1f} |"

    return [
        f"{whole.events:,} events of {whole.events // 96:,} made-up shoppers in 365 days: 12 active days with 8 events",
        f"each; {columns} feature columns. One run, session started and warm. The contenders recompute the measured",
        "features from all events: plain PySpark with one `groupBy` of conditional sums and exact distinct counts,",
        f"DuckDB with the same query on the same Parquet files. For {theirs.wrong} customers they found other values.",
        "The goals are for 20,000,000 events, which `OMNISEG_BENCH_EVENTS` can make fewer. Memory is the highest that",
        "driver and executor, one process here, have had by then; its heap may have 4 GB and is not given back.",
        "",
        "| events | one night, s | back-fill with one date, s | a further date, s | plain PySpark, s | DuckDB, s "
        "| memory, GiB |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        row(found.half, " | "),
        row(whole, f"{theirs.plain:.1f} | {theirs.duck:.1f}"),
        row(found.triple, f" | {found.triple_duck:.1f}"),
        "",
        "| goal | reached |",
        "|---|---|",
        f"| a night ≥ 10 times faster than plain PySpark | {theirs.plain / whole.night:.1f} times |",
        f"| a night at {found.triple.events:,} events ≤ DuckDB's time for all of them "
        f"| {found.triple.night / found.triple_duck:.2f} times |",
        f"| back-fill ≥ 5 times faster than plain PySpark | {theirs.plain / whole.backfill:.1f} times |",
        f"| back-fill ≤ 2 times DuckDB's time | {whole.backfill / theirs.duck:.1f} times |",
        f"| 365 days of history ≤ 1.3 times 90 days, a night | {whole.night / found.short.night:.2f} times |",
        f"| doubling the events doubles the back-fill ± 15 % | {whole.backfill / found.half.backfill:.2f} times |",
        f"| partials ≤ 0.3 times the events' bytes, 10 events on an active day | {found.shares[10]:.2f} times |",
        f"| partials ≤ 1.5 times the events' bytes, one event on an active day | {found.shares[1]:.2f} times |",
        "",
        f"![Seconds of each at {whole.events:,} events]({PICTURE.name})",
    ]


def draw(whole: Ours, theirs: Theirs) -> None:
    """Seconds as bars, ours in one colour, the contenders in others."""
    bars = [
        ("a night: one new day", whole.night, PALETTE[0]),
        ("a further as-of date", whole.again, PALETTE[0]),
        ("back-fill: a year and one date", whole.backfill, PALETTE[0]),
        ("plain PySpark, all anew", theirs.plain, PALETTE[1]),
        ("DuckDB, all anew", theirs.duck, PALETTE[2]),
    ]
    canvas = matplotlib.figure.Figure(figsize=(9, 3.6), facecolor="white", layout="constrained")
    axes = canvas.add_subplot()
    names, seconds, colours = zip(*bars, strict=True)
    drawn = axes.barh(names, seconds, color=colours, height=0.7)
    axes.bar_label(drawn, labels=[f" {one:.1f} s" for one in seconds], color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, max(seconds) * 1.12)
    axes.set_xlabel(f"seconds for the same features of {whole.events:,} events; omniseg is blue")
    axes.spines[["top", "right"]].set_visible(False)
    canvas.savefig(PICTURE, dpi=110, metadata={"Software": None})
