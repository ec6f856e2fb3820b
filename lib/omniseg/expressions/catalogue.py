"""The allow-list: every function that an expression may call and that only needs its arguments converted.

What is neither here nor in `special` does not exist: no aggregate, window, lambda, clock, randomness, file, Java call
or user-defined function. `docs/expressions.md` is printed from these lines.
"""

from __future__ import annotations

from omniseg.expressions.datatypes import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    UNKNOWN,
    DataType,
    array_of,
)
from omniseg.expressions.functions import (
    ARRAY,
    COLLECTION,
    DAY,
    DAYS,
    DIGITS,
    EXACT,
    HEXED,
    LENGTH,
    MAP,
    MOMENT,
    MONTHS,
    NESTED,
    NTH,
    NUMBER,
    PADDED,
    PATH,
    PATTERN,
    SCALAR,
    SECONDS,
    SHOWN,
    TEXT,
    WALL,
    WHOLE,
    Function,
    element,
    same,
    same_kind,
)

TEXTS = array_of(STRING)


def epoch(name: str, thousands: int) -> str:
    """The SQL of a moment from a number since 1970: null outside the years 1 to 9999, so milliseconds are no
    seconds.
    """
    limits = f"{{0}} BETWEEN -62135596800{'000' * thousands} AND 253402300799{'999' * thousands}"
    return f"CASE WHEN {limits} THEN {name}({{0}}) END"


def shifted(name: str) -> str:
    """The SQL of a day moved by `name`, null outside the years 1 to 9999, which other readers cannot hold."""
    moved = f"{name}({{0}}, {{1}})"
    return f"CASE WHEN {moved} BETWEEN DATE'0001-01-01' AND DATE'9999-12-31' THEN {moved} END"


# Great circle distance in km on a sphere of the Earth's mean radius, 6371.0088 km (Sinnott: Virtues of the haversine,
# Sky and Telescope 68, 1984, p. 158). Rounding may put the haversine of opposite points above 1.
DISTANCE = """CASE WHEN {0} BETWEEN -90 AND 90 AND {2} BETWEEN -90 AND 90
    AND {1} BETWEEN -180 AND 180 AND {3} BETWEEN -180 AND 180
    THEN 12742.0176D * asin(sqrt(least(1D, pow(sin(radians({2} - {0}) / 2), 2)
        + cos(radians({0})) * cos(radians({2})) * pow(sin(radians({3} - {1}) / 2), 2)))) END"""


def values(kind: DataType) -> DataType:
    """The array of a map's values."""
    return array_of(kind.item or UNKNOWN)


