"""What lies in the work folder of a batch: everything that the tables need, nothing that may not be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from omniseg import faults
from omniseg.lake import staging
from omniseg.lake.bounded import bounded
from tests.ingest.conftest import Shop, order

SECRET = "{anna@example.com called +49 30 1234567"


def work(shop: Shop) -> Path:
    """The work folder of all runs."""
    return shop.folder / "warehouse" / "_work"


def test_the_work_folder_of_a_batch_is_empty_at_its_end(shop: Shop):
    shop.deliver("orders/a.jsonl", order(), SECRET)
    shop.ingest()
    assert list(work(shop).iterdir()) == []


def test_a_batch_that_fails_leaves_nothing_either(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.deliver("orders/a.jsonl", order())
    monkeypatch.setenv(faults.MODE, "raise")
    monkeypatch.setenv(faults.VARIABLE, "ingest.silver.before")
    with pytest.raises(faults.SimulatedCrash):
        shop.ingest()
    assert list(work(shop).iterdir()) == []


def test_text_that_could_not_be_parsed_is_not_in_it(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.deliver("orders/a.jsonl", order(), SECRET)
    monkeypatch.setattr(staging, "remove_folder", lambda spark, folder: None)  # as after a kill
    run = shop.ingest()
    staged = Path(run.work_dir)
    assert sorted(folder.name for folder in staged.iterdir()) == ["(rejects)", "orders"]
    rows = [row for folder in staged.iterdir() for row in bounded(shop.spark.read.parquet(str(folder)), 10)]
    assert len(rows) == 3
    assert "anna" not in str(rows)
    assert "CARD-4711" not in str(rows)
