"""Three of the features that come along, and segments by them: what is planned for each column takes longer than to
compute it, and where it is about nights, restarts and clusters, three show what forty would.
"""

from __future__ import annotations

from pathlib import Path

FEATURES = """
features:
  - {name: recency_days, measure: days_since_last, where: "event_type = 'purchase'", description: d, unit: days}
  - {name: purchases, measure: count_distinct, of: order_id, windows: [90d], description: d, unit: orders}
  - {name: monetary, measure: sum, of: amount, windows: [365d], description: d, unit: money}
"""
SEGMENTS = """
winsorise: {lower: 0.01, upper: 0.99}
money: monetary_365d
least_overlap: 0.3
naming: {least_z: 0.35, words: 2, plain: Typical}
features:
  recency_days_lifetime: {label: Recency, unit: days, missing: max, high: Lapsing, low: Active}
  purchases_90d: {label: Orders, unit: count, high: Frequent}
  monetary_365d: {label: Spend, unit: money, high: High-value}
"""


def declare_vector(folder: Path) -> None:
    """Write both declarations."""
    (folder / "features.yml").write_text(FEATURES, encoding="utf-8")
    (folder / "segments.yml").write_text(SEGMENTS, encoding="utf-8")


def vector_sets(folder: Path) -> list[str]:
    """The settings that choose them."""
    return [f"features.file={folder / 'features.yml'}", f"segments.file={folder / 'segments.yml'}"]
