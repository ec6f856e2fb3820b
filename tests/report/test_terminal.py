"""The table of segments as somebody reads it."""

from __future__ import annotations

from dataclasses import replace

from omniseg.report.contents import contents
from omniseg.report.terminal import segment_table
from tests.report.conftest import make_snapshot


def table(declaration, sizes, moves=None, **options) -> str:
    """The table of a snapshot of these sizes."""
    return segment_table(
        contents(make_snapshot(sizes, moves), declaration, min_group=10), declaration, **{"currency": "EUR", **options}
    )


def test_a_first_snapshot(declaration):
    assert table(declaration, {"s01": 75, "s02": 25}, bar="#").splitlines() == [
        "Segments of 31 December 2017: 100 customers, snapshot 2017-12-31-0123456789ab",
        "",
        "Segment                          Customers   Share                          Spend",
        "---------------------------------------------------------------------------------",
        "Segment s01                             75  75.0 % ##################     120 EUR",
        "    Spend 120 EUR (all: 100 EUR); Visits 2.5 (all: 4.0); Bought on the web 31 % (all: 20 %)",
        "Segment s02                             25  25.0 % ######                 120 EUR",
        "    Spend 120 EUR (all: 100 EUR); Visits 2.5 (all: 4.0); Bought on the web 31 % (all: 20 %)",
        "",
        "Spend: mean of Spend.",
    ]


def test_movement_since_the_snapshot_before(declaration):
    text = table(declaration, {"s01": 75, "s02": 25}, {("s01", "s02"): 10, ("s02", "s01"): 12})
    assert "120 EUR      12      10" in text
    assert "Came, Left: customers who changed segment" in text


def test_withheld_movement_is_a_star_with_a_note(declaration):
    text = table(declaration, {"s01": 75, "s02": 25}, {("s01", "s02"): 9, ("s02", "s01"): 12})
    assert "120 EUR       *       *" in text
    assert "*: withheld, since a group of fewer than 10 customers is never shown." in text


def test_hidden_segments_are_counted_only(declaration):
    text = table(declaration, {"s01": 75, "s02": 9})
    assert "s02" not in text
    assert "1 segment(s) of fewer than 10 customers are not shown." in text
    assert "about 100 customers" in text


def test_everything_hidden_is_still_a_table(declaration):
    assert "2 segment(s) of fewer than 10" in table(declaration, {"s01": 5, "s02": 9})


def test_long_names_large_numbers_and_labels_keep_to_100_columns(declaration):
    long = [
        replace(one, label="A rather long description of what this feature says " + one.name)
        for one in declaration.features
    ]
    snapshot = make_snapshot({"s01": 123_456_789, "s02": 99_999}, {("s01", "s02"): 45_678, ("s02", "s01"): 12_345})
    rows = [
        {**row, "segment_name": "Promotion-driven, coupon-loving, lapsing, big-basket"} for row in snapshot.profiles
    ]
    declared = replace(declaration, features=tuple(long))
    report = contents(replace(snapshot, profiles=rows), declared, min_group=10)
    text = segment_table(report, declared, currency="EUR")
    assert max(map(len, text.splitlines())) <= 100
    assert "Promotion-driven,\ncoupon-loving, lapsing," in text
