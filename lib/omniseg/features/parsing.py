"""Reads conf/features.yml: every declaration is checked before Spark starts, all problems are reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from graphlib import CycleError, TopologicalSorter

from omniseg import tables
from omniseg.errors import ConfigError, Problem
from omniseg.expressions import Compiled, compile_expression
from omniseg.features.calendar import CALENDAR
from omniseg.features.declaration import Attribute, Feature, FeatureSet, Formula, Measured
from omniseg.features.entries import Entry, read_entry, read_plain
from omniseg.features.rfm import DIMENSIONS
from omniseg.features.rfm_reading import read_rfm
from omniseg.features.spans import MOST_EDGES
from omniseg.features.vocabulary import EVENT_COLUMNS
from omniseg.kinds import one_of
from omniseg.names import nearest
from omniseg.nodes import MapNode, Reader

RFM_COLUMNS = (*(f"rfm_{one}" for one in DIMENSIONS), "rfm_segment")
TYPES = {"number": "DOUBLE", "text": "STRING"}  # of formulas


def parse_features(tree: MapNode, *, time_zone: str = "UTC", holidays: Sequence[date] = ()) -> FeatureSet:
    """The features that `tree` declares; raises ConfigError with all problems at once.

    Keys of an entry: name, description, unit, and one of `measure` (with of, where, windows), `formula`, `attribute`;
    beside the entries there may be `rfm`.
    `time_zone` is the business's: calendar parts of moments, such as hour(event_time), are read in it. `holidays`: the
    days that are such, in order; none where it is unknown.
    """
    problems: list[Problem] = []
    reader = Reader(tree, problems)
    entries = [read_entry(entry, time_zone) for entry in reader.children("features")]
    if not entries and not problems:
        reader.complain("features", "no feature", "a list of features")
    plain = {entry.name: read_plain(entry) for entry in entries if entry.sort != "formula"}
    ready = [feature for features in plain.values() for feature in features]
    formulas = read_formulas(entries, ready)
    check_keys(entries, plain, dict(pair for feature in ready for pair in readable(feature)))
    numbers = [name for feature in [*ready, *formulas.values()] for name, kind in readable(feature) if kind == "DOUBLE"]
    rfm = read_rfm(reader.child("rfm"), numbers)
    for entry in entries:
        entry.reader.finish()
    reader.finish()
    problems += [*name_problems(entries, plain), *circle_problems(entries, formulas)]
    if problems:
        raise ConfigError(problems)
    found: Mapping[str, Sequence[Feature]] = {**plain, **{name: (formula,) for name, formula in formulas.items()}}
    features = tuple(feature for entry in entries for feature in found[entry.name])
    made = FeatureSet(features, calendar_of(features, time_zone), rfm, tuple(holidays))
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
    """The formulas by name; they may read every feature column, numbers as DOUBLE and attributes as they are, and the
    date, as_of.
    """
    mine = {entry.name: (entry, read_type(entry)) for entry in entries if entry.sort == "formula"}
    columns = {name: kind for feature in plain for name, kind in readable(feature)} | {"as_of": "DATE"}
    columns |= {name: kind for name, (_, kind) in mine.items() if name}
    found = {}
    for name, (entry, kind) in mine.items():
        formula = entry.compiled("formula", columns, kind, required=True)
        if formula is not None:
            found[name] = Formula(name, formula, entry.description, entry.unit, kind, entry.about)
    return found


def read_type(entry: Entry) -> str:
    """What a formula gives: a number unless it says text."""
    return TYPES[entry.reader.value("gives", one_of(*TYPES), default="number")]


def check_keys(
    entries: Iterable[Entry], plain: Mapping[str, Sequence[Measured | Attribute]], columns: Mapping[str, str]
) -> None:
    """Notes keys of attributes that are no feature columns with texts, measured or of the customer master."""
    looked_up = {one.name for features in plain.values() for one in features if isinstance(one, Attribute) and one.keys}
    texts = [name for name, kind in columns.items() if kind == "STRING" and name not in looked_up]
    for entry in entries:
        for feature in plain.get(entry.name, ()):
            for key in feature.keys if isinstance(feature, Attribute) else ():
                if key not in texts:
                    entry.reader.complain("keys", repr(key), "a feature column that holds a text", nearest(key, texts))


def readable(feature: Feature) -> Iterator[tuple[str, str]]:
    """Names and types of a feature's columns as formulas see them."""
    for column in feature.columns:
        yield column.name, "DOUBLE" if isinstance(feature, Measured) and feature.is_number else column.type


def name_problems(entries: list[Entry], plain: Mapping[str, Sequence[Measured | Attribute]]) -> Iterator[Problem]:
    """Two features of one name, and columns that two features or a feature and the table would share."""
    taken = dict.fromkeys((*tables.CUSTOMER_FEATURES.column_names, *RFM_COLUMNS), "the table itself")
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
    reads = {name: formulas.keys() & formula.reads for name, formula in formulas.items()}
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
