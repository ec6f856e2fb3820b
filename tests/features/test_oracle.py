"""Generated histories: the engine gives what an independent account in DuckDB gives, for every measure and window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession

from omniseg.features.as_of import Seen, features_as_of
from omniseg.features.days import day_partials
from omniseg.features.declaration import FeatureSet
from omniseg.features.measures import MEASURES
from omniseg.features.since import changed_customers, days_of, features_since
from omniseg.features.spans import Span
from omniseg.tables import CUSTOMER_CHANGES
from tests.features.rows import AS_OF, customers, events, feature_set, identities
from tests.oracle.features import QUERIES, account

BERLIN = ZoneInfo("Europe/Berlin")  # summer time began in the night to 26 March 2017
WINDOWS = ("7d", "30d", "1m", "2w_prev", "lifetime")
BOUGHT = "where: event_type = 'purchase'"
DECLARED: Mapping[str, str] = {
    "lines": f"measure: count, {BOUGHT}",
    "spend": f"measure: sum, of: amount, {BOUGHT}",
    "least": f"measure: min, of: amount, {BOUGHT}",
    "most": f"measure: max, of: amount, {BOUGHT}",
    "mean": f"measure: average, of: amount, {BOUGHT}",
    "spread": f"measure: variance, of: amount, {BOUGHT}",
    "deviation": f"measure: standard_deviation, of: amount, {BOUGHT}",
    "skew": f"measure: skewness, of: amount, {BOUGHT}",
    "web_share": f"measure: share, of: amount, by: channel, {BOUGHT}",
    "slope": f"measure: trend, of: amount, {BOUGHT}",
    "first_order": "measure: first, of: order_id",
    "last_order": "measure: last, of: order_id",
    "first_at": "measure: first_time",
    "last_at": "measure: last_time",
    "recency": f"measure: days_since_last, {BOUGHT}",
    "tenure": f"measure: days_since_first, {BOUGHT}",
    "orders": "measure: count_distinct, of: order_id",
    "active": f"measure: active_days, {BOUGHT}",
    "interval": f"measure: mean_interval_days, {BOUGHT}",
    "variation": f"measure: interval_variation, {BOUGHT}",
    "basket_p50": f"measure: quantile, of: amount, per: order_id, at: [0.5], {BOUGHT}",
    "price_p90": f"measure: quantile, of: amount, at: [0.9], {BOUGHT}",
    "usual_channel": "measure: mode, of: channel",
    "channels": "measure: top_k, of: channel, k: 2",
    "variety": "measure: entropy, of: channel",
    "carts": "measure: carts_abandoned",
    # Sessions have names only for some events, here those of the order, and no pause longer than a day.
    "visits": "measure: sessions, of: order_id, idle_minutes: 1440",
    "depth": "measure: session_depth, of: order_id, idle_minutes: 1440",
    "dwell": "measure: session_seconds, of: order_id, idle_minutes: 1440",
    "journeys": f"measure: days_after, after: event_type = 'cart_add', within_days: 3, {BOUGHT}",
    "bars": "measure: histogram, of: channel",
}
STEMS = {"web_share": "share", "basket_p50": "basket", "price_p90": "price"}  # whose names the declaration extends
TOLERANCE = {"skew": 1e-6, "price_p90": 0.0101}  # relative; everything else 1e-8


@dataclass(frozen=True)
class Look:
    """A date and what was known then."""

    as_of: date
    known_batch_id: int

    def of(self, features: FeatureSet) -> Seen:
        """As the engine takes it."""
        return Seen(features, self.as_of, self.known_batch_id, BERLIN.key)


NOW = Look(AS_OF, 3)
# Yesterday with two of three batches, across the change to summer time, and across the end of a month.
NIGHTS = (Look(AS_OF - timedelta(days=1), 2), Look(date(2017, 3, 24), 1), Look(date(2017, 2, 28), 3))

amounts = st.one_of(
    st.none(),
    st.sampled_from([Decimal("0"), Decimal("0.0001"), Decimal("19.9900"), Decimal("20.0000")]),
    st.decimals(min_value=Decimal("0.01"), max_value=Decimal("5000"), places=4),
)
moments = st.integers(min_value=-3 * 24 * 60, max_value=70 * 24 * 60).map(
    lambda minutes: datetime(2017, 3, 31, 20, 7, tzinfo=timezone.utc) - timedelta(minutes=minutes)
)
happened = st.fixed_dictionaries(
    {
        "event_time": moments,
        "event_type": st.sampled_from(["purchase", "purchase", "cart_add", "page_view"]),
        "channel": st.sampled_from(["web", "pos", "email"]),
        "order_id": st.sampled_from([None, "o1", "o2", "o3"]),
        "amount": amounts,
        "key": st.sampled_from(["a", "b"]),
        "batch_id": st.integers(min_value=1, max_value=3),
    }
)
histories = st.lists(st.lists(happened, min_size=1, max_size=14), min_size=25, max_size=60)


def declared(*places: int) -> FeatureSet:
    """Every measure that there is, over some windows: those at these places, counted from another one each time."""
    lines = []
    for number, (name, text) in enumerate(DECLARED.items()):
        windows = ["30d"] if name == "slope" else [WINDOWS[(number + place) % len(WINDOWS)] for place in places]
        lines.append(f"name: {STEMS.get(name, name)}, {text}, windows: [{', '.join(windows)}]")
    return feature_set(*lines)


def test_every_measure_has_an_account():
    assert {feature.measure for feature in declared(0).measured} == MEASURES.keys()
    assert DECLARED.keys() == QUERIES.keys()


def rows_of(people: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The events of all, each person under two keys; the business day is Berlin's."""
    return [
        {
            **event,
            "person": f"p{number}",
            "identity_key": f"{event['key']}{number}",
            "event_date": event["event_time"].astimezone(BERLIN).date(),
        }
        for number, happenings in enumerate(people)
        for event in happenings
    ]


