"""Texts and names as Spark SQL reads them."""

from __future__ import annotations


def sql_text(value: str) -> str:
    """A string literal that stands for exactly this text, whatever it contains."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + "'"


def sql_name(name: str) -> str:
    """A column or field name in backticks."""
    return "`" + name.replace("`", "``") + "`"
