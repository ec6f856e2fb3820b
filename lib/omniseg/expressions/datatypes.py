"""Types of values, as far as an expression needs them: read from DDL text, and brought together where two values
meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from omniseg.expressions.refusal import Refused

NUMBERS = ("integer", "decimal", "double")
MOMENTS = ("timestamp", "timestamp_ntz")
COLLECTIONS = ("array", "map", "struct")
DEPTH_LIMIT = 50
MAX_DIGITS = 38

KINDS = {
    "string": "string",
    "char": "string",
    "varchar": "string",
    "tinyint": "integer",
    "byte": "integer",
    "smallint": "integer",
    "short": "integer",
    "int": "integer",
    "integer": "integer",
    "bigint": "integer",
    "long": "integer",
    "decimal": "decimal",
    "dec": "decimal",
    "numeric": "decimal",
    "float": "double",
    "real": "double",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "timestamp_ltz": "timestamp",
    "timestamp_ntz": "timestamp_ntz",
    "binary": "binary",
    "array": "array",
    "map": "map",
    "struct": "struct",
    "void": "null",
}
PIECE = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_$-]*)|`(?P<quoted>(?:[^`]|``)+)`|(?P<sign>[<>(),:])|(?P<number>\d+))"
)


@dataclass(frozen=True)
class DataType:
    """A type: its family, its DDL text, the fields of a struct, and the element of an array or the value of a map."""

    kind: str
    ddl: str = ""
    fields: tuple[tuple[str, DataType], ...] = ()
    item: DataType | None = None

    @property
    def is_number(self) -> bool:
        """True for whole numbers, decimals and doubles."""
        return self.kind in NUMBERS

    @property
    def is_text(self) -> bool:
        """True for text, and for what nobody declared, which is read as text."""
        return self.kind in ("string", "unknown")


UNKNOWN = DataType("unknown")
NULL = DataType("null", "VOID")
STRING = DataType("string", "STRING")
BOOLEAN = DataType("boolean", "BOOLEAN")
SMALLINT = DataType("integer", "SMALLINT")
INT = DataType("integer", "INT")
BIGINT = DataType("integer", "BIGINT")
DOUBLE = DataType("double", "DOUBLE")
DECIMAL = DataType("decimal", "DECIMAL(24,8)")  # what text becomes where a number is needed
DATE = DataType("date", "DATE")
TIMESTAMP = DataType("timestamp", "TIMESTAMP")


def array_of(item: DataType) -> DataType:
    """The array of such items; of unknown DDL where the item's is."""
    return DataType("array", f"ARRAY<{item.ddl}>" if item.ddl else "", item=item)


def map_of(value: DataType) -> DataType:
    """The map from text to such values."""
    return DataType("map", f"MAP<STRING,{value.ddl}>" if value.ddl else "", item=value)


def meet(types: Iterable[DataType], *, text_wins: bool) -> DataType:
    """The type that values of all these types are converted to before they are compared or one of them is taken.

    Text beside anything else: everything becomes text (`text_wins`, for results such as those of coalesce, where
    nothing may be lost) or the text becomes the other type (for comparisons). Numbers stay numbers; a date beside a
    moment becomes a moment.
    """
    families = {family(one): one for one in types if one.kind != "null"}
    if "string" in families and len(families) > 1 and not text_wins:
        del families["string"]
    if "string" in families and not families.keys() & set(COLLECTIONS):
        return STRING
    if families.keys() == {"date", "timestamp"}:
        return TIMESTAMP
    if len(families) > 1:
        raise Refused(f"{' and '.join(sorted(families))} side by side", "values of one type; convert one of them")
    return next(iter(families.values()), NULL)


def family(one: DataType) -> str:
    """What a type is compared as."""
    if one.is_number:
        return "number"
    if one.kind in MOMENTS:
        return "timestamp"
    return "string" if one.is_text else one.kind


@lru_cache(maxsize=10_000)
def datatype(ddl: str) -> DataType:
    """The type that DDL text names; types without a use here (intervals, variants) are `other`. Bad DDL is
    `Refused`.
    """
    pieces = DdlPieces(ddl)
    found = pieces.take_type(0)
    if pieces.ahead():
        raise Refused(ddl, "the DDL of one type, such as DECIMAL(18,4)")
    return found


def refuse_digits(kind: str, digits: list[int]) -> None:
    """Refuse decimals that Spark does not have."""
    precision, scale = (*digits, 0, 0)[:2]
    if kind == "decimal" and not (1 <= precision <= MAX_DIGITS and 0 <= scale <= precision and len(digits) <= 2):
        raise Refused(f"DECIMAL({', '.join(map(str, digits))})", f"DECIMAL(p,s) with s <= p <= {MAX_DIGITS}")


class DdlPieces:
    """DDL text taken piece by piece from the left; comments and constraints must be gone (`simpleString` has none)."""

    def __init__(self, ddl: str) -> None:
        self.ddl = ddl.strip()
        self.start = 0

    def ahead(self) -> str:
        """The next piece, or empty at the end."""
        match = PIECE.match(self.ddl, self.start)
        return match.group().strip() if match else self.ddl[self.start :].strip()

    def take(self, *expected: str) -> str:
        """The next piece, unquoted; `expected` names the signs that are allowed, none means a name or number."""
        match = PIECE.match(self.ddl, self.start)
        if match is None or (match["sign"] is None) == bool(expected) or (expected and match["sign"] not in expected):
            raise Refused(self.ddl, "the DDL of a type, such as DECIMAL(18,4) or ARRAY<STRING>")
        self.start = match.end()
        return (match["quoted"] or "").replace("``", "`") or match.group().strip()

    def take_type(self, depth: int) -> DataType:
        """A type with what stands in its brackets."""
        if depth > DEPTH_LIMIT:
            raise Refused("a deep type", f"at most {DEPTH_LIMIT} levels")
        before = self.start
        kind = KINDS.get(self.take().lower(), "other")
        fields: list[tuple[str, DataType]] = []
        items: list[DataType] = []
        if kind in COLLECTIONS:
            self.take("<")
            while self.ahead() != ">":
                if kind == "struct":
                    fields.append(self.take_field(depth))
                else:
                    items.append(self.take_type(depth + 1))
                if self.ahead() == ",":
                    self.take(",")
            self.take(">")
        elif self.ahead() == "(":
            refuse_digits(kind, self.take_digits())
        ddl = self.ddl[before : self.start].strip()
        return DataType(kind, "" if kind == "other" else ddl, tuple(fields), items[-1] if items else None)

    def take_digits(self) -> list[int]:
        """The numbers in round brackets."""
        digits: list[int] = []
        while self.take("(", ",", ")") != ")":
            piece = self.take()
            digits.append(int(piece) if piece.isdigit() else -1)
        return digits

    def take_field(self, depth: int) -> tuple[str, DataType]:
        """`name: type` or `name type`."""
        name = self.take()
        if self.ahead() == ":":
            self.take(":")
        return name, self.take_type(depth + 1)
