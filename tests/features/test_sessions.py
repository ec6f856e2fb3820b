"""Sessions: where the source names none a pause ends one, however the history was cut into batches, keys and days."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import Row, SparkSession

from omniseg.features.days import day_partials
from tests.features.rows import AS_OF, events, feature_set, vectors, vectors_of

DECLARED = [
    f"name: {name}, measure: {name}, of: session_id, windows: [1d, 7d, lifetime]"
    for name in ("sessions", "session_depth", "session_seconds")
]
NOON = datetime(2017, 3, 30, 12, tzinfo=timezone.utc)
MIDNIGHT = datetime(2017, 3, 31, tzinfo=timezone.utc)


def at(minutes: float, since: datetime = NOON, **more: Any) -> dict[str, Any]:
    """An event so many minutes after a moment, without a session's name."""
    moment = since + timedelta(minutes=minutes)
    return {"event_time": moment, "event_date": moment.date(), "session_id": None, **more}


# scenario → events, and sessions, events and seconds per session over all time
SCENARIOS: dict[str, tuple[list[dict[str, Any]], tuple[int, float | None, float | None]]] = {
    "one_event": ([at(0)], (1, 1.0, 0.0)),
    "a_pause_of_30_minutes_is_within": ([at(0), at(30)], (1, 2.0, 1800.0)),
    "a_longer_one_is_not": ([at(0), at(30.001)], (2, 1.0, 0.0)),
    "steps_of_20_minutes_are_one": ([at(0), at(20), at(40), at(60)], (1, 4.0, 3600.0)),
    "order_of_delivery_does_not_matter": ([at(40), at(0), at(60), at(20)], (1, 4.0, 3600.0)),
    "one_instant_twice": ([at(0), at(0)], (1, 2.0, 0.0)),
    "past_midnight": ([at(-10, MIDNIGHT), at(10, MIDNIGHT)], (1, 2.0, 1200.0)),
    "a_later_batch_joins_two": ([at(0), at(50), at(25, batch_id=2)], (1, 3.0, 3000.0)),
    "a_later_batch_lies_within": ([at(0), at(20), at(10, batch_id=2)], (1, 3.0, 1200.0)),
    "another_key_joins_two": ([at(0), at(50), at(25, key="k2")], (1, 3.0, 3000.0)),
    "names_decide_whatever_the_pause": ([at(0, session_id="s"), at(600, session_id="s")], (1, 2.0, 36000.0)),
    "two_names_at_once": ([at(0, session_id="s"), at(1, session_id="t")], (2, 1.0, 0.0)),
    "a_name_over_two_keys_and_batches": (
        [at(0, session_id="s"), at(90, session_id="s", key="k2", batch_id=2)],
        (1, 2.0, 5400.0),
    ),
    "named_and_nameless_do_not_mix": ([at(0, session_id="s"), at(1), at(2)], (2, 1.5, 30.0)),
    "machines_have_none": ([at(0), at(10, is_bot=True)], (1, 1.0, 0.0)),
}


@pytest.fixture(scope="module")
def of_scenarios(spark: SparkSession) -> dict[str, Row]:
    """The vector by scenario, each a person with two keys."""
    return vectors_of(spark, {name: happened for name, (happened, _) in SCENARIOS.items()}, feature_set(*DECLARED))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_sessions(of_scenarios: dict[str, Row], scenario: str):
    row = of_scenarios[scenario]
    found = (row["sessions_lifetime"], row["session_depth_lifetime"], row["session_seconds_lifetime"])
    assert found == SCENARIOS[scenario][1]


def test_a_session_counts_on_the_day_on_which_it_begins(of_scenarios: dict[str, Row]):
    row = of_scenarios["past_midnight"]
    assert MIDNIGHT.date() == AS_OF
    assert (row["sessions_1d"], row["sessions_7d"]) == (0, 1)
    assert (row["session_depth_1d"], row["session_depth_7d"]) == (None, 2.0)


def test_days_of_a_crowded_key_are_the_same(spark: SparkSession):
    happened = [{**one, "identity_key": name} for name, (rows, _) in SCENARIOS.items() for one in rows]
    source, features = events(spark, *happened), feature_set(*DECLARED)
    rows = day_partials(source, features=features, crowded=list(SCENARIOS))
    expected = day_partials(source, features=features)
    assert_df_equality(rows, expected, ignore_row_order=True, ignore_nullable=True)


def test_a_day_keeps_pieces_and_not_events(spark: SparkSession):
    """One event a minute all day long is one piece; one every 31 minutes is 47."""
    steady = [at(minute, MIDNIGHT) for minute in range(24 * 60)]
    sparse = [at(31 * number, MIDNIGHT, identity_key="k2") for number in range(24 * 60 // 31 + 1)]
    rows = day_partials(events(spark, *steady, *sparse), features=feature_set(DECLARED[0])).collect()
    (name,) = [name for name in rows[0].asDict() if name.startswith("sessions_")]
    pieces = {row["identity_key"]: row[name] for row in rows}
    assert {row["event_date"] for row in rows} == {date(2017, 3, 31)}
    assert [piece["events"] for piece in pieces["k1"]] == [1440]
    assert len(pieces["k2"]) == 47
    assert {piece["id"] for piece in pieces["k2"]} == {None}


def test_the_pause_is_declared_and_features_of_another_pause_have_their_own_partial(spark: SparkSession):
    features = feature_set(
        "name: short, measure: sessions, of: session_id, idle_minutes: 5",
        "name: long, measure: sessions, of: session_id, idle_minutes: 60",
    )
    row = vectors(events(spark, at(0), at(10), at(30)), features).collect()[0]
    assert (row["short_lifetime"], row["long_lifetime"]) == (3, 1)
