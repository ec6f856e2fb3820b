"""conf/segments.yml: what is taken, and that everything wrong is said at once with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.features.declaration import feature_columns
from omniseg.features.parsing import parse_features
from omniseg.segments.declaration import parse_segments
from omniseg.settings import yaml_strict

NAMING = "naming: {least_z: 0.5, words: 2, plain: T}"


def problems(declared, **options) -> list[str]:
    """The messages of a refused declaration."""
    with pytest.raises(ConfigError) as refused:
        declared(**options)
    return [str(problem) for problem in refused.value.problems]


def test_every_key_arrives(declared):
    declaration = declared()
    spend = declaration.by_name["spend"]
    assert (spend.label, spend.unit, spend.transform, spend.high, spend.low, spend.theme) == (
        ("Spend", "money", "log1p", "High-value", "Low-value", "value")
    )
    assert declaration.winsorise == (0.01, 0.99)
    assert (declaration.money, declaration.least_overlap) == ("spend", 0.3)
    assert (declaration.naming.least_z, declaration.naming.words, declaration.naming.plain) == (0.5, 2, "Typical")


def test_what_may_be_left_out_has_its_default(declared):
    only = declared(features="features:\n  spend: {label: Spend}\n").by_name["spend"]
    assert (only.unit, only.role, only.transform, only.weight, only.missing) == ("number", "model", "none", 1.0, 0.0)
    assert (only.high, only.low, only.theme) == ("", "", "spend")


def test_profile_features_stay_out_of_the_model(declared):
    declaration = declared()
    assert [use.name for use in declaration.in_model] == ["spend", "orders", "recency"]
    assert declaration.columns == ("spend", "orders", "recency", "coupons")


@pytest.mark.parametrize(
    ("written", "missing"),
    [
        pytest.param("max", None, id="the_largest_of_the_sample"),
        pytest.param("0", 0.0, id="zero"),
        pytest.param("-1.5", -1.5, id="a_negative_number"),
    ],
)
def test_what_stands_for_no_value(declared, written, missing):
    features = f"features:\n  spend: {{label: Spend, missing: {written}}}\n"
    assert declared(features=features).by_name["spend"].missing == missing


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param(
            "transform: log",
            "segments.yml:6: features.spend.transform: found 'log', expected one of none",
            id="transform",
        ),
        pytest.param("transform: sqr", "did you mean 'sqrt'?", id="transform_nearly_right"),
        pytest.param("unit: day", "did you mean 'days'?", id="unit"),
        pytest.param("role: Model", "did you mean 'model'?", id="role"),
        pytest.param("weight: 0", "expected a number from 0.01 to 100", id="weight_of_nothing"),
        pytest.param("weight: 1e3", "found '1e3'", id="weight_with_exponent"),
        pytest.param("missing: median", "expected a number, or max", id="missing_median"),
        pytest.param("missing: nan", "expected a number, or max", id="missing_nan"),
        pytest.param("hihg: Rich", "found an unknown key, expected one of label", id="unknown_key"),
        pytest.param("hihg: Rich", "did you mean 'high'?", id="unknown_key_has_a_nearest"),
    ],
)
def test_a_wrong_entry_is_named(declared, entry, message):
    (found,) = problems(declared, features=f"features:\n  spend: {{label: Spend, {entry}}}\n")
    assert message in found


@pytest.mark.parametrize(
    ("head", "message"),
    [
        pytest.param(
            "winsorise: {lower: 0.99, upper: 0.01}",
            "winsorise.lower: found 0.99, expected less than upper",
            id="limits_crossed",
        ),
        pytest.param("winsorise: {lower: 0.5, upper: 0.5}", "expected less than upper (0.5)", id="limits_equal"),
        pytest.param(
            "winsorise: {lower: 1%, upper: 0.99}", "winsorise.lower: found '1%', expected a share", id="limits_no_share"
        ),
        pytest.param("least_overlap: 2", "least_overlap: found '2'", id="overlap_above_one"),
        pytest.param("naming: {least_z: 0.5, words: 0, plain: Typical}", "naming.words: found '0'", id="no_words"),
        pytest.param(
            "money: spent",
            "money: found spent, expected one of the features; did you mean 'spend'?",
            id="money_of_no_feature",
        ),
        pytest.param("wins: 1", "wins: found an unknown key", id="unknown_at_the_top"),
    ],
)
def test_a_wrong_head_is_named(declared, head, message):
    key = head.split(":")[0]
    usual = ["winsorise: {lower: 0.01, upper: 0.99}", "money: spend", "least_overlap: 0.3"]
    lines = [line for line in [*usual, NAMING] if not line.startswith(f"{key}:")]
    (found,) = problems(declared, head="\n".join([head, *lines]) + "\n")
    assert message in found


def test_all_mistakes_at_once_each_with_its_line(declared):
    features = "features:\n  spend: {label: Spend, unit: euro}\n  orders: {transform: cube}\n"
    found = problems(declared, features=features)
    assert [message.split(": found")[0] for message in sorted(found)] == [
        "segments.yml:6: features.spend.unit",
        "segments.yml:7: features.orders.label",
        "segments.yml:7: features.orders.transform",
    ]


def test_an_empty_file_lacks_everything(declared):
    found = problems(declared, head="features:\n  spend: {label: Spend}\n", features="")
    assert sorted(message.split(": ")[1] for message in found) == ["least_overlap", "money", "naming", "winsorise"]


def test_a_model_without_features_is_refused(declared):
    found = problems(declared, features="features:\n  spend: {label: Spend, role: profile}\n")
    assert "no feature of role model" in found[0]


def test_features_that_do_not_exist_are_refused_with_the_nearest(declared):
    found = problems(declared, known=("spend", "order", "recency", "coupons"))
    expected = "found no such feature, expected a column of the declared features; did you mean 'order'?"
    assert found == [f"segments.yml:7: features.orders: {expected}"]


@pytest.mark.parametrize("folder", ["", "packs/complete_journey"])
def test_what_is_shipped_fits_the_features_beside_it(folder):
    """Every feature exists and is a number; a profile cannot take the mean of a category."""
    conf = Path(__file__).parents[2] / "conf" / folder
    features = parse_features(yaml_strict.parse((conf / "features.yml").read_bytes(), "features.yml"))
    numbers = [column.name for column in feature_columns(features) if column.type != "STRING"]
    tree = yaml_strict.parse((conf / "segments.yml").read_bytes(), "segments.yml")
    declaration = parse_segments(tree, known=numbers)
    assert len(declaration.in_model) >= 5
    assert declaration.by_name[declaration.money].unit == "money"
    words = [word for use in declaration.features for word in (use.high, use.low) if word]
    assert all(word[0].isupper() for word in words)
