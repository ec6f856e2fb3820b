"""The tree of a declaration file becomes a SourceDeclaration or ReferenceDeclaration, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypedDict

from omniseg.errors import ConfigError, Problem
from omniseg.ingest.declaration import MANIFESTS, MODES, QualityRule, ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.declaration_checks import check_declaration, pairs_of, target_columns
from omniseg.ingest.vocabulary import EVENT_COLUMNS, REQUIRED_EVENT_COLUMNS
from omniseg.kinds import ANY_TEXT, CURRENCY, FLAG, SNAKE_CASE, TEXT, TIME_ZONE, Kind, filled, one_of, spelled, whole
from omniseg.names import nearest
from omniseg.nodes import MapNode, Node, Reader, TextNode, places_of
from omniseg.tables import CHANNELS, REFERENCES

CHARSETS = ("UTF-8", "US-ASCII", "ISO-8859-1", "UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32")  # all that Spark 4 reads
COLUMN = spelled("names of raw columns, dotted inside structs", r"\S(?:.*\S)?")
EXPRESSION = Kind("an expression of raw columns", filled)
EXPLODE = Kind("explode(PATH), PATH being a raw array", lambda text: exploded_path(text))
EXPLODED = spelled("explode(PATH)", r"\s*explode\s*\(\s*[A-Za-z_]\w*(?:\.\w+)*\s*\)\s*")
SIGN = spelled("one character", r"(?s:.)")
CSV_OPTIONS: dict[str, Kind[Any]] = {
    "header": FLAG,
    "sep": spelled("one or more characters", r"(?s:.+)"),
    "quote": spelled("one character, or '' to take quotes as text", r"(?s:.?)"),
    "escape": SIGN,
    "encoding": one_of(*CHARSETS),
    "nullValue": ANY_TEXT,
    "multiLine": FLAG,
    "comment": SIGN,
}
OPTIONS: dict[str, dict[str, Kind[Any]]] = {
    "csv": CSV_OPTIONS,
    "json": {name: CSV_OPTIONS[name] for name in ("encoding", "multiLine")},
    "parquet": {},
    "delta": {},
    "text": {},
}


class Common(TypedDict):
    """The fields of Declaration, as keyword arguments."""

    file: str
    places: dict[str, str]
    description: str
    format: str
    path: str
    options: dict[str, str]
    schema: str | None
    time_zone: str
    currency: str | None
    personal: tuple[str, ...]
    free_text: tuple[str, ...]
    keep_free_text: bool
    rows: str | None
    columns: dict[str, str]
    identifier_pairs: tuple[tuple[str, str], ...]
    quality: tuple[QualityRule, ...]
    manifest: str
    max_late_days: int | None


def read_declaration(tree: MapNode, *, file: str) -> SourceDeclaration | ReferenceDeclaration:
    """The declaration in `tree`; references in its path are replaced before. Raises ConfigError with every problem."""
    reader = Reader(tree, [])
    declaration = read_reference(reader, file) if is_reference(tree) else read_source(reader, file)
    reader.finish()
    problems = [*reader.problems, *check_declaration(declaration)]
    if problems:
        raise ConfigError(sorted(problems, key=line_of))
    return declaration


def is_reference(tree: MapNode) -> bool:
    """Whether a file declares a reference table: it has the key `target`, or a misspelling of it and no `source`."""
    meant = {key if key in ("source", "target") else nearest(key, ("source", "target")) for key in tree.entries}
    return "target" in tree.entries or ("target" in meant and "source" not in meant)


def read_source(reader: Reader, file: str) -> SourceDeclaration:
    """A source of events."""
    name = reader.value("source", SNAKE_CASE, default="", required=True)
    columns = read_columns(reader, EVENT_COLUMNS, needed=REQUIRED_EVENT_COLUMNS, required=True)
    channel = reader.value("channel", one_of(*CHANNELS), default="", required="channel" not in columns)
    return SourceDeclaration(source=name, channel=channel, **read_common(reader, file, columns))


def read_reference(reader: Reader, file: str) -> ReferenceDeclaration:
    """A reference table."""
    target = reader.value("target", one_of(*REFERENCES), default="", required=True)
    mode = reader.value("mode", one_of(*MODES), default="", required=True)
    settable = target_columns(target)
    of_persons = "identifiers" in settable
    columns = read_columns(reader, settable, needed=("identifiers",) if of_persons else (), required=of_persons)
    return ReferenceDeclaration(
        target=target,
        key=reader.values("key", COLUMN, required=True),
        mode=mode,
        valid_from=reader.value("valid_from", EXPRESSION, default="", required=mode == "scd2") or None,
        **read_common(reader, file, columns),
    )


def read_common(reader: Reader, file: str, columns: dict[str, str]) -> Common:
    """What sources and reference tables have in common."""
    kind = reader.value("format", one_of(*OPTIONS), default="", required=True)
    free_text = reader.node.entries.get("free_text")
    keep = isinstance(free_text, TextNode) and reader.value("free_text", one_of("keep"), default="") == "keep"
    return Common(
        file=file,
        places=places_of(reader.node),
        description=reader.value("description", TEXT, default=""),
        format=kind,
        path=reader.value("path", TEXT, default="", required=True),
        options=read_options(reader, kind),
        schema=reader.value("schema", TEXT, default="") or None,
        time_zone=reader.value("time_zone", TIME_ZONE, default="UTC"),
        currency=reader.value("currency", CURRENCY, default="") or None,
        personal=reader.values("personal", COLUMN),
        free_text=() if isinstance(free_text, TextNode) else reader.values("free_text", COLUMN),
        keep_free_text=keep,
        rows=reader.value("rows", EXPLODE, default="") or None,
        columns=columns,
        identifier_pairs=pairs_of(columns.get("identifiers", "")),
        quality=read_quality(reader),
        manifest=read_manifest(reader),
        max_late_days=read_lateness(reader),
    )


def read_columns(
    reader: Reader, settable: Collection[str], *, needed: Collection[str], required: bool
) -> dict[str, str]:
    """The mapping `columns:`, canonical column to expression; any column passes where none is known as settable."""
    columns = reader.child("columns", required=required)
    if columns is None:
        return {}
    texts = {
        name: columns.value(name, EXPRESSION, default="", required=name in needed)
        for name in settable or columns.node.entries
    }
    columns.finish()
    return {name: text for name, text in texts.items() if name in columns.node.entries}


def read_options(reader: Reader, kind: str) -> dict[str, str]:
    """The mapping `options:`, checked against what the format allows; each value stays the text that Spark takes.

    CSV has a header unless `header: false` says otherwise: a wrong guess this way is refused at the first file, the
    other way it would make a record of the header.
    """
    defaults = {"header": "true"} if kind == "csv" else {}
    options = reader.child("options")
    if options is None or kind not in OPTIONS:
        return defaults
    for name, accepted in OPTIONS[kind].items():
        options.value(name, accepted, default=None)
    options.finish()
    return defaults | {name: text_of(node) for name, node in options.node.entries.items()}


def read_quality(reader: Reader) -> tuple[QualityRule, ...]:
    """The list `quality:`; no name may stand there twice."""
    rules: list[QualityRule] = []
    for entry in reader.children("quality"):
        name = entry.value("name", SNAKE_CASE, default="", required=True)
        expect = entry.value("expect", EXPRESSION, default="", required=True)
        entry.finish()
        if name and name in [rule.name for rule in rules]:
            entry.complain("name", f"{name!r} a second time", "each rule under a name of its own")
        rules.append(QualityRule(name, expect))
    return tuple(rules)


def read_manifest(reader: Reader) -> str:
    """`delivery.manifest`; none when absent."""
    delivery = reader.child("delivery")
    if delivery is None:
        return "none"
    manifest = delivery.value("manifest", one_of(*MANIFESTS), default="none")
    delivery.finish()
    return manifest


def read_lateness(reader: Reader) -> int | None:
    """`lateness.max_days`; None, no limit, when absent."""
    lateness = reader.child("lateness")
    if lateness is None:
        return None
    accepted: Kind[int] = whole(0)
    days = lateness.value("max_days", accepted, default=-1)
    lateness.finish()
    return None if days < 0 else days


def exploded_path(text: str) -> str:
    """The path in explode(path); raises ValueError for any other text."""
    return EXPLODED.parse(text).split("(")[1].rstrip(") \t\n").strip()


def text_of(node: Node) -> str:
    """The text of a scalar; '' for what was refused already."""
    return (node.text or "") if isinstance(node, TextNode) else ""


def line_of(problem: Problem) -> int:
    """The line of a problem within its file, so that problems come in reading order."""
    line = problem.where.rpartition(":")[2]
    return int(line) if line.isdigit() else 0
