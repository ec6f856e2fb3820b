"""YAML without its traps: every scalar stays the text that was written, and what can hurt or deceive is refused.

Kept as text: NO, 1.10, 12:30:45, 0123, 1e3, dates, true. Only a plain `null`, `~` or empty place becomes None.
Refused, with file and line: keys given twice, tags, merge keys, keys that are no text, a second document, tabs, text
that is not UTF-8, more than 50 levels, 50 aliases or 10,000 nodes once aliases are followed, files above 1 MB.
The sole importer of yaml. Nodes are built from parser events, so no YAML constructor ever runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

import yaml

from omniseg.errors import ConfigError, Problem
from omniseg.nodes import ListNode, MapNode, Node, TextNode

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_ALIASES = 50
MAX_NODES = 10_000
EMPTY = ("", "~", "null")  # plain scalars that stand for nothing


class Readable(Protocol):
    """A file on disk or inside an archive."""

    def read_bytes(self) -> bytes:
        """The whole content."""


@dataclass(frozen=True)
class Part:
    """A finished node with its number of nodes and levels, all aliases followed."""

    node: Node
    size: int
    height: int


class Unreadable(Exception):
    """The rest of the file cannot be read; the problem is already noted."""


def load(source: Readable, name: str) -> MapNode:
    """The tree of a file; `name` is what messages call it. Raises ConfigError with every problem found."""
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        raise ConfigError([Problem(name, "file", "no such file", "a YAML file")]) from None
    except (OSError, KeyError) as error:  # KeyError: a member missing from an archive
        raise ConfigError([Problem(name, "file", f"{type(error).__name__} on reading", "a readable file")]) from None
    return parse(content, name)


def parse(content: bytes, name: str) -> MapNode:
    """The tree of a file's content; see `load`."""
    if len(content) > MAX_BYTES:
        raise ConfigError([Problem(name, "file", f"{len(content)} bytes", f"at most {MAX_BYTES}")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(f"{name}:{line}", "file", "bytes that are not UTF-8", "UTF-8 text")]) from None
    return Builder(name, text).document()


