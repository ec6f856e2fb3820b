"""Schema texts read without Spark: types by path, spelled as Spark spells them, and what is wrong at which position."""

from __future__ import annotations

import pytest

from omniseg.ingest.ddl import BadDdl, columns_of


@pytest.mark.parametrize(
    ("ddl", "columns"),
    [
        pytest.param("a INT", {"a": "int"}, id="one_column"),
        pytest.param("a INT, b STRING", {"a": "int", "b": "string"}, id="two_columns"),
        pytest.param("a: int", {"a": "int"}, id="colon"),
        pytest.param("A Int", {"A": "int"}, id="case_of_names_stays"),
        pytest.param("`a b` INT, `c``d` INT", {"a b": "int", "c`d": "int"}, id="backticks"),
        pytest.param("größe DOUBLE", {"größe": "double"}, id="letters_beyond_ascii"),
        pytest.param("a INT NOT NULL COMMENT 'a, b', b INT", {"a": "int", "b": "int"}, id="attributes_are_passed"),
        pytest.param("a INT COMMENT 'it\\'s'", {"a": "int"}, id="escaped_quote_in_comment"),
        pytest.param("a DECIMAL(18, 2)", {"a": "decimal(18,2)"}, id="decimal"),
        pytest.param("a DECIMAL, b DEC(9)", {"a": "decimal(10,0)", "b": "decimal(9,0)"}, id="decimal_defaults"),
        pytest.param("a VARCHAR(3), b CHAR(2)", {"a": "varchar(3)", "b": "char(2)"}, id="lengths"),
        pytest.param("a LONG, b INTEGER, c REAL", {"a": "bigint", "b": "int", "c": "float"}, id="synonyms"),
        pytest.param("a ARRAY<STRING>", {"a": "array<string>"}, id="array"),
        pytest.param("a MAP<STRING, ARRAY<INT>>", {"a": "map<string,array<int>>"}, id="map"),
        pytest.param(
            "a STRUCT<b: INT, c: STRING>", {"a": "struct<b:int,c:string>", "a.b": "int", "a.c": "string"}, id="struct"
        ),
        pytest.param(
            "a STRUCT<b STRUCT<c INT>>",
            {"a": "struct<b:struct<c:int>>", "a.b": "struct<c:int>", "a.b.c": "int"},
            id="struct_in_struct",
        ),
        pytest.param("a ARRAY<STRUCT<b: INT>>", {"a": "array<struct<b:int>>"}, id="struct_in_array_has_no_paths"),
        pytest.param("a STRUCT<`b c`: INT>", {"a": "struct<`b c`:int>", "a.b c": "int"}, id="quoted_field"),
        pytest.param("a INT\n ,\n b INT  ", {"a": "int", "b": "int"}, id="line_breaks"),
    ],
)
def test_columns(ddl: str, columns: dict[str, str]):
    assert columns_of(ddl) == columns


def test_types_are_spelled_so_that_they_can_be_read_again():
    kind = columns_of("a ARRAY<STRUCT<`b c`: DECIMAL(9,2), d: MAP<STRING, STRUCT<e: INT>>>>")["a"]
    assert columns_of(f"a {kind}")["a"] == kind


def test_text_formats_keep_numbers_of_the_top_level_only():
    ddl = "a INT, b DATE, c BOOLEAN, d TIMESTAMP, e STRUCT<f: INT, g: DATE>, h ARRAY<INT>, i DECIMAL(9,2), j BINARY"
    assert columns_of(ddl, texts=True) == {
        "a": "int",
        "b": "string",
        "c": "boolean",
        "d": "string",
        "e": "struct<f:string,g:string>",
        "e.f": "string",
        "e.g": "string",
        "h": "array<string>",
        "i": "decimal(9,2)",
        "j": "string",
    }


@pytest.mark.parametrize(
    ("ddl", "found"),
    [
        pytest.param("", "no column name at position 1 ('end')", id="empty"),
        pytest.param("a", "no type at position 2 ('end')", id="name_alone"),
        pytest.param("a INT b INT", "no ',' at position 7 ('b')", id="comma_forgotten"),
        pytest.param("a INT,", "no column name at position 7 ('end')", id="comma_at_the_end"),
        pytest.param("a INT, a STRING", "the column twice at position 8 ('a')", id="column_twice"),
        pytest.param("a STRUCT<b: INT, b: INT>", "the column twice at position 18 ('b')", id="field_twice"),
        pytest.param("a ARRAY", "no '<' at position 8 ('end')", id="array_of_nothing"),
        pytest.param("a ARRAY<INT", "no '>' at position 12 ('end')", id="array_not_closed"),
        pytest.param("a MAP<STRING>", "no ',' at position 13 ('>')", id="map_without_values"),
        pytest.param("a DECIMAL(x)", "no number at position 11 ('x')", id="decimal_of_a_word"),
        pytest.param("a DECIMAL(9,2", "no ')' at position 14 ('end')", id="decimal_not_closed"),
        pytest.param("a INT NOT", "no 'null' at position 10 ('end')", id="not_without_null"),
        pytest.param("a INT; drop table b", "'; drop tab' at position 6", id="statement"),
        pytest.param("a INT -- b", "'-- b' at position 7", id="sql_comment"),
        pytest.param("1a INT", "no column name at position 1 ('1')", id="digit_first"),
        pytest.param(
            "a " + "ARRAY<" * 60 + "INT" + ">" * 60,
            "types nested deeper than 50 at position 303 ('ARRAY')",
            id="too_deep",
        ),
    ],
)
def test_what_is_no_schema(ddl: str, found: str):
    with pytest.raises(BadDdl) as bad:
        columns_of(ddl)
    assert bad.value.found == found


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        pytest.param("STRNG", "string", id="letter_dropped"),
        pytest.param("timstamp", "timestamp", id="longer_name"),
        pytest.param("blob", "", id="another_dialect"),
    ],
)
def test_C01_a_misspelled_type_is_answered_with_the_nearest(kind: str, meant: str):
    with pytest.raises(BadDdl) as bad:
        columns_of(f"a {kind}")
    assert bad.value.suggestion == meant
