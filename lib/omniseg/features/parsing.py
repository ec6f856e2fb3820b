"""Reads conf/features.yml: every declaration is checked before Spark starts, all problems are reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from omniseg import tables
from omniseg.errors import ConfigError, Problem
from omniseg.expressions import Compiled, compile_expression
from omniseg.features.calendar import CALENDAR
from omniseg.features.declaration import EVENT_COLUMNS, Attribute, Feature, FeatureSet, Formula, Measured
from omniseg.features.entries import Entry, read_entry, read_plain
from omniseg.features.spans import MOST_EDGES
from omniseg.nodes import MapNode, Reader


def parse_features(tree: MapNode, *, time_zone: str = "UTC") -> FeatureSet:
    """The features that `tree` declares; raises ConfigError with all problems at once.

    Keys of an entry: name, description, unit, and one of `measure` (with of, where, windows), `formula`, `attribute`.
    `time_zone` is the business's: calendar parts of moments, such as hour(event_time), are read in it.
    """
    problems: list[Problem] = []
    reader = Reader(tree, problems)
    entries = [read_entry(entry, time_zone) for entry in reader.children("features")]
    if not entries and not problems:
        reader.complain("features", "no feature", "a list of features")
    plain = {entry.name: read_plain(entry) for entry in entries if entry.sort != "formula"}
    formulas = read_formulas(entries, [feature for features in plain.values() for feature in features])
    for entry in entries:
        entry.reader.finish()
    reader.finish()
    problems += [*name_problems(entries, plain), *circle_problems(entries, formulas)]
    if problems:
        raise ConfigError(problems)
    found: Mapping[str, Sequence[Feature]] = {**plain, **{name: (formula,) for name, formula in formulas.items()}}
    features = tuple(feature for entry in entries for feature in found[entry.name])
    made = FeatureSet(features, calendar_of(features, time_zone))
    if len(made.edges) > MOST_EDGES:
        what = f"windows (and parts of them) that begin and end at {len(made.edges)} points"
        raise ConfigError([Problem(tree.where, "features", what, f"at most {MOST_EDGES}")])
    return made


def calendar_of(features: Iterable[Feature], time_zone: str) -> dict[str, Compiled]:
    """What the columns of the calendar stand for that the features read."""
    texts = [text for feature in features if isinstance(feature, Measured) for text in feature.texts]
    read = {name for text in texts for name in text.references}
    return {
        name: compile_expression(text, columns=EVENT_COLUMNS, time_zone=time_zone, want="STRING")
        for name, text in CALENDAR.items()
        if name in read
    }


def read_formulas(entries: list[Entry], plain: Iterable[Measured | Attribute]) -> dict[str, Formula]:
    """The formulas by name; they may read every feature column, numbers as DOUBLE and attributes as they are."""
    mine = [entry for entry in entries if entry.sort == "formula"]
    columns = {name: kind for feature in plain for name, kind in readable(feature)}
    columns |= {entry.name: "DOUBLE" for entry in mine if entry.name}
    found = [(entry, entry.compiled("formula", columns, "DOUBLE", required=True)) for entry in mine]
    return {
        entry.name: Formula(entry.name, formula, entry.description, entry.unit)
        for entry, formula in found
        if formula is not None
    }


def readable(feature: Measured | Attribute) -> Iterator[tuple[str, str]]:
    """Names and types of a feature's columns as formulas see them."""
    for column in feature.columns:
        yield column.name, "DOUBLE" if isinstance(feature, Measured) and feature.is_number else column.type


def name_problems(entries: list[Entry], plain: Mapping[str, Sequence[Measured | Attribute]]) -> Iterator[Problem]:
    """Two features of one name, and columns that two features or a feature and the table would share."""
    taken = dict.fromkeys(tables.CUSTOMER_FEATURES.column_names, "the table itself")
    names: dict[str, str] = {}
    for entry in entries:
        place, key = entry.place("name"), f"{entry.reader.prefix}name"
        if entry.name in names:
            yield Problem(
                place, key, f"{entry.name!r} again", f"one feature of a name; the first is at {names[entry.name]}"
            )
            continue
        if not entry.name:  # reported already
            continue
        names[entry.name] = place
        features = plain.get(entry.name)
        for column in [entry.name] if features is None else [own.name for one in features for own in one.columns]:
            if column in taken:
                yield Problem(place, key, f"the column {column}", f"a column that {taken[column]} has not")
            taken[column] = f"{entry.name!r} at {place}"


def circle_problems(entries: list[Entry], formulas: Mapping[str, Formula]) -> Iterator[Problem]:
    """Formulas that need themselves, each circle once."""
    reads = {name: formulas.keys() & formula.formula.references for name, formula in formulas.items()}
    by_name = {entry.name: entry for entry in entries}
    while circle := find_circle(reads):
        entry = by_name[circle[0]]
        found = " needs ".join(circle)
        yield Problem(
            entry.place("formula"), f"{entry.reader.prefix}formula", found, "a formula that does not need itself"
        )
        reads = {name: read - set(circle) for name, read in reads.items() if name not in circle}


def find_circle(reads: Mapping[str, Iterable[str]]) -> list[str]:
    """A circle from its alphabetically first name back to it, or nothing."""
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1][1:]))
        start = circle.index(min(circle))
        return [*circle[start:], *circle[:start], circle[start]]
    return []
