"""The adjusted Rand index, against scikit-learn's."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from sklearn.metrics import adjusted_rand_score  # type: ignore[import-untyped]  # ships no types

from omniseg.models.agreement import adjusted_rand


@pytest.mark.parametrize(
    ("shared", "index"),
    [
        pytest.param({("a", 1): 5, ("b", 2): 7}, 1.0, id="the_same_groups_under_other_names"),
        pytest.param({("a", 1): 9}, 1.0, id="everybody_in_one_group_twice"),
        pytest.param({("a", 1): 1, ("b", 2): 1}, 1.0, id="everybody_alone_twice"),
        pytest.param({}, 1.0, id="nobody"),
        pytest.param({("a", 1): 1}, 1.0, id="one_customer"),
        pytest.param({("a", 1): 6, ("a", 2): 6}, 0.0, id="one_group_against_two"),
        pytest.param({("a", 1): 1, ("a", 2): 1, ("b", 1): 1, ("b", 2): 1}, -0.5, id="worse_than_chance"),
    ],
)
def test_known_values(shared, index):
    assert adjusted_rand(shared) == pytest.approx(index)


@pytest.mark.parametrize("seed", range(20))
def test_as_scikit_learn_computes_it(seed):
    rng = random.Random(seed)
    left = [rng.randint(0, 5) for _ in range(200)]
    right = [group if rng.random() < seed / 20 else rng.randint(0, 3) for group in left]
    shared = Counter(zip(left, right, strict=True))
    assert adjusted_rand(shared) == pytest.approx(adjusted_rand_score(left, right))
    assert adjusted_rand({(b, a): n for (a, b), n in shared.items()}) == pytest.approx(adjusted_rand(shared))
