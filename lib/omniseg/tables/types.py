"""Texts of types as Spark's own objects. Spark says only `DataType` of what it reads from a schema text; it is a struct."""

from __future__ import annotations

import re
from typing import cast

from pyspark.sql import types as T

from omniseg.quoting import sql_name

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def struct_of(ddl: str) -> T.StructType:
    """The schema that a DDL text declares."""
    return cast(T.StructType, T.StructType.fromDDL(ddl))


def type_text(kind: T.DataType) -> str:
    """A type as DDL that reads back; Spark's own text leaves field names like `first-name` unquoted."""
    if isinstance(kind, T.StructType):
        return f"struct<{','.join(f'{name_text(item.name)}:{type_text(item.dataType)}' for item in kind)}>"
    if isinstance(kind, T.ArrayType):
        return f"array<{type_text(kind.elementType)}>"
    if isinstance(kind, T.MapType):
        return f"map<{type_text(kind.keyType)},{type_text(kind.valueType)}>"
    return str(kind.simpleString())


def name_text(name: str) -> str:
    """A field name, in backticks where it needs them."""
    return name if PLAIN_NAME.fullmatch(name) else sql_name(name)


def ddl(schema: T.StructType) -> str:
    """A schema as one line of DDL text, for pinning and comparing."""
    return ", ".join(f"{sql_name(item.name)} {type_text(item.dataType)}" for item in schema)


def canonical_type(ddl: str) -> str:
    """Canonical spelling of a type, so that `MAP<STRING,STRING>` and `map<string,string>` compare equal."""
    return str(struct_of(f"c {ddl}")["c"].dataType.simpleString())
