"""What a report shows, and above all what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from omniseg.report.contents import contents, flows, shown, strongest
from tests.report.conftest import make_snapshot, use


def report(declaration, sizes, moves=None, min_group=10):
    """The contents of a snapshot of these sizes."""
    return contents(make_snapshot(sizes, moves), declaration, min_group=min_group)


def test_the_largest_segment_comes_first_equal_ones_by_id(declaration):
    lines = report(declaration, {"s03": 20, "s02": 50, "s01": 20}).lines
    assert [(line.segment_id, line.name, line.customers) for line in lines] == [
        ("s02", "Segment s02", 50),
        ("s01", "Segment s01", 20),
        ("s03", "Segment s03", 20),
    ]


def test_shares_add_up_to_one(declaration):
    assert [line.share for line in report(declaration, {"s01": 75, "s02": 25}).lines] == [0.75, 0.25]


class TestSmallGroups:
    def test_at_the_limit_a_segment_is_shown(self, declaration):
        found = report(declaration, {"s01": 90, "s02": 10})
        assert (len(found.lines), found.hidden, found.customers, found.total) == (2, 0, 100, "100 customers")

    def test_below_it_is_not(self, declaration):
        found = report(declaration, {"s01": 90, "s02": 9})
        assert ([line.segment_id for line in found.lines], found.hidden) == (["s01"], 1)

    @pytest.mark.parametrize("hidden", range(1, 10))
    def test_the_total_does_not_tell_how_small_it_is(self, declaration, hidden):
        found = report(declaration, {"s01": 1240, "s02": hidden})
        assert (found.customers, found.total) == (1200, "about 1,200 customers")

    def test_nor_do_the_shares(self, declaration):
        assert [line.share for line in report(declaration, {"s01": 60, "s02": 40, "s03": 9}).lines] == [0.6, 0.4]

    def test_flows_of_small_groups_are_left_out(self):
        moves = {("s01", "s02"): 10, ("s02", "s01"): 9, ("(new)", "s01"): 12, ("s01", "s01"): 50}
        found = flows(make_snapshot({"s01": 71, "s02": 10}, moves), min_group=10)
        assert found == {("s01", "s02"): 10, ("(new)", "s01"): 12, ("s01", "s01"): 50}


class TestMovement:
    def moved(self, declaration, moves):
        """(came, left) by segment, of two segments of 100."""
        lines = report(declaration, {"s01": 100, "s02": 100}, moves).lines
        return {line.segment_id: (line.came, line.left) for line in lines}

    def test_who_stays_does_not_move(self, declaration):
        assert self.moved(declaration, {("s01", "s01"): 100, ("s02", "s02"): 100}) == {"s01": (0, 0), "s02": (0, 0)}

    def test_who_changes_leaves_one_and_comes_to_the_other(self, declaration):
        moves = {("s01", "s02"): 30, ("s02", "s01"): 20, ("s02", "s02"): 70, ("s01", "s01"): 80}
        assert self.moved(declaration, moves) == {"s01": (20, 30), "s02": (30, 20)}

    def test_new_customers_come(self, declaration):
        assert self.moved(declaration, {("(new)", "s01"): 15, ("s01", "s01"): 85})["s01"] == (15, 0)

    def test_customers_who_are_gone_left(self, declaration):
        assert self.moved(declaration, {("s01", "(gone)"): 15, ("s01", "s01"): 100})["s01"] == (0, 15)

    def test_a_small_flow_withholds_both_since_sizes_tell_the_other(self, declaration):
        assert self.moved(declaration, {("s01", "s02"): 9, ("s02", "s01"): 50})["s01"] == (None, None)

    def test_customers_from_a_segment_that_is_gone_come(self, declaration):
        assert self.moved(declaration, {("s09", "s01"): 40})["s01"] == (40, 0)

    def test_the_first_snapshot_knows_of_none(self, declaration):
        found = report(declaration, {"s01": 100})
        assert (found.first, found.lines[0].came, found.lines[0].left) == (True, None, None)


def test_the_strongest_features_come_first(declaration):
    assert [figure.feature for figure in report(declaration, {"s01": 10}).lines[0].distinguishing] == [
        "spend",
        "visits",
        "web",
    ]


def test_one_feature_per_theme(declaration):
    both = tuple(
        replace(one, theme="money") if one.name in ("spend", "visits") else one for one in declaration.features
    )
    lines = report(replace(declaration, features=both), {"s01": 10}).lines
    assert [figure.feature for figure in lines[0].distinguishing] == ["spend", "web"]


def test_features_that_are_no_longer_declared_or_never_vary_do_not_distinguish(declaration):
    figures = report(declaration, {"s01": 10}).lines[0].figures
    flat = [*figures.values(), replace(figures["spend"], feature="gone", z=9.0), replace(figures["web"], z=None)]
    assert "gone" not in [figure.feature for figure in strongest(flat, declaration)]
    assert strongest([replace(figures["web"], z=None)], declaration) == ()


def test_the_day_is_written_for_people(declaration):
    assert report(declaration, {"s01": 10}).day == "31 December 2017"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        pytest.param(1861.4, "money", "1,861 USD", id="money"),
        pytest.param(0.314, "percent", "31 %", id="percent"),
        pytest.param(9.96, "count", "10.0", id="few"),
        pytest.param(10.4, "count", "10", id="more"),
        pytest.param(12.0, "days", "12 days", id="days"),
        pytest.param(0.0, "number", "0.0", id="zero"),
        pytest.param(None, "money", "none", id="nothing"),
    ],
)
def test_figures_in_their_units(value, unit, text):
    assert shown(value, use("x", "X", unit), currency="USD") == text


def test_money_without_a_currency_is_a_number():
    assert shown(5.0, use("x", "X", "money")) == "5"
