"""The raw columns that an expression may read, and the types of the paths inside them."""

from __future__ import annotations

from collections.abc import Mapping

from omniseg.expressions.datatypes import UNKNOWN, DataType, array_of, datatype
from omniseg.expressions.refusal import Refused
from omniseg.names import nearest

# Without such a column Spark reads these as its clock or session, even in backticks [measured on 4.2.0].
NOT_A_COLUMN = frozenset(
    (
        "current_date",
        "current_timestamp",
        "current_time",
        "localtimestamp",
        "localtime",
        "now",
        "current_user",
        "session_user",
        "user",
        "current_catalog",
        "current_database",
        "current_schema",
        "grouping__id",
        "_metadata",
    )
)
PATH_SIGNS = frozenset("/\\:*?<>|{}")  # what file paths and patterns are made of; a declared column may have them


class Columns:
    """Types of the declared columns; None knows no type and accepts every name, odd ones only with `odd`."""

    def __init__(self, declared: Mapping[str, str] | None, *, odd: bool = False) -> None:
        self.declared = declared
        self.odd = odd

    def type_of(self, parts: tuple[str, ...]) -> DataType:
        """The type of a path; `Refused` with the nearest declared name when there is none such."""
        path = dotted(parts)
        if self.declared is None:
            if not self.odd:
                refuse_odd_names(parts)
            return UNKNOWN
        for length in range(len(parts), 0, -1):
            known = self.declared.get(dotted(parts[:length]))
            if known is not None:
                return inside(lenient(known), parts[length:], dotted(parts[:length]))
        if any(name.startswith(f"{path}.") for name in self.declared):
            return UNKNOWN  # a struct of which only the fields are declared
        raise Refused(path, "a raw column of this source", nearest=nearest(path, self.declared))


def refuse_odd_names(parts: tuple[str, ...]) -> None:
    """Refuse names that cannot be told from Spark's own words or from a file path while the columns are unknown."""
    if dotted(parts).lower() in NOT_A_COLUMN or parts[0].lower() == "_metadata":
        raise Refused(parts[0], "a raw column; this word is Spark's own, and there is no clock or session here")
    if any(set(part) & PATH_SIGNS or not part.strip(". ") for part in parts):
        raise Refused(dotted(parts), "the plain name of a raw column")


def inside(kind: DataType, parts: tuple[str, ...], path: str) -> DataType:
    """The type of the fields `parts` inside a value of this type: fields of a struct, keys of a map, of each array
    element.
    """
    for position, part in enumerate(parts):
        if kind.kind == "array" and kind.item is not None:
            return array_of(inside(kind.item, parts[position:], path))
        if kind.kind == "map":
            kind = kind.item or UNKNOWN
        elif kind.kind == "struct":
            fields = dict(kind.fields)
            if part not in fields:
                raise Refused(f"{path}.{part}", f"a field of {path}", nearest=nearest(part, fields))
            kind = fields[part]
        elif kind.kind != "unknown":
            raise Refused(f"{path}.{part}", f"no field: {path} is {kind.ddl or kind.kind}")
        path = f"{path}.{part}"
    return kind


def lenient(ddl: str) -> DataType:
    """The declared type; unknown where Spark's spelling of it (names without quotes) cannot be read."""
    try:
        return datatype(ddl)
    except Refused:
        return UNKNOWN


def dotted(parts: tuple[str, ...]) -> str:
    """A path as declarations write it: parts with dots between them, in backticks where a part holds a dot itself."""
    return parts[0] if len(parts) == 1 else ".".join(f"`{part}`" if "." in part else part for part in parts)
