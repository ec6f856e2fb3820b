"""A checked part of an expression: the SQL that will run, its type, what it reads, and when a conversion in it has
failed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from omniseg.expressions.datatypes import NULL, STRING, DataType
from omniseg.expressions.refusal import Refused
from omniseg.quoting import sql_name, sql_text

SQL_LIMIT = 60_000  # characters of one part; conversions name their operand several times, so nesting multiplies


@dataclass(frozen=True)
class Part:
    """A checked part. `failures` are boolean SQL texts, each true on rows where one conversion inside lost a value.

    `literal` is the value where the part is a literal in the user's text, `path` the raw column where it is a bare one.
    """

    sql: str
    type: DataType
    failures: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    literal: str | int | float | bool | None = None
    path: str = ""

    @property
    def text(self) -> str | None:
        """The value of a text literal, else None."""
        return self.literal if isinstance(self.literal, str) else None

    def typed(self, kind: DataType) -> Part:
        """The same part known to be of this type."""
        return replace(self, type=kind)


NOTHING = Part("NULL", NULL)


def plain(sql: str, kind: DataType, *operands: Part) -> Part:
    """A part computed from operands that cannot fail by itself."""
    if len(sql) > SQL_LIMIT:
        raise Refused("an expression that grows too large", "fewer conversions inside each other")
    failures = dict.fromkeys(failure for one in operands for failure in one.failures)
    reads = frozenset[str]().union(*(one.reads for one in operands))
    return Part(sql, kind, tuple(failures), reads)


def conversion(sql: str, kind: DataType, *operands: Part) -> Part:
    """A part that has failed where it is null although none of its operands is."""
    done = plain(sql, kind, *operands)
    given = [f"({one.sql}) IS NOT NULL" for one in operands if one.literal is None]
    lost = " AND ".join([f"({sql}) IS NULL", *given])
    return replace(done, failures=(*done.failures, f"({lost})"))


def branches(cases: list[tuple[Part, Part]], otherwise: Part | None, kind: DataType) -> Part:
    """CASE WHEN: conversions in a branch count as failed only where that branch is taken."""
    whens = " ".join(f"WHEN {condition.sql} THEN {value.sql}" for condition, value in cases)
    last = "" if otherwise is None else f" ELSE {otherwise.sql}"
    conditions = [condition for condition, _ in cases]
    values = [value for _, value in cases] + ([] if otherwise is None else [otherwise])
    done = plain(f"CASE {whens}{last} END", kind, *conditions, *values)
    failures = [failure for condition in conditions for failure in condition.failures]
    if any(value.failures for value in values):
        taken = " ".join(f"WHEN {condition.sql} THEN {any_of(value.failures)}" for condition, value in cases)
        failures.append(f"CASE {taken} ELSE {any_of(otherwise.failures) if otherwise else 'false'} END")
    return replace(done, failures=tuple(dict.fromkeys(failures)))


def any_of(failures: tuple[str, ...]) -> str:
    """Boolean SQL: one of the failures happened."""
    return f"({' OR '.join(failures)})" if failures else "false"


def text_literal(value: str) -> Part:
    """A text literal."""
    return Part(sql_text(value), STRING, literal=value)


def name_sql(parts: tuple[str, ...]) -> str:
    """A column or dotted path of Spark SQL, every part quoted."""
    return ".".join(map(sql_name, parts))
