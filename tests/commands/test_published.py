"""What readers see: the newest row of the pointer, published manifests only, the nearest id for a mistyped one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from omniseg.commands import snapshots
from omniseg.commands.demo import demo_settings, ends
from omniseg.commands.published import (
    manifest,
    manifests,
    names_of,
    newest_per_date,
    pointer,
    published_before,
    report_of,
    reports_of,
)
from omniseg.errors import ConfigError, ContractError
from omniseg.lake.store import Lake
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.tables import SEGMENT_LINEAGE, SEGMENT_PROFILES, SNAPSHOT_MANIFEST, SNAPSHOT_POINTER

JANUARY, FEBRUARY, MARCH = date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)
MODEL = "customer_segments"
# id, model, date, status, hour of writing
MANIFESTS = [
    ("2024-02-29-bb", MODEL, FEBRUARY, "published", 2),
    ("2024-01-31-aa", MODEL, JANUARY, "published", 1),
    ("2024-02-29-cc", MODEL, FEBRUARY, "published", 3),
    ("2024-03-31-dd", MODEL, MARCH, "refused", 4),
    ("2024-03-31-ee", "another_model", MARCH, "published", 5),
]
POINTER = [
    (MODEL, "2024-02-29-bb", 2),
    (MODEL, "2024-02-29-cc", 3),
    (MODEL, "2024-01-31-aa", 1),
    ("another_model", "2024-03-31-ee", 5),
]


def hour(number: int) -> datetime:
    """An hour of a day in April."""
    return datetime(2024, 4, 1, number, tzinfo=timezone.utc)


def run_in(spark: SparkSession, folder: Path, **options: Any) -> Run:
    """A run on the warehouse in a folder."""
    settings = load_settings(env="local", conf=None, sets=[f"warehouse.root={folder}"], environ={})
    return Run("snapshots list", settings, {"format": "json", **options}, given_lake=Lake(spark, str(folder)))


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with a few manifests, publications and profiles."""
    made = tmp_path_factory.mktemp("warehouse")
    lake = Lake(spark, str(made))
    metrics = json.dumps({"customers": 40, "segments": {"s01": 25, "s02": 15}})
    rows = [
        (name, model, "v", as_of, status, "{}", metrics, {0: "1:2"}, "run", hour(number), "[]")
        for name, model, as_of, status, number in MANIFESTS
    ]
    lake.append(SNAPSHOT_MANIFEST, spark.createDataFrame(rows, SNAPSHOT_MANIFEST.ddl))
    moves = [(model, name, hour(number), "run") for model, name, number in POINTER]
    lake.append(SNAPSHOT_POINTER, spark.createDataFrame(moves, SNAPSHOT_POINTER.ddl))
    profiles = [
        ("2024-02-29-cc", segment, name, customers, customers / 40, "purchases_90d", mean, 2.0, 1.0, mean - 2.0)
        for segment, name, customers, mean in (("s01", "Frequent", 25, 3.0), ("s02", "Occasional", 15, 1.0))
    ]
    lake.append(SEGMENT_PROFILES, spark.createDataFrame(profiles, SEGMENT_PROFILES.ddl))
    moved = [
        ("2024-02-29-cc", "2024-01-31-aa", "s01", "s01", 20),
        ("2024-02-29-cc", "2024-01-31-aa", "s01", "(new)", 5),
        ("2024-02-29-cc", "2024-01-31-aa", "s02", "s01", 15),
    ]
    lake.append(SEGMENT_LINEAGE, spark.createDataFrame(moved, SEGMENT_LINEAGE.ddl))
    return made


@pytest.fixture
def run(spark: SparkSession, folder: Path) -> Run:
    """A run on that warehouse."""
    return run_in(spark, folder)


def test_the_newest_publication_counts(run: Run):
    assert pointer(run) == "2024-02-29-cc"


def test_published_manifests_by_date_and_time_of_writing(run: Run):
    assert [row.snapshot_id for row in manifests(run)] == ["2024-01-31-aa", "2024-02-29-bb", "2024-02-29-cc"]


