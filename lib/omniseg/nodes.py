"""The tree of texts that a settings or declaration file is read into, and the reader that takes typed values from it.

A tree remembers file and line of every key. Nothing here knows YAML; `omniseg.settings.yaml_strict` makes the trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from omniseg.errors import Problem
from omniseg.kinds import TEXT, Kind, Unfit, shown
from omniseg.names import nearest

T = TypeVar("T")


@dataclass(frozen=True)
class TextNode:
    """One scalar: its text exactly as written, or None for an empty place."""

    text: str | None
    where: str


@dataclass(frozen=True)
class ListNode:
    """A list of nodes, in written order."""

    items: tuple[Node, ...]
    where: str


@dataclass(frozen=True)
class MapNode:
    """Nodes by key, in written order; `places` says `file:line` of each key, `where` that of the mapping itself."""

    entries: Mapping[str, Node]
    places: Mapping[str, str]
    where: str


Node: TypeAlias = TextNode | ListNode | MapNode


def describe(node: Node) -> str:
    """What a node is, in the words of a message."""
    if isinstance(node, TextNode):
        return "nothing" if node.text is None else shown(node.text)
    return "a list" if isinstance(node, ListNode) else "a mapping"


def places_of(node: MapNode, prefix: str = "") -> dict[str, str]:
    """`file:line` of every dotted key of the tree; items of a list are key[1], key[2], …"""
    found: dict[str, str] = {}
    for key, child in node.entries.items():
        found[prefix + key] = node.places[key]
        items = child.items if isinstance(child, ListNode) else ()
        below = {prefix + key: child, **{f"{prefix}{key}[{n}]": item for n, item in enumerate(items, start=1)}}
        found.update({path: item.where for path, item in below.items() if path not in found})
        for path, item in below.items():
            found.update(places_of(item, f"{path}.") if isinstance(item, MapNode) else {})
    return found


@dataclass
class Reader:
    """Takes the keys of one mapping and gathers in `problems` what is wrong with them, all of it and not the first.

    Whoever reads calls `finish` last: it reports the keys that nobody asked for and the required ones that are missing.
    A missing key whose misspelling is there is reported once, as the misspelling. What a method returns after a problem
    only serves to go on reading.
    """

    node: MapNode
    problems: list[Problem]
    prefix: str = ""
    where: str = ""  # file:line of the key above; '' at the top
    asked: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def value(self, key: str, kind: Kind[T], *, default: T, required: bool = False) -> T:
        """The value of a scalar key; `default` when the key is absent."""
        node = self.take(key, kind.expected, required=required)
        return default if node is None else self.fitted(node, key, kind, default=default)

    def values(self, key: str, kind: Kind[T], *, required: bool = False) -> tuple[T, ...]:
        """The values of a list, none twice, at least one where required; empty when the key is absent."""
        node = self.take(key, f"a list of {kind.expected}", required=required)
        if node is None or not isinstance(node, ListNode):
            if node is not None:
                self.complain(key, describe(node), f"a list of {kind.expected}")
            return ()
        fitted = [self.fitted(item, key, kind, default=None) for item in node.items]
        if required and not node.items:
            self.complain(key, "an empty list", f"a list of {kind.expected}")
        unique = dict.fromkeys(value for value in fitted if value is not None)
        if len(unique) < len(node.items) and None not in fitted:
            self.complain(key, "a value twice", "each value once")
        return tuple(unique)

    def texts(self, key: str, *, required: bool = False) -> dict[str, str]:
        """The texts of a mapping by their keys; empty when the key is absent."""
        reader = self.child(key, required=required)
        if reader is None:
            return {}
        return {name: reader.value(name, TEXT, default="", required=True) for name in reader.node.entries}

    def child(self, key: str, *, required: bool = False) -> Reader | None:
        """A reader of the mapping below `key`; None when the key is absent. The caller finishes it."""
        node = self.take(key, "a mapping", required=required)
        return None if node is None else self.below(node, key)

    def children(self, key: str) -> list[Reader]:
        """Readers of the mappings in the list below `key`; none when the key is absent. The caller finishes them."""
        node = self.take(key, "a list of mappings")
        if node is None:
            return []
        if not isinstance(node, ListNode):
            self.complain(key, describe(node), "a list of mappings")
            return []
        readers = [self.below(item, f"{key}[{number}]") for number, item in enumerate(node.items, start=1)]
        return [reader for reader in readers if reader is not None]

    def take(self, key: str, expected: str, *, required: bool = False) -> Node | None:
        """The node below `key`; an absent one is noted when it is required."""
        self.asked.append(key)
        if required and key not in self.node.entries:
            self.missing[key] = expected
        return self.node.entries.get(key)

    def fitted(self, node: Node, key: str, kind: Kind[T], *, default: T | None) -> T:
        """The typed value of a scalar node; a misfit is noted and `default` returned."""
        try:
            if not isinstance(node, TextNode):
                raise Unfit(describe(node))
            return kind.fit(node.text)
        except Unfit as unfit:
            self.note(node.where, key, unfit.found, kind.expected, unfit.suggestion)
            return default  # type: ignore[return-value]  # after a problem nobody uses it

    def below(self, node: Node, key: str) -> Reader | None:
        """A reader of `node`, which must be a mapping."""
        if isinstance(node, MapNode):
            return Reader(node, self.problems, f"{self.prefix}{key}.", self.node.places.get(key, node.where))
        self.note(node.where, key, describe(node), "a mapping")
        return None

    def complain(self, key: str, found: str, expected: str, suggestion: str = "") -> None:
        """Note a problem at the line of `key`, or where the key is absent at that of the key above."""
        self.note(self.node.places.get(key, self.where or self.node.where), key, found, expected, suggestion)

    def note(self, where: str, key: str, found: str, expected: str, suggestion: str = "") -> None:
        """Note a problem at a given place."""
        self.problems.append(Problem(where, self.prefix + key, found, expected, suggestion))

    def finish(self) -> None:
        """Report unknown and missing keys; see the class."""
        unknown = {key: nearest(key, self.asked) for key in self.node.entries if key not in self.asked}
        for key, suggestion in unknown.items():
            expected = f"one of {', '.join(self.asked)}" if self.asked else "no key here"
            self.complain(key, "an unknown key", expected, suggestion)
        for key, expected in self.missing.items():
            if key not in unknown.values():
                self.complain(key, "nothing", expected)
