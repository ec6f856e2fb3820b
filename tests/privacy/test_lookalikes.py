"""D12: which identifiers are told to imitate others."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.lake.bounded import bounded
from omniseg.privacy.lookalikes import any_mixes_alphabets, mixes_alphabets
from tests.privacy.conftest import Answers, Ask

CYRILLIC_O, GREEK_O, ARMENIAN_O = "\u043e", "\u03bf", "\u0585"
TEXTS = {
    "ascii": ("joe@example.com", False),
    "latin_with_accents": ("jos\u00e9.m\u00fcller@example.com", False),
    "latin_decomposed": ("jose\u0301@example.com", False),
    "a_cyrillic_name_at_a_latin_domain": ("\u0438\u0432\u0430\u043d@example.com", False),
    "a_cyrillic_name_and_a_latin_one": ("\u0438\u0432\u0430\u043d smith", False),
    "kanji_with_latin": ("\u592a\u90cetaro", False),
    "cyrillic_o": (f"j{CYRILLIC_O}e@example.com", True),
    "cyrillic_o_in_the_domain": (f"joe@c{CYRILLIC_O}rp.example", True),
    "cyrillic_o_after_a_digit": (f"j1{CYRILLIC_O}", True),
    "latin_o_in_cyrillic": ("\u0438\u0432o\u043d", True),
    "greek_o": (f"j{GREEK_O}e", True),
    "greek_o_in_cyrillic": (f"\u0438{GREEK_O}", True),
    "armenian_o": (f"j{ARMENIAN_O}e", True),
    "nothing": (None, False),
    "empty": ("", False),
}


@pytest.fixture(scope="module")
def told(ask: Ask) -> Answers:
    """What is said of each of TEXTS."""
    return ask([text for text, _ in TEXTS.values()], mixes_alphabets)


@pytest.mark.parametrize("name", TEXTS)
def test_D12_letters_of_two_alphabets_in_a_word_are_told(told: Answers, name: str):
    text, mixed = TEXTS[name]
    assert told[text] is mixed


def test_a_long_text_takes_no_longer_than_its_length(spark: SparkSession):
    """Ten million letters and digits, which a pattern that goes back would look at for hours."""
    text = F.concat(F.repeat(F.lit("a1"), F.lit(5_000_000)), F.lit("\u00e9"))
    assert bounded(spark.range(1).select(mixes_alphabets(text).alias("mixed")), 1)[0].mixed is False


def test_no_identifiers_mix_nothing(spark: SparkSession):
    assert bounded(spark.range(1).select(any_mixes_alphabets([]).alias("mixed")), 1)[0].mixed is False