def test_the_last_of_each_date(run: Run):
    assert [row.snapshot_id for row in newest_per_date(run)] == ["2024-01-31-aa", "2024-02-29-cc"]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(date(2024, 1, 1), None, id="before_the_first"),
        pytest.param(JANUARY, None, id="its_own_date_does_not_count"),
        pytest.param(date(2024, 2, 1), "2024-01-31-aa", id="the_day_after"),
        pytest.param(FEBRUARY, "2024-01-31-aa", id="snapshots_of_the_same_date_do_not_count"),
        pytest.param(MARCH, "2024-02-29-cc", id="the_newer_of_two"),
        pytest.param(date(2030, 1, 1), "2024-02-29-cc", id="refused_ones_and_other_models_do_not_count"),
    ],
)
def test_the_snapshot_before_a_date(run: Run, as_of: date, expected: str | None):
    found = published_before(run, as_of)
    assert (found.snapshot_id if found else None) == expected


def test_a_manifest_by_its_id(run: Run):
    assert manifest(run, "2024-01-31-aa").as_of == JANUARY
    assert manifest(run, "2024-03-31-dd").status == "refused"


def test_a_mistyped_id_is_answered_with_the_nearest(run: Run):
    with pytest.raises(ConfigError, match="did you mean '2024-01-31-aa'"):
        manifest(run, "2024-01-31-ab")


def test_names_of_segments(run: Run):
    assert names_of(run, "2024-02-29-cc") == {"s01": "Frequent", "s02": "Occasional"}
    assert names_of(run, "2024-01-31-aa") == {}


def test_the_rows_behind_a_report(run: Run):
    found = report_of(run, manifest(run, "2024-02-29-cc"))
    assert (found.snapshot_id, found.as_of) == ("2024-02-29-cc", FEBRUARY)
    assert len(found.profiles) == 2
    assert sorted(str(row["customers"]) for row in found.lineage) == ["15", "20", "5"]


def test_reports_read_together_hold_each_their_own_rows(run: Run):
    ids = ["2024-02-29-cc", "2024-01-31-aa"]
    both = reports_of(run, [manifest(run, name) for name in ids])
    assert [found.snapshot_id for found in both] == ids
    assert both == [report_of(run, manifest(run, name)) for name in ids]
    assert [len(found.profiles) for found in both] == [2, 0]


def test_listing(run: Run, capsys: pytest.CaptureFixture[str]):
    snapshots.show_list(run)
    rows = json.loads(capsys.readouterr().out)
    found = [(row["snapshot_id"], row["customers"], row["segments"], row["readers_see"]) for row in rows]
    assert found == [
        ("2024-01-31-aa", 40, 2, ""),
        ("2024-02-29-bb", 40, 2, ""),
        ("2024-02-29-cc", 40, 2, "yes"),
    ]


@pytest.mark.parametrize("chosen", [None, "2024-02-29-cc"])
def test_one_snapshot_in_figures(
    spark: SparkSession, folder: Path, capsys: pytest.CaptureFixture[str], chosen: str | None
):
    run = run_in(spark, folder, snapshot=chosen)
    snapshots.show(run)
    rows = json.loads(capsys.readouterr().out)
    assert run.snapshot_id == "2024-02-29-cc"
    assert [(row["segment_id"], row["name"], row["customers"]) for row in rows] == [
        ("s01", "Frequent", 25),
        ("s02", "Occasional", 15),
    ]


@pytest.fixture
def unpublished(spark: SparkSession, tmp_path: Path) -> Run:
    """A run on a warehouse in which nothing was ever written."""
    return run_in(spark, tmp_path)


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        pytest.param(pointer, None, id="no_pointer"),
        pytest.param(manifests, [], id="no_manifests"),
        pytest.param(newest_per_date, [], id="no_dates"),
        pytest.param(lambda run: published_before(run, MARCH), None, id="nothing_before"),
    ],
)
def test_nothing_was_published(unpublished: Run, look: Callable[[Run], object], expected: object):
    assert look(unpublished) == expected


def test_nothing_to_show_says_what_to_do(unpublished: Run):
    with pytest.raises(ContractError, match="run omniseg run --as-of DATE first"):
        snapshots.show(unpublished)


# ---- the demo: where everything goes, without running it (make demo does)


def test_the_demo_keeps_to_its_folder(tmp_path: Path):
    settings = demo_settings(tmp_path / "demo")
    places = [settings.warehouse.root, settings.landing.root, settings.mlflow.tracking_uri, settings.reports.dir]
    assert [place for place in places if str(tmp_path / "demo") not in place] == []


def test_the_demo_ends_with_commands_that_find_its_tables():
    text = ends(Path("there"))
    lines = [line for line in text.splitlines() if line.startswith("  omniseg ")]
    assert len(lines) == 2
    assert all("--set warehouse.root=there/warehouse" in line for line in lines)