@dataclass
class Builder:
    """Builds one tree from parser events and gathers the problems on the way."""

    name: str
    text: str
    problems: list[Problem] = field(default_factory=list)
    anchors: dict[str, Part] = field(default_factory=dict)
    aliases: int = 0
    nodes: int = 0

    def document(self) -> MapNode:
        """The only document, which must be a mapping; raises ConfigError with every problem."""
        root: Node | None = None
        with suppress(Unreadable):  # noted already; raised below with whatever else was found before it
            root = self.root(self.events())
        if not self.problems and not isinstance(root, MapNode):
            found = "an empty file" if root is None else "no mapping at the top"
            self.note(0, "file", found, "a mapping of keys to values")
        if self.problems or not isinstance(root, MapNode):
            raise ConfigError(self.problems)
        return root

    def root(self, events: Iterator[yaml.Event]) -> Node | None:
        """The top node, or None in an empty file."""
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self.refuse(event, "file", "a second document", "one document per file")
                root = self.part(next(events), events, key="", depth=1).node
        return root

    def events(self) -> Iterator[yaml.Event]:
        """Parser events; a syntax error is noted and ends them."""
        try:
            yield from yaml.parse(self.text, Loader=yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            line = self.text.count("\n", 0, error.position)
            self.note(line, "file", f"the control character {error.character:#x}", "printable text")
            raise Unreadable from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            found, expected = syntax(error.problem or error.context or "a syntax error")
            self.note(mark.line if mark else 0, "syntax", found, expected)
            raise Unreadable from None

    def part(self, event: yaml.Event, events: Iterator[yaml.Event], *, key: str, depth: int) -> Part:
        """The node that starts with `event`, and all below it; `key` is its dotted key."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            self.refuse(event, key, "a nesting deeper than that", f"at most {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self.aliased(event, key=key, depth=depth)
        assert isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))  # the grammar leaves nothing else
        if event.tag is not None:
            self.note(line_of(event), key, "a YAML tag", "plain text, lists and mappings")
        before = self.nodes - 1
        node, height = self.content(event, events, key=key, depth=depth)
        part = Part(node, self.nodes - before, height)
        if event.anchor is not None:
            self.anchors[event.anchor] = part
        return part

    def content(self, event: yaml.Event, events: Iterator[yaml.Event], *, key: str, depth: int) -> tuple[Node, int]:
        """The node of a scalar, list or mapping, and its levels."""
        where = self.where(event)
        if isinstance(event, yaml.ScalarEvent):
            empty = event.style is None and event.value in EMPTY
            return TextNode(None if empty else event.value, where), 1
        if isinstance(event, yaml.SequenceStartEvent):
            items = list(self.items(events, key=key, depth=depth + 1))
            return ListNode(tuple(part.node for part in items), where), 1 + max((p.height for p in items), default=0)
        return self.mapping(events, where, key=key, depth=depth + 1)

    def items(self, events: Iterator[yaml.Event], *, key: str, depth: int) -> Iterator[Part]:
        """The parts of a list, up to its end."""
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self.part(event, events, key=key, depth=depth)

    def mapping(self, events: Iterator[yaml.Event], where: str, *, key: str, depth: int) -> tuple[MapNode, int]:
        """A mapping up to its end; of a key given twice the first value is kept and the second noted."""
        entries: dict[str, Node] = {}
        places: dict[str, str] = {}
        height = 1
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            name = self.key(event, events, key=key, depth=depth)
            dotted = f"{key}.{name}" if key else name
            part = self.part(next(events), events, key=dotted, depth=depth)
            height = max(height, 1 + part.height)
            if name in entries:
                self.note(line_of(event), dotted, "a second value", f"one; the first is at {places[name]}")
                continue
            entries[name], places[name] = part.node, self.where(event)
        return MapNode(entries, places, where), height

    def key(self, event: yaml.Event, events: Iterator[yaml.Event], *, key: str, depth: int) -> str:
        """The text of a key; a key of another sort is noted and read over."""
        node = self.part(event, events, key=key, depth=depth).node
        if isinstance(event, yaml.ScalarEvent) and event.value not in ("", "<<"):
            return event.value
        found = "a merge key (<<)" if isinstance(event, yaml.ScalarEvent) and event.value else "a key that is no text"
        self.note(line_of(event), key or "file", found, "text as keys")
        return f"<{type(node).__name__} {len(self.problems)}>"  # unique, so it collides with no other key

    def aliased(self, event: yaml.AliasEvent, *, key: str, depth: int) -> Part:
        """The part that an alias names; bounded in number, size and depth, so that small files stay small trees."""
        part = self.anchors.get(event.anchor or "")
        if part is None:
            self.refuse(event, key, "an alias of nothing that is complete", "an alias of an earlier anchor")
        self.aliases += 1
        self.nodes += part.size - 1
        if self.aliases > MAX_ALIASES or self.nodes > MAX_NODES or depth + part.height - 1 > MAX_DEPTH:
            limits = f"at most {MAX_ALIASES} aliases, {MAX_NODES} nodes and {MAX_DEPTH} levels"
            self.refuse(event, key, "aliases that multiply", limits)
        return part

    def where(self, event: yaml.Event) -> str:
        """`file:line` of an event."""
        return f"{self.name}:{line_of(event) + 1}"

    def note(self, line: int, key: str, found: str, expected: str) -> None:
        """Note a problem; `line` counts from 0."""
        self.problems.append(Problem(f"{self.name}:{line + 1}", key, found, expected))

    def refuse(self, event: yaml.Event, key: str, found: str, expected: str) -> NoReturn:
        """Note a problem after which reading on is pointless."""
        self.note(line_of(event), key or "file", found, expected)
        raise Unreadable


def line_of(event: yaml.Event) -> int:
    """The line on which an event starts, counted from 0."""
    return event.start_mark.line if event.start_mark else 0


def syntax(problem: str) -> tuple[str, str]:
    """Found and expected for the parser's own words; a tab is the one mistake that deserves better ones."""
    if "'\\t'" in problem:
        return "a tab", "spaces"
    return f"invalid YAML ({problem})", "YAML"
