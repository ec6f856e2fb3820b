"""Models of one small warehouse: trained when due, continued under old ids, refused when customers do not differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from omniseg.commands.declared import feature_set
from omniseg.commands.features import features_table, prepared
from omniseg.commands.ingest import ingest
from omniseg.commands.knowledge import knowledge
from omniseg.commands.train import model_for, newest_model, registry, spec_of, train
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.models.scoring import assign
from omniseg.models.spec import ModelSpec, parse_spec
from omniseg.runtime import Run, execute
from omniseg.settings.load import load_settings
from tests.test_faults import deliver, sets

ALIKE, MIDDLE, MARCH = date(2024, 2, 29), date(2024, 3, 15), date(2024, 3, 31)
MAX_AGE = 10


@dataclass
class Story:
    """A warehouse and the models that were trained in it."""

    spark: SparkSession
    folder: Path
    landing: Path
    runs: dict[date, Run] = field(default_factory=dict)
    versions: dict[date, str] = field(default_factory=dict)

    def run(self, as_of: date | None = None) -> Run:
        """A run that has not begun."""
        more = [f"model.max_age_days={MAX_AGE}"]
        settings = load_settings(env="local", conf=None, sets=[*sets(self.folder, self.landing), *more], environ={})
        return Run("train", settings, {}, as_of, given_lake=Lake(self.spark, settings.warehouse.root))

    def train(self, as_of: date) -> None:
        """`omniseg train`, whatever the end."""
        run = self.run(as_of)
        execute(run, train, locks=False)
        self.runs[as_of] = run
        newest = newest_model(run, as_of)
        if newest is not None:
            self.versions[as_of] = newest.version

    def spec(self, version: str) -> ModelSpec:
        """The numbers of a model."""
        run = self.run()
        return parse_spec(registry(run).load(version, model=run.settings.model.name))

    def logged(self) -> dict[str, str]:
        """Version -> date of training, of all models."""
        run = self.run()
        return {model.version: model.data["as_of"] for model in registry(run).versions(run.settings.model.name)}


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Trained on three dates; on the first of them all customers are alike."""
    landing = tmp_path_factory.mktemp("zone")
    deliver(landing)
    made = Story(spark, tmp_path_factory.mktemp("home"), landing)
    ingest(made.run())
    for as_of in (ALIKE, MIDDLE, MARCH):
        made.train(as_of)
    return made


def test_nothing_is_left_on_its_way(story: Story):
    assert [as_of for as_of, run in story.runs.items() if Path(run.work_dir).exists()] == []


def test_identical_customers_give_no_model(story: Story):
    run = story.runs[ALIKE]
    assert (run.exit_code, run.status) == (6, "refused")
    assert "30 customers came apart into 1 of the 2 segments" in run.detail
    assert ALIKE not in story.versions


def test_one_model_per_date(story: Story):
    assert (story.runs[MIDDLE].exit_code, story.runs[MARCH].exit_code) == (0, 0)
    assert story.logged() == {story.versions[MIDDLE]: str(MIDDLE), story.versions[MARCH]: str(MARCH)}


def test_a_model_says_what_it_was_fitted_on(story: Story):
    run = story.run()
    newest = newest_model(run, MARCH)
    assert newest is not None
    assert newest.data["known_batch_id"] == "1"
    assert newest.data["feature_set_version"] == feature_set(run.settings).version
    assert newest.data["run_id"] == story.runs[MARCH].run_id
    assert newest.figures["customers"] == 60
    assert newest.figures["smallest_share"] == 0.5


def test_the_second_model_continues_the_segments_of_the_first(story: Story):
    first, second = story.spec(story.versions[MIDDLE]), story.spec(story.versions[MARCH])
    assert sorted(first.segment_ids.values()) == ["s01", "s02"]
    assert sorted(second.segment_ids.values()) == ["s01", "s02"]
    assert second.issued == first.issued == 2


def test_inherited_ids_mean_the_same_customers(story: Story):
    """The often-buying customers have one id under both models, though the models differ."""
    run = story.run()
    vectors = run.lake.read(features_table(feature_set(run.settings))).where(f"as_of = DATE'{MARCH}'")
    found = [
        {row.customer_id: row.segment_id for row in bounded(assign(vectors, spec, buckets=2), 100)}
        for spec in (story.spec(story.versions[MIDDLE]), story.spec(story.versions[MARCH]))
    ]
    assert found[0] == found[1]
    assert story.versions[MIDDLE] != story.versions[MARCH]


@pytest.mark.parametrize(
    ("as_of", "trained_on"),
    [
        pytest.param(MIDDLE - timedelta(days=1), None, id="the_day_before_the_first"),
        pytest.param(MIDDLE, MIDDLE, id="the_day_of_the_first"),
        pytest.param(MARCH - timedelta(days=1), MIDDLE, id="the_day_before_the_second"),
        pytest.param(MARCH, MARCH, id="the_day_of_the_second"),
        pytest.param(date(2030, 1, 1), MARCH, id="long_after"),
    ],
)
def test_the_newest_model_of_a_date(story: Story, as_of: date, trained_on: date | None):
    newest = newest_model(story.run(), as_of)
    assert (newest.data["as_of"] if newest else None) == (str(trained_on) if trained_on else None)


def test_a_model_is_used_up_to_its_last_day(story: Story):
    before = story.logged()
    run = story.run()
    version = model_for(run, MARCH + timedelta(days=MAX_AGE), knowledge(run))
    assert version == story.versions[MARCH]
    assert sorted(spec_of(run, version).segment_ids.values()) == ["s01", "s02"]
    assert story.logged() == before


def test_a_model_that_is_too_old_is_followed_by_a_new_one(story: Story):
    run, as_of = story.run(), MARCH + timedelta(days=MAX_AGE + 1)
    known = prepared(run, feature_set(run.settings))
    version = model_for(run, as_of, known)
    assert version not in story.versions.values()
    assert story.logged()[version] == str(as_of)
    assert sorted(spec_of(run, version).segment_ids.values()) == ["s01", "s02"]
    # The next night finds it.
    assert model_for(story.run(), as_of, known) == version


def test_what_lies_about_while_training_is_in_the_warehouse(story: Story):
    run = story.run()
    assert run.work_dir == f"{run.settings.warehouse.root}/_work/{run.run_id}"
