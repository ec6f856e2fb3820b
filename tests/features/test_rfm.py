"""Scores among all customers: equal values, equal scores; recency reversed; ties told; names by a table."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from omniseg.commands.declared import feature_set as declared_set
from omniseg.errors import ConfigError
from omniseg.features.declaration import feature_columns
from omniseg.features.parsing import parse_features
from omniseg.features.rfm import DIMENSIONS, MOST_VALUES, Cut, Rfm, cuts, degenerate, frequencies, with_scores
from omniseg.settings.load import load_settings
from omniseg.settings.yaml_strict import parse
from tests.features.rows import AS_OF, events, feature_set, identities, values, vectors

FEATURES = """\
features:
  - {name: last, measure: days_since_last, where: "event_type = 'purchase'", description: d, unit: u}
  - {name: orders, measure: count, where: "event_type = 'purchase'", description: d, unit: u}
  - {name: spend, measure: sum, of: amount, where: "event_type in ('purchase', 'return')", description: d, unit: u}
  - {name: usual, measure: mode, of: channel, description: d, unit: u}
"""
SCORED = "rfm:\n  recency: last_lifetime\n  frequency: orders_lifetime\n  monetary: spend_lifetime\n"
NAMES = "  segments:\n    - {name: Best, recency: 4-5, frequency: 4-5}\n    - {name: Recent, recency: 5}\n"
RFM = Rfm("last", "orders", "spend", 5, ())


def read(text: str):
    return parse_features(parse(text.encode(), "features.yml"))


def scores(dimension: str, numbers: dict[float, int], scored: int = 5) -> dict[float, int]:
    """Value → score, of a frequency table."""
    found = cuts([(dimension, value, n) for value, n in numbers.items()], Rfm("r", "f", "m", scored, ()))
    held = [cut for cut in found if cut.dimension == dimension and cut.customers]
    return {
        value: cut.score
        for value in numbers
        for cut in held
        if cut.least is not None and cut.greatest is not None
        if cut.least <= value <= cut.greatest
    }


@pytest.mark.parametrize(
    ("dimension", "numbers", "expected"),
    [
        pytest.param("frequency", {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}, {1: 1, 2: 2, 3: 3, 4: 4, 5: 5}, id="fifths"),
        pytest.param("recency", {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}, {1: 5, 2: 4, 3: 3, 4: 2, 5: 1}, id="recency_reversed"),
        pytest.param("frequency", {0: 60, 1: 20, 2: 10, 9: 10}, {0: 1, 1: 4, 2: 5, 9: 5}, id="60_percent_tie_at_zero"),
        pytest.param("frequency", {0: 10, 1: 20, 9: 70}, {0: 1, 1: 1, 9: 2}, id="most_tie_at_the_best"),
        pytest.param("monetary", {7: 1000}, {7: 1}, id="all_alike"),
        pytest.param("monetary", {-5: 1, 0: 1, 5: 3}, {-5: 1, 0: 2, 5: 3}, id="returns_above_purchases"),
    ],
)
def test_scores(dimension, numbers, expected):
    assert scores(dimension, numbers) == expected


tables = st.dictionaries(st.integers(-1000, 1000), st.integers(1, 50), min_size=1, max_size=40)


@given(tables, st.integers(2, 10))
def test_every_value_has_one_score_and_a_better_one_never_a_smaller(numbers, most):
    for dimension in DIMENSIONS:
        found = scores(dimension, numbers, most)
        assert found.keys() == numbers.keys()
        assert set(found.values()) <= set(range(1, most + 1))
        in_order = [found[value] for value in sorted(numbers, reverse=dimension == "recency")]
        assert in_order == sorted(in_order)
        assert in_order[0] == 1


@given(tables)
def test_a_score_is_the_share_of_customers_with_a_worse_value(numbers):
    total = sum(numbers.values())
    for value, score in scores("monetary", numbers).items():
        worse = sum(n for other, n in numbers.items() if other < value)
        assert score == 1 + 5 * worse // total


@given(tables, st.integers(2, 100))
def test_more_of_everybody_changes_no_score(numbers, times):
    assert scores("monetary", numbers) == scores("monetary", {value: n * times for value, n in numbers.items()})


@given(tables)
def test_cuts_hold_every_customer_once(numbers):
    found = [cut for cut in cuts([("monetary", v, n) for v, n in numbers.items()], RFM) if cut.dimension == "monetary"]
    assert [cut.score for cut in found] == [1, 2, 3, 4, 5]
    assert sum(cut.customers for cut in found) == sum(numbers.values())
    ranges = [(cut.least or 0.0, cut.greatest or 0.0) for cut in found if cut.customers]
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_cut_points_that_degenerate_are_told():
    found = cuts([("frequency", 0.0, 60), ("frequency", 1.0, 20), ("frequency", 2.0, 20)], RFM)
    (told,) = degenerate(found)
    assert "frequency: no customer scores 2, 3" in told
    assert "60% score 1 (values from 0 to 0)" in told
    assert degenerate(cuts([("monetary", float(n), 1) for n in range(5)], RFM)) == []


def test_nobody_bought():
    found = cuts([], RFM)
    assert {(cut.customers, cut.least) for cut in found} == {(0, None)}
    assert degenerate(found) == []


class TestDeclaration:
    def test_columns_come_last_and_change_the_version(self):
        with_rfm, without = read(FEATURES + SCORED + NAMES), read(FEATURES)
        assert [column.name for column in feature_columns(with_rfm)][-4:] == [
            "rfm_recency",
            "rfm_frequency",
            "rfm_monetary",
            "rfm_segment",
        ]
        versions = {with_rfm.version, without.version, read(FEATURES + SCORED).version}
        assert len(versions) == 3

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param(SCORED.replace("last_life", "lst_life"), ("rfm.recency", "did you mean 'last"), id="misspelt"),
            pytest.param(SCORED.replace("spend_l", "usual_l"), ("rfm.monetary", "holds a number"), id="a_text"),
            pytest.param(SCORED.replace("  frequency: orders_lifetime\n", ""), ("rfm.frequency", "nothing"), id="none"),
            pytest.param(SCORED + "  scores: 11\n", ("rfm.scores", "<= 10"), id="too_many_scores"),
            pytest.param(
                SCORED + NAMES.replace("4-5", "5-4", 1), ("rfm.segments[1].recency", "'5-4'"), id="range_reversed"
            ),
            pytest.param(
                SCORED + "  scores: 3\n" + NAMES, ("rfm.segments[1].recency", "at most 3"), id="beyond_the_scores"
            ),
            pytest.param(SCORED + "  scors: 5\n", ("rfm.scors", "did you mean 'scores'"), id="unknown_key"),
        ],
    )
    def test_refused(self, text, expected):
        with pytest.raises(ConfigError) as refused:
            read(FEATURES + text)
        assert [part for part in expected if part not in str(refused.value)] == []

    def test_no_feature_may_take_the_name_of_a_score(self):
        with pytest.raises(ConfigError, match="the column rfm_segment"):
            feature_set("name: rfm_segment, formula: 1 + 1")


def test_the_names_of_the_retail_pack_claim_every_customer_once():
    settings = load_settings(env="local", conf="conf:packs/retail/settings.yml", sets=(), environ={})
    rfm = declared_set(settings).rfm
    assert rfm is not None
    claimed = Counter(
        sum(one.claims(dict(zip(DIMENSIONS, scores, strict=True))) for one in rfm.names)
        for scores in product(range(1, 6), repeat=3)
    )
    assert claimed == {1: 125}


class TestVectors:
    def test_scores_of_customers(self, spark: SparkSession):
        """Ten customers; six bought once, c6 to c8 twice, c9 five times and returned half; one never bought."""
        rows: list[dict[str, Any]] = [
            {"identity_key": f"c{n}", "event_date": AS_OF - timedelta(days=n), "amount": Decimal(10)}
            for n, times in enumerate([1, 1, 1, 1, 1, 1, 2, 2, 2, 5])
            for _ in range(times)
        ]
        rows += [
            {"identity_key": "c9", "event_type": "return", "amount": Decimal(-25), "event_date": AS_OF},
            {"identity_key": "never", "event_type": "page_view"},
        ]
        keys = sorted({row["identity_key"] for row in rows})
        who = identities(spark, *({"identifier": key, "customer_id": key} for key in keys))
        features = read(FEATURES + SCORED + NAMES)
        assert features.rfm is not None
        made = vectors(events(spark, *rows), features, who=who).localCheckpoint()
        counted = frequencies(made, features.rfm).collect()
        assert len(counted) <= MOST_VALUES
        found = cuts(((row.dimension, row.value, row.n) for row in counted), features.rfm)
        scored = with_scores(made, features.rfm, found)
        assert values(scored, "rfm_recency", "rfm_frequency", "rfm_monetary", "rfm_segment") == {
            "c0": (5, 1, 1, "Recent"),
            "c1": (5, 1, 1, "Recent"),
            "c2": (4, 1, 1, None),
            "c3": (4, 1, 1, None),
            "c4": (3, 1, 1, None),
            "c5": (3, 1, 1, None),
            "c6": (2, 4, 4, None),
            "c7": (2, 4, 4, None),
            "c8": (1, 4, 4, None),
            "c9": (1, 5, 5, None),
            "never": (None, None, None, None),
        }
        assert Cut("frequency", 2, None, None, 0) in found
