"""Which spellings are one identifier, which are none, and that the key stays out of everything Spark shows."""

from __future__ import annotations

import hashlib
import hmac
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.errors import ConfigError
from omniseg.lake.bounded import bounded
from omniseg.privacy.arrow import arrow_column
from omniseg.privacy.pseudonyms import is_pseudonym, keyed, normalised, pseudonym, pseudonymiser, remembered

NAME = "OMNISEG_PSEUDONYM_KEY"
SECRET = b"a-key-of-pseudonyms-0123456789"
SHAPE = re.compile(r"[a-z]+:v[0-9]+:[0-9a-f]{64}")
KELVIN, CYRILLIC_E, CYRILLIC_O, GREEK_O = "\u212a", "\u0435", "\u043e", "\u03bf"

SAME = [
    pytest.param("email", "Max@Example.COM", "max@example.com", id="email_case"),
    pytest.param("email", "  max@example.com\t", "max@example.com", id="email_surrounding_space"),
    pytest.param("email", "max@example.com\r\n", "max@example.com", id="email_line_end"),
    pytest.param("email", "ma\u200bx@example.com", "max@example.com", id="D12_zero_width_space"),
    pytest.param("email", "\ufeffmax@example.com", "max@example.com", id="D12_byte_order_mark"),
    pytest.param("email", "m\u200dax@exam\u200cple.com", "max@example.com", id="D12_zero_width_joiners"),
    pytest.param("email", "\u202emax@example.com\u202c", "max@example.com", id="D12_right_to_left_override"),
    pytest.param("email", "\u2067max@example.com\u2069", "max@example.com", id="D12_right_to_left_isolate"),
    pytest.param("email", "ma\u00adx@example.com", "max@example.com", id="D12_soft_hyphen"),
    pytest.param("email", "max\x00@example.com", "max@example.com", id="D12_nul"),
    pytest.param("email", "\uff4d\uff41\uff58\uff20example.com", "max@example.com", id="D12_full_width"),
    pytest.param("email", "jose\u0301@example.com", "jos\u00e9@example.com", id="D12_decomposed_accent"),
    pytest.param("email", f"{KELVIN}im@example.com", "kim@example.com", id="D12_kelvin_sign"),
    pytest.param("email", "o\ufb03ce@example.com", "office@example.com", id="D12_ligature"),
    pytest.param("email", "STRASSE@example.com", "stra\u00dfe@example.com", id="D12_sharp_s"),
    pytest.param("login", "MaxMuster", "maxmuster", id="login_case"),
    pytest.param("phone", "+49 30 1234-567", "+49301234567", id="phone_separators"),
    pytest.param("phone", "(030) 123.45/67", "0301234567", id="phone_brackets"),
    pytest.param("phone", "\uff0b\uff14\uff19 30 1234567", "+49301234567", id="D12_phone_full_width"),
    pytest.param("phone", "+49\u00a030\u20091234567", "+49301234567", id="D12_phone_no_break_spaces"),
    pytest.param("phone", "\u202a+49301234567\u202c", "+49301234567", id="D12_phone_from_a_contact_card"),
    pytest.param("loyalty", " 4711 ", "4711", id="loyalty_surrounding_space"),
    pytest.param("loyalty", "\uff14\uff17\uff11\uff11", "4711", id="D12_loyalty_full_width_digits"),
]
DIFFERENT = [
    pytest.param("email", f"max@{CYRILLIC_E}xample.com", "max@example.com", id="D12_cyrillic_e_stays_different"),
    pytest.param("email", f"j{CYRILLIC_O}e@example.com", "joe@example.com", id="D12_cyrillic_o_stays_different"),
    pytest.param("email", f"j{GREEK_O}e@example.com", "joe@example.com", id="D12_greek_omicron_stays_different"),
    pytest.param("email", "jos\u00e9@example.com", "jose@example.com", id="D12_an_accent_counts"),
    pytest.param("email", "m\u0131x@example.com", "mix@example.com", id="D12_dotless_i_stays_different"),
    pytest.param("email", "max+a@example.com", "max@example.com", id="email_tags_count"),
    pytest.param("email", "m.ax@example.com", "max@example.com", id="email_dots_count"),
    pytest.param("email", "max\U0001f600@example.com", "max@example.com", id="D12_emoji_counts"),
    pytest.param("phone", "+49301234567", "0301234567", id="phone_country_code_counts"),
    pytest.param("phone", "+49301234567", "49301234567", id="phone_plus_counts"),
    pytest.param("loyalty", "AB12", "ab12", id="loyalty_case_counts"),
    pytest.param("loyalty", "0004711", "4711", id="D07_leading_zeros_count"),
    pytest.param("loyalty", "47 11", "4711", id="loyalty_inner_space_counts"),
    pytest.param("device", "1e5", "100000", id="D07_ids_are_not_numbers"),
    pytest.param("cookie", "abc-def", "abcdef", id="cookie_dash_counts"),
]
ABSENT = [
    pytest.param("email", None, id="null"),
    pytest.param("email", "", id="empty"),
    pytest.param("email", "   ", id="blank"),
    pytest.param("loyalty", "\u200b\ufeff", id="D12_only_invisible"),
    pytest.param("loyalty", "\u3000", id="D12_ideographic_space"),
    pytest.param("loyalty", "\x00", id="D12_only_nul"),
    pytest.param("loyalty", "null", id="D10_null_as_text"),
    pytest.param("loyalty", "NULL", id="D10_null_in_capitals"),
    pytest.param("loyalty", "None", id="D10_none_of_python"),
    pytest.param("loyalty", "nil", id="D10_nil"),
    pytest.param("loyalty", "N/A", id="D10_not_available"),
    pytest.param("loyalty", "na", id="D10_na"),
    pytest.param("loyalty", "NaN", id="D10_not_a_number"),
    pytest.param("login", "undefined", id="D10_undefined_of_javascript"),
    pytest.param("login", " Unknown ", id="D10_unknown"),
    pytest.param("login", "Anonymous", id="D10_anonymous"),
    pytest.param("login", "-", id="D10_dash"),
    pytest.param("login", "---", id="D10_dashes"),
    pytest.param("login", "\uff4e\uff55\uff4c\uff4c", id="D10_null_in_full_width"),
    pytest.param("loyalty", "0", id="D10_zero"),
    pytest.param("loyalty", "0000000000", id="D10_zeros"),
    pytest.param("loyalty", "0000-0000-0000", id="D10_zeros_in_groups"),
    pytest.param("phone", "000 000 0000", id="D10_phone_of_zeros"),
    pytest.param("phone", "+00 000", id="D10_phone_of_zeros_with_plus"),
    pytest.param("phone", "+", id="D10_phone_of_plus_alone"),
    pytest.param("phone", "n/a", id="D10_phone_without_digits"),
    pytest.param("phone", "call me", id="D10_phone_in_words"),
    pytest.param("device", "00000000-0000-0000-0000-000000000000", id="D10_advertising_id_switched_off"),
]


