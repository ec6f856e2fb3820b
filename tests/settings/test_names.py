"""C01: a misspelled name is answered with the one that was meant."""

from __future__ import annotations

import random

import pytest

from omniseg.ingest.vocabulary import EVENT_COLUMNS, EVENT_TYPES, IDENTIFIER_TYPES
from omniseg.names import edits, nearest
from omniseg.settings.keys import keys
from omniseg.tables import CHANNELS

LETTERS = "abcdefghijklmnopqrstuvwxyz_"
SETTINGS = tuple(keys())
VOCABULARIES = {
    "settings": SETTINGS,
    "columns": tuple(EVENT_COLUMNS),
    "event_types": EVENT_TYPES,
    "channels": CHANNELS,
    "identifiers": IDENTIFIER_TYPES,
}


def mutated(name: str, dice: random.Random) -> str:
    """`name` after one random edit."""
    at = dice.randrange(len(name))
    letter = dice.choice(LETTERS)
    swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    return dice.choice(
        [name[:at] + name[at + 1 :], name[:at] + letter + name[at:], name[:at] + letter + name[at + 1 :], swapped]
    )


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize("mutations", [1, 2])
def test_C01_nearest_is_right_for_95_percent_of_mutated_names(vocabulary: str, mutations: int):
    names = VOCABULARIES[vocabulary]
    long_enough = [name for name in names if len(name) >= 5]
    dice = random.Random(17)
    asked = []
    for _ in range(400):
        meant = dice.choice(long_enough)
        written = mutated(meant, dice)
        written = mutated(written, dice) if mutations == 2 else written
        if written not in names and edits(written, meant) <= 2:
            asked.append((written, meant))
    right = sum(nearest(written, names) == meant for written, meant in asked)
    assert len(asked) >= 60
    assert right / len(asked) >= 0.95


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("warehouse.rooot", "warehouse.root", id="letter_doubled"),
        pytest.param("warehouse.rot", "warehouse.root", id="letter_dropped"),
        pytest.param("busines.time_zone", "business.time_zone", id="letter_dropped_in_section"),
        pytest.param("business.tiem_zone", "business.time_zone", id="neighbours_swapped"),
        pytest.param("business.time-zone", "business.time_zone", id="hyphen_for_underscore"),
        pytest.param("Business.Time_Zone", "business.time_zone", id="case"),
        pytest.param("model.sede", "model.seed", id="swap_decides_between_near_names"),
        pytest.param("landing.settle_secs", "landing.settle_seconds", id="long_names_allow_more_edits"),
    ],
)
def test_nearest_setting(written: str, meant: str):
    assert nearest(written, SETTINGS) == meant


@pytest.mark.parametrize(
    ("written", "valid"),
    [
        pytest.param("", ["web"], id="empty_name"),
        pytest.param("zebra", ["web", "pos"], id="nothing_close"),
        pytest.param("ab", ["xy"], id="short_name_all_letters_differ"),
        pytest.param("foo", ["pos"], id="short_name_most_letters_differ"),
        pytest.param("web", [], id="nothing_valid"),
        pytest.param("x" * 100_000, ["web"], id="endless_name"),
    ],
)
def test_nearest_is_empty_when_nothing_is_close(written: str, valid: list[str]):
    assert nearest(written, valid) == ""


def test_nearest_does_not_depend_on_the_order_of_names():
    assert nearest("cat", ["car", "bat"]) == nearest("cat", ["bat", "car"])


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        pytest.param("", "", 0, id="empty"),
        pytest.param("abc", "", 3, id="all_dropped"),
        pytest.param("abc", "abc", 0, id="equal"),
        pytest.param("abc", "acb", 1, id="swap_counts_once"),
        pytest.param("abcd", "badc", 2, id="two_swaps"),
        pytest.param("kitten", "sitting", 3, id="textbook"),
    ],
)
def test_edits(left: str, right: str, distance: int):
    assert edits(left, right) == distance
    assert edits(right, left) == distance
