"""Daily partials: the smallest set, exact sums and sets, and the product as it was at the moment of the event."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from omniseg import tables
from omniseg.features.days import day_partials
from omniseg.features.partials import needs, partial_columns, partials
from omniseg.features.products import enriched
from omniseg.features.vocabulary import ENRICHED
from tests.features.rows import EVENT, events, feature_set, frame, products, shipped, values, vectors

SPEND = "name: spend, measure: sum, of: amount"
PURCHASES = "name: purchases, measure: count_distinct, of: order_id, where: event_type = 'purchase'"


def days(source, *declarations):
    """The partial rows by (identity key, day, batch), values in the order of the partials' names."""
    rows = day_partials(source, features=feature_set(*declarations)).collect()
    own = tables.CUSTOMER_DAY.column_names
    return {
        (row["identity_key"], row["event_date"], row["batch_id"]): [
            row[name] for name in row.asDict() if name not in own
        ]
        for row in rows
    }


DAY = EVENT["event_date"]
KEY = ("k1", DAY, 1)


class TestSmallestSet:
    @pytest.mark.parametrize(
        ("declarations", "kinds"),
        [
            pytest.param([SPEND + ", windows: [30d, 90d, 365d, lifetime]"], ["sum"], id="windows_share"),
            pytest.param([SPEND, "name: money, measure: sum, of: amount"], ["sum"], id="equal_features_share"),
            pytest.param([SPEND, "name: money, measure: sum, of: '(amount)'"], ["sum"], id="spelling_does_not_matter"),
            pytest.param([SPEND, "name: m, measure: max, of: amount"], ["max", "sum"], id="another_measure_does_not"),
            pytest.param(
                [SPEND, "name: x, measure: sum, of: amount, where: is_bot"],
                ["sum", "sum"],
                id="another_filter_does_not",
            ),
            pytest.param(
                [
                    "name: a, measure: count",
                    "name: b, measure: active_days",
                    "name: c, measure: days_since_last",
                    "name: d, measure: days_since_first",
                ],
                ["count"],
                id="counts_and_days_share_one_count",
            ),
            pytest.param(
                ["name: f, formula: 1 + 1", "name: band, attribute: customers.age_band"], [], id="no_events_needed"
            ),
        ],
    )
    def test_partials(self, declarations, kinds):
        assert sorted(partial.kind for partial in partials(feature_set(*declarations))) == kinds

    def test_names_depend_on_nothing_but_the_definition(self):
        alone = {column.name for column in partial_columns(feature_set(SPEND))}
        among = {column.name for column in partial_columns(feature_set(PURCHASES, "name: n, measure: count", SPEND))}
        assert len(alone) == 1
        assert alone < among

    def test_columns_are_as_declared(self, spark):
        features = feature_set(SPEND, PURCHASES, "name: n, measure: count", "name: m, measure: min, of: quantity")
        declared = tables.CUSTOMER_DAY.extended(partial_columns(features))
        expected = spark.createDataFrame([], declared.ddl)
        actual = day_partials(events(spark), features=features)
        assert_df_equality(actual, expected, ignore_nullable=True, ignore_metadata=True)

    def test_shipped_features_need_few_partials(self):
        declared = [shipped(name) for name in ("features.yml", "packs/complete_journey/features.yml")]
        assert [len(partials(features)) < len(features.features) / 1.5 for features in declared] == [True, True]


class TestGrain:
    def test_one_row_per_key_day_and_batch(self, spark):
        source = events(
            spark,
            {"order_id": "o1"},
            {"order_id": "o2"},
            {"identity_key": "k2"},
            {"event_date": date(2017, 3, 11)},
            {"batch_id": 2},
        )
        assert days(source, "name: n, measure: count") == {
            KEY: [2],
            ("k2", DAY, 1): [1],
            ("k1", date(2017, 3, 11), 1): [1],
            ("k1", DAY, 2): [1],
        }

    @pytest.mark.parametrize(
        "left_out",
        [pytest.param({"identity_key": None}, id="unattributed"), pytest.param({"is_bot": True}, id="bot")],
    )
    def test_events_of_nobody_are_left_out(self, spark, left_out):
        assert days(events(spark, left_out, {}), "name: n, measure: count") == {KEY: [1]}

    def test_a_day_on_which_nothing_is_counted_has_its_row(self, spark):
        source = events(spark, {"event_type": "page_view", "order_id": None, "amount": None})
        assert days(source, SPEND + ", where: event_type = 'return'", PURCHASES) == {KEY: [[], None]}

    def test_no_events_no_rows(self, spark):
        assert days(events(spark), SPEND, PURCHASES) == {}


MEASURED = {
    "sum_skips_null": ("measure: sum, of: amount", Decimal("7.5000")),
    "count_of_a_value_skips_null": ("measure: count, of: amount", 2),
    "count_of_events_does_not": ("measure: count", 3),
    "least": ("measure: min, of: amount", Decimal("-2.5000")),
    "greatest": ("measure: max, of: amount", Decimal("10.0000")),
    "null_is_not_below_0": ("measure: sum, of: amount, where: amount < 0", Decimal("-2.5000")),
    "of_is_calculated": ("measure: sum, of: amount * 2", Decimal("15.0000")),
    "what_does_not_fit_adds_nothing": ("measure: sum, of: amount * 10000000000000", Decimal("-25000000000000.0000")),
}


@pytest.fixture(scope="module")
def measured(spark):
    """The partial of every case over amounts of 10, -2.5 and null."""
    features = feature_set(*(f"name: {case}, {text}" for case, (text, _) in MEASURED.items()))
    source = events(spark, {"amount": Decimal("10")}, {"amount": Decimal("-2.5")}, {"amount": None})
    (row,) = day_partials(source, features=features).collect()
    return {feature.name: row[partial.name] for feature in features.measured for partial in needs(feature).values()}


