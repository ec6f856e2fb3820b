"""What may be declared as a feature, what it becomes, and how every mistake is reported."""

from __future__ import annotations

from datetime import date

import pytest

from omniseg import tables
from omniseg.errors import ConfigError
from omniseg.features.declaration import FeatureSet, feature_columns
from omniseg.features.parsing import parse_features
from omniseg.features.spans import parse_span
from omniseg.settings.yaml_strict import parse
from tests.features.rows import feature_set, shipped

BASE = "features.yml"
JOURNEY = "packs/complete_journey/features.yml"
SPEND = "name: spend, measure: sum, of: amount, windows: [30d, lifetime]"
ORDERS = "name: orders, measure: count_distinct, of: order_id, windows: [30d]"


def names(features: FeatureSet) -> list[str]:
    return [column.name for column in feature_columns(features)]


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        parse_features(parse(text.encode(), "features.yml"))
    return str(refused.value)


@pytest.mark.parametrize("name", [pytest.param(BASE, id="base"), pytest.param(JOURNEY, id="complete_journey")])
def test_shipped_features_are_sound(name):
    columns = feature_columns(shipped(name))
    assert 30 <= len(columns) <= 50
    assert len({column.name for column in columns} | set(tables.CUSTOMER_FEATURES.column_names)) == len(columns) + 6
    assert all(column.privacy == "attribute" and column.nullable for column in columns)


def test_a_feature_of_both_files_is_the_same_in_both():
    base = {feature.name: feature for feature in shipped(BASE).features}
    journey = {feature.name: feature for feature in shipped(JOURNEY).features}
    assert {"recency_days", "monetary", "discount_share", "age_band"} <= base.keys() & journey.keys()
    assert {name: base[name] for name in base.keys() & journey.keys()} == {
        name: journey[name] for name in base.keys() & journey.keys()
    }


def test_only_the_journey_needs_the_product_master():
    assert not shipped(BASE).reads_products
    assert shipped(JOURNEY).reads_products


def test_one_column_per_window_in_declared_order_lifetime_by_default():
    features = feature_set(
        "name: twice, formula: spend_30d * 2",
        SPEND,
        "name: recency_days, measure: days_since_last",
        "name: age_band, attribute: customers.age_band",
    )
    assert names(features) == ["twice", "spend_30d", "spend_lifetime", "recency_days_lifetime", "age_band"]


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        pytest.param("measure: count", "BIGINT", id="count"),
        pytest.param("measure: sum, of: amount", "DECIMAL(18,4)", id="sum_is_money"),
        pytest.param("measure: min, of: amount", "DOUBLE", id="min"),
        pytest.param("measure: count_distinct, of: order_id", "BIGINT", id="count_distinct"),
        pytest.param("measure: active_days", "BIGINT", id="active_days"),
        pytest.param("measure: days_since_last", "INT", id="days_since_last"),
        pytest.param("attribute: customers.birth_date", "DATE", id="attribute_keeps_its_type"),
        pytest.param("formula: 1 + 1", "DOUBLE", id="formula"),
    ],
)
def test_types(declared, kind):
    (column,) = feature_columns(feature_set(f"name: it, {declared}"))
    assert column.type == kind


def test_a_comment_tells_description_window_and_unit():
    (column,) = feature_columns(feature_set("name: it, measure: count, windows: [90d]"))
    assert column.comment == "what, the 90 days ending on as_of; unit: number"


def test_formulas_are_ordered_so_that_each_finds_what_it_reads():
    features = feature_set(
        "name: third, formula: second * 2", "name: second, formula: first + 1", "name: first, formula: spend_30d", SPEND
    )
    assert [formula.name for formula in features.formulas] == ["first", "second", "third"]


