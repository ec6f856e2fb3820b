"""Which files a batch takes: by path and content, complete ones only, each once. Spark lists and hashes the files."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.deliveries import deliveries, ledger, next_batch, plain_path, promise
from omniseg.errors import AccountingError
from omniseg.lake.store import Lake
from omniseg.runtime import Run, record
from omniseg.settings.load import load_settings
from omniseg.settings.sources import load_declarations
from omniseg.tables import FILES
from tests.ingest.conftest import ORDERS_JSON

OTHERS = ORDERS_JSON.replace("source: orders", "source: others").replace("/orders/", "/others/")
CONTENT = b'{"id": 1}\n'


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Path:
    """A folder with two declarations and an empty landing zone."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "orders.yml").write_text(ORDERS_JSON)
    (tmp_path / "sources" / "others.yml").write_text(OTHERS)
    return tmp_path


def run_in(spark: SparkSession, folder: Path, *sets: str) -> Run:
    """A run that has not begun."""
    places = [
        f"warehouse.root={folder / 'warehouse'}",
        f"landing.root={folder / 'landing'}",
        f"sources.dir={folder / 'sources'}",
    ]
    settings = load_settings(env="local", conf=None, sets=[*places, *sets], environ={})
    return Run("ingest", settings, {}, given_lake=Lake(spark, settings.warehouse.root))


def deliver(folder: Path, name: str, content: bytes = CONTENT) -> Path:
    """A file in the landing zone."""
    file = folder / "landing" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def waiting(run: Run) -> dict[str, list[str]]:
    """Names of the files that each declaration would take."""
    found = deliveries(run, load_declarations(run.settings.sources.dir, run.settings))
    return {source: [Path(file.path).name for file in files] for source, files in found.items()}


def take(run: Run, batch_id: int) -> None:
    """Enter what waits into the ledger."""
    found = deliveries(run, load_declarations(run.settings.sources.dir, run.settings))
    rows = [
        (file.source, file.path, file.size, file.mtime, file.content_hash, 1, batch_id, "taken", None)
        for files in found.values()
        for file in files
    ]
    run.lake.append(FILES, run.spark.createDataFrame(rows, FILES.ddl))


def test_nothing_lies_there(spark: SparkSession, shop: Path):
    run = run_in(spark, shop)
    assert waiting(run) == {"orders": [], "others": []}
    assert (ledger(run), next_batch(run)) == ({}, 1)


def test_files_come_in_the_order_of_their_names_each_to_its_source(spark: SparkSession, shop: Path):
    for name in ("orders/b.jsonl", "orders/a.jsonl", "others/c.jsonl", "orders/readme.txt", "elsewhere/d.jsonl"):
        deliver(shop, name)
    assert waiting(run_in(spark, shop)) == {"orders": ["a.jsonl", "b.jsonl"], "others": ["c.jsonl"]}


def test_a_delivery_is_known_by_the_hash_of_its_bytes(spark: SparkSession, shop: Path):
    deliver(shop, "orders/a.jsonl")
    run = run_in(spark, shop)
    (found,) = deliveries(run, load_declarations(run.settings.sources.dir, run.settings))["orders"]
    assert (found.source, found.size) == ("orders", len(CONTENT))
    assert found.content_hash == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


def test_taken_files_are_in_the_ledger_of_their_source(spark: SparkSession, shop: Path):
    deliver(shop, "orders/a.jsonl")
    run = run_in(spark, shop)
    take(run, 7)
    assert next_batch(run) == 8
    known = ledger(run)
    assert list(known) == ["orders"]
    ((path, (entry,)),) = known["orders"].items()
    assert (Path(path).name, entry.size) == ("a.jsonl", len(CONTENT))
    assert waiting(run) == {"orders": [], "others": []}
    # What one source has taken is new to another one.
    (shop / "sources" / "others.yml").write_text(OTHERS.replace("/others/", "/orders/"))
    assert waiting(run) == {"orders": [], "others": ["a.jsonl"]}
    deliver(shop, "orders/a.jsonl", CONTENT + CONTENT)
    assert waiting(run_in(spark, shop))["orders"] == ["a.jsonl"]


