"""What a report says about one snapshot, before it becomes a table, a picture or a page. Small groups end here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from omniseg.segments.declaration import FeatureUse, SegmentsDeclaration

TRAITS_SHOWN = 3

Row = Mapping[str, object]


@dataclass(frozen=True)
class Snapshot:
    """One snapshot as read from the tables: rows of gold.segment_profiles and gold.segment_lineage."""

    snapshot_id: str
    as_of: date
    profiles: Sequence[Row]
    lineage: Sequence[Row]


@dataclass(frozen=True)
class Figure:
    """One feature of one segment beside that of all customers."""

    feature: str
    mean: float | None
    overall: float | None
    z: float | None


@dataclass(frozen=True)
class Line:
    """One segment. `came` and `left` count customers who changed segment since the snapshot before; None: withheld."""

    segment_id: str
    name: str
    customers: int
    share: float  # of the customers shown
    figures: Mapping[str, Figure]
    distinguishing: tuple[Figure, ...]  # the strongest first
    came: int | None
    left: int | None


@dataclass(frozen=True)
class Contents:
    """One snapshot, ready to be shown, the largest segment first.

    Segments below `min_group` customers are left out and only counted in `hidden`. Then `customers` is rounded, since
    the exact total would reveal them.
    """

    snapshot_id: str
    as_of: date
    lines: tuple[Line, ...]
    customers: int
    hidden: int
    min_group: int
    first: bool  # no snapshot before this one

    @property
    def day(self) -> str:
        """The snapshot's day as people write it: 30 September 2017."""
        return f"{self.as_of.day} {self.as_of:%B %Y}"

    @property
    def total(self) -> str:
        """How many customers there are, in words where only about."""
        return f"{'about ' if self.hidden else ''}{self.customers:,} customers"


def contents(snapshot: Snapshot, declaration: SegmentsDeclaration, *, min_group: int) -> Contents:
    """The contents of a report on `snapshot`."""
    by_segment: dict[str, list[Row]] = {}
    for row in snapshot.profiles:
        by_segment.setdefault(str(row["segment_id"]), []).append(row)
    sizes = {segment: whole(rows[0]["customers"]) for segment, rows in by_segment.items()}
    shown = {segment: size for segment, size in sizes.items() if size >= min_group}
    total, everybody = sum(shown.values()), sum(sizes.values())
    first = all(row["previous_snapshot_id"] is None for row in snapshot.lineage)
    flows = {} if first else movements(snapshot.lineage, shown, min_group)
    lines = [
        line(segment, by_segment[segment], declaration, total=total, flow=flows.get(segment, (None, None)))
        for segment in sorted(shown, key=lambda one: (-shown[one], one))
    ]
    customers = everybody if len(shown) == len(sizes) else round(everybody, -len(str(min_group)))
    hidden = len(sizes) - len(shown)
    return Contents(snapshot.snapshot_id, snapshot.as_of, tuple(lines), customers, hidden, min_group, first)


def line(
    segment: str,
    rows: Sequence[Row],
    declaration: SegmentsDeclaration,
    *,
    total: int,
    flow: tuple[int | None, int | None],
) -> Line:
    """One segment from its profile rows."""
    figures = {str(row["feature"]): figure(row) for row in rows}
    return Line(
        segment_id=segment,
        name=str(rows[0]["segment_name"]),
        customers=whole(rows[0]["customers"]),
        share=whole(rows[0]["customers"]) / total,
        figures=figures,
        distinguishing=strongest(figures.values(), declaration)[:TRAITS_SHOWN],
        came=flow[0],
        left=flow[1],
    )


def strongest(figures: Iterable[Figure], declaration: SegmentsDeclaration) -> tuple[Figure, ...]:
    """The figures furthest from those of all customers first, one per theme; undeclared features are left out."""
    kept: dict[str, Figure] = {}
    for found in sorted(figures, key=lambda one: (-abs(one.z or 0.0), one.feature)):
        use = declaration.by_name.get(found.feature)
        if use is not None and found.z:
            kept.setdefault(use.theme, found)
    return tuple(kept.values())


def figure(row: Row) -> Figure:
    """The figures of a profile row."""
    return Figure(str(row["feature"]), number(row["mean"]), number(row["overall_mean"]), number(row["z"]))


def movements(
    lineage: Iterable[Row], segments: Iterable[str], min_group: int
) -> dict[str, tuple[int | None, int | None]]:
    """How many customers came to and left each segment; both withheld when either is a small group.

    From sizes and one of the two the other could be worked out, hence both. New customers count as coming, who is gone
    as having left.
    """
    came = dict.fromkeys(segments, 0)
    left = dict.fromkeys(came, 0)
    for row in lineage:
        here, there, customers = str(row["segment_id"]), str(row["previous_segment_id"]), whole(row["customers"])
        if here != there:
            came[here] = came.get(here, 0) + customers
            left[there] = left.get(there, 0) + customers
    return {segment: withheld(came[segment], left[segment], min_group) for segment in came if segment in left}


def withheld(came: int, left: int, min_group: int) -> tuple[int | None, int | None]:
    """Both numbers, or neither when one of them is above 0 and below `min_group`."""
    return (None, None) if 0 < came < min_group or 0 < left < min_group else (came, left)


def flows(snapshot: Snapshot, *, min_group: int) -> dict[tuple[str, str], int]:
    """Customers by (previous segment, segment), small groups left out; new ones come from '(new)', others went to
    '(gone)'.
    """
    ways = {
        (str(row["previous_segment_id"]), str(row["segment_id"])): whole(row["customers"]) for row in snapshot.lineage
    }
    return {way: customers for way, customers in ways.items() if customers >= min_group}


def whole(value: object) -> int:
    """A count from a row."""
    return int(str(value))


def number(value: object) -> float | None:
    """A figure from a row."""
    return None if value is None else float(str(value))


def shown(value: float | None, use: FeatureUse, *, currency: str = "") -> str:
    """A figure in the unit of its feature: 1,861 USD · 31 % · 12 days · 3.2."""
    if value is None:
        return "none"
    if use.unit == "percent":
        return f"{100 * value:.0f} %"
    digits = f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"
    if use.unit == "money":
        return f"{value:,.0f} {currency}".rstrip()
    return f"{digits} days" if use.unit == "days" else digits
