"""Listings: one set of rows in three formats, none of which lets a file's content steer terminal or spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timezone
from decimal import Decimal

import pytest

from omniseg.report.listing import WIDEST, render

ROWS: list[dict[str, object]] = [
    {"source": "till", "read": 1469307, "on": date(2017, 9, 30), "ignored": "x"},
    {"source": "web", "read": 12, "on": None},
]


def test_table_aligns_words_left_and_numbers_right_with_separators():
    assert render(ROWS, ("source", "read", "on"), "table").splitlines() == [
        "source       read  on",
        "------  ---------  ----------",
        "till    1,469,307  2017-09-30",
        "web            12",
    ]


def test_table_without_rows_is_its_header():
    assert render([], ("source", "read"), "table") == "source  read\n------  ----"


def test_json_holds_every_column_with_its_type_and_null_for_what_is_missing():
    assert json.loads(render([*ROWS, {}], ("source", "read", "on"), "json")) == [
        {"source": "till", "read": 1469307, "on": "2017-09-30"},
        {"source": "web", "read": 12, "on": None},
        {"source": None, "read": None, "on": None},
    ]


def test_json_keeps_all_digits_of_money():
    assert json.loads(render([{"sales": Decimal("4596039.5800")}], ["sales"], "json")) == [{"sales": "4596039.5800"}]


def test_csv_is_read_back_as_it_was_written():
    rows = [{"a": 'say "hi"', "b": "x,y"}, {"a": "two\nlines", "b": 7}]
    found = list(csv.DictReader(io.StringIO(render(rows, ("a", "b"), "csv"))))
    assert found == [{"a": 'say "hi"', "b": "x,y"}, {"a": "two\nlines", "b": "7"}]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param("=HYPERLINK(1)", "'=HYPERLINK(1)", id="formula_is_defused"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at_sign_is_defused"),
        pytest.param("-2+3", "'-2+3", id="text_that_begins_with_a_minus_is_defused"),
        pytest.param(-2.5, "-2.5", id="negative_number_stays_a_number"),
        pytest.param("a=b", "a=b", id="equals_sign_inside_is_harmless"),
    ],
)
def test_csv_and_formulas(value: object, cell: str):
    assert render([{"v": value}], ["v"], "csv") == f"v\n{cell}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param("a\nb", "a·b", id="line_feed"),
        pytest.param("\x1b[2Jgone", "·[2Jgone", id="terminal_escape"),
        pytest.param("x" * 100, "x" * (WIDEST - 1) + "…", id="long_text_is_cut"),
        pytest.param("x" * WIDEST, "x" * WIDEST, id="longest_text_that_fits"),
        pytest.param(["future", "missing:event_id"], "future, missing:event_id", id="list"),
        pytest.param({"loyalty": "loyalty:v1:ab"}, "loyalty=loyalty:v1:ab", id="map"),
        pytest.param(True, "True", id="flag_is_no_number"),
        pytest.param(datetime(2017, 9, 30, 1, 2, 3, 456, tzinfo=timezone.utc), "2017-09-30 01:02:03", id="moment"),
        pytest.param(0.25, "0.25", id="fraction"),
    ],
)
def test_cells_of_a_table(value: object, cell: str):
    assert render([{"v": value}], ["v"], "table").splitlines()[2] == cell
