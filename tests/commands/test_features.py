"""Features of one small warehouse: partials of new batches only, of all where a declaration asks for more."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from omniseg.commands.declared import feature_set
from omniseg.commands.declared_features import verify
from omniseg.commands.features import PARTIALS_PROPERTY, build, days_table, earlier, features_table, vectors_known
from omniseg.commands.ingest import ingest
from omniseg.commands.knowledge import knowledge
from omniseg.errors import ContractError
from omniseg.features.as_of import Seen
from omniseg.features.partials import partial_columns
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.runtime import Run, execute
from omniseg.settings.load import load_settings
from omniseg.tables import CUSTOMER_DAY, CUSTOMER_FEATURES
from tests.ingest.conftest import ORDERS_JSON, order

EARLIER, AS_OF, NEXT = date(2024, 3, 5), date(2024, 3, 31), date(2024, 4, 1)
PURCHASES = """\
features:
  - {name: purchases, measure: count, where: "event_type = 'purchase'", windows: [30d, lifetime],
     description: purchases, unit: lines}
"""
SPEND = """\
  - {name: spend, measure: sum, of: amount, where: "event_type = 'purchase'", windows: [lifetime],
     description: spend, unit: money}
"""
RENAMED = PURCHASES.replace("description: purchases", "description: lines bought")


@dataclass
class Story:
    """A warehouse and what each step of building features left."""

    spark: SparkSession
    folder: Path
    runs: dict[str, Run] = field(default_factory=dict)
    days: dict[str, list[Row]] = field(default_factory=dict)
    vectors: dict[str, list[Row]] = field(default_factory=dict)
    commits: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def run(self, as_of: date = AS_OF) -> Run:
        """A run that has not begun."""
        sets = [
            f"warehouse.root={self.folder / 'warehouse'}",
            f"landing.root={self.folder / 'landing'}",
            f"sources.dir={self.folder / 'sources'}",
            f"features.file={self.folder / 'features.yml'}",
            "lake.buckets=2",
        ]
        settings = load_settings(env="local", conf=None, sets=sets, environ={})
        return Run("features", settings, {}, as_of, given_lake=Lake(self.spark, settings.warehouse.root))

    def deliver(self, name: str, *lines: str) -> None:
        """One file, taken at once."""
        (self.folder / "landing" / "orders" / name).write_text("".join(f"{line}\n" for line in lines))
        ingest(self.run())

    def verify(self, step: str) -> None:
        """`omniseg features verify` of the newest date."""
        self.runs[step] = self.run(NEXT)
        execute(self.runs[step], verify, locks=False)

    def change(self, assignment: str) -> None:
        """Change vectors of the newest date behind the engine's back."""
        change, _, condition = assignment.partition(" WHERE ")
        name, _, value = change.partition(" = ")
        table = self.run().lake.delta(CUSTOMER_FEATURES)
        table.update(f"{condition} AND as_of = DATE'{NEXT}'", {name: value})

    def build(self, step: str, features: str, as_of: date = AS_OF) -> None:
        """`omniseg features` with these declarations."""
        (self.folder / "features.yml").write_text(features)
        run = self.run(as_of)
        execute(run, build, locks=False)
        self.runs[step] = run
        self.days[step] = bounded(run.lake.read(CUSTOMER_DAY), 100)
        self.vectors[step] = bounded(run.lake.read(CUSTOMER_FEATURES).where(f"as_of = DATE'{as_of}'"), 100)
        self.commits[step] = tuple(run.lake.last_commit(table).version for table in (CUSTOMER_DAY, CUSTOMER_FEATURES))


def test_the_next_night_follows_from_the_last_one(story: Story):
    before = story.run(NEXT)
    features = feature_set(before.settings)
    found = earlier(before, Seen(features, NEXT, knowledge(before).batch_id))
    assert found is not None
    assert (found.as_of, found.known_batch_id) == (AS_OF, 2)
    rows = story.vectors["next night"]
    # The order of 5 March left the 30 days, that of 1 April came.
    assert values(rows, "purchases_30d") == [2, 2]
    assert values(rows, "purchases_lifetime") == [2, 3]
    assert [float(value) for value in values(rows, "spend_lifetime")] == [11.0, 15.0]


def test_verify_says_whether_vectors_are_what_the_days_give(story: Story):
    fine, tampered = story.runs["verified"], story.runs["tampered with"]
    assert fine.exit_code == 0, fine.detail
    assert tampered.exit_code == 4
    assert "purchases_lifetime of 1 customers" in (tampered.detail or "")


