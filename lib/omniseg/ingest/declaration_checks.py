"""What a declaration says as a whole: expressions, identifiers, raw columns and keys fit each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from omniseg.errors import Problem
from omniseg.expressions import ExpressionError, compile_expression, identifier_pairs
from omniseg.ingest.ddl import BadDdl, columns_of
from omniseg.ingest.declaration import Declaration, ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.vocabulary import EVENT_COLUMNS, IDENTIFIER_TYPES
from omniseg.names import nearest
from omniseg.secrecy import likely_secret
from omniseg.tables import REFERENCES, VERSIONING

DERIVED = ("identity_key", "bucket")  # made from the identifiers, never declared
TEXT_FORMATS = ("json", "csv")  # read as text; declared types are converted to afterwards


def check_declaration(declaration: SourceDeclaration | ReferenceDeclaration) -> list[Problem]:
    """Every problem that reading key by key does not show."""
    problems: list[Problem] = []
    try:
        raw = raw_columns(declaration)
    except BadDdl as bad:
        expected = "columns as DDL: name TYPE, name TYPE, …"
        problems.append(Problem(declaration.where("schema"), "schema", bad.found, expected, bad.suggestion))
        raw = None
    return [
        *problems,
        *raw_problems(declaration, raw),
        *key_problems(declaration),
        *expression_problems(declaration, raw),
        *identifier_problems(declaration, raw),
    ]


def raw_columns(declaration: Declaration) -> dict[str, str] | None:
    """Types of the raw columns by dotted path, with `item` where rows are exploded; None before a file was seen."""
    if declaration.format == "text":
        return {"value": "string"}
    if declaration.schema is None:
        return None
    raw = columns_of(declaration.schema, texts=declaration.format in TEXT_FORMATS)
    array = raw.get(declaration.rows or "", "")
    return {**raw, **columns_of(f"item {array[6:-1]}")} if array.startswith("array<") else raw


def raw_problems(declaration: Declaration, raw: Mapping[str, str] | None) -> Iterator[Problem]:
    """Raw columns that are named and not delivered, or delivered without a name."""
    if declaration.options.get("header") == "false" and declaration.schema is None:
        where, expected = declaration.where("options.header"), "the columns as DDL, as the files have no header"
        yield Problem(where, "schema", "nothing", expected)
    if raw is None:
        return
    for key, names in (("personal", declaration.personal), ("free_text", declaration.free_text)):
        for name in names:
            if name not in raw:
                yield Problem(declaration.where(key), key, repr(name), "columns of the schema", nearest(name, raw))
    if declaration.rows is not None and not raw.get(declaration.rows, "").startswith("array<"):
        arrays = [name for name, kind in raw.items() if kind.startswith("array<")]
        found, suggestion = repr(declaration.rows), nearest(declaration.rows, arrays)
        yield Problem(declaration.where("rows"), "rows", found, "an array of the schema", suggestion)


def key_problems(declaration: Declaration) -> Iterator[Problem]:
    """Key columns that the target does not have."""
    if not isinstance(declaration, ReferenceDeclaration) or declaration.target not in REFERENCES:
        return
    own = [name for name in own_columns(declaration.target) if name != "bucket"]
    for name in declaration.key:
        if name not in own:
            expected = f"columns of silver.{declaration.target}: {', '.join(own)}"
            yield Problem(declaration.where("key"), "key", repr(name), expected, nearest(name, own))


def expression_problems(declaration: Declaration, raw: Mapping[str, str] | None) -> Iterator[Problem]:
    """Expressions that are refused, each with the position inside it."""
    types = canonical_columns(declaration)
    for name, text in declaration.columns.items():
        yield from refusals(declaration, f"columns.{name}", text, raw, types.get(name))
    if isinstance(declaration, ReferenceDeclaration) and declaration.valid_from:
        yield from refusals(declaration, "valid_from", declaration.valid_from, raw, "timestamp")
    # Without `columns:` the canonical columns of a reference table are known only when a file is seen.
    visible = {name: types[name] for name in declaration.columns if name in types} | dict(raw or {})
    for number, rule in enumerate(declaration.quality, start=1):
        known = None if raw is None or not declaration.columns else visible
        yield from refusals(declaration, f"quality[{number}].expect", rule.expect, known, "boolean")


def refusals(
    declaration: Declaration, key: str, text: str, columns: Mapping[str, str] | None, want: str | None
) -> Iterator[Problem]:
    """The problems of one expression; a text with a secret in it is reported as such, by whoever read the file."""
    if not text or likely_secret(text):
        return
    try:
        compile_expression(text, columns=columns, time_zone=declaration.time_zone, want=want)
    except ExpressionError as error:
        yield from (located(declaration, key, problem) for problem in error.problems)


def identifier_problems(declaration: Declaration, raw: Mapping[str, str] | None) -> Iterator[Problem]:
    """Identifiers that are no map of known types to raw columns."""
    key = "columns.identifiers"
    text = declaration.columns.get("identifiers", "")
    try:
        pairs = identifier_pairs(text) if text else []
    except ExpressionError as error:
        # What is wrong with the expression as such was reported with all others.
        if not list(refusals(declaration, key, text, raw, None)):
            yield from (located(declaration, key, problem) for problem in error.problems)
        return
    expected = f"map('TYPE', column, …), each column once, TYPE being one of {', '.join(IDENTIFIER_TYPES)}"
    for kind, _ in pairs:
        if kind not in IDENTIFIER_TYPES:
            yield Problem(declaration.where(key), key, repr(kind), expected, nearest(kind, IDENTIFIER_TYPES))
    if len({column for _, column in pairs}) < len(pairs):
        yield Problem(declaration.where(key), key, "a column twice", expected)
    if text and not pairs:
        yield Problem(declaration.where(key), key, "an empty map", expected)


def located(declaration: Declaration, key: str, problem: Problem) -> Problem:
    """A problem inside an expression, at the line of its key; the position inside the text stays named."""
    found = f"{problem.found} at {problem.where}"
    return Problem(declaration.where(key), key, found, problem.expected, problem.nearest)


def pairs_of(text: str) -> tuple[tuple[str, str], ...]:
    """(identifier type, raw column) of the expression of `identifiers`; empty where it is absent or wrong."""
    try:
        return tuple(identifier_pairs(text)) if text else ()
    except ExpressionError:
        return ()


def canonical_columns(declaration: Declaration) -> dict[str, str]:
    """The canonical columns that the declaration may set, with types."""
    if isinstance(declaration, ReferenceDeclaration):
        return target_columns(declaration.target)
    return EVENT_COLUMNS


def target_columns(target: str) -> dict[str, str]:
    """What a declaration may set of a reference table, with types; empty for an unknown target."""
    own = own_columns(target)
    identified = {"identifiers": "map<string,string>"} if DERIVED[0] in own else {}
    return {**identified, **{name: kind for name, kind in own.items() if name not in DERIVED}}


def own_columns(target: str) -> dict[str, str]:
    """The columns of a reference table without those of versioning, with types."""
    versioning = {column.name for column in VERSIONING}
    columns = REFERENCES[target].columns if target in REFERENCES else ()
    return {column.name: column.type.lower() for column in columns if column.name not in versioning}
