"""Listings in their three forms, with everything awkward that a cell can hold."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timezone
from decimal import Decimal

import pytest

from omniseg.report.listing import render

ROWS: list[dict[str, object]] = [
    {"run_id": "r1", "rows": 1200, "share": 0.5, "ok": True, "ignored": "x"},
    {"run_id": "longer", "rows": None, "share": 1.0, "ok": False},
]
COLUMNS = ("run_id", "rows", "share", "ok")


def test_a_table_aligns_numbers_to_the_right():
    assert render(ROWS, COLUMNS, "table").splitlines() == [
        "run_id  rows  share  ok",
        "------  ----  -----  ---",
        "r1      1200    0.5  yes",
        "longer          1.0  no",
    ]


def test_json_keeps_types_order_and_nulls():
    found = json.loads(render(ROWS, COLUMNS, "json"))
    assert found == [
        {"run_id": "r1", "rows": 1200, "share": 0.5, "ok": True},
        {"run_id": "longer", "rows": None, "share": 1.0, "ok": False},
    ]
    assert list(found[0]) == list(COLUMNS)


def test_csv_has_a_header_and_the_line_ends_of_the_standard():
    assert render(ROWS, COLUMNS, "csv") == "run_id,rows,share,ok\r\nr1,1200,0.5,yes\r\nlonger,,1.0,no"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        pytest.param("table", "(no rows)", id="table"),
        pytest.param("json", "[]", id="json"),
        pytest.param("csv", "run_id,rows", id="csv"),
    ],
)
def test_no_rows(form, text):
    assert render([], ("run_id", "rows"), form) == text


def test_another_form_is_refused():
    with pytest.raises(ValueError, match="'xml' is not one of table, json, csv"):
        render(ROWS, COLUMNS, "xml")


VALUES = [
    pytest.param(date(2017, 9, 30), "2017-09-30", "2017-09-30", id="day"),
    pytest.param(
        datetime(2017, 9, 30, 1, 2, 3, 456, tzinfo=timezone.utc),
        "2017-09-30 01:02:03+00:00",
        "2017-09-30T01:02:03.000456+00:00",
        id="moment",
    ),
    pytest.param(Decimal("1.10"), "1.10", "1.10", id="decimal_keeps_its_zeros"),
    pytest.param({"a": [1, None]}, '{"a": [1, null]}', {"a": [1, None]}, id="structure"),
    pytest.param("Grüße", "Grüße", "Grüße", id="letters_beyond_ascii"),
    pytest.param("\x1b[31mred", "\\x1b[31mred", "\x1b[31mred", id="control_characters_cannot_steer_a_terminal"),
    pytest.param("two\nlines", "two\\nlines", "two\nlines", id="line_breaks"),
    pytest.param("x" * 61, "x" * 59 + "…", "x" * 61, id="long_text_is_cut_in_tables_only"),
    pytest.param("x" * 60, "x" * 60, "x" * 60, id="text_that_just_fits"),
]


@pytest.mark.parametrize(("value", "cell", "plain"), VALUES)
def test_values(value, cell, plain):
    assert render([{"v": value}], ("v",), "table").splitlines()[-1].strip() == cell
    assert json.loads(render([{"v": value}], ("v",), "json")) == [{"v": plain}]


def test_what_has_no_text_is_a_bug_not_a_guess():
    with pytest.raises(TypeError, match="object cannot be listed"):
        render([{"v": object()}], ("v",), "json")


@pytest.mark.parametrize("text", ["=1+1", "+49 170", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "  =1"])  # noqa: RUF001
def test_spreadsheets_run_nothing(text):
    out = render([{"v": text}], ("v",), "csv")
    assert next(csv.reader(io.StringIO(out.split("\r\n", 1)[1], newline=""))) == [f"'{text}"]


@pytest.mark.parametrize("value", [-1, -0.5, Decimal("-2")])
def test_negative_numbers_stay_numbers(value):
    assert render([{"v": value}], ("v",), "csv") == f"v\r\n{value}"


def test_csv_survives_separators_quotes_and_line_breaks():
    text = 'a,"b"\r\nc;d'
    out = render([{"v": text, "w": 1}], ("v", "w"), "csv")
    assert list(csv.reader(io.StringIO(out, newline=""))) == [["v", "w"], [text, "1"]]


def test_wide_letters_take_two_columns():
    lines = render([{"a": "東京", "b": "x"}, {"a": "ab", "b": "y"}], ("a", "b"), "table").splitlines()
    assert lines[2:] == ["東京  x", "ab    y"]