def values(rows: list[Row], name: str) -> list[Any]:
    """One column, sorted."""
    return sorted(row[name] for row in rows)


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Two customers, two batches, features that grow."""
    made = Story(spark, tmp_path_factory.mktemp("home"))
    (made.folder / "sources").mkdir()
    (made.folder / "sources" / "orders.yml").write_text(ORDERS_JSON)
    (made.folder / "landing" / "orders").mkdir(parents=True)
    made.deliver(
        "1.jsonl",
        order(id="a", card="1", price=10),
        order(id="b", card="1", price=5),
        order(id="c", card="2", price=1, at="2024-01-05T10:00:00Z"),
        order(id="nobody", card="n/a"),
    )
    made.build("first", PURCHASES)
    made.build("again", PURCHASES)
    made.build("described otherwise", RENAMED)
    made.build("earlier date", PURCHASES, EARLIER)
    made.deliver("2.jsonl", order(id="d", card="2", price=3, at="2024-03-20T10:00:00Z"))
    made.build("second batch", PURCHASES)
    made.build("one more", PURCHASES + SPEND)
    made.build("one more, again", PURCHASES + SPEND)
    made.deliver("3.jsonl", order(id="e", card="2", price=7, at="2024-04-01T10:00:00Z"))
    made.build("next night", PURCHASES + SPEND, NEXT)
    made.verify("verified")
    made.change("purchases_lifetime = 7 WHERE purchases_lifetime = 3")
    made.verify("tampered with")
    return made


@pytest.mark.parametrize(
    ("step", "status"),
    [
        pytest.param("first", "ok", id="first"),
        pytest.param("again", "nothing_new", id="again"),
        pytest.param("described otherwise", "nothing_new", id="another_description_is_no_other_feature"),
        pytest.param("earlier date", "ok", id="another_date"),
        pytest.param("second batch", "ok", id="a_new_batch"),
        pytest.param("one more", "ok", id="one_more_feature"),
        pytest.param("one more, again", "nothing_new", id="one_more_feature_again"),
    ],
)
def test_how_each_step_ended(story: Story, step: str, status: str):
    run = story.runs[step]
    assert (run.exit_code, run.status) == (0, status), run.detail


@pytest.mark.parametrize(
    ("before", "after"),
    [("first", "again"), ("first", "described otherwise"), ("one more", "one more, again")],
)
def test_nothing_new_commits_nothing(story: Story, before: str, after: str):
    assert story.commits[after] == story.commits[before]


def test_another_date_needs_no_new_partials(story: Story):
    assert story.commits["earlier date"][0] == story.commits["first"][0]
    assert story.commits["earlier date"][1] > story.commits["first"][1]


def test_partials_are_one_row_per_person_day_and_batch(story: Story):
    found = sorted((str(row.event_date), row.batch_id) for row in story.days["first"])
    assert found == [("2024-01-05", 1), ("2024-03-05", 1)]


def test_a_new_batch_adds_its_own_partials(story: Story):
    found = sorted((str(row.event_date), row.batch_id) for row in story.days["second batch"])
    assert found == [("2024-01-05", 1), ("2024-03-05", 1), ("2024-03-20", 2)]


def test_vectors_count_what_is_in_the_window(story: Story):
    first, second = story.vectors["first"], story.vectors["second batch"]
    assert values(first, "purchases_lifetime") == [1, 2]
    assert values(first, "purchases_30d") == [0, 2]
    assert values(second, "purchases_lifetime") == [2, 2]
    assert values(second, "purchases_30d") == [1, 2]


def test_vectors_of_another_date_stand_beside(story: Story):
    assert values(story.vectors["earlier date"], "purchases_30d") == [0, 2]
    assert {str(row.as_of) for row in story.vectors["earlier date"]} == {"2024-03-05"}


def test_nobody_has_no_vector(story: Story):
    assert len(story.vectors["first"]) == 2


def test_one_more_feature_fills_the_partials_of_all_batches(story: Story):
    (old,) = {row.batch_id: row for row in story.days["first"]}
    features = feature_set(story.run().settings)
    names = [column.name for column in partial_columns(features)]
    rows = story.days["one more"]
    assert old == 1
    assert len(names) == 2
    assert sorted(row.batch_id for row in rows) == [1, 1, 2]
    assert [name for name in names for row in rows if row[name] is None] == []


def test_one_more_feature_has_its_values_at_once(story: Story):
    rows = story.vectors["one more"]
    assert [float(value) for value in values(rows, "spend_lifetime")] == [4.0, 15.0]
    assert values(rows, "purchases_lifetime") == [2, 2]


def test_the_table_says_which_partials_it_has(story: Story):
    run = story.run()
    names = sorted(column.name for column in partial_columns(feature_set(run.settings)))
    assert run.lake.property_of(CUSTOMER_DAY, PARTIALS_PROPERTY) == ",".join(names)


def test_vectors_say_what_was_known(story: Story):
    assert {(row.known_batch_id, len({row.feature_set_version})) for row in story.vectors["first"]} == {(1, 1)}
    assert {row.known_batch_id for row in story.vectors["second batch"]} == {2}
    versions = {row.feature_set_version for row in story.vectors["one more"]}
    assert versions == {feature_set(story.run().settings).version}
    assert versions.isdisjoint({row.feature_set_version for row in story.vectors["second batch"]})


def test_a_date_without_vectors_knows_nothing(story: Story):
    run = story.run()
    features = feature_set(run.settings)
    assert (vectors_known(run, features, AS_OF), vectors_known(run, features, date(2023, 1, 1))) == (2, None)
    # The earlier date has vectors, but of other declarations.
    assert vectors_known(run, features, EARLIER) is None
    assert knowledge(run).batch_id == 3


def test_declared_columns_follow_those_of_the_table(story: Story):
    features = feature_set(story.run().settings)
    own = len(CUSTOMER_FEATURES.columns)
    assert features_table(features).column_names[own:] == ("purchases_30d", "purchases_lifetime", "spend_lifetime")
    assert set(days_table(features).column_names) > set(CUSTOMER_DAY.column_names)


def test_nothing_ingested_yet(spark: SparkSession, tmp_path: Path):
    empty = Story(spark, tmp_path)
    (tmp_path / "features.yml").write_text(PURCHASES)
    run = empty.run()
    with pytest.raises(ContractError, match="run omniseg ingest first"):
        knowledge(run)
    execute(run, build, locks=False)
    assert (run.exit_code, run.status) == (3, "refused")