def past(rows: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A connection with the events up to as_of."""
    finish = datetime.combine(AS_OF + timedelta(days=1), datetime.min.time(), BERLIN).astimezone(timezone.utc)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register(
        "given",
        pa.table(
            {
                "person": [row["person"] for row in rows],
                "moment": pa.array([row["event_time"] for row in rows], pa.timestamp("us", "UTC")),
                "day": pa.array([row["event_date"] for row in rows], pa.date32()),
                "type": [row["event_type"] for row in rows],
                "channel": [row["channel"] for row in rows],
                "order_id": pa.array([row["order_id"] for row in rows], pa.string()),
                "amount": pa.array([row["amount"] for row in rows], pa.decimal128(18, 4)),
            }
        ),
    )
    connection.execute(
        f"""CREATE TABLE past AS SELECT *, DATE '{AS_OF}' - day AS age, TIMESTAMPTZ '{finish}' AS finish FROM given
        WHERE day <= DATE '{AS_OF}'"""
    )
    return connection


def same(measure: str, found: Any, expected: Any) -> bool:
    """Equal: exactly, or within the stated error."""
    if isinstance(expected, float) or isinstance(found, float):
        tolerance = TOLERANCE.get(measure, 1e-8)
        return None not in (found, expected) and math.isclose(found, expected, rel_tol=tolerance, abs_tol=1e-6)
    if isinstance(found, datetime):
        return bool(found.replace(tzinfo=timezone.utc) == expected)
    return bool(found == expected)


def generated(examples: int) -> settings:
    """Not shrunk: every example is a run of Spark, and what differs is named by person and column. The first example is
    the simplest there is, the next ones are drawn.
    """
    return settings(
        max_examples=examples,
        derandomize=True,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@generated(2)
@given(people=histories)
def test_vectors_are_what_duckdb_finds_also_night_by_night(spark: SparkSession, people: list[list[dict[str, Any]]]):
    compare(spark, people, declared(0, 2), NIGHTS[:1])


@pytest.mark.soak
@generated(10)
@given(people=histories)
def test_many_histories_over_all_windows(spark: SparkSession, people: list[list[dict[str, Any]]]):
    compare(spark, people, declared(*range(len(WINDOWS))), NIGHTS)


def compare(
    spark: SparkSession, people: list[list[dict[str, Any]]], features: FeatureSet, nights: Sequence[Look]
) -> None:
    """The vectors with the account, and those that follow from earlier ones with those from all days. The days of every
    other key are made as those of a key that very many events share.
    """
    rows = rows_of(people)
    known = {row["identity_key"]: row["person"] for row in rows}
    who = identities(spark, *({"identifier": key, "customer_id": person} for key, person in known.items()))
    crowded = sorted(known)[::2]
    days = day_partials(events(spark, *rows), features=features, crowded=crowded).localCheckpoint()
    corrected = spark.createDataFrame([], CUSTOMER_CHANGES.ddl)
    now = NOW.of(features)
    found = built(days, who, now).localCheckpoint()
    assert differences(rows, features, found.collect()) == []
    for before in (night.of(features) for night in nights):
        previous = built(days, who, before).localCheckpoint()
        changed = changed_customers(days, corrected, who, before=before, now=now).localCheckpoint()
        mine = days_of(days, changed, who, now=now)
        since = features_since(
            previous, changed, mine, who, {"customers": customers(spark)}, before=before, now=now, buckets=16
        )
        assert_df_equality(since.localCheckpoint(), found, ignore_row_order=True, ignore_nullable=True)


def built(days: DataFrame, who: DataFrame, seen: Seen) -> DataFrame:
    """Vectors from all days."""
    return features_as_of(days, who, {"customers": customers(days.sparkSession)}, seen=seen, buckets=16)


def differences(rows: list[dict[str, Any]], features: FeatureSet, found: list[Row]) -> list[str]:
    """Where the vectors are not what DuckDB finds; every person with an event up to as_of must be there."""
    connection = past(rows)
    by_person = {row["customer_id"]: row for row in found}
    people = {person for (person,) in connection.sql("SELECT DISTINCT person FROM past").fetchall()}
    wrong = [f"{person} has a vector or should have one" for person in people ^ by_person.keys()]
    for name in DECLARED:
        for feature in (one for one in features.measured if one.name == ("share_web" if name == "web_share" else name)):
            for span in feature.spans:
                expected = account(connection, name, *ages(span))
                for person, row in by_person.items():
                    wanted = expected.get(person, 0 if feature.rule.zero else None)
                    if not same(name, row[feature.column(span)], wanted):
                        wrong.append(f"{person} {feature.column(span)}: {row[feature.column(span)]}, DuckDB: {wanted}")
    return wrong


def ages(span: Span) -> tuple[int, int | None]:
    """The youngest and the first too old age of a window."""
    newest, *oldest = [edge.age(AS_OF) for edge in span.edges]
    return newest, oldest[0] if oldest else None
