"""Rows as a table for people, as JSON for programs or as CSV for spreadsheets: every listing command ends here."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

FORMATS = ("table", "json", "csv")
WIDEST = 60  # characters of a cell in a table; JSON and CSV are never cut
FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")  # what a spreadsheet would run, full-width too

Row = Mapping[str, object]


def render(rows: Iterable[Row], columns: Sequence[str], form: str) -> str:
    """`rows` with `columns` in this order, as text without a last line end; what a row lacks is empty (null in JSON).

    `form`: table, json (a list of objects) or csv (with header); ValueError for another.
    """
    listed = list(rows)
    if form == "table":
        return as_table(listed, columns)
    if form == "json":
        return as_json(listed, columns)
    if form == "csv":
        return as_csv(listed, columns)
    raise ValueError(f"{form!r} is not one of {', '.join(FORMATS)}")


def as_table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Aligned columns under a header, numbers to the right; says so when there are no rows."""
    if not rows:
        return "(no rows)"
    cells = [[shortened(printable(row.get(name))) for name in columns] for row in rows]
    widths = [max(map(width, column)) for column in zip(columns, *cells, strict=True)]
    numeric = [all(is_number(row.get(name)) for row in rows) for name in columns]
    lines = [columns, ["-" * size for size in widths], *cells]
    return "\n".join(aligned(line, widths, numeric) for line in lines)


def aligned(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    """One line of a table."""
    padded = []
    for cell, size, right in zip(cells, widths, numeric, strict=True):
        gap = " " * (size - width(cell))
        padded.append(gap + cell if right else cell + gap)
    return "  ".join(padded).rstrip()


def width(text: str) -> int:
    """Columns that a terminal needs for `text`: East Asian wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def is_number(value: object) -> bool:
    """True for numbers and for nothing."""
    return value is None or (isinstance(value, (int, float, Decimal)) and not isinstance(value, bool))


def printable(value: object) -> str:
    """A value as one line of text; control characters, which could steer a terminal, are written out."""
    text = plain(value)
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def plain(value: object) -> str:
    """A value as text: nothing is empty, moments are ISO 8601 to the second, structures are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, default=simple, ensure_ascii=False)
    return str(value)


def shortened(text: str) -> str:
    """The text, cut to what a cell holds."""
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def as_json(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """A list of objects, one per line; decimals are text, so that no digit is lost."""
    objects = [
        json.dumps({name: row.get(name) for name in columns}, default=simple, ensure_ascii=False) for row in rows
    ]
    return "[" + ",\n ".join(objects) + "]"


def simple(value: object) -> str:
    """The text of a value that JSON has no form for; TypeError for what has no obvious text."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be listed")


def as_csv(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """CSV by RFC 4180. For people: a text that a spreadsheet would take for a formula gets a leading apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([harmless(row.get(name)) for name in columns] for row in rows)
    return out.getvalue().removesuffix("\r\n")


def harmless(value: object) -> str:
    """A value as a cell that no spreadsheet runs."""
    text = plain(value)
    return f"'{text}" if isinstance(value, str) and text.lstrip(" ").startswith(FORMULA) else text
