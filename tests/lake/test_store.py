"""Tables as declared, slices that can be written again, and logs that say nothing about a person."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.errors import ContractError
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.tables import SILVER_EVENTS
from omniseg.tables.model import parse_columns
from tests.lake.conftest import VISITS, held, visits

# Delta refuses on the driver (a Spark error) or in a task (which Python gets as a Java error).
REFUSED = (PySparkException, Py4JJavaError)
MONDAY, TUESDAY = ("v1", "anna", 1), ("v2", "ben", 2)


@pytest.fixture(scope="module")
def untouched(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A warehouse with one visit on each of two days, for tests that only look."""
    made = Lake(spark, str(tmp_path_factory.mktemp("visits") / "warehouse"))
    made.append(VISITS, visits(made, MONDAY, TUESDAY))
    return made


@pytest.fixture
def filled(untouched: Lake, lake: Lake) -> Lake:
    """The same warehouse in the test's own folder."""
    shutil.copytree(untouched.root, lake.root)
    return replace(lake, ready=set(untouched.ready))


def log_of(lake: Lake, table=VISITS) -> list[dict[str, Any]]:
    """Every action of the table's log, as it lies on the disk."""
    files = sorted((Path(lake.path(table)) / "_delta_log").glob("*.json"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def versions(lake: Lake) -> int:
    """Commits of VISITS so far."""
    return lake.last_commit(VISITS).version + 1


def test_a_table_that_was_never_written_reads_empty_with_its_schema(lake: Lake):
    rows = lake.read(VISITS)
    assert rows.columns == list(VISITS.column_names)
    assert bounded(rows, 1) == []
    assert not lake.exists(VISITS)


def test_reading_makes_no_folder(lake: Lake):
    lake.read(VISITS)
    assert not Path(lake.root).exists()


def test_a_root_may_be_relative_as_the_default_is(spark: SparkSession, tmp_path: Path):
    there = Lake(spark, os.path.relpath(tmp_path / "warehouse"))
    there.ensure(VISITS)
    there.set_property(VISITS, "omniseg.note", "kept")
    assert there.property_of(VISITS, "omniseg.note") == "kept"
    assert (tmp_path / "warehouse" / "silver" / "visits" / "_delta_log").is_dir()


def test_a_table_that_the_run_created_is_searched_for_rows_to_replace_once_it_was_written(lake: Lake):
    modes = []
    for number in ("v1", "v2"):
        lake.replace_slice(VISITS, visits(lake, (number, "ada", 2)), "day = 2")
        modes.append(lake.delta(VISITS).history(1).collect()[0].operationParameters["mode"])
    assert modes == ["Append", "Overwrite"]
    assert held(lake) == [("v2", "ada", 2)]


def test_a_merge_looks_for_its_rows_in_any_table(lake: Lake):
    """Also in one that the run created: two runs that begin at once both want the only lease."""
    other = Lake(lake.spark, lake.root)
    lake.ensure(VISITS)
    for one in (other, lake):
        one.merge(VISITS, visits(one, TUESDAY), on="old.visit = new.visit", update=None, insert=True)
    assert held(lake) == [TUESDAY]


def test_a_slice_replaces_what_a_merge_has_put_there(lake: Lake):
    lake.merge(VISITS, visits(lake, TUESDAY), on="old.visit = new.visit", update=None, insert=True)
    lake.replace_slice(VISITS, visits(lake), "day = 2")
    assert held(lake) == []


@pytest.mark.parametrize("root", ["s3a://bucket/lake", "s3a://bucket/lake/"])
def test_paths_have_one_slash_between_root_and_layer(lake: Lake, root: str):
    there = Lake(lake.spark, root)
    assert there.path(VISITS) == "s3a://bucket/lake/silver/visits"
    assert there.reference(VISITS) == "delta.`s3a://bucket/lake/silver/visits`"
    assert Lake(lake.spark, root, "main").reference(VISITS) == "`main`.`silver`.`visits`"


def test_a_table_is_created_with_its_constraints_in_one_commit(lake: Lake):
    lake.ensure(VISITS)
    assert lake.last_commit(VISITS).version == 0
    said = {name: action for actions in log_of(lake) for name, action in actions.items()}
    settings = said["metaData"]["configuration"]
    assert settings["delta.constraints.seconds_not_negative"] == "seconds IS NULL OR seconds >= 0"
    assert said["protocol"]["minWriterVersion"] == 3  # the version from which on every writer enforces constraints


ODD = replace(
    VISITS,
    name="silver.odd_visits",
    grain="one visitor's visit, back\\slash included",
    constraints=(("kind_known", r"visitor IN ('it\'s', 'c:\\temp')"),),
)


def test_quotes_and_backslashes_in_grain_and_constraint_mean_themselves(lake: Lake):
    known = [("v1", "it's", 1), ("v2", "c:\\temp", 2)]
    lake.append(ODD, visits(lake, *known))
    with pytest.raises(REFUSED, match="kind_known"):
        lake.append(ODD, visits(lake, ("v3", "its", 3)))
    assert held(lake, ODD) == known
    assert bounded(lake.delta(ODD).detail(), 1)[0].description == ODD.grain


def test_created_as_declared(untouched: Lake):
    detail = bounded(untouched.delta(VISITS).detail(), 1)[0]
    assert detail.properties["delta.enableDeletionVectors"] == "false"
    assert detail.properties["delta.dataSkippingStatsColumns"] == "day"
    assert detail.description == VISITS.grain
    assert detail.partitionColumns == []
    comments = {field.name: field.metadata.get("comment") for field in untouched.read(VISITS).schema}
    assert comments == {column.name: column.comment for column in VISITS.columns}


def test_an_empty_warehouse_folder_of_any_shape_gets_the_table_where_it_belongs(untouched: Lake):
    assert (Path(untouched.root) / "silver" / "visits" / "_delta_log").is_dir()
    assert held(untouched) == [MONDAY, TUESDAY]


def test_a_slice_written_twice_is_there_once(filled: Lake):
    for _ in range(2):
        filled.replace_slice(VISITS, visits(filled, ("v3", "cleo", 2)), "day = 2")
        assert held(filled) == [MONDAY, ("v3", "cleo", 2)]


def test_an_empty_slice_leaves_no_stale_rows(filled: Lake):
    filled.replace_slice(VISITS, visits(filled), "day = 2")
    assert held(filled) == [MONDAY]


def test_a_slice_that_never_held_rows_stays_empty(filled: Lake):
    filled.replace_slice(VISITS, visits(filled), "day = 9")
    assert held(filled) == [MONDAY, TUESDAY]


def test_the_first_write_may_be_a_slice(lake: Lake):
    lake.replace_slice(VISITS, visits(lake, TUESDAY), "day = 2")
    assert held(lake) == [TUESDAY]


def test_rows_outside_the_slice_are_refused_and_nothing_changes(filled: Lake):
    with pytest.raises(REFUSED, match="REPLACE_WHERE"):
        filled.replace_slice(VISITS, visits(filled, ("v3", "cleo", 3)), "day = 2")
    assert held(filled) == [MONDAY, TUESDAY]


def test_a_frame_that_does_not_conform_creates_rows_nowhere(filled: Lake):
    before = versions(filled)
    with pytest.raises(ContractError, match="visitor"):
        filled.append(VISITS, visits(filled, ("v3", "cleo", 3)).drop("visitor"))
    assert versions(filled) == before


def test_a_null_in_a_required_column_is_refused(filled: Lake):
    rows = visits(filled, ("v3", "cleo", 3)).withColumn("visit", F.when(F.col("day") > 99, F.col("visit")))
    with pytest.raises(REFUSED, match=r"(?i)not[ _]null"):
        filled.append(VISITS, rows)
    assert held(filled) == [MONDAY, TUESDAY]


def test_constraints_are_enforced(filled: Lake):
    rows = visits(filled, ("v3", "cleo", 3)).withColumn("seconds", F.lit("-0.001").cast("decimal(18,3)"))
    with pytest.raises(REFUSED, match="seconds_not_negative"):
        filled.append(VISITS, rows)
    assert held(filled) == [MONDAY, TUESDAY]


def test_what_a_constraint_just_allows_is_stored(filled: Lake):
    zero = F.when(F.col("visit") == "v3", F.lit("0").cast("decimal(18,3)"))
    cleo, dora = ("v3", "cleo", 3), ("v4", "dora", 3)
    filled.append(VISITS, visits(filled, cleo, dora).withColumn("seconds", zero))
    assert held(filled) == [MONDAY, TUESDAY, cleo, dora]


def test_an_append_only_table_refuses_deletes(lake: Lake):
    audit = replace(VISITS, name="ops.visits", append_only=True)
    lake.append(audit, visits(lake, MONDAY))
    with pytest.raises(REFUSED, match=r"(?i)append"):
        lake.delete(audit, "day = 1")
    assert held(lake, audit) == [MONDAY]


def test_delete_takes_its_rows_and_without_any_makes_no_commit(filled: Lake):
    filled.delete(VISITS, "day = 1")
    assert held(filled) == [TUESDAY]
    before = versions(filled)
    filled.delete(VISITS, "day = 1")
    assert versions(filled) == before


def test_a_new_column_is_added_and_old_rows_have_none(filled: Lake):
    more = VISITS.extended(parse_columns("channel STRING | attribute | where, with a ' in its comment"))
    filled.ensure(more)
    rows = bounded(filled.read(more), 10)
    assert [row.channel for row in rows] == [None, None]
    assert filled.read(more).schema["channel"].metadata["comment"] == "where, with a ' in its comment"


def test_a_required_column_comes_later_as_one_that_may_be_null(filled: Lake):
    more = VISITS.extended(parse_columns("channel STRING NOT NULL | attribute | where"))
    filled.ensure(more)
    assert filled.read(more).schema["channel"].nullable


def test_a_column_that_is_no_longer_declared_stays(filled: Lake):
    fewer = replace(VISITS, columns=VISITS.columns[:3])
    Lake(filled.spark, filled.root).ensure(fewer)
    assert filled.read(fewer).columns == list(VISITS.column_names)


def test_a_column_is_not_added_again_under_another_case(filled: Lake):
    shouted = replace(VISITS, columns=(*VISITS.columns[:2], *parse_columns("DAY INT NOT NULL | none | day")))
    before = versions(filled)
    Lake(filled.spark, filled.root).ensure(shouted)
    assert versions(filled) == before


def test_ensuring_twice_changes_nothing(filled: Lake):
    before = versions(filled)
    filled.ensure(VISITS)
    Lake(filled.spark, filled.root).ensure(VISITS)
    assert versions(filled) == before


def test_merge_inserts_the_new_and_updates_the_known(filled: Lake):
    rows = visits(filled, ("v2", "renamed", 5), ("v3", "cleo", 3))
    filled.merge(VISITS, rows, on="old.visit = new.visit", update={"visitor": "new.visitor"}, insert=True)
    assert held(filled) == [MONDAY, ("v2", "renamed", 2), ("v3", "cleo", 3)]


def test_merge_without_update_keeps_the_known(filled: Lake):
    rows = visits(filled, ("v2", "renamed", 5), ("v3", "cleo", 3))
    filled.merge(VISITS, rows, on="old.visit = new.visit", update=None, insert=True)
    assert held(filled) == [MONDAY, TUESDAY, ("v3", "cleo", 3)]


def test_merge_without_insert_takes_rows_of_any_shape_and_adds_none(filled: Lake):
    rows = filled.spark.createDataFrame([("v2", 20), ("v9", 90)], "id STRING, moved_to INT")
    filled.merge(VISITS, rows, on="old.visit = new.id", update={"day": "new.moved_to"}, insert=False)
    assert held(filled) == [MONDAY, ("v2", "ben", 20)]


def test_merge_that_inserts_wants_conforming_rows(filled: Lake):
    with pytest.raises(ContractError, match="day"):
        filled.merge(VISITS, visits(filled).drop("day"), on="old.visit = new.visit", update=None, insert=True)


def test_properties_are_kept_in_the_table(filled: Lake):
    assert filled.property_of(VISITS, "omniseg.buckets") is None
    filled.set_property(VISITS, "omniseg.buckets", "16")
    assert Lake(filled.spark, filled.root).property_of(VISITS, "omniseg.buckets") == "16"


def test_a_table_that_is_not_there_has_no_property(lake: Lake):
    assert lake.property_of(VISITS, "omniseg.buckets") is None
    assert not lake.exists(VISITS)


def test_the_row_count_is_that_of_the_commit(filled: Lake):
    first = filled.last_commit(VISITS)
    filled.replace_slice(VISITS, visits(filled, ("v3", "c", 2), ("v4", "d", 2), ("v5", "e", 2)), "day = 2")
    second = filled.last_commit(VISITS)
    assert (first.rows, second.rows) == (2, 3)
    assert second.version > first.version


def test_statistics_are_of_declared_columns_alone(untouched: Lake):
    adds = [action["add"] for action in log_of(untouched) if "add" in action]
    assert adds
    for add in adds:
        found = json.loads(add["stats"])
        assert set(found.get("minValues", {})) | set(found.get("maxValues", {})) <= {"day"}
        assert found["numRecords"] >= 1


SECRETS = {
    "identity_key": "loyalty:v1:5ec4e7",
    "order_id": "order-5ec4e7",
    "session_id": "session-5ec4e7",
    "postal_code": "postal-5ec4e7",
    "category": "category-5ec4e7",
    "country": "country-5ec4e7",
}


def event(lake: Lake):
    """One row for silver.events in which every text about the person can be recognised."""
    known: dict[str, Any] = {
        **SECRETS,
        "event_id": "e-1",
        "source": "till",
        "event_time": datetime(2024, 3, 5, 10, 11, 12, tzinfo=timezone.utc),
        "event_date": date(2024, 3, 5),
        "received_at": datetime(2024, 3, 6, tzinfo=timezone.utc),
        "channel": "pos",
        "event_type": "purchase",
        "identifiers": {"loyalty": SECRETS["identity_key"]},
        "bucket": 3,
        "amount": Decimal("4242.4200"),
        "amount_status": "ok",
        "is_bot": False,
        "properties": {"note": "note-5ec4e7"},
        "payload_hash": 987654321,
        "record_id": "till|1|0",
        "batch_id": 1,
    }
    return lake.spark.createDataFrame(
        [tuple(known.get(name) for name in SILVER_EVENTS.column_names)], SILVER_EVENTS.ddl
    )


def test_the_log_of_events_says_nothing_about_a_person(lake: Lake):
    for _ in range(2):
        lake.replace_slice(SILVER_EVENTS, event(lake), "batch_id = 1")
    log = log_of(lake, SILVER_EVENTS)
    shown = json.dumps(log)
    assert "5ec4e7" not in shown
    assert "4242.42" not in shown and "987654321" not in shown and "10:11:12" not in shown
    statistics = [json.loads(action["add"]["stats"]) for action in log if "add" in action]
    assert statistics
    assert {name for found in statistics for name in found["minValues"]} == {"event_date", "batch_id", "bucket"}
    assert not [action for action in log if "deletionVector" in json.dumps(action.get("add", {}))]


@pytest.mark.parametrize(
    ("kind", "amount", "constraint"),
    [
        pytest.param("purchase", "-0.0001", "purchase_not_negative", id="a_purchase_is_not_negative"),
        pytest.param("return", "0.0001", "return_not_positive", id="a_return_is_not_positive"),
    ],
)
def test_money_of_the_wrong_sign_cannot_be_stored(lake: Lake, kind: str, amount: str, constraint: str):
    rows = event(lake).withColumns({"event_type": F.lit(kind), "amount": F.lit(amount).cast("decimal(18,4)")})
    with pytest.raises(REFUSED, match=constraint):
        lake.append(SILVER_EVENTS, rows)
    assert bounded(lake.read(SILVER_EVENTS), 1) == []


@pytest.fixture
def catalogued(lake: Lake):
    """A warehouse in a catalogue; its tables go with the test."""
    made = Lake(lake.spark, lake.root, "spark_catalog")
    yield made
    lake.spark.sql("DROP SCHEMA IF EXISTS spark_catalog.silver CASCADE")


def test_a_warehouse_in_a_catalogue(catalogued: Lake):
    assert not catalogued.exists(VISITS)
    assert bounded(catalogued.read(VISITS), 1) == []
    catalogued.append(VISITS, visits(catalogued, MONDAY, TUESDAY))
    assert catalogued.exists(VISITS)
    for _ in range(2):
        catalogued.replace_slice(VISITS, visits(catalogued, ("v3", "cleo", 2)), "day = 2")
        assert held(catalogued) == [MONDAY, ("v3", "cleo", 2)]
    catalogued.replace_slice(VISITS, visits(catalogued), "day = 2")
    assert held(catalogued) == [MONDAY]
    assert not Path(catalogued.root).exists()


def test_a_catalogue_table_grows_merges_deletes_and_keeps_properties(catalogued: Lake):
    catalogued.append(VISITS, visits(catalogued, MONDAY))
    catalogued.merge(VISITS, visits(catalogued, TUESDAY), on="old.visit = new.visit", update=None, insert=True)
    catalogued.delete(VISITS, "day = 1")
    catalogued.set_property(VISITS, "omniseg.buckets", "4")
    more = VISITS.extended(parse_columns("channel STRING | attribute | where"))
    catalogued.ensure(more)
    assert held(catalogued) == [TUESDAY]
    assert catalogued.read(more).columns[-1] == "channel"
    assert catalogued.property_of(VISITS, "omniseg.buckets") == "4"
    rows = visits(catalogued, ("v3", "cleo", 3)).withColumn("seconds", F.lit(-1).cast("decimal(18,3)"))
    with pytest.raises(REFUSED, match="seconds_not_negative"):
        Lake(catalogued.spark, catalogued.root, "spark_catalog").append(more, rows.withColumn("channel", F.lit("web")))