def test_F06_a_ledger_that_is_older_than_the_tables_is_refused_loudly(spark: SparkSession, shop: Path):
    """Rows of a batch would be replaced by those of another one with its number."""
    run = run_in(spark, shop)
    for batch in (1, 2):
        deliver(shop, f"orders/{batch}.jsonl")
        take(run, batch)
        run.batch_id, run.exit_code = batch, 0
        record(run)
    run.batch_id, run.exit_code = 3, 4  # a batch that failed is written again under its number
    record(run)
    assert next_batch(run) == 3
    run.lake.delete(FILES, "batch_id = 2")  # as a RESTORE of the ledger alone leaves it
    with pytest.raises(
        AccountingError, match=r"batch 2 was committed, but ops.files, .* ends with batch 1\. Restore"
    ) as told:
        next_batch(run)
    assert told.value.exit_code == 4


def test_young_files_wait(spark: SparkSession, shop: Path):
    deliver(shop, "orders/a.jsonl")
    assert waiting(run_in(spark, shop, "landing.settle_seconds=3600"))["orders"] == []


def test_names_with_blanks_and_percent_signs(spark: SparkSession, shop: Path):
    deliver(shop, "orders/a b%20c.jsonl")
    assert waiting(run_in(spark, shop))["orders"] == ["a b%20c.jsonl"]


SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    ("mode", "manifest", "taken"),
    [
        pytest.param("none", '{"size": 1}', True, id="nobody_asks_for_it"),
        pytest.param("optional", None, True, id="optional_and_absent"),
        pytest.param("required", None, False, id="required_and_absent"),
        pytest.param("required", "", True, id="empty_promises_nothing"),
        pytest.param("required", "{}", True, id="empty_object_promises_nothing"),
        pytest.param("required", json.dumps({"size": len(CONTENT)}), True, id="size"),
        pytest.param("required", json.dumps({"size": len(CONTENT) + 1}), False, id="other_size"),
        pytest.param("optional", json.dumps({"size": 0}), False, id="optional_but_other_size"),
        pytest.param("required", json.dumps({"sha256": SHA}), True, id="hash"),
        pytest.param("required", json.dumps({"size": len(CONTENT), "sha256": "0" * 64}), False, id="other_hash"),
        pytest.param("required", json.dumps({"size": len(CONTENT), "by": "till 7"}), True, id="more_than_we_know"),
        pytest.param("required", json.dumps({"size": len(CONTENT), "sha256": SHA}, indent=2), True, id="many_lines"),
        pytest.param("required", '{"size": 1', False, id="half_written"),
        pytest.param("required", "[1]", False, id="no_object"),
    ],
)
def test_manifests(spark: SparkSession, shop: Path, mode: str, manifest: str | None, *, taken: bool):
    (shop / "sources" / "orders.yml").write_text(f"{ORDERS_JSON}delivery: {{manifest: {mode}}}\n")
    deliver(shop, "orders/a.jsonl")
    if manifest is not None:
        deliver(shop, "orders/a.jsonl.manifest.json", manifest.encode())
    assert waiting(run_in(spark, shop))["orders"] == (["a.jsonl"] if taken else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(" \n", {}, id="blank"),
        pytest.param('{"size": 1}\n', {"size": 1}, id="object"),
        pytest.param('{"size": 1}{', None, id="something_behind"),
        pytest.param("null", None, id="null"),
        pytest.param('"x"', None, id="text"),
    ],
)
def test_what_a_manifest_says(text: str, expected: dict[str, object] | None):
    assert promise(text) == expected


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        pytest.param("file:/in/a.csv", "file:/in/a.csv", id="as_hadoop_writes_it"),
        pytest.param("file:///in/a.csv", "file:/in/a.csv", id="as_spark_writes_it"),
        pytest.param("file:///in/a%20b.csv", "file:/in/a b.csv", id="percent_encoded"),
        pytest.param("s3a://bucket/in/a.csv", "s3a://bucket/in/a.csv", id="object_store"),
        pytest.param("hdfs://node:8020/in/%C3%A4.csv", "hdfs://node:8020/in/ä.csv", id="letters_beyond_ascii"),
    ],
)
def test_one_spelling_of_paths(path: str, plain: str):
    assert plain_path(path) == plain


def test_a_clock_that_is_ahead_makes_files_wait(spark: SparkSession, shop: Path):
    file = deliver(shop, "orders/a.jsonl")
    ahead = time.time() + 3600
    os.utime(file, (ahead, ahead))
    assert waiting(run_in(spark, shop, "landing.settle_seconds=60"))["orders"] == []
    assert waiting(run_in(spark, shop))["orders"] == ["a.jsonl"]
