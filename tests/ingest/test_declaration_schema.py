"""With a declared schema every raw column is checked before Spark starts; without one, only what needs no columns."""

from __future__ import annotations

import pytest

from omniseg.errors import ConfigError
from omniseg.ingest.declaration_reader import read_declaration
from omniseg.settings import yaml_strict

CLICKS = """\
source: clicks
channel: web
format: json
path: in/clicks
schema: >-
  id STRING, at STRING, kind STRING, user STRUCT<id: STRING, mail: STRING>, total DECIMAL(9,2),
  items ARRAY<STRUCT<sku: STRING, price: STRING>>, note STRING
personal: [user.id]
columns:
  event_id: id
  event_time: to_timestamp(at)
  event_type: kind
  identifiers: map('login', user.id)
"""


def problems(text: str) -> list[str]:
    """The messages with which a declaration is refused, without what is expected; none when it is fine."""
    try:
        read_declaration(yaml_strict.parse(text.encode(), "d.yml"), file="d.yml")
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_declaration_that_fits_its_schema():
    assert problems(CLICKS) == []


@pytest.mark.parametrize(
    ("line", "message", "meant"),
    [
        pytest.param("  order_id: totl", "columns.order_id: found totl at line 1, column 1", "total", id="column"),
        pytest.param("  order_id: user.maill", "columns.order_id: found user.maill at", "mail", id="field"),
        pytest.param("  order_id: total.x", "columns.order_id: found total.x at line 1, column 1", "", id="no_struct"),
        pytest.param("free_text: [note, noet]", "free_text: found 'noet'", "note", id="free_text"),
        pytest.param("rows: explode(itms)", "rows: found 'itms'", "items", id="array"),
        pytest.param("rows: explode(user)", "rows: found 'user'", "", id="exploding_a_struct"),
        pytest.param(
            "quality: [{name: a, expect: totle > 0}]", "quality[1].expect: found totle at", "total", id="rule"
        ),
    ],
)
def test_C01_a_column_that_the_schema_does_not_have(line: str, message: str, meant: str):
    found = problems(CLICKS + line + "\n")
    assert len(found) == 1
    assert message in found[0]
    assert found[0].partition("did you mean ")[2].strip("'?") == meant


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("  amount: total * 2", id="column"),
        pytest.param("  brand: user.mail", id="field_of_a_struct"),
        pytest.param("free_text: [note, user.mail]", id="free_text"),
        pytest.param("quality: [{name: a, expect: total > 0 and event_type <> ''}]", id="rule_on_raw_and_canonical"),
        pytest.param("  product_id: item.sku\nrows: explode(items)", id="element_of_the_exploded_array"),
        pytest.param("  quantity: at", id="text_where_a_number_is_wanted"),
    ],
)
def test_columns_of_the_schema_may_be_used(line: str):
    assert problems(f"{CLICKS}{line}\n") == []


def test_an_element_has_only_its_own_fields():
    found = problems(CLICKS + "  product_id: item.skuu\nrows: explode(items)\n")
    assert len(found) == 1
    assert found[0].endswith("did you mean 'sku'?")


def test_a_rule_cannot_read_a_canonical_column_that_is_not_declared():
    assert "quality[1].expect: found brand at" in problems(CLICKS + "quality: [{name: a, expect: brand > ''}]\n")[0]


def test_without_a_schema_any_raw_column_passes():
    lines = [line for line in CLICKS.splitlines() if not line.startswith(("schema", "  id", "  items"))]
    text = "\n".join(lines) + "\n  order_id: no_such_column\n"
    assert problems(text) == []


def test_a_broken_schema_does_not_hide_other_problems():
    text = CLICKS.replace("at STRING", "at STRIN").replace("user", "visitor")
    found = problems(text.replace("event_type: kind", "event_type: reflect(kind)"))
    assert [problem.split(" at ")[0] for problem in found] == [
        "d.yml:5: schema: found no type",
        "d.yml:12: columns.event_type: found function reflect",
    ]


def test_lines_of_text_have_one_column():
    text = CLICKS.replace("format: json", "format: text").replace("to_timestamp(at)", "to_timestamp(valu)")
    text = text[: text.index("schema")] + text[text.index("columns") :]
    found = problems(
        text.replace("event_id: id", "event_id: value").replace(": kind", ": \"'login'\"").replace("user.id", "value")
    )
    assert found[0].endswith(
        "found valu at line 1, column 14, expected a raw column of this source; did you mean 'value'?"
    )
    assert len(found) == 1
