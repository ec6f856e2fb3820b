"""`omniseg features list` and `explain`: what is declared, in words; neither needs a warehouse or Spark."""

from __future__ import annotations

import json

import pytest

from omniseg.cli import main


def lines(capsys: pytest.CaptureFixture[str], *words: str, expected: int = 0) -> list[str]:
    """What a command prints, without its last line."""
    assert main(["features", *words]) == expected
    return capsys.readouterr().out.splitlines()[:-1]


def test_list_tells_every_feature(capsys: pytest.CaptureFixture[str]):
    listed = json.loads("\n".join(lines(capsys, "list", "--format", "json")))
    by_name = {row["name"]: row for row in listed}
    assert len(by_name) == len(listed) > 30
    assert by_name["purchases"]["sort"] == "count_distinct"
    assert by_name["purchases"]["windows"] == "30d 90d 365d lifetime"
    assert (by_name["return_share"]["sort"], by_name["age_band"]["sort"]) == ("formula", "attribute")


def test_explain_a_column_tells_of_its_feature(capsys: pytest.CaptureFixture[str]):
    found = lines(capsys, "explain", "monetary_90d")
    told = [tuple(line.split(maxsplit=1)) for line in found]
    assert ("measure", "sum (additive; exact)") in told
    assert ("where", "event_type in ('purchase', 'return')") in told
    assert [text.split()[0] for what, text in told if what == "column"] == [
        "monetary_30d",
        "monetary_90d",
        "monetary_365d",
        "monetary_lifetime",
    ]
    (partial,) = [text for what, text in told if what == "partial"]
    assert partial.startswith("sum_") and "DECIMAL(28,4)" in partial


def test_explain_a_formula_tells_what_it_reads(capsys: pytest.CaptureFixture[str]):
    told = dict(line.split(maxsplit=1) for line in lines(capsys, "explain", "return_share"))
    assert told["reads"] == "purchase_value_365d, returned_value_365d"


def test_scores_are_listed_and_explained(capsys: pytest.CaptureFixture[str]):
    retail = ("--conf", "conf:packs/retail/settings.yml")
    listed = json.loads("\n".join(lines(capsys, "list", "--format", "json", *retail)))
    assert [row["name"] for row in listed if row["sort"] == "rfm"][-1] == "rfm_segment"
    assert len(listed) >= 80
    told = dict(line.split(maxsplit=1) for line in lines(capsys, "explain", "rfm_monetary", *retail))
    assert told["of"] == "monetary_365d"
    named = lines(capsys, "explain", "rfm_segment", *retail)
    assert len([line for line in named if line.startswith("names")]) == 10


def test_a_fact_of_a_place_tells_by_which_columns_it_is_found(capsys: pytest.CaptureFixture[str]):
    told = lines(capsys, "explain", "urbanity", "--conf", "conf:packs/retail/settings.yml")
    assert any(line.split() == ["keys", "country,", "postal_code"] for line in told)


def test_an_unknown_feature_is_refused_with_the_nearest_name(capsys: pytest.CaptureFixture[str]):
    assert main(["features", "explain", "monetery_90d"]) == 2
    assert "did you mean 'monetary_90d'" in capsys.readouterr().err
