"""What an allowed function is: its parameters, how arguments are converted for them, and how the call is put
together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from omniseg.expressions import convert, literals
from omniseg.expressions.datatypes import BIGINT, UNKNOWN, DataType
from omniseg.expressions.parts import Part, conversion, plain
from omniseg.expressions.refusal import Refused

PAD_LIMIT = 1_000  # characters


@dataclass(frozen=True)
class Parameter:
    """One parameter: its label in the reference, and how an argument (with the time zone) becomes what it needs."""

    label: str
    take: Callable[[Part, str], Part]


@dataclass(frozen=True)
class Function:
    """One allowed function.

    `required` of `takes` must be given, the last one may repeat where `repeats`. `sql` is a template of the call,
    empty for `name(arguments)`. `fails`: a null from non-null arguments is a failed conversion. `gives` may depend on
    the first argument.
    """

    name: str
    says: str
    takes: tuple[Parameter, ...]
    gives: DataType | Callable[[DataType], DataType]
    required: int | None = None
    repeats: bool = False
    fails: bool = False
    sql: str = ""


def call(function: Function, arguments: list[Part], zone: str) -> Part:
    """The call with every argument converted, or `Refused`."""
    least = len(function.takes) if function.required is None else function.required
    most = None if function.repeats else len(function.takes)
    if len(arguments) < least or (most is not None and len(arguments) > most):
        raise Refused(f"{function.name} with {len(arguments)} arguments", signature(function))
    takes = [function.takes[min(index, len(function.takes) - 1)] for index in range(len(arguments))]
    given = [parameter.take(argument, zone) for parameter, argument in zip(takes, arguments, strict=True)]
    texts = [one.sql for one in given]
    sql = function.sql.format(*texts) if function.sql else f"{function.name}({', '.join(texts)})"
    kind = function.gives if isinstance(function.gives, DataType) else function.gives(given[0].type)
    return conversion(sql, kind, *given) if function.fails else plain(sql, kind, *given)


def same_kind(kind: DataType) -> DataType:
    """A number of the same kind, of other digits."""
    return DataType(kind.kind)


def same(kind: DataType) -> DataType:
    """The first argument's type."""
    return kind


def element(kind: DataType) -> DataType:
    """The type of a collection's elements or values."""
    return kind.item or UNKNOWN


def signature(function: Function) -> str:
    """The call as the reference shows it: lpad(text, length, [text])."""
    least = len(function.takes) if function.required is None else function.required
    labels = [p.label if index < least else f"[{p.label}]" for index, p in enumerate(function.takes)]
    return f"{function.name}({', '.join(labels)}{', …' if function.repeats else ''})"


def literal_text(label: str, check: Callable[[str], object]) -> Parameter:
    """A parameter that must be a text literal which passes the check."""

    def take(part: Part, zone: str) -> Part:
        if part.text is None:
            raise Refused("a computed value", f"a {label} written as a text, because it is checked before the run")
        check(part.text)
        return part

    return Parameter(label, take)


def literal_number(label: str, low: int, high: int) -> Parameter:
    """A parameter that must be a whole number between the limits, written as a literal."""

    def take(part: Part, zone: str) -> Part:
        value = part.literal
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Refused(f"{value!r} as {label}", f"a whole number from {low} to {high:,}, written as such")
        return part

    return Parameter(label, take)


def literal(part: Part, label: str) -> str:
    """The value of a text literal, or `Refused`."""
    if part.text is None:
        raise Refused(f"a computed {label}", f"a {label} written as a text, because it is checked before the run")
    return part.text


def any_scalar(part: Part, zone: str) -> Part:
    """Any value that hashes and prints alike on every machine: no collections."""
    convert.refuse_kinds(part, ("array", "map", "struct", "other"), "a single value")
    return convert.to_text(part, zone) if part.type.kind in ("unknown", "timestamp") else part


def hexed(part: Part, zone: str) -> Part:
    """A whole number as it is, anything else as text."""
    return part if part.type.kind == "integer" else convert.to_text(part, zone)


def collection(part: Part, zone: str) -> Part:
    """An array or a map."""
    if part.type.kind not in ("array", "map", "unknown"):
        raise Refused(f"a value of type {part.type.kind}", "an array or a map")
    return part


def array_only(part: Part, zone: str) -> Part:
    """An array."""
    if part.type.kind not in ("array", "unknown"):
        raise Refused(f"a value of type {part.type.kind}", "an array")
    return part


def map_only(part: Part, zone: str) -> Part:
    """A map."""
    if part.type.kind not in ("map", "unknown"):
        raise Refused(f"a value of type {part.type.kind}", "a map")
    return part


def nested(part: Part, zone: str) -> Part:
    """A struct, array or map."""
    if part.type.kind not in ("array", "map", "struct", "unknown"):
        raise Refused(f"a value of type {part.type.kind}", "a struct, an array or a map")
    return part


def wall_clock(part: Part, zone: str) -> Part:
    """A moment as wall clock."""
    return convert.wall(convert.to_moment(part, zone), zone)


def whole(part: Part, zone: str) -> Part:
    """A whole number of 64 bits."""
    return convert.to_number_of(part, BIGINT)


def seconds(part: Part, zone: str) -> Part:
    """Seconds with at most six decimals; Spark fails on more."""
    return convert.to_number_of(part, DataType("decimal", "DECIMAL(20,6)"))


def double(part: Part, zone: str) -> Part:
    """A number for a function that computes in double precision."""
    return convert.to_number(part, zone)


TEXT = Parameter("text", convert.to_text)
NUMBER = Parameter("number", double)
EXACT = Parameter("number", convert.to_exact)
LENGTH = Parameter("whole number", convert.to_int)
WHOLE = Parameter("whole number", whole)
SECONDS = Parameter("number", seconds)
DAYS = Parameter("days", convert.to_small)
MONTHS = Parameter("months", convert.to_small)
DAY = Parameter("date", convert.to_day)
MOMENT = Parameter("timestamp", convert.to_moment)
WALL = Parameter("timestamp", wall_clock)
SCALAR = Parameter("value", any_scalar)
HEXED = Parameter("text or whole number", hexed)
COLLECTION = Parameter("array or map", collection)
ARRAY = Parameter("array", array_only)
MAP = Parameter("map", map_only)
NESTED = Parameter("struct, array or map", nested)
PATTERN = literal_text("pattern", literals.regex)
PATH = literal_text("path", literals.json_path)
SHOWN = literal_text("format", literals.show_format)
PADDED = literal_number("length", 0, PAD_LIMIT)
DIGITS = literal_number("digits", 0, 8)
NTH = literal_number("position", 1, 1_000_000)
