"""Kinds of values, and the reader that takes them from a tree and gathers what is wrong."""

from __future__ import annotations

import pytest

from omniseg.errors import Problem
from omniseg.kinds import (
    CURRENCY,
    FLAG,
    SECRET,
    SNAKE_CASE,
    TEXT,
    TIME_ZONE,
    Kind,
    SecretRef,
    Unfit,
    one_of,
    share,
    shown,
    whole,
)
from omniseg.nodes import Reader
from omniseg.settings import yaml_strict

FITTING = [
    (whole(0), "0", 0, "zero"),
    (whole(-5), "-5", -5, "negative_number"),
    (whole(1, 3), "3", 3, "upper_limit_counts"),
    (share(), "0", 0.0, "lowest_share"),
    (share(), "1", 1.0, "highest_share"),
    (share(), "0.05", 0.05, "share"),
    (FLAG, "true", True, "true"),
    (FLAG, "false", False, "false"),
    (TIME_ZONE, "America/New_York", "America/New_York", "zone"),
    (TIME_ZONE, "UTC", "UTC", "utc"),
    (CURRENCY, "EUR", "EUR", "currency"),
    (SNAKE_CASE, "a1_b", "a1_b", "snake_case"),
    (SECRET, "secret://env/A_1", SecretRef("A_1"), "reference"),
    (TEXT, "a\tb\nc", "a\tb\nc", "text_with_tab_and_line_feed"),
]


@pytest.mark.parametrize(("kind", "text", "value"), [pytest.param(*case, id=name) for *case, name in FITTING])
def test_fitting(kind: Kind[object], text: str, value: object):
    assert kind.fit(text) == value


UNFITTING = [
    (whole(0), "-1", "below_limit"),
    (whole(0, 9), "10", "above_limit"),
    (whole(0), "1.0", "decimal_for_whole_number"),
    (whole(0), "1_000", "underscore"),
    (whole(0), " 1", "space"),
    (whole(0), "9" * 5000, "endless_number"),
    (share(), "1.01", "above_one"),
    (share(), ".5", "no_leading_digit"),
    (share(), "5%", "percent"),
    (share(), "5e-1", "exponent"),
    (FLAG, "True", "capital_letter"),
    (FLAG, "yes", "yes"),
    (TIME_ZONE, "Factory", "zone_without_place"),
    (TIME_ZONE, "europe/berlin", "zone_in_lower_case"),
    (TIME_ZONE, "../../etc/passwd", "path_as_zone"),
    (CURRENCY, "EURO", "four_letters"),
    (CURRENCY, "XXQ", "three_letters_of_no_money"),
    (CURRENCY, "eur", "small_letters"),
    (SNAKE_CASE, "a-b", "hyphen"),
    (SNAKE_CASE, "a" * 64, "too_long"),
    (SNAKE_CASE, "a\n", "line_feed_at_the_end"),
    (SECRET, "secret://env/", "no_name"),
    (TEXT, " ", "blank"),
    (TEXT, "a\rb", "control_character"),
]


@pytest.mark.parametrize(("kind", "text"), [pytest.param(*case, id=name) for *case, name in UNFITTING])
def test_unfitting(kind: Kind[object], text: str):
    with pytest.raises(Unfit):
        kind.fit(text)


def test_nothing_fits_no_kind():
    with pytest.raises(Unfit, match="nothing"):
        TEXT.fit(None)


def test_an_unfit_name_brings_the_nearest():
    with pytest.raises(Unfit) as unfit:
        one_of("latest", "scd2").fit("lates")
    assert (unfit.value.found, unfit.value.suggestion) == ("'lates'", "latest")


def test_a_secret_reference_shows_its_place():
    assert str(SECRET.fit("secret://env/KEY")) == "secret://env/KEY"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a" * 60, "'" + "a" * 60 + "'", id="whole"),
        pytest.param("a" * 61, "'" + "a" * 59 + "…'", id="cut"),
        pytest.param("a\nb", "'a\\nb'", id="one_line"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", "an AWS access key (not shown)", id="secret"),
    ],
)
def test_shown(text: str, message: str):
    assert shown(text) == message


def reader(text: str) -> Reader:
    """A reader of a small file."""
    return Reader(yaml_strict.parse(text.encode(), "f.yml"), [])


def messages(used: Reader) -> list[str]:
    """What the reader has noted, without the expectation."""
    used.finish()
    return [str(problem).split(", expected ")[0] for problem in used.problems]


def test_an_absent_key_has_its_default():
    used = reader("a: 1")
    assert used.value("a", whole(0), default=7) == 1
    assert used.value("b", whole(0), default=7) == 7
    assert messages(used) == []


def test_problems_are_gathered_with_their_lines():
    used = reader("a: x\nb: [1]\nc:\n  d: y\n")
    used.value("a", whole(0), default=0)
    used.value("b", whole(0), default=0)
    below = used.child("c")
    assert below is not None
    below.value("d", whole(0), default=0)
    below.value("e", whole(0), default=0, required=True)
    below.finish()
    assert messages(used) == [
        "f.yml:1: a: found 'x'",
        "f.yml:2: b: found a list",
        "f.yml:4: c.d: found 'y'",
        "f.yml:3: c.e: found nothing",
    ]


def test_a_misspelled_required_key_is_one_problem():
    used = reader("nmae: x")
    used.value("name", TEXT, default="", required=True)
    used.finish()
    assert used.problems == [Problem("f.yml:1", "nmae", "an unknown key", "one of name", "name")]


def test_a_misspelling_beside_the_right_key_is_one_problem():
    used = reader("nmae: x\nname: y")
    used.value("name", TEXT, default="", required=True)
    assert messages(used) == ["f.yml:1: nmae: found an unknown key"]


def test_where_no_key_is_allowed_the_message_says_so():
    used = reader("a: 1")
    used.finish()
    assert used.problems[0].expected == "no key here"


@pytest.mark.parametrize(
    ("text", "values", "found"),
    [
        pytest.param("a: [x, y]", ("x", "y"), [], id="values"),
        pytest.param("a: []", (), ["f.yml:1: a: found an empty list"], id="empty"),
        pytest.param("b: []", (), ["f.yml:1: b: found an unknown key", "f.yml:1: a: found nothing"], id="absent"),
        pytest.param("a: x", (), ["f.yml:1: a: found 'x'"], id="scalar"),
        pytest.param("a: [x, x]", ("x",), ["f.yml:1: a: found a value twice"], id="twice"),
        pytest.param(
            "a:\n  - x\n  -\n  - [y]", ("x",), ["f.yml:3: a: found nothing", "f.yml:4: a: found a list"], id="items"
        ),
    ],
)
def test_lists(text: str, values: tuple[str, ...], found: list[str]):
    used = reader(text)
    assert used.values("a", TEXT, required=True) == values
    assert messages(used) == found


def test_mappings_of_texts():
    used = reader("a: {x: '1', y: NO}")
    assert used.texts("a") == {"x": "1", "y": "NO"}
    assert used.texts("b") == {}
    assert messages(used) == []


def test_lists_of_mappings_are_numbered_from_one():
    used = reader("a:\n  - {b: 1}\n  - x\n  - {b: y}\n")
    readers = used.children("a")
    for item in readers:
        item.value("b", whole(0), default=0)
    assert len(readers) == 2
    assert messages(used) == ["f.yml:3: a[2]: found 'x'", "f.yml:4: a[3].b: found 'y'"]
