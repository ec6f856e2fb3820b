"""The layers of settings, each flattened to entries: dotted key, text as written, and the place it came from.

Order, weakest first: conf/base.yml, the overlay of `--env`, the file of `--conf`, OMNISEG_A__B in the environment,
`--set a.b=c`. A layer notes unknown keys and wrong shapes; whether a text fits its key is checked for all layers alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from omniseg.errors import Problem
from omniseg.names import nearest
from omniseg.nodes import ListNode, MapNode, Node, TextNode, describe
from omniseg.settings.keys import Key, keys, sections

SPARK = "spark"
PREFIX = "OMNISEG_"
SECRET_OPTION = re.compile(r"(?i)password|secret|token|(access|account|encryption)[._]?key")
EXPECTED_SPARK = "the full name of a Spark option, such as spark.sql.shuffle.partitions"


@dataclass(frozen=True)
class Entry:
    """One value that one layer gives to one key; a list is a tuple, an empty place None."""

    key: str
    raw: str | tuple[str, ...] | None
    where: str
    packaged: bool = False  # a default: from base.yml or the overlay


def from_tree(tree: MapNode, problems: list[Problem]) -> list[Entry]:
    """The entries of a file."""
    entries: list[Entry] = []
    for name, node in tree.entries.items():
        where = tree.places[name]
        if name in sections()[""]:
            entries += value(name, sections()[""][name], node, where, problems)
        elif name != SPARK and name not in sections():
            known = [*sections()[""], *(section for section in sections() if section), SPARK]
            problems.append(unknown(where, name, f"one of {', '.join(known)}", nearest(name, known)))
        elif isinstance(node, MapNode):
            entries += spark_options(node, problems) if name == SPARK else section(name, node, problems)
        else:
            problems.append(Problem(where, name, describe(node), "a mapping of keys to values"))
    return entries


def section(name: str, node: MapNode, problems: list[Problem]) -> Iterator[Entry]:
    """The entries of one section of a file."""
    known = sections()[name]
    for item, child in node.entries.items():
        where = node.places[item]
        if item in known:
            yield from value(f"{name}.{item}", known[item], child, where, problems)
        else:
            suggestion = nearest(item, known) or elsewhere(item)
            problems.append(unknown(where, f"{name}.{item}", f"one of {', '.join(known)}", suggestion))


def spark_options(node: MapNode, problems: list[Problem]) -> Iterator[Entry]:
    """The entries of the section `spark`: options by their full names."""
    for name, child in node.entries.items():
        where = node.places[name]
        if not isinstance(child, TextNode) or child.text is None:
            problems.append(Problem(where, name, describe(child), "a text"))
        elif allowed_option(name, where, problems):
            yield Entry(name, child.text, where)


def allowed_option(name: str, where: str, problems: list[Problem]) -> bool:
    """Whether a Spark option may stand in the settings; what Spark shows in its UI and logs must not hold secrets."""
    if not name.startswith(f"{SPARK}."):
        problems.append(Problem(where, f"{SPARK}: {name}", "another name", EXPECTED_SPARK))
    elif SECRET_OPTION.search(name):
        expected = "no secret among Spark's options (its UI and event log show them); use a credentials provider"
        problems.append(Problem(where, name, "an option that carries a secret (not shown)", expected))
    else:
        return True
    return False


def value(key: str, accepted: Key, node: Node, where: str, problems: list[Problem]) -> Iterator[Entry]:
    """The entry of one key of a file, when its shape is right."""
    texts = [item.text for item in node.items if isinstance(item, TextNode)] if isinstance(node, ListNode) else []
    if not accepted.many and isinstance(node, TextNode):
        yield Entry(key, node.text, where)
    elif accepted.many and isinstance(node, ListNode) and len(texts) == len(node.items):
        yield Entry(key, tuple("" if text is None else text for text in texts), where)
    else:
        problems.append(Problem(where, key, describe(node), accepted.expected))


def from_environment(environ: Mapping[str, str], options: Collection[str], problems: list[Problem]) -> Iterator[Entry]:
    """The entries of OMNISEG_A__B variables; names without `__` belong to others (secrets, switches).

    The names have no case, so a Spark option can be set only where a file gives it already: `options` are those.
    """
    by_name = {variable(key): key for key in (*options, *keys())}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or "__" not in name.removeprefix(PREFIX):
            continue
        where = f"environment {name}"
        if (key := by_name.get(name.upper())) is None:
            suggestion = nearest(name, by_name) or variable(elsewhere(name.rpartition("__")[2].lower()))
            dotted = name.removeprefix(PREFIX).replace("__", ".").lower()
            problems.append(unknown(where, dotted, "the name of a setting", suggestion))
        else:
            yield Entry(key, from_text(key, environ[name]), where)


def from_command_line(sets: Sequence[str], problems: list[Problem]) -> Iterator[Entry]:
    """The entries of `--set a.b=c`, in order; of equal keys the last one counts."""
    for number, text in enumerate(sets, start=1):
        key, equals, given = text.partition("=")
        key = key.strip()
        where = f"--set {key}"
        if not equals:
            # The text is not repeated: it may be a value that lost its key.
            problems.append(Problem("--set", f"argument {number}", "no '='", "key=value, such as lake.buckets=16"))
        elif key.startswith(f"{SPARK}."):
            if allowed_option(key, where, problems):
                yield Entry(key, given, where)
        elif key in keys():
            yield Entry(key, from_text(key, given), where)
        else:
            problems.append(unknown(where, key, "the name of a setting", nearest(key, keys()) or elsewhere(key)))


def from_text(key: str, text: str) -> str | tuple[str, ...] | None:
    """The raw value of a text outside of files: `[a, b]` or `a,b` for lists, an empty text for nothing."""
    accepted = keys().get(key)
    if accepted is not None and accepted.many:
        inner = text.strip().removeprefix("[").removesuffix("]")
        return tuple(item.strip() for item in inner.split(",")) if inner.strip() else ()
    return None if accepted is not None and accepted.optional and not text else text


def unknown(where: str, key: str, expected: str, suggestion: str) -> Problem:
    """A key that nobody knows; its value is never shown."""
    return Problem(where, key, "an unknown key", expected, suggestion)


def elsewhere(name: str) -> str:
    """The only dotted key that ends with the last part of `name`, or ''."""
    found = [key for key in keys() if key.rpartition(".")[2] == name.rpartition(".")[2]]
    return found[0] if len(found) == 1 else ""


def variable(key: str) -> str:
    """The environment variable of a dotted key; '' for ''."""
    return PREFIX + key.replace(".", "__").upper() if key else ""
