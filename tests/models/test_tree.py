"""The tree of clusters: reading MLlib's node table, and pruning as a pure function."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniseg.models.tree import (
    Pruning,
    TreeNode,
    children_of,
    covering,
    leaves,
    merge_cost,
    path_key,
    prune,
    recounted,
    squared,
    tree_nodes,
)


def node(path: str, size: int = 1, center: tuple[float, ...] = (0.0,)) -> TreeNode:
    """A node that only its path, size and place distinguish."""
    return TreeNode(path, size, center, cost=0.0, cluster=-1)


def row(index: int, *children: int, size: int = 10, center: tuple[float, ...] = (1.0, 2.0), cost: float = 3.0):
    """A row of MLlib's node table."""
    return {"index": index, "size": size, "center": center, "cost": cost, "children": list(children)}


def random_tree(seed: int, leaf_count: int) -> tuple[TreeNode, ...]:
    """A tree grown by splitting random leaves of random points; inner nodes are exact means of what is below."""
    rng = random.Random(seed)
    tips: dict[str, tuple[int, tuple[float, ...]]] = {"0": (1, (0.0, 0.0))}
    while len(tips) < leaf_count:
        path = rng.choice(sorted(tips))
        del tips[path]
        for side in (0, 1):
            tips[f"{path}.{side}"] = (rng.randint(1, 500), (rng.uniform(-9, 9), rng.uniform(-9, 9)))
    return tuple(node(path, *described(path, tips)) for path in sorted(all_paths(tips), key=path_key))


def all_paths(tips) -> set[str]:
    """The tips' paths and those of everything above them."""
    return {path.rsplit(".", cut)[0] if cut else path for path in tips for cut in range(path.count(".") + 1)}


def described(path: str, tips) -> tuple[int, tuple[float, ...]]:
    """Size and mean of the tips at or below `path`."""
    below = [tips[tip] for tip in tips if tip == path or tip.startswith(path + ".")]
    total = sum(size for size, _ in below)
    return total, tuple(sum(size * point[axis] for size, point in below) / total for axis in (0, 1))


def spread(nodes: tuple[TreeNode, ...], frontier: tuple[str, ...]) -> float:
    """The squared distances of all tips to the centres of their segments: what merging adds to."""
    by_path = {one.path: one for one in nodes}
    tips = leaves(nodes)
    return sum(
        by_path[tip].size * squared(by_path[tip].center, by_path[covering(tip, frontier)].center) for tip in tips
    )


class TestNodeTable:
    def test_paths_follow_the_children_in_their_order(self):
        rows = [row(2), row(-2, 0, 1), row(0), row(-1, -2, 2), row(1)]
        assert [(one.path, one.cluster) for one in tree_nodes(rows)] == [
            ("0", -1),
            ("0.0", -2),
            ("0.0.0", 0),
            ("0.0.1", 1),
            ("0.1", 2),
        ]

    def test_figures_are_taken_over(self):
        (only,) = tree_nodes([row(0, size=7, center=(1.5, -2.0), cost=4.25)])
        assert only == TreeNode("0", 7, (1.5, -2.0), 4.25, 0)

    @pytest.mark.parametrize(
        "rows",
        [
            pytest.param([], id="no_rows"),
            pytest.param([row(0), row(1)], id="two_roots"),
            pytest.param([row(-1, -2), row(-2, -1)], id="a_circle"),
        ],
    )
    def test_anything_but_one_tree_is_refused(self, rows):
        with pytest.raises(ValueError, match="one root"):
            tree_nodes(rows)


class TestPaths:
    def test_steps_count_as_numbers(self):
        assert sorted(["0.10", "0.9", "0"], key=path_key) == ["0", "0.9", "0.10"]

    def test_children_stand_in_order(self):
        assert children_of(["0.1", "0", "0.0", "0.1.0"]) == {"0": ["0.0", "0.1"], "0.1": ["0.1.0"]}

    def test_leaves_have_nothing_below(self):
        assert leaves([node("0"), node("0.0"), node("0.1"), node("0.1.0"), node("0.1.1")]) == ("0.0", "0.1.0", "0.1.1")

    @pytest.mark.parametrize(
        ("path", "found"),
        [
            pytest.param("0.1.0.1", "0.1", id="far_below"),
            pytest.param("0.1", "0.1", id="itself"),
            pytest.param("0.10", "0.10", id="similar_text_is_another_branch"),
        ],
    )
    def test_covering_member(self, path, found):
        assert covering(path, ["0.0", "0.1", "0.10"]) == found

    def test_path_outside_the_frontier_is_an_error(self):
        with pytest.raises(KeyError):
            covering("0", ["0.0", "0.1"])


