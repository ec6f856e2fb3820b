"""Snapshots of one small warehouse: named by their inputs, audited, published by one pointer that never goes back,
made again from what was known then.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from omniseg.commands.corrections import correct_events
from omniseg.commands.declared import feature_set
from omniseg.commands.features import prepared
from omniseg.commands.ingest import ingest
from omniseg.commands.published import pointer
from omniseg.commands.reproduce import reproduce
from omniseg.commands.snapshot import publish
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run, execute
from omniseg.segments.snapshot import bucket_hashes, snapshot_id
from omniseg.settings.load import load_settings
from omniseg.tables import (
    CUSTOMER_DAY,
    SEGMENT_LINEAGE,
    SEGMENT_PROFILES,
    SEGMENT_SNAPSHOTS,
    SILVER_EVENTS,
    SNAPSHOT_MANIFEST,
    SNAPSHOT_POINTER,
    Table,
)
from tests.ingest.conftest import order
from tests.test_faults import deliver, sets

MARCH, MIDDLE, APRIL = date(2024, 3, 31), date(2024, 3, 15), date(2024, 4, 5)
CUSTOMERS = 70  # 30 who come often, and 40 who came once


@dataclass
class Story:
    """A warehouse, what was published one after the other, and what readers saw after each step."""

    spark: SparkSession
    folder: Path
    landing: Path
    runs: dict[str, Run] = field(default_factory=dict)
    seen: dict[str, str | None] = field(default_factory=dict)
    again: dict[str, dict[str, int]] = field(default_factory=dict)

    def run(self, *more: str) -> Run:
        """A run that has not begun."""
        settings = load_settings(env="local", conf=None, sets=[*sets(self.folder, self.landing), *more], environ={})
        return Run("snapshot", settings, {"format": "table"}, given_lake=Lake(self.spark, settings.warehouse.root))

    def publish(self, step: str, as_of: date, *more: str) -> None:
        """Publish a date, whatever the end."""
        run = self.run(*more)
        run.as_of = as_of
        execute(run, lambda given: publish(given, as_of, prepared(given, feature_set(given.settings))), locks=False)
        self.runs[step] = run
        self.seen[step] = pointer(run)

    def reproduce(self, step: str, published: str, *more: str) -> None:
        """Make the snapshot of a step again, whatever the end, and keep how many customers differ by which cause."""
        run = self.run(*more)
        run.options = {"format": "json", "snapshot": self.runs[published].snapshot_id}
        with redirect_stdout(io.StringIO()) as said:
            execute(run, reproduce, locks=False)
        self.runs[step] = run
        table, _, _ = said.getvalue().rpartition('{"run_id')  # the last line of every command
        self.again[step] = {one["cause"]: one["customers"] for one in json.loads(table or "[]")}

    def rows(self, table: Table, snapshot: str | None) -> list[Row]:
        """Rows of one snapshot."""
        return bounded(self.run().lake.read(table).where(F.col("snapshot_id") == F.lit(snapshot)), 10_000)

    def manifest(self, step: str) -> Row:
        """The manifest that a step wrote or found."""
        (found,) = self.rows(SNAPSHOT_MANIFEST, self.runs[step].snapshot_id)
        return found


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Every step, once: the tests look at what it left."""
    landing = tmp_path_factory.mktemp("zone")
    deliver(landing)
    more = landing / "landing" / "orders" / "more.jsonl"
    once = [
        order(id=f"y-{card}", card=f"{card}", basket=f"b-{card}", at="2023-09-01T10:00:00Z") for card in range(61, 71)
    ]
    more.write_text("".join(f"{line}\n" for line in once))
    os.utime(more, (1_712_000_000, 1_712_000_000))
    made = Story(spark, tmp_path_factory.mktemp("home"), landing)
    ingest(made.run())
    made.publish("first", MARCH)
    made.publish("again", MARCH)
    made.publish("older", MIDDLE)
    late = landing / "landing" / "orders" / "late.jsonl"
    late.write_text(order(id="late", card="31", at="2024-02-20T10:00:00Z") + "\n")
    os.utime(late, (1_712_000_000, 1_712_000_000))
    ingest(made.run())
    made.publish("late", MARCH)
    made.publish("refused", APRIL, "audit.min_share=0.5")
    made.publish("mended", APRIL)
    made.reproduce("reproduced", "first")  # after a late batch and another date
    made.reproduce("other declarations", "first", "business.time_zone=Asia/Tokyo")
    corrected = made.run()
    lake = corrected.lake
    events = lake.read(SILVER_EVENTS)
    machine = events.agg(F.min("identity_key").alias("identity_key"))
    correct_events(corrected, 3, events.join(machine, "identity_key"), {"is_bot": "true"}, point="ingest.bots.before")
    made.reproduce("corrected", "first")
    lake.delete(CUSTOMER_DAY, "bucket = 1 AND batch_id = 1")
    made.reproduce("damaged", "first")
    return made