TEXT_FUNCTIONS = (
    Function("upper", "in capitals", (TEXT,), STRING),
    Function("lower", "in small letters", (TEXT,), STRING),
    Function("initcap", "each word with a capital", (TEXT,), STRING),
    Function("trim", "without spaces at both ends", (TEXT,), STRING),
    Function("ltrim", "without spaces at the start", (TEXT,), STRING),
    Function("rtrim", "without spaces at the end", (TEXT,), STRING),
    Function("length", "number of characters", (TEXT,), INT),
    Function("concat", "texts joined; null where one is null", (TEXT,), STRING, repeats=True),
    Function("substring", "from a position (first is 1), up to a length", (TEXT, LENGTH, LENGTH), STRING, required=2),
    Function("substr", "the same as substring", (TEXT, LENGTH, LENGTH), STRING, required=2),
    Function("left", "the first characters", (TEXT, LENGTH), STRING),
    Function("right", "the last characters", (TEXT, LENGTH), STRING),
    Function(
        "replace", "every occurrence of the second text replaced by the third", (TEXT, TEXT, TEXT), STRING, required=2
    ),
    Function("translate", "each character of the second text replaced by its counterpart", (TEXT, TEXT, TEXT), STRING),
    Function("startswith", "true where the text starts with the other", (TEXT, TEXT), BOOLEAN),
    Function("endswith", "true where the text ends with the other", (TEXT, TEXT), BOOLEAN),
    Function("contains", "true where the text contains the other", (TEXT, TEXT), BOOLEAN),
    Function("instr", "position of the other text, 0 where it is missing", (TEXT, TEXT), INT),
    Function("lpad", "filled on the left to a length", (TEXT, PADDED, TEXT), STRING, required=2),
    Function("rpad", "filled on the right to a length", (TEXT, PADDED, TEXT), STRING, required=2),
    Function("split", "array of the pieces between matches of a pattern", (TEXT, PATTERN), TEXTS),
    Function("split_part", "the nth piece between delimiters, '' beyond the last", (TEXT, TEXT, NTH), STRING),
    Function("get_json_object", "a value inside a JSON text", (TEXT, PATH), STRING),
    Function("to_json", "a struct, array or map as JSON", (NESTED,), STRING),
    Function("md5", "MD5 in hex", (TEXT,), STRING),
    Function("sha1", "SHA-1 in hex", (TEXT,), STRING),
    Function("crc32", "CRC-32 as a number", (TEXT,), BIGINT),
    Function("xxhash64", "64-bit hash of values", (SCALAR,), BIGINT, repeats=True),
    Function("hex", "a text's bytes, or a number, in hex", (HEXED,), STRING),
)
NUMBER_FUNCTIONS = (
    Function("round", "rounded half up to 0 to 8 digits", (EXACT, DIGITS), same_kind, required=1),
    Function("floor", "the next whole number below", (EXACT,), same_kind),
    Function("ceil", "the next whole number above", (EXACT,), same_kind),
    Function("sign", "-1, 0 or 1", (NUMBER,), DOUBLE),
    Function("sqrt", "square root", (NUMBER,), DOUBLE, fails=True, sql="CASE WHEN {0} >= 0 THEN sqrt({0}) END"),
    Function("ln", "natural logarithm", (NUMBER,), DOUBLE, fails=True),
    Function("log10", "logarithm to base 10", (NUMBER,), DOUBLE, fails=True),
    Function("exp", "e to the power", (NUMBER,), DOUBLE),
    Function("pow", "first to the power of the second", (NUMBER, NUMBER), DOUBLE),
    Function(
        "distance_km",
        "kilometres between two places, each as degrees north and east; null off the globe",
        (NUMBER, NUMBER, NUMBER, NUMBER),
        DOUBLE,
        sql=DISTANCE,
    ),
)
TIME_FUNCTIONS = (
    Function(
        "timestamp_seconds",
        "moment from seconds since 1970",
        (SECONDS,),
        TIMESTAMP,
        fails=True,
        sql=epoch("timestamp_seconds", 0),
    ),
    Function(
        "timestamp_millis",
        "moment from milliseconds since 1970",
        (WHOLE,),
        TIMESTAMP,
        fails=True,
        sql=epoch("timestamp_millis", 1),
    ),
    Function(
        "timestamp_micros",
        "moment from microseconds since 1970",
        (WHOLE,),
        TIMESTAMP,
        fails=True,
        sql=epoch("timestamp_micros", 2),
    ),
    Function("unix_seconds", "whole seconds since 1970", (MOMENT,), BIGINT),
    Function("unix_millis", "whole milliseconds since 1970", (MOMENT,), BIGINT),
    Function("date_add", "some days later", (DAY, DAYS), DATE, fails=True, sql=shifted("date_add")),
    Function("date_sub", "some days earlier", (DAY, DAYS), DATE, fails=True, sql=shifted("date_sub")),
    Function(
        "add_months",
        "some months later, at most the month's last day",
        (DAY, MONTHS),
        DATE,
        fails=True,
        sql=shifted("add_months"),
    ),
    Function("datediff", "days from the second date to the first", (DAY, DAY), INT),
    Function("last_day", "last day of the month", (DAY,), DATE),
    Function("date_format", "a moment's wall clock as text", (WALL, SHOWN), STRING),
    Function("year", "year", (DAY,), INT),
    Function("quarter", "quarter, 1 to 4", (DAY,), INT),
    Function("month", "month, 1 to 12", (DAY,), INT),
    Function("weekofyear", "ISO week, 1 to 53", (DAY,), INT),
    Function("day", "day of the month", (DAY,), INT),
    Function("dayofmonth", "day of the month", (DAY,), INT),
    Function("dayofweek", "1 = Sunday to 7 = Saturday", (DAY,), INT),
    Function("dayofyear", "day of the year", (DAY,), INT),
    Function("hour", "hour of the wall clock", (WALL,), INT),
    Function("minute", "minute of the wall clock", (WALL,), INT),
    Function("second", "second of the wall clock", (WALL,), INT),
)
COLLECTION_FUNCTIONS = (
    Function("size", "number of elements", (COLLECTION,), INT),
    Function("array_join", "array of texts joined by a delimiter", (ARRAY, TEXT), STRING),
    Function("array_distinct", "without repeated elements", (ARRAY,), same),
    Function("array_max", "the largest element", (ARRAY,), element),
    Function("array_min", "the smallest element", (ARRAY,), element),
    Function("map_keys", "the keys of a map", (MAP,), TEXTS),
    Function("map_values", "the values of a map", (MAP,), values),
)
GROUPS = {
    "Text": TEXT_FUNCTIONS,
    "Numbers": NUMBER_FUNCTIONS,
    "Time": TIME_FUNCTIONS,
    "Collections": COLLECTION_FUNCTIONS,
}
SIMPLE = {function.name: function for group in GROUPS.values() for function in group}
