"""Declarations written as the YAML that people write."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from omniseg.segments.declaration import SegmentsDeclaration, parse_segments
from omniseg.settings import yaml_strict

HEAD = """\
winsorise: {lower: 0.01, upper: 0.99}
money: spend
least_overlap: 0.3
naming: {least_z: 0.5, words: 2, plain: Typical}
"""

FEATURES = """\
features:
  spend: {label: Spend, unit: money, transform: log1p, high: High-value, low: Low-value, theme: value}
  orders: {label: Orders, unit: count, high: Frequent, low: Occasional}
  recency: {label: Days, unit: days, missing: max, high: Lapsing, low: Active}
  coupons: {label: Coupons, role: profile, high: Coupon-loving}
"""


@pytest.fixture
def declared() -> Callable[..., SegmentsDeclaration]:
    """Parses a head and features; each has a default."""

    def parse(*, head: str = HEAD, features: str = FEATURES, **options: object) -> SegmentsDeclaration:
        tree = yaml_strict.parse((dedent(head) + dedent(features)).encode(), "segments.yml")
        return parse_segments(tree, **options)  # type: ignore[arg-type]

    return parse
