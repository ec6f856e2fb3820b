"""A declaration turned into what runs: compiled expressions and the protection of its personal columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import types as T

from omniseg.expressions import Compiled, compile_expression
from omniseg.ingest.declaration import Declaration
from omniseg.ingest.mapping import Mapped
from omniseg.ingest.protect import Protection
from omniseg.ingest.schema import conversions, expression_types, nested_types
from omniseg.tables.types import struct_of, type_text

ITEM = "item"  # the element that `rows: explode(array)` gives each row
PERSONAL = "personal"  # pseudonym type of a personal column that is no identifier


@dataclass(frozen=True)
class Plan:
    """What happens to the records of one declaration."""

    protection: Protection
    mapped: Mapped


def plan(
    declaration: Declaration,
    *,
    read: T.StructType,
    columns: Mapping[str, str],
    canonical: Mapping[str, str],
    key_name: str,
    key_version: str,
) -> Plan:
    """Compile a declaration against the schema that its records are `read` by.

    `columns` are the expressions (canonical column -> text), `canonical` the types that they are converted to. Raises
    ConfigError with position for a column that the records do not have.
    """
    declared = struct_of(declaration.schema) if declaration.schema else read
    kinds = conversions(declared, read)
    types = expression_types(read, kinds) | item_types(read, declaration.rows)
    compiled = {
        name: compile_expression(text, columns=types, time_zone=declaration.time_zone, want=canonical[name])
        for name, text in columns.items()
    }
    visible = {name: canonical[name] for name in columns} | types
    quality = {
        rule.name: compile_expression(rule.expect, columns=visible, time_zone=declaration.time_zone, want="boolean")
        for rule in declaration.quality
    }
    return Plan(
        protection_of(declaration, (*compiled.values(), *quality.values()), key_name, key_version),
        Mapped(compiled, kinds, quality, declaration.rows),
    )


def protection_of(
    declaration: Declaration, expressions: tuple[Compiled, ...], key_name: str, key_version: str
) -> Protection:
    """Which raw columns are replaced: all that `identifiers` reads, and those listed as `personal`."""
    identified = {column: kind for kind, column in declaration.identifier_pairs}
    personal = dict.fromkeys(declaration.personal, PERSONAL) | identified
    used = frozenset(name for compiled in expressions for name in compiled.references)
    exploded = frozenset([declaration.rows]) if declaration.rows else frozenset()
    return Protection(
        personal=personal,
        used=used | exploded,
        free_text=frozenset(declaration.free_text),
        keep_text=declaration.keep_free_text,
        key_name=key_name,
        key_version=key_version,
    )


def item_types(read: T.StructType, array: str | None) -> dict[str, str]:
    """Types of the exploded element and of what is inside it."""
    if array is None:
        return {}
    kind: T.DataType = read
    for part in array.split("."):
        kind = kind[part].dataType if isinstance(kind, T.StructType) else kind
    element = kind.elementType if isinstance(kind, T.ArrayType) else T.StringType()
    return {ITEM: type_text(element), **nested_types(ITEM, element)}