@pytest.mark.parametrize(
    ("step", "exit_code", "status"),
    [
        pytest.param("first", 0, "ok", id="first"),
        pytest.param("again", 0, "nothing_new", id="the_same_inputs_again"),
        pytest.param("older", 0, "ok", id="an_older_date"),
        pytest.param("late", 0, "ok", id="a_late_batch"),
        pytest.param("refused", 7, "refused", id="an_audit_that_fails"),
        pytest.param("mended", 0, "ok", id="the_same_inputs_with_another_limit"),
    ],
)
def test_how_each_step_ended(story: Story, step: str, exit_code: int, status: str):
    run = story.runs[step]
    assert (run.exit_code, run.status) == (exit_code, status), run.detail


def test_a_snapshot_is_reproduced_whatever_became_known_since(story: Story):
    run = story.runs["reproduced"]
    assert (run.exit_code, run.detail) == (0, "")
    assert story.again["reproduced"] == {"(the same)": CUSTOMERS}


def test_what_was_corrected_since_is_told_and_no_error(story: Story):
    assert story.runs["corrected"].exit_code == 0
    assert story.again["corrected"] == {"(the same)": CUSTOMERS - 1, "corrected events": 1}


def test_a_difference_without_a_cause_is_an_error(story: Story):
    run, found = story.runs["damaged"], story.again["damaged"]
    assert run.exit_code == 5
    assert 0 < found["(no known cause)"] < CUSTOMERS
    assert sum(found.values()) == CUSTOMERS
    assert f"{found['(no known cause)']} of {CUSTOMERS} customers come out otherwise" in run.detail


def test_other_declarations_cannot_reproduce(story: Story):
    run = story.runs["other declarations"]
    assert (run.exit_code, story.again["other declarations"]) == (5, {})
    assert "time_zone is Asia/Tokyo, was UTC" in run.detail


def test_the_id_is_a_function_of_the_inputs(story: Story):
    for step, as_of in (("first", MARCH), ("older", MIDDLE), ("late", MARCH), ("mended", APRIL)):
        assert story.runs[step].snapshot_id == snapshot_id(as_of, json.loads(story.manifest(step).inputs))
    assert story.runs["again"].snapshot_id == story.runs["first"].snapshot_id
    assert story.runs["refused"].snapshot_id == story.runs["mended"].snapshot_id


def test_a_late_batch_gives_a_new_id(story: Story):
    before, after = (json.loads(story.manifest(step).inputs) for step in ("first", "late"))
    assert story.runs["late"].snapshot_id != story.runs["first"].snapshot_id
    assert {name for name in after if after[name] != before[name]} == {"known_batch_id"}
    assert (before["known_batch_id"], after["known_batch_id"]) == (1, 2)


def test_the_pointer_moves_forward_only(story: Story):
    ids = {step: run.snapshot_id for step, run in story.runs.items()}
    assert story.seen == {
        "first": ids["first"],
        "again": ids["first"],
        "older": ids["first"],  # readers keep the later date
        "late": ids["late"],  # the same date, made of more
        "refused": ids["late"],
        "mended": ids["mended"],
    }


def test_each_publication_is_one_row_of_the_pointer(story: Story):
    rows = bounded(story.run().lake.read(SNAPSHOT_POINTER).orderBy("published_at"), 100)
    steps = ("first", "late", "mended")
    assert [(row.snapshot_id, row.by) for row in rows] == [
        (story.runs[step].snapshot_id, story.runs[step].run_id) for step in steps
    ]


def test_the_refusal_names_the_figure_and_the_limit(story: Story):
    detail = story.runs["refused"].detail
    assert "did not pass its audit and was not published" in detail
    assert "smallest_share" in detail
    assert ">= 0.5" in detail


