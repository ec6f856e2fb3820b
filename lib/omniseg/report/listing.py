"""Listings on the terminal: the same rows as a table for people, as JSON for programs or as CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

WIDEST = 60  # characters of a cell in a table; JSON and CSV hold it whole
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet begins a formula


def render(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], style: str) -> str:
    """`rows` as text, the named columns in that order; what a row lacks is empty. `style`: table, json or csv."""
    if style == "json":
        return json.dumps([{name: row.get(name) for name in columns} for row in rows], indent=2, default=plain)
    if style == "csv":
        return as_csv(rows, columns)
    return as_table(rows, columns)


def plain(value: object) -> object:
    """What JSON has no type for: dates as ISO text, money as text with all its digits."""
    return value.isoformat() if isinstance(value, date) else str(value)


def as_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """RFC 4180 with a header; a text that a spreadsheet would run as a formula begins with an apostrophe."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([harmless(row.get(name)) for name in columns] for row in rows)
    return target.getvalue().rstrip("\n")


def harmless(value: object) -> str:
    """One CSV cell."""
    text = words(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def as_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Columns of equal width under their names; numbers to the right, with thousands separated."""
    cells = [[shown(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    right = [any(is_number(row.get(name)) for row in rows) for name in columns]

    def line(texts: Sequence[str]) -> str:
        sides = zip(texts, widths, right, strict=True)
        padded = [text.rjust(width) if is_right else text.ljust(width) for text, width, is_right in sides]
        return "  ".join(padded).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, cells)])


def is_number(value: object) -> bool:
    """True for a quantity; a flag is none."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def shown(value: object) -> str:
    """One cell of a table: on one line, without control characters (what a file holds must not steer the terminal)."""
    text = f"{value:,}" if is_number(value) else words(value)
    visible = "".join(sign if sign.isprintable() else "·" for sign in text)
    return visible if len(visible) <= WIDEST else visible[: WIDEST - 1] + "…"


def words(value: object) -> str:
    """A value in words: '' for none, lists and maps joined by commas, dates in ISO form, a moment to the second."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={words(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(words, value))
    return str(value)[:19] if isinstance(value, date) else str(value)
