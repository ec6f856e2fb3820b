"""What lies in the work folder of a batch: everything that the tables need, nothing that may not be written."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.lake import staging
from omniseg.lake.bounded import bounded
from tests.crash import crash_at
from tests.ingest.conftest import Shop, order

SECRET = "{anna@example.com called +49 30 1234567"


@contextmanager
def copied_at_the_end(copy: Path) -> Iterator[None]:
    """Keep a copy of what is staged, as it would lie there after a kill."""
    remove = staging.remove_folder

    def copy_and_remove(spark: SparkSession, folder: str) -> None:
        shutil.copytree(folder, copy)
        remove(spark, folder)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(staging, "remove_folder", copy_and_remove)
        yield


@pytest.fixture(scope="module")
def staged(module_shop: Shop) -> Path:
    """What a batch had staged that failed at its last step; one of its lines cannot be parsed."""
    module_shop.deliver("orders/a.jsonl", order(), SECRET)
    copy = module_shop.folder / "copy"
    with copied_at_the_end(copy), crash_at("ingest.identities.before"):
        module_shop.ingest()
    return copy


@pytest.mark.usefixtures("staged")
def test_a_batch_that_fails_leaves_nothing(module_shop: Shop):
    assert list((module_shop.folder / "warehouse" / "_work").iterdir()) == []


def test_text_that_could_not_be_parsed_is_not_in_it(spark: SparkSession, staged: Path):
    assert sorted(folder.name for folder in staged.iterdir()) == ["(rejects)", "(repeated)", "(verdicts)", "orders"]
    rows = [row for folder in staged.iterdir() for row in bounded(spark.read.parquet(str(folder)), 10)]
    assert len(rows) == 3
    assert "anna" not in str(rows)
    assert "CARD-4711" not in str(rows)