class TestValues:
    def test_sums_keep_every_cent_of_great_amounts(self, spark):
        great = Decimal("99999999999999.9999")
        source = events(spark, *({"amount": great} for _ in range(20)))
        assert days(source, SPEND) == {KEY: [great * 20]}

    @pytest.mark.parametrize("case", MEASURED)
    def test_measures(self, measured, case):
        assert measured[case] == MEASURED[case][1]

    def test_sets_hold_each_value_once_sorted(self, spark):
        source = events(spark, *({"order_id": order} for order in ("b", "a", "b", None, "c")))
        hashes = [
            row[0] for row in source.where("order_id is not null").select(F.xxhash64("order_id")).distinct().collect()
        ]
        assert days(source, PURCHASES) == {KEY: [sorted(hashes)]}

    def test_sets_of_several_features_do_not_mix(self, spark):
        source = events(spark, {"order_id": "a", "product_id": "x"}, {"order_id": "a", "product_id": "y"})
        (found,) = days(source, PURCHASES, "name: products, measure: count_distinct, of: product_id").values()
        assert sorted(len(one) for one in found) == [1, 2]


PRODUCTS: dict[str, tuple[dict[str, Any], tuple[str | None, ...]]] = {
    "known_product": ({}, ("DAIRY", "MILK", "Private")),
    "unknown_product": ({"product_id": "another"}, ("unknown",) * 3),
    "unknown_fact": ({"department": None}, ("unknown", "MILK", "Private")),
}


class TestEnriched:
    def joined(self, spark, event, *versions):
        """(department, product_category, product_brand) of one event; fails where the join adds or loses rows."""
        (row,) = enriched(events(spark, event), products(spark, *versions)).collect()
        return (row["department"], row["product_category"], row["product_brand"])

    def test_adds_the_facts_of_the_product_and_no_row(self, spark):
        source = events(spark, {"product_id": "milk"}, {"product_id": "milk"}, {"product_id": "beer"}, {})
        joined = enriched(source, products(spark, {}, {"product_id": "wine"}))
        assert joined.columns == [*source.columns, *ENRICHED]
        assert sorted(joined.select(*source.columns).collect(), key=str) == sorted(source.collect(), key=str)

    @pytest.mark.parametrize("case", PRODUCTS)
    def test_unknown_member(self, spark, case):
        version, expected = PRODUCTS[case]
        assert self.joined(spark, {"product_id": "milk"}, version) == expected

    def test_an_event_without_product_has_no_department(self, spark):
        assert self.joined(spark, {"product_id": None}, {}) == (None, None, None)

    @pytest.mark.parametrize(
        "end",
        [
            pytest.param(12, id="closed_where_the_next_begins"),
            pytest.param(None, id="left_open"),
            pytest.param(13, id="overlapping_the_next"),
        ],
    )
    def test_version_by_the_time_of_the_event(self, spark, end):
        at = {hour: datetime(2017, 3, 10, hour, tzinfo=timezone.utc) for hour in range(9, 15)}
        versions = products(
            spark,
            {"department": "OLD", "valid_from": at[10], "valid_to": at.get(end)},
            {"department": "NEW", "valid_from": at[12], "valid_to": at[14], "batch_id": 2},
        )
        hourly = events(spark, *({"product_id": "milk", "event_time": moment} for moment in at.values()))
        found = [row["department"] for row in enriched(hourly, versions).orderBy("event_time").collect()]
        assert found == ["unknown", "OLD", "OLD", "NEW", "NEW", "unknown"], "from 9 to 14 o'clock"

    def test_of_versions_that_begin_together_the_last_known_counts(self, spark):
        versions = ({"department": "LATER", "batch_id": 2}, {"department": "EARLIER", "batch_id": 1})
        assert self.joined(spark, {"product_id": "milk"}, *versions)[0] == "LATER"

    def test_a_feature_may_read_the_department(self, spark):
        joined = enriched(events(spark, {"product_id": "milk"}, {"product_id": "beer"}), products(spark, {}))
        found = days(joined, "name: dairy, measure: count, where: department = 'DAIRY'")
        assert found == {KEY: [1]}


def test_partitioning_and_order_do_not_change_partials(spark):
    rows = [{"order_id": f"o{n % 7}", "amount": Decimal(n) / 3 if n % 5 else None} for n in range(60)]
    features = feature_set(SPEND, PURCHASES, "name: m, measure: max, of: amount")
    source = frame(spark, tables.SILVER_EVENTS, EVENT, *rows)
    one = day_partials(source.coalesce(1), features=features)
    assert_df_equality(day_partials(source.orderBy(F.desc("amount")).repartition(8), features=features), one)


def test_a_day_is_a_holiday_or_ordinary_or_it_is_unknown(spark):
    declared = "name: n, measure: count, by: holiday"
    known = replace(feature_set(declared), holidays=(date(2017, 1, 1), date(2017, 3, 10), date(2018, 1, 1)))
    days: tuple[dict[str, Any], ...] = ({}, {"event_date": date(2017, 3, 11)}, {"event_date": date(2019, 3, 10)})
    columns = ("n_lifetime", "n_holiday_lifetime", "n_ordinary_lifetime")
    as_of = date(2019, 12, 31)
    assert values(vectors(events(spark, *days), known, as_of=as_of), *columns) == {"p1": (3, 1, 1)}
    assert values(vectors(events(spark, *days), feature_set(declared), as_of=as_of), *columns) == {"p1": (3, 0, 0)}
