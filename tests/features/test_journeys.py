"""Days on which somebody did one thing after another: what lies how far apart, on which channel, under which key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from tests.features.rows import AS_OF, feature_set, vectors_of

AFTER = "name: bought, measure: days_after, where: channel = 'pos', after: channel = 'web', within_days: 7"


def day(age: int, channel: str, **more: Any) -> dict[str, Any]:
    """An event so many days before the date."""
    return {"event_date": AS_OF - timedelta(days=age), "channel": channel, **more}


# scenario → events, and the days that count within 10 days and over all time
SCENARIOS: dict[str, tuple[list[dict[str, Any]], tuple[int, int]]] = {
    "on_the_same_day": ([day(2, "web"), day(2, "pos")], (1, 1)),
    "seven_days_after": ([day(9, "web"), day(2, "pos")], (1, 1)),
    "eight_days_after": ([day(10, "web"), day(2, "pos")], (0, 0)),
    "the_other_way_round": ([day(2, "web"), day(3, "pos")], (0, 0)),
    "the_nearest_counts": ([day(30, "web"), day(4, "web"), day(2, "pos")], (1, 1)),
    "each_day_once": ([day(3, "web"), day(2, "pos"), day(2, "pos"), day(1, "pos")], (2, 2)),
    "what_came_before_may_lie_outside_the_window": ([day(12, "web"), day(9, "pos")], (1, 1)),
    "a_day_outside_the_window": ([day(12, "web"), day(11, "pos")], (0, 1)),
    "under_another_key": ([day(3, "web", key="k2"), day(2, "pos")], (1, 1)),
    "never_online": ([day(2, "pos")], (0, 0)),
    "neither": ([day(2, "email")], (0, 0)),
}


@pytest.fixture(scope="module")
def of_scenarios(spark: SparkSession) -> dict[str, Row]:
    """The vector by scenario, each a person with two keys."""
    histories = {name: happened for name, (happened, _) in SCENARIOS.items()}
    return vectors_of(spark, histories, feature_set(AFTER + ", windows: [10d, lifetime]"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_days_after(of_scenarios: dict[str, Row], scenario: str):
    row = of_scenarios[scenario]
    assert (row["bought_10d"], row["bought_lifetime"]) == SCENARIOS[scenario][1]
