"""Layers of settings: precedence, origins and shapes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from omniseg.kinds import SecretRef
from omniseg.settings.keys import keys
from omniseg.settings.load import describe, load_settings
from omniseg.settings.schema import Settings

File = Callable[[str], str]


def load(*sets: str, env: str = "local", conf: str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings with the defaults of the local environment."""
    return load_settings(env=env, conf=conf, sets=sets, environ=environ or {})


def origin(settings: Settings, key: str) -> str:
    """Where a setting comes from, without the line."""
    return {name: came_from.split(".yml")[0] for name, _, came_from in describe(settings)}[key]


@pytest.fixture
def file(tmp_path: Path) -> File:
    """Writes a settings file and returns its path."""

    def write(text: str) -> str:
        path = tmp_path / "mine.yml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_defaults_of_a_laptop():
    settings = load()
    assert settings.profile == "local"
    assert settings.warehouse.root == "data/warehouse"
    assert settings.warehouse.catalog == ""
    assert settings.landing.retention_days is None
    assert settings.business.time_zone == "UTC"
    assert settings.business.currency is None
    assert settings.dedupe.window_days == 35
    assert settings.identity.priority[:3] == ("login", "loyalty", "account")
    assert settings.privacy.pseudonym_key == SecretRef("OMNISEG_PSEUDONYM_KEY")
    assert settings.consent.mode == "assume"
    assert settings.lake.buckets == 16
    assert settings.audit.min_share == 0.005
    assert settings.model.seed == 17


def test_defaults_of_a_cluster():
    places = ["warehouse.root=s3a://b/w", "landing.root=s3a://b/l", "mlflow.tracking_uri=https://mlflow.example"]
    settings = load(*places, env="cluster")
    assert settings.profile == "cluster"
    assert settings.lake.buckets == 256
    assert settings.consent.mode == "enforce"


LAYERS = [
    pytest.param({}, "conf/local", 16, id="overlay_beats_base"),
    pytest.param({"conf": "lake: {buckets: 32}"}, "mine", 32, id="file_beats_overlay"),
    pytest.param({"conf": "lake: {buckets: 32}", "environ": "64"}, "environment", 64, id="environment_beats_file"),
    pytest.param({"conf": "lake: {buckets: 32}", "environ": "64", "set": "128"}, "--set", 128, id="set_beats_all"),
    pytest.param({"set": "128"}, "--set", 128, id="set_alone"),
]


@pytest.mark.parametrize(("given", "layer", "buckets"), LAYERS)
def test_precedence(file: File, given: dict[str, str], layer: str, buckets: int):
    settings = load(
        *([f"lake.buckets={given['set']}"] if "set" in given else []),
        conf=file(given["conf"]) if "conf" in given else None,
        environ={"OMNISEG_LAKE__BUCKETS": given["environ"]} if "environ" in given else {},
    )
    assert settings.lake.buckets == buckets
    assert layer in origin(settings, "lake.buckets")


def test_of_equal_sets_the_last_counts():
    assert load("lake.buckets=2", "lake.buckets=4").lake.buckets == 4


def test_a_file_changes_only_the_keys_it_names(file: File):
    settings = load(conf=file("landing: {settle_seconds: 5}"))
    assert settings.landing.settle_seconds == 5
    assert settings.landing.root == "data/landing"


def test_a_packaged_file_serves_as_conf():
    assert load(conf="conf:local.yml") == load()


def test_every_key_is_described_once_with_its_place():
    rows = describe(load("landing.root=/in"))
    names = [name for name, _, _ in rows]
    assert names[: len(keys())] == list(keys())
    assert len(set(names)) == len(names)
    assert all(came_from for _, _, came_from in rows)
    assert ("landing.root", "/in", "--set landing.root") in rows
    assert ("landing.retention_days", "", "conf/base.yml:25") in rows
    assert ("privacy.vault_key", "secret://env/OMNISEG_VAULT_KEY", "conf/base.yml:71") in rows


def test_described_values_give_the_same_settings_when_set():
    settings = load("identity.priority=email,phone", "business.currency=EUR", "audit.min_share=0.01")
    again = load(*(f"{key}={value}" for key, value, _ in describe(settings)))
    assert again == settings


def test_settings_travel_to_executors():
    settings = load()
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize("text", ["email,phone", "[email, phone]", " email , phone ", "[email,phone]"])
def test_lists_as_texts(text: str):
    assert load(f"identity.priority={text}").identity.priority == ("email", "phone")


def test_an_empty_text_empties_an_optional_key():
    settings = load("business.currency=", environ={"OMNISEG_BUSINESS__CURRENCY": "EUR"})
    assert settings.business.currency is None


@pytest.mark.parametrize(
    "names",
    [
        pytest.param({"OMNISEG_PSEUDONYM_KEY": "x"}, id="a_secret_of_ours"),
        pytest.param({"OMNISEG_LAKE_BUCKETS": "x"}, id="single_underscore"),
        pytest.param({"LAKE__BUCKETS": "x"}, id="another_program"),
        pytest.param({"omniseg_lake__buckets": "x"}, id="lower_case_prefix"),
    ],
)
def test_names_of_the_environment_that_are_no_settings(names: dict[str, str]):
    assert load(environ=names) == load()


def test_environment_names_have_no_case():
    assert load(environ={"OMNISEG_lake__Buckets": "2"}).lake.buckets == 2


def test_spark_options_by_file_set_and_environment(file: File):
    settings = load(
        "spark.sql.autoBroadcastJoinThreshold=-1",
        conf=file("spark: {spark.executor.memory: 4g}"),
        environ={"OMNISEG_SPARK__SQL__SHUFFLE__PARTITIONS": "3"},
    )
    assert settings.spark["spark.sql.autoBroadcastJoinThreshold"] == "-1"
    assert settings.spark["spark.executor.memory"] == "4g"
    assert settings.spark["spark.sql.shuffle.partitions"] == "3"


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        pytest.param("customer", ("email", "account", "phone"), id="as_the_priority_says"),
        pytest.param("account", ("account", "email", "phone"), id="first_wherever_it_stood"),
        pytest.param("household", ("household", "email", "account", "phone"), id="first_though_it_stood_nowhere"),
    ],
)
def test_rows_are_keyed_by_the_entity_before_all_else(entity: str, expected: tuple[str, ...]):
    settings = load("identity.priority=email,account,phone", f"identity.entity={entity}")
    assert settings.identity.keys == expected
