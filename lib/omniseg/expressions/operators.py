"""Operators: comparisons bring both sides to one type first, arithmetic is that of Spark's try_ functions."""

from __future__ import annotations

from collections.abc import Sequence

from omniseg.expressions import convert, literals
from omniseg.expressions.datatypes import BOOLEAN, DOUBLE, STRING, TIMESTAMP, DataType, meet
from omniseg.expressions.parts import Part, conversion, plain
from omniseg.expressions.refusal import Refused

LIST_LIMIT = 1_000
ARITHMETIC = {"+": "try_add", "-": "try_subtract", "*": "try_multiply", "/": "try_divide", "%": "try_mod"}


def aligned(parts: Sequence[Part], zone: str, *, text_wins: bool) -> list[Part]:
    """The parts as values of one type, which all of them then have; numbers keep their kinds."""
    kind = meet((part.type for part in parts), text_wins=text_wins)
    return [align(part, kind, zone) for part in parts]


def align(part: Part, kind: DataType, zone: str) -> Part:
    """The part as the type that `meet` found; collections stay, because only equal ones meet."""
    if part.type.kind == "null":
        return part
    if kind.is_number:
        return convert.to_number(part, zone)
    if kind.kind in ("timestamp", "timestamp_ntz"):
        return convert.convert(part, TIMESTAMP, zone)
    return convert.convert(part, kind, zone) if kind.kind in convert.SPECIAL else part


def compare(sign: str, left: Part, right: Part, zone: str) -> Part:
    """`left sign right`; text beside a number, moment, day or truth value is converted to it."""
    if "null" in (left.type.kind, right.type.kind) and sign != "<=>":
        raise Refused(f"{sign} null", "is null or is not null: a comparison with null is never true")
    left, right = aligned([left, right], zone, text_wins=False)
    for side in (left, right):
        convert.refuse_kinds(side, ("map",), "a value that can be compared")
    return plain(f"({left.sql} {sign} {right.sql})", BOOLEAN, left, right)


def one_of(value: Part, items: Sequence[Part], zone: str) -> Part:
    """`value IN (items)`, a bounded list."""
    if len(items) > LIST_LIMIT:
        raise Refused(f"a list of {len(items):,}", f"at most {LIST_LIMIT:,} values; a reference table holds more")
    if any(item.type.kind == "null" for item in items):
        raise Refused("null in a list", "values; write `or … is null`")
    value, *items = aligned([value, *items], zone, text_wins=False)
    convert.refuse_kinds(value, ("map",), "a value that can be compared")
    return plain(f"({value.sql} IN ({', '.join(item.sql for item in items)}))", BOOLEAN, value, *items)


def between(value: Part, low: Part, high: Part, zone: str) -> Part:
    """`value BETWEEN low AND high`, both included."""
    value, low, high = aligned([value, low, high], zone, text_wins=False)
    convert.refuse_kinds(value, ("map",), "a value that can be compared")
    return plain(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", BOOLEAN, value, low, high)


def combine(sign: str, parts: Sequence[Part], zone: str) -> Part:
    """Conditions joined by AND or OR."""
    conditions = [convert.to_boolean(part, zone) for part in parts]
    return plain(f"({f' {sign} '.join(one.sql for one in conditions)})", BOOLEAN, *conditions)


def negate(part: Part, zone: str) -> Part:
    """NOT."""
    condition = convert.to_boolean(part, zone)
    return plain(f"(NOT {condition.sql})", BOOLEAN, condition)


def matches(sign: str, value: Part, pattern: Part, zone: str) -> Part:
    """LIKE, ILIKE, RLIKE with a literal pattern, which is checked."""
    if pattern.text is None:
        raise Refused("a computed pattern", "a pattern written as a text, because it is checked before the run")
    if sign == "RLIKE":
        literals.regex(pattern.text)
    else:
        literals.like_pattern(pattern.text)
    value = convert.to_text(value, zone)
    return plain(f"({value.sql} {sign} {pattern.sql})", BOOLEAN, value)


def arithmetic(sign: str, left: Part, right: Part, zone: str) -> Part:
    """The operation on numbers; overflow and division by zero lose the value. Days are added by date_add."""
    left, right = convert.to_number(left, zone), convert.to_number(right, zone)
    kinds = {left.type.kind, right.type.kind}
    kind = DataType("decimal")
    if "double" in kinds or (sign == "/" and kinds == {"integer"}):
        kind = DOUBLE
    elif kinds == {"integer"}:
        kind = DataType("integer")
    return conversion(f"{ARITHMETIC[sign]}({left.sql}, {right.sql})", kind, left, right)


def minus(part: Part, zone: str) -> Part:
    """The negative number; a literal stays a literal."""
    if isinstance(part.literal, (int, float)) and not isinstance(part.literal, bool):
        return Part(f"(-{part.sql})", part.type, literal=-part.literal)
    return arithmetic("-", Part("0", DataType("integer", "INT"), literal=0), part, zone)


def join_text(parts: Sequence[Part], zone: str) -> Part:
    """`a || b`: texts joined, null where one is null."""
    texts = [convert.to_text(part, zone) for part in parts]
    return plain(f"concat({', '.join(text.sql for text in texts)})", STRING, *texts)
