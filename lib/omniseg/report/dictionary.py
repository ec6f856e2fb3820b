"""The data dictionary: every table and column as declared, for people."""

from __future__ import annotations

from collections.abc import Iterable

from omniseg.tables import PRIVACY_CLASSES, Column, Table

HEAD = """# Data dictionary

Generated from `omniseg.tables`, the base feature declarations and the retail pack; a test fails when it is stale.
Tables come first, then the variables of the retail pack.

Privacy classes:
"""


def data_dictionary(tables: Iterable[Table]) -> str:
    """Markdown: a section per table with its grain, key and columns."""
    classes = [f"* **{name}**: {meaning}" for name, meaning in PRIVACY_CLASSES.items()]
    sections = [section(table) for table in tables]
    return "\n".join([HEAD, *classes, "", *sections])


def section(table: Table) -> str:
    """One table."""
    rules = [f"Constraint `{name}`: `{condition}`" for name, condition in table.constraints]
    lines = [
        f"## {table.name}",
        "",
        f"One row is {table.grain}. Key: {', '.join(f'`{name}`' for name in table.key)}.",
        *rules,
        "",
        "| column | type | null | privacy | meaning |",
        "|---|---|---|---|---|",
        *(row(column) for column in table.columns),
        "",
    ]
    return "\n".join(lines)


def row(column: Column) -> str:
    """One column."""
    null = "yes" if column.nullable else "no"
    return f"| `{column.name}` | {column.type} | {null} | {column.privacy} | {cell(column.comment)} |"


def cell(text: str) -> str:
    """A text as it stands in a cell."""
    return text.replace("|", "\\|")
