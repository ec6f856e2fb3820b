"""The tree of clusters that bisecting k-means grows, and its pruning down to the segments.

Pure Python on a list of nodes: a tree has a few dozen of them, however many customers it was fitted on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

ROOT = "0"


@dataclass(frozen=True)
class TreeNode:
    """One cluster of the tree. `path` is the way from the root: "0", its children "0.0" and "0.1", and so on."""

    path: str
    size: int  # customers of the sample in it
    center: tuple[float, ...]  # in model space
    cost: float  # sum of squared distances to the centre
    cluster: int  # MLlib's index: what its model predicts for a leaf, negative inside the tree


@dataclass(frozen=True)
class Pruning:
    """What is left of a tree: the paths of the segments in order, and the cost added by each merge, in order."""

    frontier: tuple[str, ...]
    added_costs: tuple[float, ...]


def tree_nodes(rows: Iterable[Mapping[str, Any]]) -> tuple[TreeNode, ...]:
    """The nodes of one tree, parents before children, from MLlib's node table.

    A row has `index, size, center, cost, children` (indices). ValueError unless exactly one row is nobody's child.
    """
    by_index = {int(row["index"]): row for row in rows}
    children = {int(child) for row in by_index.values() for child in row["children"]}
    roots = sorted(by_index.keys() - children)
    if len(roots) != 1:
        raise ValueError(f"a tree has one root, this one has {len(roots)}: {roots}")
    return tuple(descend(by_index, roots[0], ROOT))


def descend(by_index: Mapping[int, Mapping[str, Any]], index: int, path: str) -> Iterable[TreeNode]:
    """The node `index` under the name `path`, then everything below it."""
    row = by_index[index]
    center = tuple(float(value) for value in row["center"])
    yield TreeNode(path, int(row["size"]), center, float(row["cost"]), index)
    for position, child in enumerate(row["children"]):
        yield from descend(by_index, int(child), f"{path}.{position}")


def recounted(nodes: Iterable[TreeNode], customers: Mapping[int, int]) -> tuple[TreeNode, ...]:
    """The nodes with other sizes: a leaf has the `customers` of its cluster (or 0), a branch those below it."""
    tree = list(nodes)
    of_leaf = {node.path: customers.get(node.cluster, 0) for node in tree if node.path in set(leaves(tree))}
    return tuple(
        replace(node, size=sum(size for path, size in of_leaf.items() if is_under(path, node.path))) for node in tree
    )


def is_under(path: str, branch: str) -> bool:
    """True where `path` is `branch` or lies below it."""
    return path == branch or path.startswith(f"{branch}.")


def children_of(paths: Iterable[str]) -> dict[str, list[str]]:
    """The paths below each path, in order of position; leaves have no entry."""
    below: dict[str, list[str]] = {}
    for path in sorted(paths, key=path_key):
        if path != ROOT:
            below.setdefault(parent_of(path), []).append(path)
    return below


def parent_of(path: str) -> str:
    """The path without its last step."""
    return path.rpartition(".")[0]


def path_key(path: str) -> tuple[int, ...]:
    """A path as numbers, so that 0.10 comes after 0.9."""
    return tuple(int(step) for step in path.split("."))


def leaves(nodes: Iterable[TreeNode]) -> tuple[str, ...]:
    """The paths of the nodes without children, in order."""
    paths = [node.path for node in nodes]
    inner = children_of(paths).keys()
    return tuple(sorted((path for path in paths if path not in inner), key=path_key))


def merge_cost(children: Iterable[TreeNode]) -> float:
    """The squared distances added when clusters become one (Ward): sum of size × distance² to their common centre."""
    clusters = list(children)
    total = sum(cluster.size for cluster in clusters)
    if total == 0:
        return 0.0
    middle = [
        sum(cluster.size * value for cluster, value in zip(clusters, values, strict=True)) / total
        for values in zip(*(cluster.center for cluster in clusters), strict=True)
    ]
    return sum(cluster.size * squared(cluster.center, middle) for cluster in clusters)


def squared(left: Iterable[float], right: Iterable[float]) -> float:
    """Squared Euclidean distance."""
    return sum((a - b) ** 2 for a, b in zip(left, right, strict=True))


def prune(nodes: Iterable[TreeNode], segments: int) -> Pruning:
    """Merge sibling leaves, the pair with the least added cost first, until at most `segments` leaves remain.

    Only siblings merge, so each segment stays one branch of the tree. Equal costs: the first path in order. A tree with
    fewer leaves than `segments` comes back as it is. ValueError when `segments` is below 1.
    """
    if segments < 1:
        raise ValueError(f"at least one segment must remain, not {segments}")
    by_path = {node.path: node for node in nodes}
    below = children_of(by_path)
    frontier = set(leaves(by_path.values()))
    added: list[float] = []
    while len(frontier) > segments:
        cost, _, path = min(
            (merge_cost(by_path[child] for child in below[parent]), path_key(parent), parent)
            for parent in below
            if frontier.issuperset(below[parent])
        )
        frontier = frontier.difference(below[path]) | {path}
        added.append(cost)
    return Pruning(tuple(sorted(frontier, key=path_key)), tuple(added))


def covering(path: str, frontier: Iterable[str]) -> str:
    """The member of `frontier` that `path` lies under (or is); KeyError when there is none."""
    for candidate in frontier:
        if is_under(path, candidate):
            return candidate
    raise KeyError(path)
