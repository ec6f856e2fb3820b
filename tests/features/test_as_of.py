"""Vectors as of a date: window edges, what was known when, keys of one person, facts of the master, formulas."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import functions as F

from omniseg import tables
from omniseg.features.as_of import Seen, features_as_of
from omniseg.features.days import day_partials
from omniseg.features.declaration import feature_columns
from tests.features.rows import AS_OF, customers, events, feature_set, identities, shipped, values, vectors

WINDOWS = ("1d", "30d", "90d", "lifetime")
EDGES = {
    "events": "measure: count",
    "orders": "measure: count_distinct, of: order_id",
    "active": "measure: active_days",
    "spend": "measure: sum, of: amount / 10",
}
SPEND = "name: spend, measure: sum, of: amount"
ORDERS = "name: orders, measure: count_distinct, of: order_id"
ACTIVE = "name: active, measure: active_days"
BAND = "name: age_band, attribute: customers.age_band"
TWO_KEYS: tuple[dict[str, Any], ...] = ({}, {"identifier": "k2"})


def age(days):
    return {"event_date": AS_OF - timedelta(days=days)}


def instant(day, hour=0):
    month, number = day
    return datetime(2017, month, number, hour, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def of_ages(spark):
    """One person per age of the only event, named by it; every measure of EDGES over every window."""
    ages = (0, 1, 29, 30, 89, 90, 4000)
    features = feature_set(*(f"name: {name}, {text}, windows: [{', '.join(WINDOWS)}]" for name, text in EDGES.items()))
    who = identities(spark, *({"identifier": f"k{days}", "customer_id": f"p{days}"} for days in ages))
    source = events(spark, *({**age(days), "identity_key": f"k{days}"} for days in ages))
    return {row["customer_id"]: row for row in vectors(source, features, who=who).collect()}


class TestWindows:
    @pytest.mark.parametrize(
        ("days", "counted"),
        [
            pytest.param(0, (1, 1, 1, 1), id="as_of_itself_counts_everywhere"),
            pytest.param(1, (0, 1, 1, 1), id="one_day_is_as_of_alone"),
            pytest.param(29, (0, 1, 1, 1), id="first_day_of_30_counts"),
            pytest.param(30, (0, 0, 1, 1), id="day_before_30_does_not"),
            pytest.param(89, (0, 0, 1, 1), id="first_day_of_90_counts"),
            pytest.param(90, (0, 0, 0, 1), id="day_before_90_does_not"),
            pytest.param(4000, (0, 0, 0, 1), id="lifetime_has_no_beginning"),
        ],
    )
    @pytest.mark.parametrize("measure", EDGES)
    def test_edges(self, of_ages, measure, days, counted):
        assert tuple(of_ages[f"p{days}"][f"{measure}_{window}"] for window in WINDOWS) == counted

    def test_nothing_after_as_of_leaves_a_trace(self, spark):
        features = feature_set(
            "name: n, measure: count, windows: [30d, lifetime]",
            SPEND,
            ORDERS,
            ACTIVE,
            "name: last, measure: days_since_last",
        )
        past = events(spark, age(3))
        with_future = events(spark, age(3), age(-1), {**age(-400), "identity_key": "k2", "order_id": "o2"})
        who = identities(spark, {}, {"identifier": "k2", "customer_id": "p2"})
        assert_df_equality(vectors(with_future, features, who=who), vectors(past, features, who=who))

    def test_an_order_of_two_days_counts_once_where_its_newest_day_counts(self, spark):
        features = feature_set(ORDERS + ", windows: [1d, 30d, lifetime]")
        found = vectors(events(spark, age(0), age(40)), features)
        assert values(found, "orders_1d", "orders_30d", "orders_lifetime") == {"p1": (1, 1, 1)}

    def test_days_since_the_last_and_first_day_with_an_event_that_counts(self, spark):
        rule = "where: amount > 0, windows: [5d, 90d, lifetime]"
        features = feature_set(
            f"name: last, measure: days_since_last, {rule}", f"name: first, measure: days_since_first, {rule}"
        )
        no_money = [{**age(1), "amount": None}, {**age(400), "amount": Decimal(0)}]
        found = vectors(events(spark, age(5), age(60), age(300), *no_money), features)
        assert values(found, "last_5d", "last_90d", "last_lifetime") == {"p1": (None, 5, 5)}
        assert values(found, "first_5d", "first_90d", "first_lifetime") == {"p1": (None, 60, 300)}


class TestMeasures:
    def test_returns_subtract(self, spark):
        bought, returned = {"amount": Decimal("30.10")}, {"event_type": "return", "amount": Decimal("-12.05"), **age(1)}
        found = vectors(events(spark, bought, returned), feature_set(SPEND))
        assert values(found, "spend_lifetime") == {"p1": (Decimal("18.0500"),)}

    @pytest.mark.parametrize(
        ("amounts", "variance"),
        [
            pytest.param(("0.0001", "0.0001", "0.0479"), 7.6161333333e-4, id="smallest_amounts"),
            pytest.param(("99999.9999", "99999.9999", "100000.0000"), 3.3333333333e-9, id="close_together"),
            pytest.param(("50000000", "50000000", "50000003"), 3.0, id="greatest_amounts"),
        ],
    )
    def test_moments_lose_no_digits(self, spark, amounts, variance):
        """Of two equal values and a greater one the skewness is √½, however far they lie from zero."""
        features = feature_set(
            "name: spread, measure: variance, of: amount", "name: skew, measure: skewness, of: amount"
        )
        bought = [{"amount": Decimal(amount), **age(place)} for place, amount in enumerate(amounts)]
        found = values(vectors(events(spark, *bought), features), "spread_lifetime", "skew_lifetime")["p1"]
        assert found == (pytest.approx(variance, rel=1e-9), pytest.approx(0.5**0.5, rel=1e-9))

    def test_skewness_is_null_where_cubes_do_not_fit(self, spark):
        features = feature_set("name: skew, measure: skewness, of: amount")
        bought = [{"amount": Decimal(amount), **age(place)} for place, amount in enumerate(("1", "2", "100000000"))]
        assert values(vectors(events(spark, *bought), features), "skew_lifetime") == {"p1": (None,)}

    def test_least_and_greatest(self, spark):
        features = feature_set("name: least, measure: min, of: amount", "name: most, measure: max, of: amount")
        source = events(spark, {"amount": Decimal("2.5")}, {"amount": Decimal("-1"), **age(2)}, {"amount": None})
        assert values(vectors(source, features), "least_lifetime", "most_lifetime") == {"p1": (-1.0, 2.5)}

    def test_a_histogram_counts_the_events_of_each_bucket(self, spark):
        buckets = "case when amount < 20 then 'below 20' when amount >= 20 then '20 and more' end"
        features = feature_set(f'name: prices, measure: histogram, of: "{buckets}"')
        bought = [{"amount": Decimal(amount), **age(n)} for n, amount in enumerate(("19.9999", "5", "20"))]
        (found,) = values(vectors(events(spark, *bought, {"amount": None}), features), "prices_lifetime").values()
        assert found == ([("20 and more", 1), ("below 20", 2)],)

    def test_nothing_to_count_is_0_and_everything_else_null(self, spark):
        never = "where: event_type = 'return', windows: [30d]"
        measures = {
            "count": 0,
            "sum, of: amount": 0,
            "count_distinct, of: order_id": 0,
            "active_days": 0,
            "min, of: amount": None,
            "max, of: amount": None,
            "histogram, of: channel": None,
            "days_since_last": None,
            "days_since_first": None,
        }
        features = feature_set(*(f"name: f{n}, measure: {text}, {never}" for n, text in enumerate(measures)))
        columns = [column.name for column in feature_columns(features)]
        assert values(vectors(events(spark, {}), features), *columns) == {"p1": tuple(measures.values())}

    def test_a_sum_beyond_the_column_is_null_and_kills_no_job(self, spark):
        source = events(spark, *({"amount": Decimal("99999999999999.9999")} for _ in range(3)))
        assert values(vectors(source, feature_set(SPEND)), "spend_lifetime") == {"p1": (None,)}


def test_app_visits_leave_out_the_web(spark):
    """The example of docs/features.md."""
    features = feature_set("name: app_visits, measure: count_distinct, of: session_id, where: channel = 'mobile'")
    source = events(spark, {"session_id": "s1", "channel": "mobile"}, {"session_id": "s2", "channel": "web"})
    assert values(vectors(source, features), "app_visits_lifetime") == {"p1": (1,)}


class TestPersons:
    def test_two_keys_of_one_person_merge(self, spark):
        both = [
            {"order_id": "same"},
            {"order_id": "same", "identity_key": "k2"},
            {"order_id": "other", "identity_key": "k2"},
        ]
        found = vectors(events(spark, *both), feature_set(SPEND, ORDERS, ACTIVE), who=identities(spark, *TWO_KEYS))
        assert values(found, "spend_lifetime", "orders_lifetime", "active_lifetime") == {"p1": (Decimal(30), 2, 1)}

    def test_two_batches_of_one_day_merge(self, spark):
        found = vectors(events(spark, {}, {"batch_id": 2}), feature_set(SPEND, ORDERS, ACTIVE))
        assert values(found, "spend_lifetime", "orders_lifetime", "active_lifetime") == {"p1": (Decimal(20), 1, 1)}

    def test_persons_stay_apart(self, spark):
        who = identities(spark, {}, {"identifier": "k2", "customer_id": "p2"})
        source = events(spark, {}, {"identity_key": "k2", "amount": Decimal(7)})
        found = vectors(source, feature_set(SPEND, ORDERS), who=who)
        assert values(found, "spend_lifetime", "orders_lifetime") == {"p1": (Decimal(10), 1), "p2": (Decimal(7), 1)}

    def test_a_key_that_no_identity_holds_is_nobodys(self, spark):
        assert values(vectors(events(spark, {}, {"identity_key": "k9"}), feature_set(SPEND)), "spend_lifetime") == {
            "p1": (Decimal(10),)
        }

    def test_a_person_of_whom_nothing_is_counted_has_a_vector(self, spark):
        found = vectors(
            events(spark, {"event_type": "page_view"}), feature_set(SPEND + ", where: event_type = 'return'")
        )
        assert values(found, "spend_lifetime") == {"p1": (0,)}


class TestKnowledge:
    @pytest.mark.parametrize(
        ("known", "spend"),
        [
            pytest.param(1, 10, id="before_the_late_event"),
            pytest.param(2, 30, id="with_the_late_event"),
            pytest.param(3, 30, id="later_batches_change_nothing"),
        ],
    )
    def test_events(self, spark, known, spend):
        source = events(spark, {}, {"batch_id": 2, "amount": Decimal(20), **age(80)})
        found = vectors(source, feature_set(SPEND), known_batch_id=known)
        assert values(found, "spend_lifetime", "known_batch_id") == {"p1": (spend, known)}

    def test_identities(self, spark):
        who = identities(spark, {}, {"identifier": "k2", "batch_id": 3})
        source = events(spark, {}, {"identity_key": "k2"})
        found = {known: vectors(source, feature_set(SPEND), who=who, known_batch_id=known) for known in (2, 3)}
        assert {known: values(rows, "spend_lifetime") for known, rows in found.items()} == {
            2: {"p1": (10,)},
            3: {"p1": (20,)},
        }

    @pytest.mark.parametrize(
        ("known", "band"),
        [pytest.param(1, "25-34", id="before_the_new_version"), pytest.param(2, "35-44", id="with_the_new_version")],
    )
    def test_a_version_ended_by_a_later_batch_is_what_was_known(self, spark, known, band):
        change = instant((2, 1))
        master = customers(
            spark, {"valid_to": change}, {"age_band": "35-44", "valid_from": change, "batch_id": 2, "record_id": "r2"}
        )
        found = vectors(events(spark, {}), feature_set(BAND), master=master, known_batch_id=known)
        assert values(found, "age_band") == {"p1": (band,)}


VALIDITY: dict[str, tuple[dict[str, Any], str | None]] = {
    "always_valid": ({}, "25-34"),
    "begins_on_as_of": ({"valid_from": instant((3, 31), 23)}, "25-34"),
    "begins_the_day_after": ({"valid_from": instant((4, 1))}, None),
    "ends_with_as_of": ({"valid_to": instant((4, 1))}, "25-34"),
    "deleted_before": ({"valid_to": instant((3, 31), 23)}, None),
    "of_somebody_else": ({"identity_key": "nobody"}, None),
    "fact_unknown": ({"age_band": None}, None),
    "not_known_yet": ({"batch_id": 10}, None),
}


@pytest.fixture(scope="module")
def of_records(spark):
    """The age band by case of VALIDITY, one person with one record each."""
    who = identities(spark, *({"identifier": case, "customer_id": case} for case in VALIDITY))
    master = customers(spark, *({"identity_key": case, **record} for case, (record, _) in VALIDITY.items()))
    source = events(spark, *({"identity_key": case} for case in VALIDITY))
    found = values(vectors(source, feature_set(BAND), who=who, master=master), "age_band")
    return {case: band for case, (band,) in found.items()}


class TestAttributes:
    def band(self, spark, *records, **settings):
        source = events(spark, {}, {"identity_key": "k2"})
        who = identities(spark, *TWO_KEYS)
        return values(
            vectors(source, feature_set(BAND), master=customers(spark, *records), who=who, **settings), "age_band"
        )["p1"][0]

    @pytest.mark.parametrize("case", VALIDITY)
    def test_validity(self, of_records, case):
        assert of_records[case] == VALIDITY[case][1]

    @pytest.mark.parametrize(
        ("time_zone", "band"),
        [
            pytest.param("UTC", None, id="utc_day_is_over"),
            pytest.param("America/New_York", "25-34", id="eastern_day_is_not_over"),
        ],
    )
    def test_as_of_ends_in_the_zone_of_the_business(self, spark, time_zone, band):
        assert self.band(spark, {"valid_from": instant((4, 1), 2)}, time_zone=time_zone) == band

    def test_of_two_records_of_a_person_the_one_that_began_last_counts(self, spark):
        newer = {"identity_key": "k2", "age_band": "newer", "valid_from": instant((1, 5))}
        assert self.band(spark, newer, {"age_band": "older", "batch_id": 5}) == "newer"

    def test_of_two_that_began_together_the_last_known_counts(self, spark):
        later = {"identity_key": "k2", "age_band": "later", "batch_id": 5}
        assert self.band(spark, later, {"age_band": "earlier"}) == "later"

    def test_a_person_without_record_has_nulls_and_no_record_makes_a_person(self, spark):
        master = customers(spark, {"identity_key": "k2"})
        who = identities(spark, {}, {"identifier": "k2", "customer_id": "p2"})
        assert values(vectors(events(spark, {}), feature_set(BAND), master=master, who=who), "age_band") == {
            "p1": (None,)
        }


FORMULAS: dict[str, tuple[str, float | None]] = {
    "ratio": ("spend_lifetime / orders_lifetime", 3.5),
    "ten_significant_digits": ("spend_lifetime / 3", 2.333333333),
    "significant_not_decimal": ("spend_lifetime / 3000000", 2.333333333e-06),
    "great_numbers_too": ("spend_lifetime * 1e15 / 3", 2.333333333e15),
    "negative": ("-spend_lifetime / 3", -2.333333333),
    "nullif_of_0": ("spend_lifetime / nullif(orders_lifetime - 2, 0)", None),
    "division_by_0_is_null": ("spend_lifetime / (orders_lifetime - 2)", None),
    "zero": ("0 * spend_lifetime", 0.0),
    "zero_has_no_sign": ("0 * -spend_lifetime", 0.0),
    "over_a_formula_declared_later": ("zz_later + 1", 15.0),
    "over_an_attribute": ('case when age_band = "25-34" then 1 else 2 end', 1.0),
}


@pytest.fixture(scope="module")
def calculated(spark):
    """The vector of one person with two orders of 3.00 and 4.00: every formula, and what they read."""
    formulas = [f"name: {name}, formula: '{text}'" for name, (text, _) in FORMULAS.items()]
    features = feature_set(*formulas, "name: zz_later, formula: spend_lifetime * 2", SPEND, ORDERS, BAND)
    source = events(spark, {"amount": Decimal("3")}, {"amount": Decimal("4"), "order_id": "o2"})
    return vectors(source, features, master=customers(spark, {})).first()


class TestFormulas:
    @pytest.mark.parametrize("case", FORMULAS)
    def test_numbers(self, calculated, case):
        expected = FORMULAS[case][1]
        assert (calculated[case], str(calculated[case])) == (expected, str(expected))

    def test_measured_columns_keep_their_types_beside_formulas(self, calculated):
        assert (calculated["spend_lifetime"], calculated["orders_lifetime"]) == (Decimal("7.0000"), 2)
        assert isinstance(calculated["spend_lifetime"], Decimal)


class TestTable:
    @pytest.mark.parametrize(
        ("name", "source"),
        [
            pytest.param("features.yml", [], id="base_no_events"),
            pytest.param("packs/complete_journey/features.yml", [{}], id="journey_one_event"),
        ],
    )
    def test_schema_is_the_declared_one(self, spark, name, source):
        features = shipped(name)
        found = vectors(events(spark, *source), features)
        declared = tables.CUSTOMER_FEATURES.extended(feature_columns(features))
        expected = spark.createDataFrame([], declared.ddl)
        assert_df_equality(found.limit(0), expected, ignore_nullable=True, ignore_metadata=True)
        assert len(found.collect()) == len(source)

    def test_own_columns(self, spark):
        features = feature_set(SPEND)
        (row,) = vectors(events(spark, {}), features).collect()
        (bucket,) = spark.range(1).select(F.pmod(F.xxhash64(F.lit("p1")), F.lit(16))).first()
        assert (row["customer_id"], row["as_of"], row["bucket"]) == ("p1", AS_OF, bucket)
        assert row["feature_set_version"] == features.version

    def test_formulas_and_attributes_alone_make_vectors(self, spark):
        features = feature_set("name: one, formula: 1 + 0", BAND)
        found = vectors(events(spark, {}), features, master=customers(spark, {}))
        assert values(found, "one", "age_band") == {"p1": (1.0, "25-34")}


def test_partitioning_does_not_change_a_row(spark):
    """Thirds of cents, many keys per person: sums of doubles would differ here in their last digits."""
    rows = [
        {
            **age(n % 100),
            "identity_key": f"k{n % 12}",
            "order_id": f"o{n % 17}",
            "amount": (Decimal(n) / 3).quantize(Decimal("0.0001")),
            "discount": (Decimal(n) / 7).quantize(Decimal("0.0001")),
            "batch_id": n % 3,
        }
        for n in range(300)
    ]
    who = identities(spark, *({"identifier": f"k{n}", "customer_id": f"p{n % 4}"} for n in range(12)))
    features = shipped("features.yml")
    days = day_partials(events(spark, *rows), features=features)

    def sorted_vectors(shuffled):
        seen = Seen(features, AS_OF, 9)
        return (
            features_as_of(shuffled, who, {"customers": customers(spark)}, seen=seen, buckets=16)
            .orderBy("customer_id")
            .collect()
        )

    one = sorted_vectors(days.coalesce(1))
    assert len(one) == 4
    assert [sorted_vectors(days.orderBy(F.desc("event_date")).repartition(n)) == one for n in (2, 8)] == [True, True]
