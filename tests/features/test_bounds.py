"""F15, keys that many people share: what a row holds and a task meets is bounded, and is the same in any order."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import reduce

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg import tables
from omniseg.features.crowded import CROWDED, RANKED, crowded_keys
from omniseg.features.days import day_partials
from omniseg.features.measures import CUT_DAYS, MOST_ELEMENTS
from omniseg.features.partials import needs
from omniseg.settings.load import load_settings
from tests.features.rows import AS_OF, EVENT, events, feature_set, identities, values, vectors

MANY = 20_000
DECLARED = (
    "name: orders, measure: count_distinct, of: order_id, windows: [1d, 30d]",
    "name: lines, measure: count, windows: [30d]",
    "name: usual, measure: mode, of: store_id, windows: [30d]",
    "name: middle, measure: quantile, at: [0.5], of: amount, per: order_id, windows: [30d]",
)
# With those above, every sort of list.
MORE = (
    "name: visits, measure: sessions, of: session_id, windows: [30d]",
    "name: left, measure: carts_abandoned, windows: [30d]",
    "name: usual_spend, measure: quantile, at: [0.5], of: amount, windows: [30d]",
)
KEYS = ("shared", "calm")
LONGEST_PLAN = "spark.sql.maxPlanStringLength"


def crowd(spark):
    """MANY orders of the key `shared` on as_of, each in a store of its own but for 9 in `s`; of the key `calm` 2,000 on
    each of the nine days before. An order is worth its number, and comes 4 seconds after the one before; two in four
    belong to a named session, one puts something into a cart.
    """
    number = F.col("id")
    rest = {name: F.lit(EVENT.get(name)) for name in tables.SILVER_EVENTS.column_names}
    of_shared = spark.range(MANY).select(
        number,
        F.lit("shared").alias("key"),
        F.lit(AS_OF).alias("day"),
        F.when(number < 9, F.lit("s")).otherwise(F.concat(F.lit("store"), number)).alias("store"),
    )
    of_calm = spark.range(18_000).select(
        number,
        F.lit("calm").alias("key"),
        F.date_sub(F.lit(AS_OF), (number % 9).cast("int") + 1).alias("day"),
        F.lit("s").alias("store"),
    )
    values = {
        **rest,
        "identity_key": F.col("key"),
        "event_date": F.col("day"),
        "event_time": F.timestamp_seconds(F.unix_date("day") * 86_400 + number * 4),
        "event_type": F.when(number % 4 == 1, "cart_add").otherwise("purchase"),
        "session_id": F.when(number % 4 > 1, F.floor(number / 2).cast("string")),
        "order_id": F.concat(F.col("key"), number),
        "amount": number,
        "store_id": F.col("store"),
    }
    return of_shared.unionByName(of_calm).select(
        *(values[column.name].cast(column.type).alias(column.name) for column in tables.SILVER_EVENTS.columns)
    )


@pytest.fixture(scope="module")
def who(spark):
    return identities(spark, *({"identifier": key, "customer_id": key} for key in KEYS))


@pytest.fixture(scope="module")
def found(spark, who):
    return {row["customer_id"]: row for row in vectors(crowd(spark), feature_set(*DECLARED), who=who).collect()}


class TestBounds:
    def test_a_day_keeps_so_many_elements_of_each_list(self, spark):
        features = feature_set(*DECLARED)
        names = [partial.name for one in features.measured for partial in needs(one).values() if one.name != "lines"]
        rows = day_partials(crowd(spark).where("identity_key = 'shared'"), features=features)
        assert rows.select(*map(F.size, names)).collect() == [(MOST_ELEMENTS,) * len(names)]

    def test_distinct_values_of_a_day_that_was_cut_are_estimated(self, found):
        """Four standard errors of 1.6 %; the hashes are always the same, so is the estimate."""
        assert found["shared"]["orders_1d"] == found["shared"]["orders_30d"]
        assert found["shared"]["orders_1d"] != MANY
        assert found["shared"]["orders_1d"] == pytest.approx(MANY, rel=4 * 0.016)

    def test_many_days_below_the_bound_are_exact(self, found):
        assert (found["calm"]["orders_30d"], found["calm"][CUT_DAYS]) == (18_000, 0)

    def test_what_was_cut_is_counted(self, found):
        assert found["shared"][CUT_DAYS] == 1

    def test_sums_and_counts_are_never_cut(self, found):
        assert {key: row["lines_30d"] for key, row in found.items()} == {"shared": MANY, "calm": 18_000}

    def test_of_texts_the_heaviest_are_kept(self, found):
        assert found["shared"]["usual_30d"] == "s"

    def test_of_groups_a_sample_is_kept(self, found):
        """Orders are worth 0 to 19,999: the middle of 4,096 drawn ones has a standard error of 156."""
        assert found["shared"]["middle_p50_30d"] == pytest.approx(MANY / 2, abs=4 * 156)
        assert found["calm"]["middle_p50_30d"] == 8_999

    def test_order_and_partitions_change_no_estimate(self, spark, who, found):
        shuffled = crowd(spark).orderBy(F.xxhash64("order_id", F.lit(1))).repartition(7)
        again = vectors(shuffled, feature_set(*DECLARED), who=who).collect()
        assert {row["customer_id"]: row for row in again} == found

    def test_an_estimate_counts_a_window_with_cut_and_whole_days_once(self, spark):
        """The same orders again on the day before, half of them: whichever day an order lies on, it counts once."""
        cut = crowd(spark).where("identity_key = 'shared'")
        half = cut.where("amount < 2000").withColumn("event_date", F.lit(AS_OF - timedelta(days=1)))
        features = feature_set(DECLARED[0])
        one = identities(spark, {"identifier": "shared"})
        both = values(vectors(cut.unionByName(half), features, who=one), "orders_30d", CUT_DAYS)
        assert both == values(vectors(cut, features, who=one), "orders_30d", CUT_DAYS)


def plan(rows):
    """The whole physical plan, line by line from the result to the files."""
    settings = rows.sparkSession.conf
    short = settings.get(LONGEST_PLAN)
    settings.set(LONGEST_PLAN, "1000000")
    try:
        return rows._jdf.queryExecution().executedPlan().toString().splitlines()
    finally:
        settings.set(LONGEST_PLAN, short)


class TestCrowded:
    """Lists of keys with very many events are made another way."""

    def test_the_rows_are_the_same(self, spark):
        features, source = feature_set(*DECLARED, *MORE), crowd(spark)
        one = day_partials(source, features=features, crowded=KEYS[:1])
        two = day_partials(source, features=features, crowded=KEYS)
        expected = day_partials(source, features=features).localCheckpoint()
        for rows in (one, two):
            assert_df_equality(rows, expected, ignore_row_order=True, ignore_nullable=True)

    def test_sessions_of_a_day_are_cut_as_sets_are(self, spark, who):
        """10,000 named ones, and one that has no name: 15,000 seconds of pauses of 4."""
        features = feature_set(MORE[0])
        (name,) = [partial.name for partial in needs(features.measured[0]).values()]
        (row,) = day_partials(crowd(spark).where("identity_key = 'shared'"), features=features).collect()
        assert (len(row[name]), row[name][0]["id"], row[name][0]["events"]) == (MOST_ELEMENTS, None, MANY // 2)
        found = values(vectors(crowd(spark), features, who=who), "visits_30d", CUT_DAYS)
        assert found == {"shared": (MOST_ELEMENTS, 1), "calm": (9 * 501, 0)}

    def test_keys_are_crowded_by_their_events(self, spark):
        """By people's: neither what is nobody's counts, nor what machines did."""
        several = {"crowd": CROWDED + 1, "many": CROWDED, "machine": CROWDED + 2, None: CROWDED + 2}
        rows = [spark.range(number).select(F.lit(key).alias("identity_key")) for key, number in several.items()]
        source = reduce(DataFrame.unionByName, rows).withColumn("is_bot", F.col("identity_key").eqNullSafe("machine"))
        assert [row.identity_key for row in crowded_keys(source).collect()] == ["crowd"]

    def test_spark_is_told_how_many_are_ranked(self):
        settings = load_settings(env="local", conf=None, sets=(), environ={})
        assert settings.spark["spark.sql.optimizer.windowGroupLimitThreshold"] == str(RANKED)

    def test_elements_are_ranked_before_they_go_to_the_task_of_their_day(self, spark):
        """What an exchange gets is aggregated, or ranked: of each list at most so many elements from each task."""
        rows = day_partials(crowd(spark), features=feature_set(*DECLARED, *MORE), crowded=KEYS)
        lines = plan(rows.where(F.col("identity_key").isin(*KEYS)))
        below = [lines[place + 1] for place, line in enumerate(lines) if "Exchange hashpartitioning" in line]
        assert [line for line in below if not re.search(r"Aggregate\(.*partial_|WindowGroupLimit", line)] == []
        assert [line for line in lines if "WindowGroupLimit" in line and "Final" in line] != []


class TestPlan:
    """By plan, not by time: 30 % of all events under one key are as many rows to the one task as a key has days."""

    def test_events_are_aggregated_before_they_go_to_the_task_of_their_key(self, spark):
        """Exchanges of data say what goes into them: partial aggregates, or what was aggregated already."""
        lines = plan(day_partials(events(spark, {}), features=feature_set(*DECLARED)))
        below = [lines[place + 1] for place, line in enumerate(lines) if "Exchange hashpartitioning" in line]
        assert len(below) == 3
        assert [line for line in below if not re.search(r"Aggregate\(.*partial_", line)] == []

    def test_executors_need_no_python(self, spark):
        source = events(spark, {})
        for rows in (day_partials(source, features=feature_set(*DECLARED)), vectors(source, feature_set(*DECLARED))):
            assert [line for line in plan(rows) if re.search(r"Python|Pandas|Arrow", line)] == []
