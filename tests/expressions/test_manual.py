"""docs/expressions.md is what the allow-list says, and its examples are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from omniseg.expressions import check
from omniseg.expressions.catalogue import SIMPLE
from omniseg.expressions.manual import manual
from omniseg.expressions.special import SPECIAL

PAGE = Path(__file__).parents[2] / "docs" / "expressions.md"


def test_page_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == manual(), "print it anew: python -m tests.expressions.print_manual"


@pytest.mark.parametrize("name", [*SIMPLE, *SPECIAL])
def test_every_function_has_its_line(name):
    lines = [line for line in manual().splitlines() if line.startswith(f"| `{name}(")]
    assert len(lines) == 1


@pytest.mark.parametrize(
    "text",
    [
        "qty",
        "context.traits.email",
        "`any other name`",
        "tags[0]",
        "props['key']",
        "'it''s'",
        '"it\'s"',
        r"x rlike r'\d+'",
        "1e3",
        "date '2024-01-31'",
        "timestamp '2024-01-31 10:00:00'",
        "greatest(n, 0)",
    ],
)
def test_examples_of_the_page_are_accepted(text):
    assert check(text, columns=None) == []
    assert text.split(" rlike ")[-1] in manual()
