"""Text stays text while it is parsed: schemas with every leaf as STRING, and the numbers that are converted later."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from omniseg.ingest.schema import conversions, expression_types, nested_types, stringly, text_schema
from omniseg.tables.types import ddl, struct_of

TEXT = T.StringType()


def struct(**fields: T.DataType) -> T.StructType:
    """A struct without a session: StructType.fromDDL needs one."""
    return T.StructType([T.StructField(name, kind) for name, kind in fields.items()])


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param(T.IntegerType(), "string", id="number"),
        pytest.param(T.DecimalType(18, 4), "string", id="decimal"),
        pytest.param(T.BooleanType(), "string", id="boolean"),
        pytest.param(T.TimestampType(), "string", id="timestamp"),
        pytest.param(T.BinaryType(), "string", id="binary"),
        pytest.param(TEXT, "string", id="text"),
        pytest.param(T.ArrayType(T.IntegerType()), "array<string>", id="array"),
        pytest.param(T.MapType(TEXT, T.DoubleType()), "map<string,string>", id="map"),
        pytest.param(T.MapType(T.IntegerType(), T.DateType()), "map<string,string>", id="keys_of_json_are_texts"),
        pytest.param(struct(a=T.IntegerType(), b=T.DateType()), "struct<a:string,b:string>", id="struct"),
        pytest.param(
            T.ArrayType(struct(a=T.MapType(TEXT, T.ArrayType(T.LongType())))),
            "array<struct<a:map<string,array<string>>>>",
            id="everything_inside_each_other",
        ),
    ],
)
def test_leaves_become_text_and_shapes_stay(kind: T.DataType, text: str):
    assert stringly(kind).simpleString() == text


def test_a_text_schema_keeps_names_and_order():
    declared = struct(b=T.IntegerType(), a=struct(c=T.BooleanType()))
    assert text_schema(declared) == struct(b=TEXT, a=struct(c=TEXT))


def test_a_text_schema_of_a_text_schema_is_itself():
    once = text_schema(struct(a=T.ArrayType(T.IntegerType()), b=T.DateType()))
    assert text_schema(once) == once


@pytest.mark.parametrize(
    ("declared", "read", "expected"),
    [
        pytest.param(T.IntegerType(), TEXT, {"c": "int"}, id="number_from_text"),
        pytest.param(T.DecimalType(18, 4), TEXT, {"c": "decimal(18,4)"}, id="decimal_from_text"),
        pytest.param(T.BooleanType(), TEXT, {"c": "boolean"}, id="boolean_from_text"),
        pytest.param(TEXT, TEXT, {}, id="text_from_text"),
        pytest.param(T.TimestampType(), TEXT, {}, id="time_is_read_by_an_expression"),
        pytest.param(T.DateType(), TEXT, {}, id="date_is_read_by_an_expression"),
        pytest.param(T.IntegerType(), T.IntegerType(), {}, id="parquet_has_numbers"),
        pytest.param(T.IntegerType(), T.LongType(), {}, id="parquet_has_another_number"),
        pytest.param(struct(a=T.IntegerType()), struct(a=TEXT), {}, id="inside_a_struct_text_stays"),
        pytest.param(T.ArrayType(T.IntegerType()), T.ArrayType(TEXT), {}, id="inside_an_array_text_stays"),
    ],
)
def test_which_columns_are_converted(declared: T.DataType, read: T.DataType, expected: dict[str, str]):
    assert conversions(struct(c=declared), struct(c=read)) == expected


def test_a_declared_column_that_is_not_read_is_not_converted():
    assert conversions(struct(gone=T.IntegerType(), c=T.IntegerType()), struct(c=TEXT)) == {"c": "int"}


def test_expressions_see_converted_types_and_the_inside_of_structs():
    read = struct(qty=TEXT, name=TEXT, user=struct(mail=TEXT, geo=struct(city=TEXT)), tags=T.ArrayType(struct(x=TEXT)))
    assert expression_types(read, {"qty": "int"}) == {
        "qty": "int",
        "name": "string",
        "user": "struct<mail:string,geo:struct<city:string>>",
        "user.mail": "string",
        "user.geo": "struct<city:string>",
        "user.geo.city": "string",
        "tags": "array<struct<x:string>>",
    }


def test_nothing_is_inside_a_text():
    assert nested_types("a", TEXT) == {}
    assert nested_types("a", T.ArrayType(struct(b=TEXT))) == {}


ODD = ("first-name", "a b", "1st", "größe", "a.b", "a`b", "select", "utm:source")


@pytest.mark.parametrize("name", ODD)
def test_a_pinned_schema_reads_back_whatever_its_columns_are_called(spark: SparkSession, name: str):
    inner = T.StructType([T.StructField(name, TEXT)])
    schema = T.StructType([T.StructField(name, TEXT), T.StructField("more", T.ArrayType(inner))])
    assert struct_of(ddl(schema)) == schema
