"""`omniseg sources check`: the dry run tells what ingest would do, and leaves no trace in the warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omniseg.commands import sources
from tests.commands.conftest import Project

PRODUCTS = """
target: products
format: json
path: ${landing.root}/products/*.jsonl
key: [product_id]
mode: latest
columns: {product_id: sku, name: title}
"""


def check(project: Project, file: Path, printed: Callable[[], str], *, sample: int = 1000) -> dict[str, Any]:
    """What the dry run reports, as JSON."""
    printed()
    run = project.execute(sources.check, "sources check", file=str(file), sample=sample, format="json")
    assert run.exit_code == 0, run.detail
    text = printed()
    found: dict[str, Any] = json.loads(text[: text.rindex('{"run_id"')])
    return found


def test_report_on_the_example_and_no_trace_of_it(project: Project, printed: Callable[[], str]):
    found = check(project, project.declaration, printed)
    assert (found["source"], found["records"], found["files"], found["waiting"]) == ("store_orders", 293, 1, True)
    assert found["unmapped"] == ["article"]
    broken = [(row["rule"], row["records"], row["line"]) for row in found["breaches"]]
    assert broken == [("price_not_negative", 1, 293), ("unreadable:unit_price", 1, 293)]
    assert found["breaches"][0]["file"].endswith("store_orders_2025q1.csv")
    first = found["rows"][0]
    assert (first["event_type"], first["event_date"], first["amount"]) == ("purchase", "2025-01-02", "2.8000")
    assert first["identifiers"]["loyalty"].startswith("loyalty:v1:")
    assert "4007962" not in json.dumps(found)
    assert not (project.folder / "warehouse").exists()


def test_words_for_the_terminal(empty_project: Project, printed: Callable[[], str]):
    empty_project.deliver("a.csv", "R1;1;02.01.2025 09:00;4001;1;-2.50;Cup", "R2;1;02.01.2025 09:05;4002;1;2.50;Cup")
    printed()
    empty_project.execute(sources.check, "sources check", file=str(empty_project.declaration), sample=10)
    text = printed()
    assert "2 records of 1 files (waiting to be taken). Nothing was written." in text
    assert "price_not_negative" in text
    assert "purchase_negative" in text
    assert "Delivered columns that no expression reads: article" in text


def test_sample_limits_the_records(project: Project, printed: Callable[[], str]):
    assert check(project, project.declaration, printed, sample=7)["records"] == 7


def test_files_that_were_taken_are_read_when_none_waits(empty_project: Project, printed: Callable[[], str]):
    empty_project.deliver("a.csv", "R1;1;02.01.2025 09:00;4001;1;2.50;Cup")
    empty_project.take()
    found = check(empty_project, empty_project.declaration, printed)
    assert (found["waiting"], found["records"], found["breaches"]) == (False, 1, [])


def test_reference_table_with_unknown_fields(empty_project: Project, printed: Callable[[], str]):
    folder = empty_project.folder / "landing" / "products"
    folder.mkdir()
    lines = [{"sku": "p1", "title": "Cup"}, {"sku": None, "title": "Jug"}]
    (folder / "p.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    file = empty_project.folder / "sources" / "products.yml"
    file.write_text(PRODUCTS + "schema: sku STRING\n", encoding="utf-8")
    refused = empty_project.execute(sources.check, "sources check", file=str(file), sample=10)
    assert (refused.exit_code, "title" in refused.detail) == (2, True)
    file.write_text(PRODUCTS.replace(", name: title", "") + "schema: sku STRING\n", encoding="utf-8")
    found = check(empty_project, file, printed)
    assert found["unknown"] == [{"field": "title", "records": 2}]
    assert [(row["rule"], row["records"]) for row in found["breaches"]] == [("missing:product_id", 1)]
    assert found["rows"][0]["product_id"] == "p1"


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        pytest.param("store_orders/*.csv", "elsewhere/*.csv", 3, "no file matches", id="nothing_to_read"),
        pytest.param("quantity: qty", "quantity: qyt", 2, "qty", id="column_that_is_not_delivered"),
        pytest.param("channel: pos", "channel: poss", 2, "'pos'", id="broken_declaration"),
    ],
)
def test_what_keeps_a_dry_run_from_reading(project: Project, old: str, new: str, code: int, words: str):
    project.declare(old, new)
    run = project.execute(sources.check, "sources check", file=str(project.declaration), sample=10)
    assert (run.exit_code, run.status) == (code, "refused")
    assert words in run.detail
    assert not (project.folder / "warehouse").exists()
