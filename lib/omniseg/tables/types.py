"""Texts of types as Spark's own objects. Spark says only `DataType` of what it reads from a schema text; it is a struct."""

from __future__ import annotations

from typing import cast

from pyspark.sql import types as T


def struct_of(ddl: str) -> T.StructType:
    """The schema that a DDL text declares."""
    return cast(T.StructType, T.StructType.fromDDL(ddl))


def canonical_type(ddl: str) -> str:
    """Canonical spelling of a type, so that `MAP<STRING,STRING>` and `map<string,string>` compare equal."""
    return str(struct_of(f"c {ddl}")["c"].dataType.simpleString())