@pytest.mark.parametrize(("kind", "left", "right"), SAME)
def test_one_identifier(kind: str, left: str, right: str):
    assert keyed(left, kind, "v1", SECRET) == keyed(right, kind, "v1", SECRET)
    assert normalised(left, kind) is not None


@pytest.mark.parametrize(("kind", "left", "right"), DIFFERENT)
def test_two_identifiers(kind: str, left: str, right: str):
    made = {keyed(left, kind, "v1", SECRET), keyed(right, kind, "v1", SECRET)}
    assert len(made) == 2 and None not in made


@pytest.mark.parametrize(("kind", "text"), ABSENT)
def test_no_identifier(kind: str, text: str | None):
    assert keyed(text, kind, "v1", SECRET) is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param("loyalty", "nullify", id="a_filler_inside_a_word"),
        pytest.param("login", "nadia", id="a_filler_at_the_start"),
        pytest.param("loyalty", "00001", id="zeros_in_front"),
        pytest.param("email", "null@example.com", id="an_address_of_mister_null"),
        pytest.param("phone", "+1", id="a_short_phone"),
    ],
)
def test_nearly_a_filler_is_an_identifier(kind: str, text: str):
    assert keyed(text, kind, "v1", SECRET) is not None


@given(st.text(), st.sampled_from(["email", "phone", "login", "loyalty"]))
def test_normalising_never_fails_and_leaves_no_invisible_edge(text: str, kind: str):
    plain = normalised(text, kind)
    if plain is not None:
        assert plain == plain.strip()
        assert not {"\u200b", "\ufeff", "\x00", "\u202e"} & set(plain)
        assert kind != "phone" or re.fullmatch(r"\+?\d+", plain)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_normalising_twice_changes_nothing(text: str):
    once = normalised(text, "email")
    assert once is None or normalised(once, "email") == once


