"""`omniseg quarantine list|show`: what is bad, why, and where it stood."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import pytest
from pyspark.sql import SparkSession

from omniseg.commands import quarantine
from tests.commands.conftest import Project, listed, make

LINES = (
    "R1;1;02.01.2025 09:00;4001;1;2.50;Cup",
    "R2;1;02.01.2025 09:05;4002;1;-2.50;Cup, write to me@example.com",
    "R3;1;someday;4003;1;2.50;Cup",
    "R4;1;02.01.2025 09:10;4004;1;-7.50;Jug",
)


@pytest.fixture(scope="module")
def project(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one good record and three bad ones."""
    made = Project(make(tmp_path_factory.mktemp("quarantine") / "project"), spark)
    (made.folder / "landing" / "store_orders" / "store_orders_2025q1.csv").unlink()
    made.deliver("a.csv", *LINES)
    made.ingest()
    return made


def test_list_counts_a_record_under_every_rule_that_it_breaks(project: Project, printed: Callable[[], str]):
    printed()
    project.execute(quarantine.show_list, "quarantine list", format="json")
    found = [(row["rule"], row["status"], row["records"], row["line"]) for row in listed(printed())]
    assert found == [
        ("missing:event_time", "open", 1, 3),
        ("price_not_negative", "open", 2, 2),
        ("purchase_negative", "open", 2, 2),
        ("unreadable:event_time", "open", 1, 3),
    ]


def test_list_explains_the_rules(project: Project, printed: Callable[[], str]):
    printed()
    project.execute(quarantine.show_list, "quarantine list")
    text = printed()
    assert "a purchase with a negative amount" in text
    assert "an expectation that the declaration states" in text
    assert "Next: omniseg quarantine show" in text


@pytest.fixture(scope="module")
def shown(project: Project) -> list[dict[str, Any]]:
    """All open records as `show` gives them."""
    with redirect_stdout(io.StringIO()) as printed:
        project.execute(quarantine.show, "quarantine show", source=None, rule=None, limit=20, format="json")
    return listed(printed.getvalue())


def test_show_gives_records_in_the_order_of_their_file(shown: list[dict[str, Any]]):
    assert [row["line"] for row in shown] == [2, 3, 4]
    assert all(row["file"].endswith("/store_orders/a.csv") for row in shown)


def test_excerpts_hold_neither_card_numbers_nor_addresses(shown: list[dict[str, Any]]):
    excerpt = shown[0]["excerpt"]
    assert "<email>" in excerpt
    assert "loyalty:v1:" in excerpt
    assert "4002" not in excerpt


@pytest.mark.parametrize(
    ("source", "rule", "limit", "lines"),
    [
        pytest.param("store_orders", None, 20, [2, 3, 4], id="by_source"),
        pytest.param(None, "price_not_negative", 20, [2, 4], id="by_rule"),
        pytest.param(None, None, 2, [2, 3], id="limited"),
    ],
)
def test_show_some(
    project: Project, printed: Callable[[], str], source: str | None, rule: str | None, limit: int, lines: list[int]
):
    printed()
    project.execute(quarantine.show, "quarantine show", source=source, rule=rule, limit=limit, format="json")
    assert [row["line"] for row in listed(printed())] == lines


@pytest.mark.parametrize(
    ("source", "rule", "words"),
    [
        pytest.param("store_order", None, "did you mean 'store_orders'", id="mistyped_source"),
        pytest.param(None, "price_not_negativ", "did you mean 'price_not_negative'", id="mistyped_rule"),
    ],
)
def test_unknown_names_are_refused(project: Project, source: str | None, rule: str | None, words: str):
    run = project.execute(quarantine.show, "quarantine show", source=source, rule=rule, limit=20)
    assert run.exit_code == 2
    assert words in run.detail
