"""Schemas of raw records: text stays text while it is parsed, declared numbers are converted afterwards, one by one.

So a value of the wrong type costs one rule on one record (`unreadable:<column>`), never the record's other fields,
and a record keeps its text for a replay under a mended declaration.
"""

from __future__ import annotations

from pyspark.sql import types as T

from omniseg.tables.types import type_text

CONVERTED = (T.NumericType, T.BooleanType)


def stringly(kind: T.DataType) -> T.DataType:
    """The type with every primitive leaf as STRING; structs, arrays and maps keep their shape."""
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(item.name, stringly(item.dataType)) for item in kind])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(stringly(kind.elementType))
    if isinstance(kind, T.MapType):
        return T.MapType(T.StringType(), stringly(kind.valueType))
    return T.StringType()


def text_schema(declared: T.StructType) -> T.StructType:
    """The schema by which a text format (JSON, CSV) is parsed."""
    return T.StructType([T.StructField(item.name, stringly(item.dataType)) for item in declared])


def conversions(declared: T.StructType, read: T.StructType) -> dict[str, str]:
    """Top-level columns that are read as text but declared as a number or boolean: name -> declared type as DDL."""
    have = {item.name: item.dataType for item in read}
    return {
        item.name: item.dataType.simpleString()
        for item in declared
        if isinstance(item.dataType, CONVERTED) and isinstance(have.get(item.name), T.StringType)
    }


def expression_types(read: T.StructType, converted: dict[str, str]) -> dict[str, str]:
    """Every path that an expression may read, with its Spark type: top-level columns and the leaves of structs."""
    found: dict[str, str] = {}
    for item in read:
        found[item.name] = converted.get(item.name, type_text(item.dataType))
        found.update(nested_types(item.name, item.dataType))
    return found


def nested_types(path: str, kind: T.DataType) -> dict[str, str]:
    """Dotted paths inside a struct."""
    if not isinstance(kind, T.StructType):
        return {}
    found: dict[str, str] = {}
    for item in kind:
        found[f"{path}.{item.name}"] = type_text(item.dataType)
        found.update(nested_types(f"{path}.{item.name}", item.dataType))
    return found
