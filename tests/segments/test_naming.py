"""What segments are called."""

from __future__ import annotations

import random

import pytest

from omniseg.segments.naming import fresh_ids, segment_names, traits


def rows(segment: str, customers: int = 10, **z: float | None) -> list[dict[str, object]]:
    """Profile rows of one segment."""
    return [{"segment_id": segment, "customers": customers, "feature": name, "z": value} for name, value in z.items()]


def name_of(declared, **z: float | None) -> str:
    """The name of a segment that is alone."""
    return segment_names(rows("s01", 10, **z), declared())["s01"]


@pytest.mark.parametrize(
    ("z", "name"),
    [
        pytest.param({"spend": 1.4, "orders": 0.9}, "High-value, frequent", id="the_two_strongest"),
        pytest.param({"spend": 0.9, "orders": 1.4}, "Frequent, high-value", id="the_stronger_comes_first"),
        pytest.param({"spend": -1.4, "recency": 1.5, "orders": -0.6}, "Lapsing, low-value", id="a_third_is_left_out"),
        pytest.param({"spend": 1.4, "orders": 0.4}, "High-value", id="a_weak_one_is_left_out"),
        pytest.param({"spend": 0.5, "orders": 0.1}, "High-value", id="the_limit_is_strong_enough"),
        pytest.param({"spend": 0.49, "orders": 0.1}, "Typical", id="none_is_strong"),
        pytest.param({"coupons": -2.0, "orders": 0.7}, "Frequent", id="a_side_without_word_is_skipped"),
        pytest.param({"spend": None, "orders": 0.7}, "Frequent", id="a_feature_without_spread_is_skipped"),
        pytest.param({"stranger": 9.0, "orders": 0.7}, "Frequent", id="an_undeclared_feature_is_skipped"),
        pytest.param({"spend": 1.0, "orders": 1.0}, "Frequent, high-value", id="equal_strength_goes_by_feature_name"),
    ],
)
def test_name_of_one_segment(declared, z, name):
    assert name_of(declared, **z) == name


def test_one_word_per_theme(declared):
    features = """\
    features:
      spend: {label: Spend, high: High-value, theme: value}
      basket: {label: Basket, high: Big-basket, theme: value}
      orders: {label: Orders, high: Frequent}
    """
    found = segment_names(rows("s01", spend=2.0, basket=1.9, orders=1.0), declared(features=features))
    assert found == {"s01": "High-value, frequent"}


def test_no_word_twice(declared):
    features = """\
    features:
      spend: {label: Spend, high: Keen}
      orders: {label: Orders, high: Keen}
    """
    assert segment_names(rows("s01", spend=2.0, orders=1.9), declared(features=features)) == {"s01": "Keen"}


class TestNoTwoAlike:
    def test_the_smaller_segment_takes_the_next_word(self, declared):
        profiles = rows("s01", 10, spend=1.5, orders=1.2, recency=-0.9) + rows("s02", 90, spend=1.0, orders=0.8)
        assert segment_names(profiles, declared()) == {
            "s02": "High-value, frequent",
            "s01": "High-value, frequent, active",
        }

    def test_a_weak_word_is_better_than_a_number(self, declared):
        profiles = rows("s01", 90, spend=1.5) + rows("s02", 10, spend=1.2, orders=-0.1)
        assert segment_names(profiles, declared())["s02"] == "High-value, occasional"

    def test_numbers_when_the_words_run_out(self, declared):
        profiles = rows("s01", 30, spend=1.5) + rows("s02", 20, spend=1.2) + rows("s03", 10, spend=1.1)
        assert segment_names(profiles, declared()) == {
            "s01": "High-value",
            "s02": "High-value 2",
            "s03": "High-value 3",
        }

    def test_segments_of_one_size_go_by_id(self, declared):
        profiles = rows("s02", spend=1.5) + rows("s01", spend=1.5)
        assert segment_names(profiles, declared()) == {"s01": "High-value", "s02": "High-value 2"}

    @pytest.mark.parametrize("seed", range(10))
    def test_whatever_the_figures_and_their_order(self, declared, seed):
        rng = random.Random(seed)
        profiles = [
            row
            for number in range(12)
            for row in rows(
                f"s{number:02d}",
                rng.randint(1, 3),
                **{f: rng.choice([-1.0, 0.0, 0.2, 1.0]) for f in ("spend", "orders")},
            )
        ]
        names = segment_names(profiles, declared())
        assert len(set(names.values())) == 12
        assert segment_names(rng.sample(profiles, len(profiles)), declared()) == names


class TestKeptNames:
    def test_a_name_from_before_stays(self, declared):
        assert segment_names(rows("s01", spend=-2.0), declared(), kept={"s01": "High-value"}) == {"s01": "High-value"}

    def test_a_new_segment_avoids_the_names_from_before(self, declared):
        profiles = rows("s01", 10, spend=-2.0) + rows("s09", 99, spend=2.0)
        assert segment_names(profiles, declared(), kept={"s01": "High-value"}) == {
            "s01": "High-value",
            "s09": "High-value 2",
        }

    def test_names_of_segments_that_are_gone_are_free_again(self, declared):
        assert segment_names(rows("s02", spend=2.0), declared(), kept={"s01": "High-value"}) == {"s02": "High-value"}


def test_traits_stand_by_strength(declared):
    found = traits(rows("s01", spend=0.2, orders=-1.0, recency=0.5), declared())
    assert [(trait.word, trait.z) for trait in found] == [("Occasional", -1.0), ("Lapsing", 0.5), ("High-value", 0.2)]


@pytest.mark.parametrize(
    ("count", "issued", "ids"),
    [
        pytest.param(3, 0, ("s01", "s02", "s03"), id="the_first_model"),
        pytest.param(2, 9, ("s10", "s11"), id="after_nine"),
        pytest.param(1, 99, ("s100",), id="beyond_two_digits"),
        pytest.param(0, 6, (), id="none_needed"),
    ],
)
def test_fresh_ids(count, issued, ids):
    assert fresh_ids(count, issued=issued) == ids
