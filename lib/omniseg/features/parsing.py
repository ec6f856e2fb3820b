"""Reads conf/features.yml: every declaration is checked before Spark starts, all problems are reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from omniseg import tables
from omniseg.errors import ConfigError, Problem
from omniseg.expressions import Compiled, compile_expression
from omniseg.features.declaration import ATTRIBUTES, EVENT_COLUMNS, Attribute, Feature, FeatureSet, Formula, Measured
from omniseg.features.measures import LIFETIME, MEASURES, SPAN
from omniseg.kinds import SNAKE_CASE, TEXT, known, one_of
from omniseg.nodes import MapNode, Reader

SORTS = ("measure", "formula", "attribute")
MEASURE = one_of(*MEASURES)
ATTRIBUTE = known(f"one of {', '.join(ATTRIBUTES)}", lambda: ATTRIBUTES)


@dataclass(frozen=True)
class Entry:
    """One item of the list `features`, read as far as it says itself what it is."""

    reader: Reader
    sort: str
    name: str
    description: str
    unit: str
    time_zone: str

    def place(self, key: str) -> str:
        """`file:line` of a key of the entry."""
        return self.reader.node.places.get(key, self.reader.node.where)

    def compiled(self, key: str, columns: Mapping[str, str], want: str, *, required: bool = False) -> Compiled | None:
        """The expression below `key`; None where it is absent, or refused and noted."""
        text = self.reader.value(key, TEXT, default="", required=required)
        try:
            return compile_expression(text, columns=columns, time_zone=self.time_zone, want=want) if text else None
        except ConfigError as refused:
            for one in refused.problems:
                self.reader.note(self.place(key), f"{key} ({one.where})", one.found, one.expected, one.nearest)
            return None


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
    formulas = read_formulas(entries, plain.values())
    for entry in entries:
        entry.reader.finish()
    reader.finish()
    problems += [*name_problems(entries, plain), *circle_problems(entries, formulas)]
    if problems:
        raise ConfigError(problems)
    found: Mapping[str, Feature] = {**plain, **formulas}
    return FeatureSet(tuple(found[entry.name] for entry in entries))


def read_entry(reader: Reader, time_zone: str) -> Entry:
    """The common keys of an entry, and which sort of feature it is; a misspelt sort is reported by `finish`."""
    sorts = [sort for sort in SORTS if sort in reader.node.entries]
    if len(sorts) > 1:
        reader.complain(sorts[1], " and ".join(sorts), f"one of {', '.join(SORTS)}")
        reader.asked += sorts  # enough said of the others
    return Entry(
        reader,
        sort=sorts[0] if sorts else SORTS[0],
        name=reader.value("name", SNAKE_CASE, default="", required=True),
        description=reader.value("description", TEXT, default="", required=True),
        unit=reader.value("unit", TEXT, default="", required=True),
        time_zone=time_zone,
    )


def read_plain(entry: Entry) -> Measured | Attribute:
    """A feature that reads no other feature."""
    return read_attribute(entry) if entry.sort == "attribute" else read_measured(entry)


def read_measured(entry: Entry) -> Measured:
    """A measure over events; `of` must be there, may be or must not, as the measure says."""
    measure = entry.reader.value("measure", MEASURE, default="count", required=True)
    rule = MEASURES[measure]
    of = None
    if rule.of != "none":
        of = entry.compiled("of", EVENT_COLUMNS, rule.of_type, required=rule.of == "required")
    elif entry.reader.take("of", "nothing") is not None:
        entry.reader.complain("of", "a value to measure", f"none: {measure} counts days of events")
    where = entry.compiled("where", EVENT_COLUMNS, "BOOLEAN")
    spans = entry.reader.values("windows", SPAN) or (LIFETIME,)
    return Measured(entry.name, measure, of, where, spans, entry.description, entry.unit)


def read_attribute(entry: Entry) -> Attribute:
    """A fact of the customer master."""
    source = entry.reader.value("attribute", ATTRIBUTE, default=next(iter(ATTRIBUTES)))
    column = ATTRIBUTES[source]
    return Attribute(entry.name, column.name, column.type, entry.description, entry.unit)


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
        yield column.name, feature.type if isinstance(feature, Attribute) else "DOUBLE"


def name_problems(entries: list[Entry], plain: Mapping[str, Measured | Attribute]) -> Iterator[Problem]:
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
        feature = plain.get(entry.name)
        for column in [entry.name] if feature is None else [column.name for column in feature.columns]:
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