class TestRecounted:
    TREE = (node("0", 99), node("0.0", 50), node("0.1", 48), node("0.1.0", 40), node("0.1.1", 7))

    def test_leaves_have_what_was_counted_and_branches_what_is_below(self):
        tree = tuple(replace(one, cluster=number) for number, one in enumerate(self.TREE))
        counted = recounted(tree, {1: 52, 3: 41, 4: 9, 2: 1000})
        assert [(one.path, one.size) for one in counted] == [
            ("0", 102),
            ("0.0", 52),
            ("0.1", 50),
            ("0.1.0", 41),
            ("0.1.1", 9),
        ]

    def test_a_leaf_that_nobody_is_in_is_empty_and_merges_first(self):
        tree = tuple(replace(one, cluster=number, center=(float(number),)) for number, one in enumerate(self.TREE))
        counted = recounted(tree, {1: 52, 3: 41})
        assert counted[4].size == 0
        assert prune(counted, 2) == Pruning(("0.0", "0.1"), (0.0,))

    def test_branches_with_similar_names_are_kept_apart(self):
        tree = [replace(node(path), cluster=number) for number, path in enumerate(("0", "0.1", "0.10", "0.10.0"))]
        assert [one.size for one in recounted(tree, {1: 3, 3: 5})] == [8, 3, 5, 5]


class TestMergeCost:
    def test_ward_of_two(self):
        # 30 × 10 ÷ 40 × distance² 16
        assert merge_cost([node("0.0", 30, (0.0,)), node("0.1", 10, (4.0,))]) == pytest.approx(120.0)

    def test_equal_centres_cost_nothing(self):
        assert merge_cost([node("0.0", 3, (2.0, 1.0)), node("0.1", 9, (2.0, 1.0))]) == 0.0

    def test_a_single_child_costs_nothing(self):
        assert merge_cost([node("0.0", 3, (2.0,))]) == 0.0

    def test_empty_clusters_cost_nothing(self):
        assert merge_cost([node("0.0", 0, (2.0,)), node("0.1", 0, (5.0,))]) == 0.0


class TestPrune:
    TREE = (
        node("0", 40, (5.0,)),
        node("0.0", 20, (1.0,)),
        node("0.0.0", 10, (0.0,)),
        node("0.0.1", 10, (2.0,)),
        node("0.1", 20, (10.0,)),
        node("0.1.0", 10, (9.9,)),
        node("0.1.1", 10, (10.1,)),
    )

    @pytest.mark.parametrize(
        ("segments", "frontier"),
        [
            pytest.param(4, ("0.0.0", "0.0.1", "0.1.0", "0.1.1"), id="nothing_to_do"),
            pytest.param(3, ("0.0.0", "0.0.1", "0.1"), id="nearest_siblings_first"),
            pytest.param(2, ("0.0", "0.1"), id="then_the_next"),
            pytest.param(1, ("0",), id="down_to_the_root"),
            pytest.param(9, ("0.0.0", "0.0.1", "0.1.0", "0.1.1"), id="fewer_leaves_than_wanted"),
        ],
    )
    def test_siblings_merge_by_least_cost(self, segments, frontier):
        assert prune(self.TREE, segments).frontier == frontier

    def test_equal_costs_go_to_the_first_path(self):
        twins = [node("0", 4), *(node(p, 2) for p in ("0.0", "0.1")), *(node(p) for p in ("0.0.0", "0.0.1"))]
        twins += [node("0.1.0"), node("0.1.1")]
        assert prune(twins, 3).frontier == ("0.0", "0.1.0", "0.1.1")

    def test_an_only_child_goes_into_its_parent(self):
        tree = [node("0", 3), node("0.0", 2), node("0.0.0", 2), node("0.1", 1, (8.0,))]
        assert prune(tree, 1).frontier == ("0",)

    def test_no_segments_is_refused(self):
        with pytest.raises(ValueError, match="at least one segment"):
            prune(self.TREE, 0)

    @settings(max_examples=150, deadline=None)
    @given(seed=st.integers(0, 10**6), leaf_count=st.integers(1, 25), segments=st.integers(1, 25))
    def test_any_tree(self, seed, leaf_count, segments):
        nodes = random_tree(seed, leaf_count)
        pruning = prune(nodes, segments)
        assert len(pruning.frontier) == min(segments, leaf_count)
        assert all(cost >= 0 for cost in pruning.added_costs)
        covered = [covering(tip, pruning.frontier) for tip in leaves(nodes)]
        assert set(covered) == set(pruning.frontier)
        assert spread(nodes, pruning.frontier) == pytest.approx(sum(pruning.added_costs), rel=1e-9, abs=1e-6)

    @settings(max_examples=60, deadline=None)
    @given(seed=st.integers(0, 10**6), leaf_count=st.integers(2, 20))
    def test_fewer_segments_nest_and_never_cost_less(self, seed, leaf_count):
        nodes = random_tree(seed, leaf_count)
        steps = [prune(nodes, segments).frontier for segments in range(leaf_count, 0, -1)]
        for finer, coarser in pairwise(steps):
            assert spread(nodes, coarser) >= spread(nodes, finer) - 1e-6
            assert all(covering(path, coarser) for path in finer)

    @settings(max_examples=60, deadline=None)
    @given(seed=st.integers(0, 10**6), leaf_count=st.integers(2, 20), segments=st.integers(1, 10))
    def test_order_of_the_nodes_is_of_no_account(self, seed, leaf_count, segments):
        nodes = list(random_tree(seed, leaf_count))
        shuffled = random.Random(seed).sample(nodes, len(nodes))
        assert prune(shuffled, segments) == prune(nodes, segments)