class TestVersion:
    SET = (SPEND, ORDERS, "name: aov, formula: 'spend_30d / nullif(orders_30d, 0)'")

    def test_is_12_hex_digits(self):
        version = feature_set(*self.SET).version
        assert len(version) == 12
        assert int(version, 16) >= 0

    def test_ignores_order_and_words(self):
        text = "features:\n" + "\n".join(
            f"  - {{{one}, description: other, unit: words}}" for one in reversed(self.SET)
        )
        assert parse_features(parse(text.encode(), "f")).version == feature_set(*self.SET).version

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            pytest.param("of: amount", "of: discount", id="other_value"),
            pytest.param("[30d, lifetime]", "[30d, 90d]", id="other_window"),
            pytest.param("of: amount", "of: amount, where: quantity > 0", id="other_events"),
            pytest.param("measure: sum", "measure: max", id="other_measure"),
            pytest.param("nullif(orders_30d, 0)", "nullif(orders_30d, 1)", id="other_formula"),
        ],
    )
    def test_changes_with_what_decides_values(self, before, after):
        changed = [text.replace(before, after) for text in self.SET]
        assert changed != list(self.SET)
        assert feature_set(*changed).version != feature_set(*self.SET).version


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        pytest.param("1d", [0, 1], id="one_day"),
        pytest.param("365d", [0, 365], id="year"),
        pytest.param("36500d", [0, 36500], id="longest"),
        pytest.param("90d_prev", [90, 180], id="the_90_days_before"),
        pytest.param("12w", [0, 84], id="weeks"),
        pytest.param("1m", [0, 31], id="month_that_ends_on_the_31st_begins_on_the_1st"),
        pytest.param("3m", [0, 90], id="quarter"),
        pytest.param("3m_prev", [90, 182], id="quarter_before_begins_after_the_last_of_september"),
        pytest.param("lifetime", [0], id="lifetime"),
    ],
)
def test_windows(text, ages):
    assert [edge.age(date(2017, 3, 31)) for edge in parse_span(text).edges] == ages


def test_parts_of_a_window_follow_each_other_from_the_oldest():
    ages = [[edge.age(date(2017, 3, 31)) for edge in part.edges] for part in parse_span("100d").parts(3)]
    assert ages == [[66, 100], [33, 66], [0, 33]]


@pytest.mark.parametrize(
    "text",
    [
        "0d",
        "-3d",
        "30",
        "d",
        "030d",
        "30 d",
        "30D",
        "36501d",
        "20000d_prev",
        "4y",
        "0w",
        "3m_next",
        "_prev",
        "Lifetime",
        "",
        "\u0661d",
    ],
)
def test_refused_windows(text):
    with pytest.raises(ValueError):  # noqa: PT011 (the reader of declarations turns it into words)
        parse_span(text)


