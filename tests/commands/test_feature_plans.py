"""`omniseg features explain NAME --plan`: Spark's plans of one feature, with those that it reads, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pyspark.sql import SparkSession

from omniseg.cli import main
from omniseg.commands.declared import feature_set
from omniseg.commands.declared_features import explain, found
from omniseg.commands.feature_plans import alone
from omniseg.features.partials import partial_columns
from tests.commands.conftest import Project
from tests.conftest import SMALL

EVENTS, DAYS = (
    "\nplan of silver.events to gold.customer_day\n",
    "\nplan of gold.customer_day to gold.customer_features\n",
)


@pytest.mark.parametrize(
    ("pack", "name", "read"),
    [
        pytest.param("local", "monetary_90d", {"monetary"}, id="measure"),
        pytest.param(
            "local", "return_share", {"return_share", "returned_value", "purchase_value"}, id="formula_of_measures"
        ),
        pytest.param("retail", "urbanity", {"urbanity", "country", "postal_code"}, id="fact_of_a_place"),
    ],
)
def test_alone_is_a_feature_with_those_that_it_reads(project: Project, pack: str, name: str, read: set[str]):
    sets = () if pack == "local" else (f"features.file=conf:packs/{pack}/features.yml",)
    features = feature_set(project.run("features explain", sets=sets).settings)
    assert {one.name for one in alone(features, found(features, name)).features} == read


@pytest.fixture
def whole_plans(spark: SparkSession) -> Iterator[None]:
    """Plans as long as the product shows them."""
    name = "spark.sql.maxPlanStringLength"
    spark.conf.set(name, "50000")
    yield
    spark.conf.set(name, SMALL[name])


@pytest.mark.usefixtures("whole_plans")
def test_both_steps_are_shown_with_the_columns_of_the_feature_alone(project: Project, printed: Callable[[], str]):
    run = project.run("features explain", {"name": "return_share", "plan": True})
    explain(run)
    _, after = printed().split(EVENTS)
    events, days = after.split(DAYS)
    features = feature_set(run.settings)
    mine = {column.name for column in partial_columns(alone(features, found(features, "return_share")))}
    others = {column.name for column in partial_columns(features)} - mine
    assert mine and all(name in days for name in mine)
    assert others and not any(name in days for name in others)
    for plan in (events, days):
        assert "Exchange hashpartitioning" in plan
        assert "Python" not in plan


def test_scores_have_no_plan_of_their_own(capsys: pytest.CaptureFixture[str]):
    retail = ("--conf", "conf:packs/retail/settings.yml")
    assert main(["features", "explain", "rfm_monetary", "--plan", *retail]) == 2
    assert "scores are made among all vectors" in capsys.readouterr().err
