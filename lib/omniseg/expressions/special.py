"""Allowed functions whose arguments depend on each other, with the table of all such functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from omniseg.expressions import choices, containers, convert, literals
from omniseg.expressions.choices import Arguments
from omniseg.expressions.containers import ITEM_LIMIT
from omniseg.expressions.datatypes import DATE, STRING, TIMESTAMP
from omniseg.expressions.functions import literal
from omniseg.expressions.parts import Part, conversion, plain
from omniseg.expressions.refusal import Refused

SHA2_BITS = (0, 224, 256, 384, 512)


@dataclass(frozen=True)
class Special:
    """A function built by code of its own: how it is called, what it is for, how many arguments it takes, and the
    code.
    """

    called: str
    says: str
    least: int
    most: int
    build: Callable[[Arguments, str], Part]


def build(name: str, arguments: Arguments, zone: str) -> Part:
    """The call of a special function, or `Refused`."""
    special = SPECIAL[name]
    if not special.least <= len(arguments) <= special.most:
        raise Refused(f"{name} with {len(arguments)} arguments", special.called)
    return special.build(arguments, zone)


def concat_ws(arguments: Arguments, zone: str) -> Part:
    """Texts joined by a delimiter, nulls skipped: coalesce them where the result is an id."""
    texts = [part if part.type.kind == "array" else convert.to_text(part, zone) for part in arguments]
    return plain(f"concat_ws({', '.join(text.sql for text in texts)})", STRING, *texts)


def to_timestamp(arguments: Arguments, zone: str) -> Part:
    """A moment from ISO text, a date, or text in a format."""
    if len(arguments) == 1:
        return convert.to_moment(arguments[0], zone)
    text, pattern = formatted(arguments, zone)
    read = f"try_to_timestamp({text.sql}, {pattern.sql})"
    instant = literals.parse_format(pattern.text or "")
    return conversion(read if instant else convert.to_utc(read, zone), TIMESTAMP, text)


def to_date(arguments: Arguments, zone: str) -> Part:
    """A day from ISO text, a moment, or text in a format."""
    if len(arguments) == 1:
        return convert.to_day(arguments[0], zone)
    text, pattern = formatted(arguments, zone)
    read = f"try_to_timestamp({text.sql}, {pattern.sql})"
    instant = literals.parse_format(pattern.text or "")
    return conversion(f"CAST({convert.from_utc(read, zone) if instant else read} AS DATE)", DATE, text)


def formatted(arguments: Arguments, zone: str) -> tuple[Part, Part]:
    """A text to read and the literal format to read it by."""
    if arguments[1].text is None:
        raise Refused("a computed format", "a format written as a text, because it is checked before the run")
    return convert.to_text(arguments[0], zone), arguments[1]


def date_trunc(arguments: Arguments, zone: str) -> Part:
    """The start of the year, month, … by the wall clock."""
    if arguments[0].text is None:
        raise Refused("a computed unit", "a unit written as a text: date_trunc('month', sold_at)")
    literals.unit(arguments[0].text)
    moment = convert.to_moment(arguments[1], zone)
    start = f"date_trunc({arguments[0].sql}, {convert.from_utc(moment.sql, zone)})"
    return plain(convert.to_utc(start, zone), TIMESTAMP, moment)


def regexp_extract(arguments: Arguments, zone: str) -> Part:
    """The part that a pattern's group matched, '' where nothing did."""
    text, pattern = arguments[:2]
    groups = literals.regex(literal(pattern, "pattern"))
    number = arguments[2].literal if len(arguments) == 3 else 1
    if not isinstance(number, int) or not 0 <= number <= groups:
        raise Refused(f"group {number!r}", f"a group of the pattern: 0 to {groups}, written as a number")
    text = convert.to_text(text, zone)
    return plain(f"regexp_extract({text.sql}, {pattern.sql}, {int(number)})", STRING, text)


def regexp_replace(arguments: Arguments, zone: str) -> Part:
    """Every match of a pattern replaced; $1 is its first group."""
    text, pattern, new = arguments
    literals.replacement(literal(new, "replacement"), literals.regex(literal(pattern, "pattern")))
    text = convert.to_text(text, zone)
    return plain(f"regexp_replace({text.sql}, {pattern.sql}, {new.sql})", STRING, text)


def sha2(arguments: Arguments, zone: str) -> Part:
    """SHA-2 in hex; 256 bits unless said otherwise."""
    bits = arguments[1].literal
    if bits not in SHA2_BITS or isinstance(bits, bool):
        raise Refused(f"{bits!r} bits", "224, 256, 384 or 512")
    text = convert.to_text(arguments[0], zone)
    return plain(f"sha2({text.sql}, {bits})", STRING, text)


SPECIAL = {
    "if": Special(
        "if(condition, value, value)", "the first value where the condition holds, else the second", 3, 3, choices.if_
    ),
    "coalesce": Special("coalesce(value, …)", "the first value that is not null", 1, 50, choices.coalesce),
    "nvl": Special("nvl(value, value)", "coalesce of two", 2, 2, choices.coalesce),
    "ifnull": Special("ifnull(value, value)", "coalesce of two", 2, 2, choices.coalesce),
    "nullif": Special("nullif(value, value)", "null where both are equal, else the first", 2, 2, choices.nullif),
    "greatest": Special("greatest(value, value, …)", "the largest, nulls skipped", 2, 50, choices.greatest),
    "least": Special("least(value, value, …)", "the smallest, nulls skipped", 2, 50, choices.least),
    "abs": Special("abs(number)", "without sign", 1, 1, choices.absolute),
    "map": Special(
        "map('name', value, …)", "a map with fixed names; nulls are kept", 0, 2 * ITEM_LIMIT, containers.map_
    ),
    "array": Special("array(value, …)", "an array", 1, ITEM_LIMIT, containers.array),
    "element_at": Special(
        "element_at(array or map, position or key)", "an element, null where there is none", 2, 2, containers.element_at
    ),
    "try_element_at": Special(
        "try_element_at(array or map, position or key)", "the same as element_at", 2, 2, containers.element_at
    ),
    "array_contains": Special(
        "array_contains(array, value)", "true where the array holds the value", 2, 2, containers.array_contains
    ),
    "param": Special(
        "param(array, 'key')", "the value of a key in array<struct<key, value>>, as text", 2, 2, containers.param
    ),
    "concat_ws": Special("concat_ws(delimiter, text, …)", "texts joined, nulls skipped", 2, 50, concat_ws),
    "regexp_extract": Special(
        "regexp_extract(text, pattern, [group])", "what group 1 matched, '' for nothing", 2, 3, regexp_extract
    ),
    "regexp_replace": Special(
        "regexp_replace(text, pattern, replacement)", "every match replaced", 3, 3, regexp_replace
    ),
    "sha2": Special("sha2(text, bits)", "SHA-2 in hex", 2, 2, sha2),
    "to_timestamp": Special(
        "to_timestamp(value, [format])", "a moment; without offset by the source's time zone", 1, 2, to_timestamp
    ),
    "to_date": Special("to_date(value, [format])", "a day; of a moment by the source's time zone", 1, 2, to_date),
    "date_trunc": Special(
        "date_trunc('unit', timestamp)", "start of the year, quarter, month, week, day, …", 2, 2, date_trunc
    ),
}
