"""What is taken out of free text, and what a redactor must leave alone."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.lake.bounded import bounded
from omniseg.privacy.redact import redacted, redacted_map, was_redacted
from tests.privacy.conftest import Answers, Ask

REPLACED = {
    "email_plain": ("write to max@example.com", "write to <email>"),
    "email_alone": ("max@example.com", "<email>"),
    "email_capitals": ("MAX.MUSTER@EXAMPLE.COM", "<email>"),
    "email_with_tag": ("max+news@example.co.uk!", "<email>!"),
    "email_with_dots_and_percent": ("a.b_c%d-e@mail.example.org", "<email>"),
    "email_in_angle_brackets": ("Max <max@example.com>", "Max <<email>>"),
    "email_at_the_end_of_a_sentence": ("It is max@example.com.", "It is <email>."),
    "email_in_a_link": ("mailto:max@example.com?subject=x", "mailto:<email>?subject=x"),
    "email_with_umlaut": ("müller@example.de", "<email>"),
    "email_at_a_domain_with_umlaut": ("max@müller.de", "<email>"),
    "email_in_cyrillic": ("инфо@пример.рф", "<email>"),
    "email_twice": ("a@example.com, b@example.com", "<email>, <email>"),
    "email_right_after_another": ("a@example.de_b@example.fr", "<email><email>"),
    "email_in_json": ('{"mail":"max@example.com","n":1}', '{"mail":"<email>","n":1}'),
    "email_on_the_second_line": ("hello\nmax@example.com", "hello\n<email>"),
    "phone_of_many_groups": ("030.1234.56.78.90.12.34.56.78.90", "<phone>"),
    "phone_of_many_digits": ("12-345" + "1" * 200, "<phone>"),
    "phone_international_compact": ("+493012345678", "<phone>"),
    "phone_international_spaced": ("call +49 30 1234567 now", "call <phone> now"),
    "phone_international_with_trunk_zero": ("+49 (0)30 1234-567", "<phone>"),
    "phone_international_dotted": ("+1.555.123.4567", "<phone>"),
    "phone_american": ("(555) 123-4567", "<phone>"),
    "phone_american_dashed": ("555-123-4567", "<phone>"),
    "phone_american_dotted": ("555.123.4567", "<phone>"),
    "phone_american_with_one_in_front": ("1-800-555-0199", "1-<phone>"),
    "phone_german_slash": ("030/1234-567", "<phone>"),
    "phone_german_mobile": ("Tel: 0171 2345678.", "Tel: <phone>."),
    "phone_without_separators": ("03012345678", "<phone>"),
    "phone_right_after_a_colon": ("tel:030 1234567", "tel:<phone>"),
    "phone_french_pairs": ("06 12 34 56 78", "<phone>"),
    "phone_french_pairs_dotted": ("01.23.45.67.89", "<phone>"),
    "phone_with_exit_code": ("0049 30 123456", "0049 <phone>"),
    "phone_in_json": ('{"tel":"0301234567"}', '{"tel":"<phone>"}'),
    "phone_and_email": ("a@example.com or 030 1234567", "<email> or <phone>"),
    "card_spaced": ("4111 1111 1111 1111", "<card>"),
    "card_dashed": ("4111-1111-1111-1111", "<card>"),
    "card_compact": ("paid with 4111111111111111.", "paid with <card>."),
    "card_of_fifteen_digits": ("3782 822463 10005", "<card>"),
    "card_of_nineteen_digits": ("6304000000000000000", "<card>"),
    "card_in_json": ('{"card":"5500000000000004"}', '{"card":"<card>"}'),
    "card_is_not_taken_for_a_phone": ("5500 0055 5555 5559 please", "<card> please"),
    "all_three": ("a@b.de 4111111111111111 +49301234567", "<email> <card> <phone>"),
}
KEPT = {
    "empty": "",
    "words": "size M, two for one",
    "date_iso": "2017-01-31",
    "date_german": "31.01.2017",
    "date_american": "01/31/2017",
    "date_compact": "20170131",
    "moment_iso": "2017-01-31T10:00:00Z",
    "moment_with_space": "2017-01-31 10:00:00",
    "moment_with_microseconds": "2017-01-31 10:00:05.123456",
    "moment_with_microseconds_and_zone": "2017-01-31T10:00:05.123456+01:00",
    "moment_german": "31.01.2017 10:30",
    "moment_with_dashes": "31-01-2017 10:30:00",
    "moment_american": "01/31/2017 10:30",
    "two_dates": "2017-01-31 2017-02-28",
    "three_dates": "2017-01-31 2017-02-28 2017-03-31",
    "price": "1.99",
    "price_with_thousands": "1,234,567.89",
    "price_with_german_thousands": "1.234.567,89",
    "price_with_spaces": "1 234,50 EUR",
    "negative_amount": "-120.5000",
    "percentage": "12.5 %",
    "quantity": "12 x 500",
    "product_id": "1039102",
    "product_id_with_letters": "SKU-4711-XL",
    "product_id_of_eight_digits": "40063813",
    "product_id_padded": "0000004711",
    "product_id_after_a_letter": "B4111111111111111",
    "order_number": "202401-00012",
    "basket": "31198570044",
    "version": "4.2.0",
    "year": "1999",
    "years": "1999-2004",
    "postal_code": "10115 Berlin",
    "postal_code_american": "90210-1234",
    "short_number": "555-1234",
    "at_sign_alone": "2 @ 3.50",
    "handle": "@example",
    "address_without_domain": "root@localhost",
    "uuid": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "time_range": "10:00-11:30",
    "json_of_figures": '{"quantity":12,"price":3.49,"product":"1039102"}',
    "placeholder": "<email>",
}


HOSTILE = {
    "a_million_letters_and_an_at": ("x" * 1_000_000 + "@ 1234567890x", None),
    "digits_that_split_in_many_ways": ("12-345" + "1" * 200 + "a", None),
    "many_ats": ("@" * 100_000 + "a@b.de", "@" * 100_000 + "<email>"),
    "a_very_long_name": ("x" * 100_000 + "@mail.example", "<email>"),
}
MARKED = {
    "an_address_was_there": ("<email>", True),
    "a_number_was_there": ("call <phone> now", True),
    "a_card_was_there": ("<card>", True),
    "markup_is_no_placeholder": ("<b>bold</b>", False),
    "the_word_alone": ("email", False),
}


@pytest.fixture(scope="module")
def answers(ask: Ask) -> Answers:
    """Every text, redacted."""
    return ask({text for text, _ in REPLACED.values()} | set(KEPT.values()), redacted)


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*case, id=name) for name, case in REPLACED.items()])
def test_replaced(answers: Answers, text: str, expected: str):
    assert answers[text] == expected


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in KEPT.items()])
def test_kept(answers: Answers, text: str):
    assert answers[text] == text


def test_nothing_is_left_of_the_replaced(ask: Ask, answers: Answers):
    """What was redacted once is not changed by a second pass: placeholders do not look like anything."""
    first = {str(answer) for answer in answers.values() if answer}
    again = ask(first, redacted)
    assert {text for text, answer in again.items() if text != answer} == set()


@pytest.fixture(scope="module")
def survived(ask: Ask) -> Answers:
    """Every hostile text, redacted."""
    return ask([text for text, _ in HOSTILE.values()], redacted)


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*case, id=name) for name, case in HOSTILE.items()])
def test_hostile_texts_take_no_longer_than_others(survived: Answers, text: str, expected: str | None):
    """Patterns that try a text in more ways than it is long would never end here."""
    assert survived[text] == (text if expected is None else expected)


def test_null_stays_null(spark: SparkSession):
    rows = spark.createDataFrame([(None,)], "text STRING")
    (row,) = bounded(rows.select(redacted(F.col("text")).alias("text"), was_redacted(F.col("text")).alias("was")), 1)
    assert (row.text, row.was) == (None, None)


@pytest.fixture(scope="module")
def marked(ask: Ask) -> Answers:
    """What was_redacted says of every text of MARKED."""
    return ask([text for text, _ in MARKED.values()], was_redacted)


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*case, id=name) for name, case in MARKED.items()])
def test_was_redacted(marked: Answers, text: str, expected: bool):
    assert marked[text] is expected


def test_every_value_of_a_map_is_redacted_and_keys_stay(spark: SparkSession):
    given = {"note": "mail max@example.com", "colour": "red", "none": None, "max@example.com": "1.99"}
    rows = spark.createDataFrame([(given,), (None,), ({},)], "properties MAP<STRING,STRING>")
    found = [row[0] for row in bounded(rows.select(redacted_map(F.col("properties"))), 3)]
    assert found == [{**given, "note": "mail <email>"}, None, {}]
