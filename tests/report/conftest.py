"""Snapshots of made-up segments, as the tables hold them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from omniseg.report.contents import Snapshot
from omniseg.segments.declaration import FeatureUse, Naming, SegmentsDeclaration

MEANS = {"spend": (120.0, 100.0, 1.0), "visits": (2.5, 4.0, -0.5), "web": (0.31, 0.2, 0.2)}


def use(name: str, label: str, unit: str, **changes: str) -> FeatureUse:
    """A feature that is only described."""
    plain = {"role": "model", "transform": "none", "high": name.title(), "low": "", "theme": name}
    return FeatureUse(name=name, label=label, unit=unit, weight=1.0, missing=0.0, **{**plain, **changes})


@pytest.fixture
def declaration() -> SegmentsDeclaration:
    """Money, a count and a share."""
    features = (
        use("spend", "Spend", "money"),
        use("visits", "Visits", "count"),
        use("web", "Bought on the web", "percent"),
    )
    return SegmentsDeclaration(features, (0.01, 0.99), "spend", 0.3, Naming(0.5, 2, "Typical"))


def profile_rows(sizes: Mapping[str, int]) -> list[dict[str, object]]:
    """Profile rows of segments by size; segments are called after their ids."""
    return [
        {
            "segment_id": segment,
            "segment_name": f"Segment {segment}",
            "customers": customers,
            "feature": feature,
            "mean": mean,
            "overall_mean": overall,
            "z": z,
        }
        for segment, customers in sizes.items()
        for feature, (mean, overall, z) in MEANS.items()
    ]


def make_snapshot(
    sizes: Mapping[str, int], moves: Mapping[tuple[str, str], int] | None = None, *, as_of: date = date(2017, 12, 31)
) -> Snapshot:
    """A snapshot; `moves` are customers by (from, to), None makes it the first one."""
    before = None if moves is None else "before"
    ways = {("(new)", segment): customers for segment, customers in sizes.items()} if moves is None else moves
    lineage = [
        {"segment_id": to, "previous_segment_id": start, "previous_snapshot_id": before, "customers": customers}
        for (start, to), customers in ways.items()
    ]
    return Snapshot(f"{as_of}-0123456789ab", as_of, profile_rows(sizes), lineage)
