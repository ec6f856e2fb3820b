"""One entry of the list `features`: its keys become measured features, an attribute, or the text of a formula."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from omniseg.errors import ConfigError
from omniseg.expressions import Compiled, compile_expression
from omniseg.features.calendar import KNOWN_VALUES
from omniseg.features.declaration import About, Attribute, Measured
from omniseg.features.measures import MEASURES, Measure
from omniseg.features.spans import LIFETIME, SPAN, Span
from omniseg.features.vocabulary import ATTRIBUTES, EVENT_COLUMNS
from omniseg.kinds import SNAKE_CASE, TEXT, Kind, known, matched, one_of, spelled, whole
from omniseg.nodes import Reader
from omniseg.tables import REFERENCES

KINDS = ("demographic", "geographic", "behavioural", "psychographic", "transactional", "omnichannel", "firmographic")
SORTS = ("measure", "formula", "attribute")
MEASURE = one_of(*MEASURES)
ATTRIBUTE = known(f"one of {', '.join(ATTRIBUTES)}", lambda: ATTRIBUTES)
LEVEL = re.compile(r"0\.(0[1-9]|[1-9][0-9]?)")
QUANTILE_LEVEL = Kind("a share in hundredths between 0 and 1, such as 0.5", lambda text: float(matched(LEVEL, text)[0]))
VALUE = spelled("a text without quotes and backslashes", r"[^'\"\\\x00-\x1f]+")
OPTIONS: Mapping[str, Kind[int]] = {
    "parts": whole(2, 100),
    "k": whole(1, 100),
    "within_hours": whole(1, 24 * 90),
    "within_days": whole(0, 366),
    "idle_minutes": whole(1, 24 * 60),
}


@dataclass(frozen=True)
class Entry:
    """One item of the list, read as far as it says itself what it is."""

    reader: Reader
    sort: str
    name: str
    description: str
    unit: str
    about: About
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
        about=read_about(reader),
        time_zone=time_zone,
    )


def read_about(reader: Reader) -> About:
    """What else the entry tells people."""
    return About(
        kind=reader.value("kind", one_of(*KINDS), default=""),
        limits=reader.value("limits", TEXT, default=""),
        source=reader.value("source", TEXT, default=""),
    )


def read_plain(entry: Entry) -> tuple[Measured | Attribute, ...]:
    """The features of an entry that reads no other feature."""
    return (read_attribute(entry),) if entry.sort == "attribute" else read_measured(entry)


def read_attribute(entry: Entry) -> Attribute:
    """A fact of the customer master, or of the row of another table that feature columns name."""
    source = entry.reader.value("attribute", ATTRIBUTE, default="")
    if not source:  # refused; whether it needs keys is unknown
        entry.reader.asked.append("keys")
        source = next(iter(ATTRIBUTES))
    table, column = source.split(".")[0], ATTRIBUTES[source]
    keys = () if table == "customers" else read_keys(entry, REFERENCES[table].key[:-1])
    return Attribute(
        entry.name, column.name, column.type, entry.description, entry.unit, table, keys, about=entry.about
    )


def read_keys(entry: Entry, own: Sequence[str]) -> tuple[str, ...]:
    """The feature columns that hold the key of a row, one for each of its `own` columns."""
    named = entry.reader.values("keys", SNAKE_CASE, required=True)
    if named and len(named) != len(own):
        entry.reader.complain("keys", ", ".join(named), f"as many feature columns as there are in {', '.join(own)}")
    return named


def read_measured(entry: Entry) -> tuple[Measured, ...]:
    """A measure over events: one feature, or one for each value of `by` and each level of `at` as well."""
    measure = entry.reader.value("measure", MEASURE, default="count", required=True)
    rule = MEASURES[measure]
    whole_feature = Measured(
        entry.name,
        measure,
        read_of(entry, measure, rule),
        entry.compiled("where", EVENT_COLUMNS, "BOOLEAN") if rule.family != "carts" else None,
        read_windows(entry, measure),
        entry.description,
        entry.unit,
        per=entry.compiled("per", EVENT_COLUMNS, "STRING") if measure == "quantile" else None,
        whole=entry.compiled("after", EVENT_COLUMNS, "BOOLEAN", required=True) if measure == "days_after" else None,
        option=read_option(entry, rule),
        about=entry.about,
    )
    levels = read_levels(entry) if measure == "quantile" else ()
    return tuple(one for feature in read_by(entry, whole_feature) for one in at_levels(feature, levels))


def read_of(entry: Entry, measure: str, rule: Measure) -> Compiled | None:
    """The value to measure; it must be there, may be or must not, as the measure says."""
    if rule.of != "none":
        return entry.compiled("of", EVENT_COLUMNS, rule.of_type, required=rule.of == "required")
    if entry.reader.take("of", "nothing") is not None:
        entry.reader.complain("of", "a value to measure", f"none: {measure} is about events, not values")
    return None


def read_windows(entry: Entry, measure: str) -> tuple[Span, ...]:
    """The windows; a trend needs such as have a beginning."""
    spans = entry.reader.values("windows", SPAN, required=measure == "trend") or (LIFETIME,)
    if measure == "trend" and LIFETIME in spans and "windows" in entry.reader.node.entries:
        entry.reader.complain("windows", "lifetime", "windows with a beginning: a trend is taken over parts of them")
        return ()
    return spans


def read_option(entry: Entry, rule: Measure) -> float | None:
    """What the measure asks for besides, where that is one number."""
    if rule.option is None or rule.option[1] is None:
        return None
    key, default = rule.option
    return entry.reader.value(key, OPTIONS[key], default=int(default or 0))


def read_levels(entry: Entry) -> tuple[float, ...]:
    """The levels of a quantile."""
    return entry.reader.values("at", QUANTILE_LEVEL, required=True)


def at_levels(feature: Measured, levels: Sequence[float]) -> list[Measured]:
    """One feature per level, named name_pNN; the feature itself where its measure has no levels."""
    if feature.measure != "quantile":
        return [feature]
    return [
        replace(
            feature,
            name=f"{feature.name}_p{round(level * 100):02d}",
            description=f"{feature.description}, {level:.0%} quantile",
            option=level,
        )
        for level in levels
    ]


def read_by(entry: Entry, feature: Measured) -> list[Measured]:
    """The feature itself, and one for each value of `by`; of shares only those, since the share of all is 1."""
    by = entry.reader.value("by", TEXT, default="", required=feature.measure == "share")
    if not by:
        return [feature]
    values = read_values(entry, by)
    if MEASURES[feature.measure].family == "carts":
        entry.reader.complain("by", by, f"no by: {feature.measure} is about events of several channels together")
    elif entry.compiled("by", EVENT_COLUMNS, "STRING") is not None:
        return by_values(entry, feature, by, values)
    return []


def by_values(entry: Entry, feature: Measured, by: str, values: Sequence[str]) -> list[Measured]:
    """The feature, and its part of each value; of a share the parts alone."""
    shares = feature.measure == "share"
    parts = [
        replace(
            feature,
            name=f"{feature.name}_{slug(value)}",
            where=part(entry, feature, by, value),
            description=f"{feature.description}, {by} = {value}",
            whole=feature.where if shares else feature.whole,
        )
        for value in values
    ]
    return parts if shares else [feature, *parts]


def read_values(entry: Entry, by: str) -> tuple[str, ...]:
    """The values of `by`: those declared, or all of a column whose values are known."""
    values = entry.reader.values("values", VALUE, required=by not in KNOWN_VALUES) or KNOWN_VALUES.get(by, ())
    for value in values:
        if not slug(value):
            entry.reader.complain("values", value, "values with a letter or a digit, for they become names of columns")
    return values


def part(entry: Entry, feature: Measured, by: str, value: str) -> Compiled:
    """The condition of one value of `by`, within that of the feature."""
    mine = f"cast({by} as string) = '{value}'"
    text = mine if feature.where is None else f"({feature.where.text}) and {mine}"
    return compile_expression(text, columns=EVENT_COLUMNS, time_zone=entry.time_zone, want="BOOLEAN")


def slug(value: str) -> str:
    """A value as part of a name."""
    return re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