@given(st.text(st.characters(max_codepoint=127)), st.sampled_from(["email", "phone", "loyalty"]))
def test_plain_letters_are_compared_as_all_others_are(text: str, kind: str):
    """Without NFKC where it changes nothing; an invisible character sends the same text the long way."""
    assert normalised(text, kind) == normalised(f"{text}\u200b", kind)


def test_what_is_too_long_for_an_identifier_is_not_remembered(monkeypatch: pytest.MonkeyPatch):
    """A hostile delivery of long texts must not fill the memory of a worker."""
    monkeypatch.setenv(NAME, SECRET.decode())
    compute = pseudonymiser("loyalty", "v1", NAME)
    long = "4" * 257
    before = remembered.cache_info().currsize
    made = compute(pa.array([long, long, "a card that nobody else has", None])).to_pylist()
    assert made[:2] == [keyed(long, "loyalty", "v1", SECRET)] * 2
    assert made[3] is None
    assert remembered.cache_info().currsize == before + 1


def test_the_pseudonym_is_the_documented_hash():
    digest = hmac.new(SECRET, b"email|max@example.com", hashlib.sha256).hexdigest()
    assert keyed("Max@example.com", "email", "v1", SECRET) == f"email:v1:{digest}"


@pytest.mark.parametrize("kind", ["login", "account", "email", "phone", "loyalty", "card", "device", "cookie"])
def test_type_and_version_stand_in_front(kind: str):
    made = keyed("12345", kind, "v7", SECRET)
    assert made is not None and SHAPE.fullmatch(made)
    assert made.startswith(f"{kind}:v7:")


def test_one_text_of_two_types_is_two_pseudonyms():
    assert digest_of(keyed("4711", "loyalty", "v1", SECRET)) != digest_of(keyed("4711", "card", "v1", SECRET))


def test_another_key_gives_other_pseudonyms():
    assert digest_of(keyed("4711", "loyalty", "v1", SECRET)) != digest_of(keyed("4711", "loyalty", "v1", SECRET + b"x"))


def test_the_version_names_the_key_and_does_not_enter_the_hash():
    old, new = keyed("4711", "loyalty", "v1", SECRET), keyed("4711", "loyalty", "v2", SECRET)
    assert old != new
    assert digest_of(old) == digest_of(new)


def test_a_lone_surrogate_has_a_pseudonym_of_its_own():
    made = {keyed(text, "login", "v1", SECRET) for text in ("a\ud800", "a\ud801", "a?")}
    assert len(made) == 3


def digest_of(made: str | None) -> str:
    """The hash of a pseudonym."""
    assert made is not None
    return made.rpartition(":")[2]


def test_rotating_the_key_takes_effect_where_the_function_runs(monkeypatch: pytest.MonkeyPatch):
    compute = pseudonymiser("loyalty", "v1", "OMNISEG_TEST_KEY")
    made = []
    for value in ("the-first-key-0123456789", "the-second-key-0123456789", "the-first-key-0123456789"):
        monkeypatch.setenv("OMNISEG_TEST_KEY", value)
        made.append(compute(pa.array(["4711", None, "0", "4711"])).to_pylist())
    assert made[0] == made[2] != made[1]
    first, null, filler, again = made[0]
    assert (null, filler) == (None, None)
    assert first == again == keyed("4711", "loyalty", "v1", b"the-first-key-0123456789")


@pytest.mark.parametrize("values", [[], [None], [None, None], ["a"] * 5000 + [None]])
def test_batches_of_any_shape_keep_their_length(monkeypatch: pytest.MonkeyPatch, values: list[str | None]):
    monkeypatch.setenv("OMNISEG_TEST_KEY", SECRET.decode())
    made = pseudonymiser("login", "v1", "OMNISEG_TEST_KEY")(pa.array(values, pa.string()))
    assert made.type == pa.string()
    assert made.to_pylist() == [keyed(value, "login", "v1", SECRET) for value in values]


