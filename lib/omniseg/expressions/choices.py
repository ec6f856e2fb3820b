"""Allowed functions that choose among values: the result has the type that all of them meet in."""

from __future__ import annotations

from omniseg.expressions import convert
from omniseg.expressions.datatypes import DataType
from omniseg.expressions.operators import aligned, compare
from omniseg.expressions.parts import Part, branches, conversion, plain

Arguments = list[Part]


def typed_call(name: str, parts: Arguments) -> Part:
    """name(parts) with the parts' common type; decimals of other digits than any of them."""
    kinds = [part.type for part in parts if part.type.kind != "null"] or [parts[0].type]
    kind = kinds[0] if all(one == kinds[0] for one in kinds) else number_of(kinds)
    return plain(f"{name}({', '.join(part.sql for part in parts)})", kind, *parts)


def number_of(kinds: list[DataType]) -> DataType:
    """The kind that numbers of several kinds become together; the first kind where they are no numbers."""
    found = {one.kind for one in kinds}
    if "double" in found:
        return DataType("double", "DOUBLE")
    return DataType("decimal") if "decimal" in found else DataType(kinds[0].kind, item=kinds[0].item)


def coalesce(arguments: Arguments, zone: str) -> Part:
    """The first that is not null."""
    return typed_call("coalesce", aligned(arguments, zone, text_wins=True))


def if_(arguments: Arguments, zone: str) -> Part:
    """One of two values by a condition."""
    return choose([(arguments[0], arguments[1])], arguments[2], zone)


def choose(cases: list[tuple[Part, Part]], otherwise: Part | None, zone: str) -> Part:
    """CASE WHEN with values of one type."""
    conditions = [convert.to_boolean(condition, zone) for condition, _ in cases]
    values = [value for _, value in cases] + ([] if otherwise is None else [otherwise])
    values = aligned(values, zone, text_wins=True)
    last = None if otherwise is None else values[-1]
    kind = typed_call("", values).type
    return branches(list(zip(conditions, values, strict=False)), last, kind)


def nullif(arguments: Arguments, zone: str) -> Part:
    """Null where both are equal, else the first."""
    first = arguments[0]
    equal = compare("=", first, arguments[1], zone)
    return plain(f"CASE WHEN {equal.sql} THEN NULL ELSE {first.sql} END", first.type, equal, first)


def greatest(arguments: Arguments, zone: str) -> Part:
    """The largest value, nulls skipped; text beside numbers counts as number."""
    return typed_call("greatest", aligned(arguments, zone, text_wins=False))


def least(arguments: Arguments, zone: str) -> Part:
    """The smallest value, nulls skipped; text beside numbers counts as number."""
    return typed_call("least", aligned(arguments, zone, text_wins=False))


def absolute(arguments: Arguments, zone: str) -> Part:
    """Without sign, in a type where every value has an opposite."""
    number = convert.to_exact(arguments[0], zone)
    digits = "DECIMAL(20,0)" if number.type.kind == "integer" else "DECIMAL(38,8)"
    return conversion(f"abs(TRY_CAST({number.sql} AS {digits}))", DataType("decimal", digits), number)
