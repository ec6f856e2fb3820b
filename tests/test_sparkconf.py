"""Options of Spark that are not free: what is fixed, what production insists on, who has the last word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.settings.conf import conf_text
from omniseg.settings.load import load_settings
from omniseg.sparkconf import DEMANDS, EXTENSIONS, FIXED, REDACTION, settled, unmet
from tests.source_tree import ROOT

SAFE = {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.cipher": "AES/GCM/NoPadding",
    "spark.network.crypto.saslFallback": "false",
    "spark.io.encryption.enabled": "true",
    "spark.io.encryption.keySizeBits": "256",
    "spark.ssl.enabled": "true",
    "spark.ui.enabled": "false",
    REDACTION: "x@y",
}
PLACES = ["warehouse.root=/w", "landing.root=/l", "mlflow.tracking_uri=sqlite:////m.db"]


def properties() -> dict[str, str]:
    """conf/spark-submit.conf, as spark-submit reads it."""
    lines = conf_text("spark-submit.conf").splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    return {pair[0]: pair[1] for pair in pairs}


def refused_of(options: dict[str, str]) -> list[str]:
    """The options that production misses."""
    return [problem.key for problem in unmet(options, "here")]


def test_a_safe_cluster_lacks_nothing():
    assert refused_of(SAFE) == []


def test_bare_spark_lacks_everything_but_an_event_log_it_does_not_write():
    assert refused_of({}) == [demand.option for demand in DEMANDS if demand.option != "spark.eventLog.dir"]


def test_the_file_for_spark_submit_meets_every_demand():
    assert refused_of({**properties(), REDACTION: FIXED[REDACTION]}) == []


def test_the_guide_names_every_demand():
    guide = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    table = guide[guide.index("## Production") : guide.index("## Keys")]
    wanted = [demand for demand in DEMANDS if demand.option != "spark.io.encryption.keySizeBits"]
    assert not [demand.option for demand in wanted if f"| `{demand.option}`" not in table]
    assert "`.keySizeBits` | `true`, `256`" in table
    assert f"{len(FIXED)} options are fixed" in guide.replace("Seven", "7")


def test_the_settings_of_the_guide_are_all_that_a_cluster_needs(tmp_path: Path):
    guide = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    (tmp_path / "settings.yml").write_text(block, encoding="utf-8")
    settings = load_settings(env="cluster", conf=str(tmp_path / "settings.yml"), sets=[], environ={})
    assert (settings.profile, settings.lake.buckets) == ("production", 256)


def test_the_settings_leave_to_spark_submit_what_they_would_give_too_late():
    settings = load_settings(env="cluster", conf=None, sets=PLACES, environ={})
    assert not properties().keys() & settings.spark.keys()
    assert all(name.startswith(("spark.sql.", "spark.python.sql.")) for name in settings.spark)


@pytest.mark.parametrize("option", SAFE)
def test_each_safeguard_is_missed_by_its_name(option: str):
    assert refused_of({name: value for name, value in SAFE.items() if name != option}) == [option]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        pytest.param("spark.authenticate", "false", id="off"),
        pytest.param("spark.network.crypto.cipher", "AES/CTR/NoPadding", id="cipher_without_authentication"),
        pytest.param("spark.network.crypto.saslFallback", "true", id="a_way_around"),
        pytest.param("spark.io.encryption.keySizeBits", "128", id="short_key"),
        pytest.param(REDACTION, "", id="empty_pattern"),
    ],
)
def test_a_wrong_value_is_shown_with_the_right_one(option: str, value: str):
    (problem,) = unmet({**SAFE, option: value}, "here")
    (demand,) = [demand for demand in DEMANDS if demand.option == option]
    assert str(problem) == f"here: {option}: found {value!r}, expected {demand.expected}"


@pytest.mark.parametrize(
    ("changes", "safe"),
    [
        pytest.param({}, True, id="hidden"),
        pytest.param({"spark.ui.enabled": "true"}, False, id="open"),
        pytest.param({"spark.ui.enabled": "true", "spark.acls.enable": "true"}, False, id="nobody_asks_who_is_there"),
        pytest.param({"spark.ui.enabled": "true", "spark.ui.filters": "a.Filter"}, False, id="everybody_may_in"),
        pytest.param(
            {"spark.ui.enabled": "true", "spark.ui.filters": "a.Filter", "spark.acls.enable": "true"},
            True,
            id="guarded",
        ),
    ],
)
def test_the_ui_is_hidden_or_guarded(changes: dict[str, str], safe: bool):
    assert refused_of({**SAFE, **changes}) == ([] if safe else ["spark.ui.enabled"])


@pytest.mark.parametrize(
    ("place", "safe"),
    [
        pytest.param(None, False, id="where_spark_puts_it"),
        pytest.param("file:///tmp/spark-events/", False, id="the_same_by_name"),
        pytest.param("/tmp/spark-events-of-omniseg", True, id="only_the_beginning_is_alike"),
        pytest.param("hdfs://name/tmp/spark-events", True, id="in_a_store"),
        pytest.param("/var/log/spark", True, id="a_place_of_its_own"),
    ],
)
def test_the_event_log_lies_in_a_restricted_place(place: str | None, safe: bool):
    given = {"spark.eventLog.enabled": "true"} | ({"spark.eventLog.dir": place} if place else {})
    assert refused_of({**SAFE, **given}) == ([] if safe else ["spark.eventLog.dir"])


def settings_refused(*sets: str) -> list[tuple[str, str]]:
    """Place and option of each refusal."""
    with pytest.raises(ConfigError) as refused:
        load_settings(env="cluster", conf=None, sets=[*PLACES, *sets], environ={})
    return [(problem.where, problem.key) for problem in refused.value.problems]


def test_settings_that_production_could_not_run_with_are_refused_before_spark():
    crypto = "spark.network.crypto.enabled"
    assert settings_refused("profile=production", "spark.authenticate=no", f"{crypto}=false") == [
        ("--set spark.authenticate", "spark.authenticate"),
        (f"--set {crypto}", crypto),
    ]


def test_a_cluster_without_that_claim_may_try():
    settings = load_settings(env="cluster", conf=None, sets=[*PLACES, "spark.authenticate=false"], environ={})
    assert settings.spark["spark.authenticate"] == "false"


@pytest.mark.parametrize("name", sorted(FIXED))
def test_settings_cannot_change_what_the_tables_rest_on(name: str):
    assert settings_refused(f"{name}=something else") == [(f"--set {name}", name)]


def test_settings_may_repeat_what_the_tables_rest_on():
    settings = load_settings(env="cluster", conf=None, sets=[*PLACES, "spark.sql.session.timeZone=UTC"], environ={})
    assert settings.spark["spark.sql.session.timeZone"] == "UTC"


def test_defaults_are_told_from_what_was_asked_for():
    settings = load_settings(env="local", conf=None, sets=["spark.x=1", "spark.driver.memory=2g"], environ={})
    assert "spark.sql.shuffle.partitions" in settings.spark_defaults
    assert not {"spark.x", "spark.driver.memory"} & settings.spark_defaults


@pytest.mark.parametrize(
    ("asked", "defaults", "given", "chosen", "replaced"),
    [
        pytest.param("a", True, None, "a", False, id="default"),
        pytest.param("a", True, "b", None, False, id="spark_submit_before_a_default"),
        pytest.param("a", False, "b", "a", True, id="asked_for_before_spark_submit"),
        pytest.param("a", False, "a", "a", False, id="the_same_twice"),
        pytest.param(None, False, "b", None, False, id="left_to_spark_submit"),
    ],
)
def test_who_has_the_last_word(
    asked: str | None, defaults: bool, given: str | None, chosen: str | None, replaced: bool
):
    found, named = settled(
        {"o": asked} if asked else {}, frozenset({"o"} if defaults else ()), {"o": given} if given else {}
    )
    assert (found.get("o"), named) == (chosen, ["o"] if replaced else [])


def test_fixed_options_replace_those_of_spark_submit_and_say_so():
    zone = "spark.sql.session.timeZone"
    chosen, replaced = settled({}, frozenset(), {zone: "Europe/Berlin"})
    assert (chosen[zone], replaced) == ("UTC", [zone])


def test_extensions_of_spark_are_taken_together():
    chosen, replaced = settled({EXTENSIONS: "a.A"}, frozenset(), {EXTENSIONS: f"b.B, {FIXED[EXTENSIONS]}"})
    assert (chosen[EXTENSIONS], replaced) == (f"a.A,b.B,{FIXED[EXTENSIONS]}", [])