def test_without_a_key_no_pseudonym_is_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OMNISEG_TEST_KEY", raising=False)
    with pytest.raises(ConfigError, match="OMNISEG_TEST_KEY"):
        pseudonymiser("login", "v1", "OMNISEG_TEST_KEY")(pa.array(["a"]))


def test_what_travels_to_the_executors_does_not_hold_the_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMNISEG_TEST_KEY", SECRET.decode())
    compute = pseudonymiser("login", "v1", "OMNISEG_TEST_KEY")
    compute(pa.array(["a"]))
    shipped = cloudpickle.dumps(compute)
    assert b"OMNISEG_TEST_KEY" in shipped
    assert SECRET not in shipped


def test_column_of_pseudonyms(spark: SparkSession):
    texts = ["Max@Example.com", "max@example.com", "n/a", None]
    rows = spark.createDataFrame([(text,) for text in texts], "mail STRING")
    made = pseudonym(F.col("mail"), identifier_type="email", key_version="v3", key_name=NAME)
    found = [row.made for row in bounded(rows.select(made.alias("made")), 10)]
    expected = keyed("max@example.com", "email", "v3", b"test-key-of-pseudonyms-0123456789abcdef")
    assert found == [expected, expected, None, None]


def test_numbers_are_taken_by_their_text(spark: SparkSession):
    rows = spark.createDataFrame([(9007199254740993,)], "card BIGINT")
    made = pseudonym(F.col("card"), identifier_type="card", key_version="v1", key_name=NAME)
    expected = keyed("9007199254740993", "card", "v1", b"test-key-of-pseudonyms-0123456789abcdef")
    assert bounded(rows.select(made.alias("made")), 1)[0].made == expected


def test_neither_plan_nor_settings_show_the_key(spark: SparkSession, capsys: pytest.CaptureFixture[str]):
    rows = spark.createDataFrame([("max@example.com",)], "mail STRING")
    made = pseudonym(F.col("mail"), identifier_type="email", key_version="v1", key_name=NAME)
    rows.select(made.alias("made")).explain(extended=True)
    shown = capsys.readouterr().out
    assert "made" in shown
    settings = spark.sparkContext.getConf().getAll()
    assert "test-key" not in shown
    assert len(settings) > 10 and not [pair for pair in settings if "test-key" in pair[1]]


JUDGED = {
    "made_by_us": (f"email:v1:{'0a' * 32}", True),
    "another_key_version": (f"loyalty:k2_b:{'0a' * 32}", True),
    "capitals": (f"email:v1:{'0A' * 32}", False),
    "too_short": (f"email:v1:{'0a' * 31}", False),
    "too_long": (f"email:v1:{'0a' * 32}0", False),
    "no_version": (f"email:{'0a' * 32}", False),
    "something_in_front": (f" email:v1:{'0a' * 32}", False),
    "an_address": ("max@example.com", False),
}


@pytest.fixture(scope="module")
def judged(spark: SparkSession) -> dict[str, bool]:
    """What is_pseudonym says of every text of JUDGED."""
    rows = spark.createDataFrame([(text,) for text, _ in JUDGED.values()], "text STRING")
    found = bounded(rows.select("text", is_pseudonym(F.col("text")).alias("is")), len(JUDGED))
    return {row.text: row["is"] for row in found}


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*case, id=name) for name, case in JUDGED.items()])
def test_is_pseudonym(judged: dict[str, bool], text: str, expected: bool):
    assert judged[text] is expected


def test_an_arrow_column_sees_whole_batches_and_keeps_nulls_and_order(spark: SparkSession):
    def upper(values: pa.Array) -> pa.Array:
        assert isinstance(values, pa.Array)
        return pa.array([text and text.upper() for text in values.to_pylist()], pa.string())

    rows = spark.createDataFrame([("a",), (None,), ("ß",)], "text STRING").coalesce(1)
    shouted = rows.select(arrow_column(upper)(F.col("text")).alias("text"))
    assert shouted.schema.simpleString() == "struct<text:string>"
    assert [row.text for row in bounded(shouted, 3)] == ["A", None, "SS"]