def test_a_mended_snapshot_replaces_the_refused_one(story: Story):
    manifest = story.manifest("mended")
    assert (manifest.status, manifest.run_id) == ("published", story.runs["mended"].run_id)
    assert all(check["passed"] for check in json.loads(manifest.audit))
    assert len(story.rows(SEGMENT_SNAPSHOTS, manifest.snapshot_id)) == CUSTOMERS


@pytest.mark.parametrize("step", ["first", "older", "late", "mended"])
def test_hashes_of_the_manifest_are_those_of_the_table(story: Story, step: str):
    mine = story.run().lake.read(SEGMENT_SNAPSHOTS).where(F.col("snapshot_id") == F.lit(story.runs[step].snapshot_id))
    assert {row.bucket: row.hash for row in bounded(bucket_hashes(mine), 100)} == story.manifest(step).bucket_hashes


def test_another_row_has_another_hash(story: Story):
    mine = (
        story.run().lake.read(SEGMENT_SNAPSHOTS).where(F.col("snapshot_id") == F.lit(story.runs["first"].snapshot_id))
    )
    touched = mine.withColumn("segment_id", F.when(F.col("bucket") == 0, "s99").otherwise(F.col("segment_id")))
    found = {row.bucket: row.hash for row in bounded(bucket_hashes(touched), 100)}
    written = story.manifest("first").bucket_hashes
    assert (found[0] == written[0], found[1] == written[1]) == (False, True)


@pytest.mark.parametrize("step", ["first", "older", "late", "mended"])
def test_every_customer_is_in_one_segment(story: Story, step: str):
    rows = story.rows(SEGMENT_SNAPSHOTS, story.runs[step].snapshot_id)
    metrics = json.loads(story.manifest(step).metrics)
    assert len({row.customer_id for row in rows}) == len(rows) == metrics["customers"] == CUSTOMERS
    sizes = {name: sum(row.segment_id == name for row in rows) for name in metrics["segments"]}
    assert sizes == metrics["segments"]


def test_the_two_kinds_of_customers_come_apart(story: Story):
    assert sorted(json.loads(story.manifest("first").metrics)["segments"].values()) == [30, 40]


@pytest.mark.parametrize(
    ("step", "before"),
    [
        pytest.param("first", None, id="nothing_before"),
        pytest.param("older", None, id="nothing_before_the_older_date"),
        pytest.param("late", "older", id="the_date_before"),
        pytest.param("mended", "late", id="the_newer_of_two_of_one_date"),
    ],
)
def test_lineage_accounts_for_every_customer(story: Story, step: str, before: str | None):
    rows = story.rows(SEGMENT_LINEAGE, story.runs[step].snapshot_id)
    assert sum(row.customers for row in rows) == CUSTOMERS
    assert {row.previous_snapshot_id for row in rows} == {story.runs[before].snapshot_id if before else None}
    came_from = {row.previous_segment_id for row in rows}
    assert ("(new)" in came_from) == (before is None)
    sizes = json.loads(story.manifest(step).metrics)["segments"]
    assert {name: sum(row.customers for row in rows if row.segment_id == name) for name in sizes} == sizes


def test_segments_keep_their_names(story: Story):
    first, later = (
        {row.segment_id: row.segment_name for row in story.rows(SEGMENT_PROFILES, story.runs[step].snapshot_id)}
        for step in ("late", "mended")
    )
    assert later == first
    assert len(set(first.values())) == 2


def test_profiles_describe_each_segment_by_each_feature(story: Story):
    rows = story.rows(SEGMENT_PROFILES, story.runs["first"].snapshot_id)
    features = {row.feature for row in rows}
    assert len(rows) == 2 * len(features)
    assert {round(row.share, 9) for row in rows} == {round(30 / CUSTOMERS, 9), round(40 / CUSTOMERS, 9)}
    assert "purchases_90d" in features


def test_snapshots_of_one_model_are_made_by_it(story: Story):
    assert story.manifest("first").model_version == story.manifest("late").model_version
    assert story.manifest("first").model_version == story.manifest("mended").model_version
    # No model had been trained by the older date, so it has one of its own.
    assert story.manifest("older").model_version != story.manifest("first").model_version
