"""Values become other types with try semantics: what cannot be converted is null and counts as failed, the job goes
on.

Time: a TIMESTAMP is an instant; a text, a DATE or a calendar part is wall clock in the declaration's time zone.
Sessions run in UTC, so going from one to the other shifts by that zone; texts that carry an offset or zone of their
own are instants already.

Three things that Spark does and we don't [measured on 4.2.0]: '10:30' and 'now' become a moment of today (no clock
here), a decimal with an exponent such as 1e-9999999 takes 18 s and 1e-2000000000 kills the job even in try_cast, and
a date may end in garbage.
"""

from __future__ import annotations

from collections.abc import Callable

from omniseg.expressions.datatypes import (
    BOOLEAN,
    DATE,
    DECIMAL,
    INT,
    SMALLINT,
    STRING,
    TIMESTAMP,
    DataType,
)
from omniseg.expressions.parts import Part, conversion, plain
from omniseg.expressions.refusal import Refused
from omniseg.quoting import sql_text

NUMBER_TEXT = r"^\s*[-+]?[0-9.]{1,60}([eE][-+]?[0-9]{1,2})?\s*$"
Shift = Callable[[str, str], str]
# Regular expressions over whole times cost more than all else in a record, so a time is told by single places of it.
BEGINS_WITH_A_DAY = "substring({0}, 5, 1) = '-' AND TRY_CAST(substring({0}, 1, 4) AS INT) IS NOT NULL"
CARRIES_A_ZONE = "substring({0}, 12) RLIKE '[A-Za-z+-]'"  # behind the T of the shortest date


def convert(part: Part, want: DataType, zone: str) -> Part:
    """The part as the wanted type; `Refused` where no value of its type could ever become one."""
    if part.type.kind == "null":
        return plain(f"CAST(NULL AS {want.ddl})", want)
    if part.type.kind == want.kind == "decimal" and part.type.ddl.lower() == want.ddl.lower():
        return part
    if want.kind in ("string", "date", "timestamp", "timestamp_ntz", "boolean"):
        return SPECIAL[want.kind](part, zone)
    if want.is_number:
        return to_number_of(part, want)
    return to_collection(part, want)


def to_text(part: Part, zone: str) -> Part:
    """Text; a moment as wall clock. A struct, array or map has no text of its own (to_json gives one)."""
    if part.type.kind == "string":
        return part
    if part.type.kind == "timestamp":
        return plain(f"CAST({wall(part, zone).sql} AS STRING)", STRING, part)
    refuse_kinds(part, ("array", "map", "struct"), "text; to_json(…) or element_at(…) makes one")
    return plain(f"CAST({part.sql} AS STRING)", STRING, part)


def to_number(part: Part, zone: str) -> Part:
    """A number: text becomes DECIMAL(24,8), numbers stay as they are."""
    return part if part.type.is_number else to_number_of(part, DECIMAL)


def to_exact(part: Part, zone: str) -> Part:
    """A whole number or decimal; NaN and infinity, which only doubles have, are lost."""
    return part if part.type.kind in ("integer", "decimal") else to_number_of(part, DECIMAL)


def to_int(part: Part, zone: str) -> Part:
    """An INT for lengths and positions."""
    return to_number_of(part, INT)


def to_small(part: Part, zone: str) -> Part:
    """A whole number within ±32,767, for positions and days: Spark overflows silently on large days, and element_at of
    an array at -2147483648 reads foreign memory and kills the JVM [measured on 4.2.0].
    """
    return to_number_of(part, SMALLINT)


def to_number_of(part: Part, want: DataType) -> Part:
    """A number of the wanted type, rounded half up; what does not fit is lost, and so are NaN, Infinity and 1e400."""
    refuse_kinds(part, ("date", "timestamp", "timestamp_ntz", "array", "map", "struct", "binary"), "a number")
    if isinstance(part.literal, int) and want.ddl in ("INT", "BIGINT") and abs(part.literal) < 2**31:
        return part
    if part.type.is_text and want.kind in ("decimal", "double"):
        text = as_string(part)
        guarded = f"CASE WHEN {text} RLIKE {sql_text(NUMBER_TEXT)} THEN TRY_CAST({text} AS {want.ddl}) END"
        return conversion(guarded, want, part)
    return conversion(f"TRY_CAST({part.sql} AS {want.ddl})", want, part)


def to_boolean(part: Part, zone: str) -> Part:
    """True or false; text by Spark's spellings (true, t, yes, y, 1 and their opposites)."""
    if part.type.kind == "boolean":
        return part
    refuse_kinds(part, ("date", "timestamp", "timestamp_ntz", "array", "map", "struct", "binary"), "a condition")
    return conversion(f"TRY_CAST({part.sql} AS BOOLEAN)", BOOLEAN, part)


