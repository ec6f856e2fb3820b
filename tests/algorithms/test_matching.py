"""Which old id a new cluster inherits."""

from __future__ import annotations

import itertools
import random

import pytest

from omniseg.algorithms.matching import inherit_ids, match
from omniseg.models.spec import FeatureSpec, ModelSpec
from omniseg.models.tree import TreeNode


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        pytest.param({("n1", "s01"): 90, ("n2", "s02"): 80}, {"n1": "s01", "n2": "s02"}, id="nobody_moved"),
        pytest.param(
            {("n1", "s02"): 90, ("n2", "s01"): 80}, {"n1": "s02", "n2": "s01"}, id="clusters_in_another_order"
        ),
        pytest.param(
            {("n1", "s01"): 60, ("n2", "s01"): 40, ("n3", "s02"): 50},
            {"n1": "s01", "n3": "s02"},
            id="larger_half_of_a_split",
        ),
        pytest.param({("n1", "s01"): 40, ("n1", "s02"): 60}, {"n1": "s02"}, id="of_a_merger_the_larger_part_bequeaths"),
        pytest.param({("n1", "s01"): 50, ("n1", "s02"): 50}, {"n1": "s01"}, id="equal_parts_go_by_id"),
        pytest.param({("n1", "s01"): 3, ("n1", "s02"): 7}, {"n1": "s02"}, id="small_groups_match_too"),
        pytest.param(
            {("n1", "s01"): 30, ("n2", "s01"): 70, ("n1", "s02"): 70, ("n2", "s02"): 30},
            {"n1": "s02", "n2": "s01"},
            id="crossed",
        ),
        pytest.param({}, {}, id="nobody_in_common"),
    ],
)
def test_inheritance(shared, expected):
    assert match(shared, least_overlap=0.3) == expected


@pytest.mark.parametrize(
    ("in_both", "matched"),
    [
        pytest.param(30, True, id="at_the_limit"),
        pytest.param(29, False, id="just_below"),
    ],
)
def test_least_overlap(in_both, matched):
    scattered = {("n1", f"s1{number}"): 7 for number in range(10)}
    shared = {("n1", "s01"): in_both, **scattered, ("n1", "s20"): 30 - in_both}
    assert match(shared, least_overlap=0.3) == ({"n1": "s01"} if matched else {})


def test_a_pair_that_is_too_thin_does_not_spoil_another():
    # Taken together n1-s02 and n2-s01 share more than n1-s01 alone, but neither is enough by itself.
    shared = {("n1", "s01"): 50, ("n1", "s02"): 26, ("n2", "s01"): 26}
    assert match(shared, least_overlap=0.4) == {"n1": "s01"}


@pytest.mark.parametrize("seed", range(25))
def test_no_other_pairing_shares_more(seed):
    rng = random.Random(seed)
    new, old = [f"n{n}" for n in range(rng.randint(1, 5))], [f"s{n}" for n in range(5)]
    shared = {pair: rng.randint(0, 60) for pair in itertools.product(new, old)}
    found = match(shared, least_overlap=0.0)
    best = max(sum(shared[pair] for pair in zip(new, order, strict=False)) for order in itertools.permutations(old))
    assert sum(shared[pair] for pair in found.items()) == best
    assert len(set(found.values())) == len(found)


AXIS = (FeatureSpec("x", "none", missing=0.0, lower=-1000.0, upper=1000.0),)


def line(*cuts: tuple[str, float], ids: dict[str, str], issued: int) -> ModelSpec:
    """A model on one axis: (path, centre) pairs."""
    return ModelSpec(AXIS, tuple(TreeNode(path, 1, (at,), 0.0, -1) for path, at in cuts), ids, issued)


PREVIOUS = line(("0", 0), ("0.0", -5), ("0.1", 5), ids={"0.0": "s04", "0.1": "s02"}, issued=5)


def test_a_new_model_keeps_the_meaning_of_ids(spark):
    """The new tree has its children the other way round and one segment more: two inherit, one gets a fresh id."""
    current = line(
        ("0", 0),
        ("0.0", 5),
        ("0.1", -5),
        ("0.1.0", -3),
        ("0.1.1", -9),
        ids={"0.0": "s01", "0.1.0": "s02", "0.1.1": "s03"},
        issued=3,
    )
    customers = spark.createDataFrame([(f"c{n}", float(n)) for n in range(-8, 9)], "customer_id STRING, x DOUBLE")
    named = inherit_ids(customers, current, PREVIOUS, least_overlap=0.3)
    assert named.segment_ids == {"0.0": "s02", "0.1.0": "s04", "0.1.1": "s06"}
    assert named.issued == 6
    assert named.nodes == current.nodes


def test_the_same_model_keeps_all_its_ids(spark):
    customers = spark.createDataFrame([("a", -4.0), ("b", 4.0)], "customer_id STRING, x DOUBLE")
    assert inherit_ids(customers, PREVIOUS, PREVIOUS, least_overlap=0.3) == PREVIOUS


def test_without_common_customers_all_ids_are_fresh(spark):
    nobody = spark.createDataFrame([], "customer_id STRING, x DOUBLE")
    named = inherit_ids(nobody, PREVIOUS, PREVIOUS, least_overlap=0.3)
    assert sorted(named.segment_ids.values()) == ["s06", "s07"]
    assert named.issued == 7
