"""C05: what must never reach Spark is refused by the checker alone, with a position, in bounded time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.expressions import ExpressionError, check, compile_expression, identifier_pairs

HERE = Path(__file__).parent
REFUSED = [json.loads(line) for line in (HERE / "refused.txt").read_text(encoding="utf-8").splitlines()]
COLUMNS = {
    "qty": "STRING",
    "sold_at": "STRING",
    "context": "STRUCT<traits: STRUCT<email: STRING>>",
    "tags": "ARRAY<STRING>",
}


def test_corpus_is_large_and_without_repetition():
    assert len(REFUSED) >= 120
    assert len(set(REFUSED)) == len(REFUSED)


@pytest.mark.parametrize("text", REFUSED, ids=[f"{number:03}" for number in range(len(REFUSED))])
def test_C05_refused_with_a_position(text):
    messages = check(text, columns=None)
    assert messages
    assert all(message.startswith("line ") for message in messages)


@pytest.mark.parametrize("text", REFUSED, ids=[f"{number:03}" for number in range(len(REFUSED))])
def test_C05_refused_also_by_the_compiler(text):
    with pytest.raises(ExpressionError):
        compile_expression(text, columns=None, time_zone="Europe/Berlin", want="STRING")


def test_C05_corpus_is_refused_where_no_jvm_could_start(tmp_path):
    program = (
        "import json, sys\n"
        "from pyspark import SparkContext\n"
        "from omniseg.expressions import check\n"
        "texts = [json.loads(line) for line in open(sys.argv[1], encoding='utf-8')]\n"
        "assert all(check(text, columns=None) for text in texts)\n"
        "assert SparkContext._gateway is None\n"
        "print(len(texts))\n"
    )
    bare = {"PATH": str(tmp_path), "JAVA_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, str(HERE / "refused.txt")]
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.strip() == str(len(REFUSED)), done.stderr


@pytest.mark.parametrize(
    ("text", "where", "nearest"),
    [
        pytest.param("uper(qty)", "line 1, column 1", "upper", id="function_misspelled"),
        pytest.param("1 +\n  qyt", "line 2, column 3", "qty", id="column_misspelled_on_the_second_line"),
        pytest.param("upper(context.traits.emial)", "line 1, column 7", "email", id="field_misspelled"),
        pytest.param("QTY < 0", "line 1, column 1", "qty", id="column_in_other_case"),
        pytest.param("date_trunc('mont', sold_at)", "line 1, column 1", "month", id="unit_misspelled"),
        pytest.param("qty < 0 ; drop", "line 1, column 9", "", id="statement_separator"),
        pytest.param(
            "case when qty < 0\nthen input_file_name() end", "line 2, column 6", "", id="file_name_inside_a_case"
        ),
        pytest.param("upper(qty, tags", "line 1, column 12", "", id="bracket_left_open"),
        pytest.param("..5", "line 1, column 1", "", id="number_with_two_points"),
        pytest.param("`qyt` = 1", "line 1, column 1", "qty", id="quoted_column_misspelled"),
    ],
)
def test_a_refusal_says_where_and_what_was_meant(text, where, nearest):
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, columns=COLUMNS)
    [problem] = refused.value.problems
    assert (problem.where, problem.nearest) == (where, nearest)


def test_all_problems_are_named_at_once():
    messages = check("uper(qyt) = foo(1) and sold_at > now()", columns=COLUMNS)
    assert [message.split(":")[0] for message in messages] == [
        "line 1, column 6",
        "line 1, column 1",
        "line 1, column 13",
        "line 1, column 34",
    ]


def test_refusal_is_a_configuration_error():
    with pytest.raises(ConfigError) as refused:
        compile_expression("rand()", columns=None)
    assert refused.value.exit_code == 2


def test_messages_stay_short_and_printable():
    [message] = check("'\x1b[31m" + "x" * 3_000, columns=None)
    assert len(message) < 250
    assert message.isprintable()


@pytest.mark.parametrize(
    ("zone", "nearest"),
    [pytest.param("Europe/Berln", "Europe/Berlin", id="misspelled"), pytest.param("'; drop", "", id="injection")],
)
def test_time_zones_are_checked(zone, nearest):
    with pytest.raises(ExpressionError) as refused:
        compile_expression("to_date(sold_at)", columns=COLUMNS, time_zone=zone)
    assert refused.value.problems[0].nearest == nearest


@pytest.mark.parametrize("want", ["INTERVAL DAY", "DECIMAL(50,2)", "nonsense", "STRING; DROP", "ARRAY<", ""])
def test_wanted_types_are_checked(want):
    with pytest.raises(ExpressionError):
        compile_expression("qty", columns=COLUMNS, want=want)


def test_a_declared_column_may_have_any_name():
    columns = {"price/unit": "STRING", "user": "STRING", "current_date": "STRING"}
    assert check("concat(`price/unit`, user, current_date)", columns=columns) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("map('email', lower(email))", id="a_computed_value"),
        pytest.param("map('email', 'a@b.c')", id="a_literal"),
        pytest.param("coalesce(email, phone)", id="no_map"),
        pytest.param("map('email', cast(email as string))", id="a_cast"),
        pytest.param("map('email', coalesce(email, 'none'))", id="a_literal_inside_coalesce"),
        pytest.param("map('email', coalesce(email, lower(phone)))", id="a_computed_value_inside_coalesce"),
        pytest.param("map('email')", id="a_key_alone"),
        pytest.param("map(kind, email)", id="a_computed_key"),
        pytest.param("map('email', a.b(c))", id="a_method"),
        pytest.param("map('email', (select 1))", id="a_query"),
    ],
)
def test_identifiers_must_be_bare_columns(text):
    with pytest.raises(ExpressionError):
        identifier_pairs(text)


def test_identifier_pairs_keep_their_order():
    first = "'loyalty', card_no, 'email', context.traits.email"
    second = "'login', param(user.properties, 'login'), 'phone', `my tel`"
    assert identifier_pairs(f"map({first}, {second})") == [
        ("loyalty", "card_no"),
        ("email", "context.traits.email"),
        ("login", "param(user.properties, 'login')"),
        ("phone", "my tel"),
    ]


def test_an_identifier_may_stand_in_several_places():
    text = "map('email', coalesce(traits.email, context.traits.email), 'account', userId)"
    assert identifier_pairs(text) == [
        ("email", "traits.email"),
        ("email", "context.traits.email"),
        ("account", "userId"),
    ]


def test_an_identifier_may_have_a_name_that_spark_uses_itself():
    assert identifier_pairs("map('login', user, 'card', `current_date`)") == [
        ("login", "user"),
        ("card", "current_date"),
    ]


def test_no_identifiers_are_no_pairs():
    assert identifier_pairs("map()") == []
