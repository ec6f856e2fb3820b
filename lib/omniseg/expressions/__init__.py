"""Text of a user becomes a Spark Column, safely: the only place that parses expressions, and the only caller of
`F.expr`.

The text is parsed by sqlglot, every node is checked against an allow-list and rendered anew; the user's own text
never reaches Spark. Conversions have try semantics: what cannot be read is null, and `unreadable` tells such a null
from a legitimate one (docs/decisions/0001-unreadable.md). The language is described in docs/expressions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import available_timezones

from pyspark.sql import Column
from pyspark.sql import functions as F
from sqlglot import exp

from omniseg.errors import Problem
from omniseg.expressions import refusal
from omniseg.expressions.columns import Columns
from omniseg.expressions.compiler import Compiler
from omniseg.expressions.convert import convert
from omniseg.expressions.datatypes import datatype
from omniseg.expressions.grammar import parse, start_of
from omniseg.expressions.parts import Part, any_of
from omniseg.expressions.refusal import ExpressionError, Refused
from omniseg.names import nearest

__all__ = [
    "Compiled",
    "ExpressionError",
    "check",
    "column",
    "compile_expression",
    "identifier_pairs",
    "trusted",
    "unreadable",
]

FAILURES_LIMIT = 200_000  # characters of SQL that decide whether a row was unreadable


@dataclass(frozen=True)
class Compiled:
    """A checked expression.

    `text` is the user's, `sql` what runs; `references` are the raw columns and dotted paths it reads; `failed_sql` is
    boolean SQL: the result is null although a conversion inside it failed on a value that was there ('false' when
    nothing can fail).
    """

    text: str
    sql: str
    references: frozenset[str]
    failed_sql: str


def check(text: str, *, columns: Mapping[str, str] | None) -> list[str]:
    """Everything that is wrong with an expression, each with its position; empty when it is fine. Needs no Spark.

    `columns`: raw column or dotted path -> its Spark type as DDL text; None accepts every column.
    """
    try:
        compile_expression(text, columns=columns)
    except ExpressionError as error:
        return [str(problem) for problem in error.problems]
    return []


def compile_expression(
    text: str, *, columns: Mapping[str, str] | None, time_zone: str = "UTC", want: str | None = None
) -> Compiled:
    """The checked expression, its result converted to the type `want` (DDL) where given. Needs no Spark.

    `time_zone` is that of texts without an offset, of dates and of calendar parts. Raises ExpressionError with all
    problems.
    """
    part = compiled_part(text, columns, time_zone, want)
    failed = failed_sql(part)
    if len(failed) > FAILURES_LIMIT:
        size = Refused("an expression that grows too large", "fewer conversions inside each other")
        raise refusal.error([refusal.problem(text, size, 0)])
    return Compiled(text, part.sql, part.reads, failed)


def failed_sql(part: Part) -> str:
    """Boolean SQL: the part is null and a conversion inside it failed. Never null itself."""
    if not part.failures:
        return "false"
    says_so_itself = all(failure.startswith(f"(({part.sql}) IS NULL AND ") for failure in part.failures)
    return any_of(part.failures) if says_so_itself else f"({part.sql}) IS NULL AND {any_of(part.failures)}"


def compiled_part(text: str, columns: Mapping[str, str] | None, time_zone: str, want: str | None) -> Part:
    """The checked part for a whole text, or ExpressionError."""
    problems: list[Problem] = []
    try:
        refuse_zone(time_zone)
        compiler = Compiler(text, Columns(columns), time_zone)
        problems = compiler.problems
        part = compiler.part(parse(text))
        if want is not None and not problems:
            part = convert(part, datatype(want), time_zone)
    except Refused as refused:
        problems.append(refusal.problem(text, refused, 0))
    if problems:
        raise refusal.error(problems)
    return part


def column(compiled: Compiled) -> Column:
    """The expression's value."""
    return F.expr(compiled.sql)


def unreadable(compiled: Compiled) -> Column:
    """True where the value is null because something could not be read; never null."""
    return F.expr(compiled.failed_sql)


def trusted(sql: str) -> Column:
    """A Column from SQL text that this project generated itself. Never for a user's text: it reads files and calls
    Java.
    """
    return F.expr(sql)


def identifier_pairs(text: str) -> list[tuple[str, str]]:
    """What `map('loyalty', card_no, 'email', coalesce(traits.email, context.traits.email))` names: [(type, raw column
    or path), …] in its order; each path of a coalesce is a pair of its own.

    Values must be bare columns, paths, param(…) calls (returned as param(path, 'key')) or a coalesce of such, so that
    they can be replaced by pseudonyms before anything is computed; anything else raises ExpressionError. A column may
    have any name here (`user`, `current_date`): where nothing but columns can stand, none is taken for something else.
    """
    try:
        return pairs_of(parse(text), Compiler(text, Columns(None, odd=True), "UTC"))
    except Refused as refused:
        raise refusal.error([refusal.problem(text, refused, 0)]) from None


def pairs_of(tree: exp.Expression, compiler: Compiler) -> list[tuple[str, str]]:
    """The pairs of a map(…) call."""
    whole = compiler.part(tree)
    if compiler.problems:
        raise ExpressionError(compiler.problems)
    if not called(tree, "map"):
        raise Refused(whole.sql, "map('type', column, …)")
    kinds = [part.text or "" for part in compiler.parts(tree.expressions[::2])]
    values = tree.expressions[1::2]
    return [(kind, path) for kind, value in zip(kinds, values, strict=True) for path in paths_of(value, compiler)]


def paths_of(value: exp.Expression, compiler: Compiler) -> list[str]:
    """The raw columns behind one identifier."""
    parts = compiler.parts(value.expressions if called(value, "coalesce") else [value])
    for part in parts:
        if not part.path:
            raise Refused(
                part.sql, "a bare column, a path, param(array, 'key') or a coalesce of such", start=start_of(value)
            )
    return [part.path for part in parts]


def called(node: exp.Expression, name: str) -> bool:
    """True for a call of the function `name`."""
    return isinstance(node, exp.Anonymous) and str(node.this).lower() == name


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """All time zones that have a name."""
    return frozenset(available_timezones())


def refuse_zone(name: str) -> None:
    """Refuse names that are no time zone; Spark would fail on them at run time."""
    if name not in zones():
        raise Refused(name, "a time zone such as Europe/Berlin", nearest=nearest(name, zones()))