END = ", description: d, unit: u}"
GOOD = "features:\n  - {name: spend, measure: sum, of: amount, windows: [30d]" + END + "\n"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(
            "name: x, measure: summ, of: amount", ("features[2].measure", "did you mean 'sum'"), id="unknown_measure"
        ),
        pytest.param(
            "name: x, measure: sum, of: amout", ("features[2].of", "did you mean 'amount'"), id="unknown_column_in_of"
        ),
        pytest.param(
            "name: x, measure: count, where: chanel = 'web'",
            ("features[2].where", "did you mean 'channel'"),
            id="unknown_column_in_where",
        ),
        pytest.param(
            "name: x, measure: count, where: amount + event_date", ("features[2].where",), id="type_error_in_where"
        ),
        pytest.param("name: x, measure: sum, of: identifiers", ("features[2].of",), id="map_as_a_number"),
        pytest.param(
            "name: x, measure: count, where: \"java_method('a', 'b')\"", ("features[2].where",), id="forbidden_function"
        ),
        pytest.param(
            "name: x, measure: count, windows: [90]", ("features[2].windows", "'90'", "90d"), id="window_without_unit"
        ),
        pytest.param(
            "name: x, measure: count, windows: [lifetme]",
            ("features[2].windows", "did you mean 'lifetime'"),
            id="misspelt_window",
        ),
        pytest.param(
            "name: x, measure: count, windows: [30d, 30d]", ("features[2].windows", "twice"), id="window_twice"
        ),
        pytest.param(
            "name: x, measure: count, windows: 30d", ("features[2].windows", "a list of"), id="window_not_a_list"
        ),
        pytest.param("name: x, measure: sum", ("features[2].of", "nothing"), id="sum_of_nothing"),
        pytest.param(
            "name: x, measure: active_days, of: amount", ("features[2].of", "none"), id="active_days_of_something"
        ),
        pytest.param("name: spend, measure: count", ("features[2].name", "again", "features.yml:2"), id="name_twice"),
        pytest.param(
            "name: spend_30d, formula: 1 + 1", ("features[2].name", "spend_30d", "'spend' at"), id="column_twice"
        ),
        pytest.param("name: as_of, formula: 1 + 1", ("features[2].name", "the table itself"), id="column_of_the_table"),
        pytest.param("name: Spend, measure: count", ("features[2].name", "snake_case"), id="name_not_snake_case"),
        pytest.param("measure: count", ("features[2].name", "nothing"), id="no_name"),
        pytest.param(
            "name: x, formula: spend_30 * 2", ("features[2].formula", "did you mean 'spend_30d'"), id="unknown_feature"
        ),
        pytest.param(
            "name: x, formula: amount * 2", ("features[2].formula", "amount"), id="formula_over_an_event_column"
        ),
        pytest.param("name: x, formula: x + 1", ("features[2].formula", "x needs x"), id="formula_needs_itself"),
        pytest.param(
            "name: x, attribute: customers.age", ("features[2].attribute", "customers.age_band"), id="unknown_attribute"
        ),
        pytest.param(
            "name: x, attribute: customers.identity_key", ("features[2].attribute", "one of"), id="key_is_no_attribute"
        ),
        pytest.param("name: x, measure: count, formula: 1 + 1", ("features[2]", "measure and formula"), id="two_sorts"),
        pytest.param("name: x, mesure: count", ("features[2].mesure", "did you mean 'measure'"), id="misspelt_sort"),
        pytest.param(
            "name: x, measure: count, wher: is_bot", ("features[2].wher", "did you mean 'where'"), id="misspelt_key"
        ),
        pytest.param("name: x, measure: count, by: brand", ("features[2].values", "nothing"), id="by_without_values"),
        pytest.param(
            "name: x, measure: count, by: brnd, values: [a]",
            ("features[2].by", "did you mean 'brand'"),
            id="by_nothing",
        ),
        pytest.param(
            "name: x, measure: count, by: brand, values: [a, A]",
            ("features[2].name", "x_a_lifetime"),
            id="values_alike",
        ),
        pytest.param("name: x, measure: count, by: brand, values: ['?']", ("features[2].values", "?"), id="no_letter"),
        pytest.param("name: x, measure: share", ("features[2].by", "nothing"), id="share_of_what"),
        pytest.param("name: x, measure: quantile, of: amount", ("features[2].at", "nothing"), id="no_level"),
        pytest.param(
            "name: x, measure: quantile, of: amount, at: [0.999]", ("features[2].at", "hundredths"), id="odd_level"
        ),
        pytest.param("name: x, measure: trend", ("features[2].windows", "nothing"), id="trend_of_no_window"),
        pytest.param(
            "name: x, measure: trend, windows: [lifetime]", ("features[2].windows", "a beginning"), id="trend_of_all"
        ),
        pytest.param("name: x, measure: count, parts: 3", ("features[2].parts", "unknown key"), id="parts_of_a_count"),
        pytest.param(
            "name: x, measure: carts_abandoned, by: channel", ("features[2].by", "together"), id="carts_by_channel"
        ),
        pytest.param(
            "name: x, formula: 1 + 1, windows: [30d]", ("features[2].windows", "unknown key"), id="formula_with_window"
        ),
    ],
)
def test_refused_declarations(entry, expected):
    message = refusal(f"{GOOD}  - {{{entry}{END}\n")
    assert message.startswith("features.yml:")
    assert message.count("\n") == 0, "one mistake, one message"
    assert [part for part in expected if part not in message] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("features: []\n", "no feature", id="empty_list"),
        pytest.param("other: 1\n", "unknown key", id="another_file"),
        pytest.param("features: {}\n", "a list of mappings", id="no_list"),
        pytest.param("features:\n  - spend\n", "a mapping", id="entry_not_a_mapping"),
        pytest.param("features:\n  - {name: x, measure: count, unit: u}\n", "description", id="no_description"),
        pytest.param("features:\n  - {name: x, measure: count, description: d}\n", "unit", id="no_unit"),
    ],
)
def test_refused_files(text, expected):
    assert expected in refusal(text)


def test_circles_are_shown_in_reading_order_each_once():
    formulas = {"a": "b + 1", "b": "c + 1", "c": "a + 1", "p": "q", "q": "p", "fine": "spend_30d + 1"}
    message = refusal(GOOD + "".join(f"  - {{name: {name}, formula: {text}{END}\n" for name, text in formulas.items()))
    assert [line.split("found ")[1].split(",")[0] for line in message.splitlines()] == [
        "a needs b needs c needs a",
        "p needs q needs p",
    ]


def test_all_mistakes_are_told_at_once_with_their_lines():
    message = refusal(
        "features:\n"
        f"  - {{name: spend, measure: summ, of: amount{END}\n"
        f"  - {{name: spend, measure: count, where: chanel = 'web'{END}\n"
        f"  - {{name: rate, formula: spend_lifetime / ordrs_30d{END}\n"
        f"  - {{name: orders, measure: count, windows: [30d, 4y]{END}\n"
    )
    places = [line.split(": ")[0] for line in message.splitlines()]
    assert {"features.yml:2", "features.yml:3", "features.yml:4", "features.yml:5"} == set(places)