def to_moment(part: Part, zone: str) -> Part:
    """An instant. Numbers are refused, because seconds and milliseconds look alike."""
    if part.type.kind == "timestamp":
        return part
    if part.type.is_number or part.type.kind == "boolean":
        raise Refused("a number as a moment", "timestamp_seconds(…), timestamp_millis(…) or timestamp_micros(…)")
    if part.type.is_text:
        return text_to_moment(part, zone)
    refuse_kinds(part, ("array", "map", "struct", "binary", "other"), "a moment")
    return conversion(to_utc(f"CAST({part.sql} AS TIMESTAMP)", zone), TIMESTAMP, part)


def text_to_moment(part: Part, zone: str) -> Part:
    """ISO text as an instant: with an offset as it says, without one as wall clock."""
    return conversion(from_text(part, zone, to_utc, same), TIMESTAMP, part)


def from_text(part: Part, zone: str, local: Shift, zoned: Shift) -> str:
    """The SQL of a moment from text that begins with year-month-day, shifted by whether it carries a zone itself."""
    text = f"trim({as_string(part)})"
    read = f"TRY_CAST({text} AS TIMESTAMP)"
    shifted = local(read, zone)
    if zoned(read, zone) != shifted:
        shifted = f"CASE WHEN {CARRIES_A_ZONE.format(text)} THEN {zoned(read, zone)} ELSE {shifted} END"
    return f"CASE WHEN {BEGINS_WITH_A_DAY.format(text)} THEN {shifted} END"


def to_wall_type(part: Part, zone: str) -> Part:
    """A TIMESTAMP_NTZ: the wall clock itself."""
    if part.type.kind == "timestamp_ntz":
        return part
    moment = wall(to_moment(part, zone), zone)
    return plain(f"CAST({moment.sql} AS TIMESTAMP_NTZ)", DataType("timestamp_ntz", "TIMESTAMP_NTZ"), moment)


def to_day(part: Part, zone: str) -> Part:
    """A calendar day by the wall clock."""
    if part.type.kind == "date":
        return part
    if part.type.is_text:
        return text_to_day(part, zone)
    refuse_kinds(
        part, ("integer", "decimal", "double", "boolean", "array", "map", "struct", "binary", "other"), "a date"
    )
    if part.type.kind == "timestamp_ntz":
        return plain(f"CAST({part.sql} AS DATE)", DATE, part)
    return plain(f"CAST({wall(part, zone).sql} AS DATE)", DATE, part)


def text_to_day(part: Part, zone: str) -> Part:
    """A day from ISO text: the day it names, or that of the moment it names; garbage behind the day is no day."""
    return conversion(f"CAST({from_text(part, zone, same, from_utc)} AS DATE)", DATE, part)


def to_collection(part: Part, want: DataType) -> Part:
    """An array, map, struct or binary as another one of its kind, item by item."""
    if part.type.kind not in (want.kind, "unknown"):
        raise Refused(f"a value of type {part.type.kind}", f"{want.ddl or want.kind}")
    if part.type.ddl.lower().replace(" ", "") == want.ddl.lower().replace(" ", ""):
        return part
    return conversion(f"TRY_CAST({part.sql} AS {want.ddl})", want, part)


def wall(part: Part, zone: str) -> Part:
    """A moment as its wall clock, for calendar parts and texts; still typed TIMESTAMP, as Spark's calendar
    functions want.
    """
    if part.type.kind == "timestamp_ntz":
        return plain(f"CAST({part.sql} AS TIMESTAMP)", TIMESTAMP, part)
    return plain(from_utc(part.sql, zone), TIMESTAMP, part)


def to_utc(sql: str, zone: str) -> str:
    """Wall clock to instant. A time that the clock skipped moves forward an hour; one shown twice is the earlier
    one.
    """
    return sql if zone == "UTC" else f"to_utc_timestamp({sql}, {sql_text(zone)})"


def from_utc(sql: str, zone: str) -> str:
    """Instant to wall clock."""
    return sql if zone == "UTC" else f"from_utc_timestamp({sql}, {sql_text(zone)})"


def same(sql: str, zone: str) -> str:
    """No shift."""
    return sql


def as_string(part: Part) -> str:
    """The SQL of a text part, of a column of unknown type as text."""
    return part.sql if part.type.kind == "string" else f"CAST({part.sql} AS STRING)"


def refuse_kinds(part: Part, kinds: tuple[str, ...], expected: str) -> None:
    """Refuse a part whose type can never be what is expected."""
    if part.type.kind in kinds:
        raise Refused(f"a value of type {part.type.ddl or part.type.kind}", expected)


SPECIAL = {
    "string": to_text,
    "date": to_day,
    "timestamp": to_moment,
    "timestamp_ntz": to_wall_type,
    "boolean": to_boolean,
}
