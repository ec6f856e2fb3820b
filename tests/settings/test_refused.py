"""C02: settings that are wrong are refused before anything starts, every mistake of every layer in one error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.settings.load import load_settings

File = Callable[[str], str]


def problems(
    *sets: str, env: str = "local", conf: str | None = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    """The messages with which settings are refused."""
    with pytest.raises(ConfigError) as refused:
        load_settings(env=env, conf=conf, sets=sets, environ=environ or {})
    assert refused.value.exit_code == 2
    return [str(problem) for problem in refused.value.problems]


@pytest.fixture
def file(tmp_path: Path) -> File:
    """Writes a settings file and returns its path."""

    def write(text: str) -> str:
        path = tmp_path / "mine.yml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


REFUSED_SETS = [
    ("lake.bukets=2", "found an unknown key", "lake.buckets", "unknown_key"),
    ("buckets=2", "found an unknown key", "lake.buckets", "section_forgotten"),
    ("lake=2", "found an unknown key", "", "section_without_key"),
    ("lake.buckets=many", "found 'many'", "", "no_number"),
    ("lake.buckets=0", "found '0'", "", "below_range"),
    ("lake.buckets=4097", "found '4097'", "", "above_range"),
    ("lake.buckets=016", "found '016'", "", "leading_zero"),
    ("lake.buckets=1e2", "found '1e2'", "", "exponent"),
    ("lake.buckets=", "found ''", "", "empty_number"),
    ("lake.buckets=٣", "found '٣'", "", "digits_of_another_script"),
    ("audit.min_share=1.1", "found '1.1'", "", "share_above_one"),
    ("audit.min_share=-0.1", "found '-0.1'", "", "negative_share"),
    ("audit.min_share=nan", "found 'nan'", "", "not_a_number"),
    ("profile=locl", "found 'locl'", "local", "misspelled_choice"),
    ("business.time_zone=Europe/Berln", "found 'Europe/Berln'", "Europe/Berlin", "misspelled_zone"),
    ("business.time_zone=+02:00", "found '+02:00'", "", "offset_as_zone"),
    ("business.currency=euro", "found 'euro'", "", "no_currency"),
    ("identity.priority=email,fone", "found 'fone'", "phone", "misspelled_in_list"),
    ("identity.priority=email,email", "found 'email' twice", "", "twice_in_list"),
    ("identity.priority=", "found an empty list", "", "empty_list"),
    ("warehouse.root=", "found ''", "", "empty_text"),
    ("mlflow.experiment=a\x00b", "found 'a\\x00b'", "", "nul_in_path"),
    ("model.name=My Model", "found 'My Model'", "", "name_with_space"),
]


@pytest.mark.parametrize(("text", "message", "meant"), [pytest.param(*case, id=name) for *case, name in REFUSED_SETS])
def test_C02_refused_on_the_command_line(text: str, message: str, meant: str):
    found = problems(text)
    assert len(found) == 1
    key = text.partition("=")[0]
    assert found[0].startswith(f"--set {key}: {key}: {message}, expected ")
    assert found[0].endswith(f"; did you mean {meant!r}?") == bool(meant)


REFUSED_FILES = [
    ("warehose: {root: x}", "1: warehose: found an unknown key", "warehouse", "unknown_section"),
    ("lake:\n  bukets: 2", "2: lake.bukets: found an unknown key", "buckets", "unknown_key"),
    ("lake:\n  root: x", "2: lake.root: found an unknown key", "", "key_of_several_sections"),
    (
        "lake:\n  settle_seconds: 1",
        "2: lake.settle_seconds: found an unknown key",
        "landing.settle_seconds",
        "key_of_another_section",
    ),
    ("lake: 16", "1: lake: found '16'", "", "text_for_section"),
    ("lake: [buckets]", "1: lake: found a list", "", "list_for_section"),
    ("lake:\n  buckets: [1]", "2: lake.buckets: found a list", "", "list_for_text"),
    ("lake:\n  buckets: {a: 1}", "2: lake.buckets: found a mapping", "", "mapping_for_text"),
    ("lake:\n  buckets:", "2: lake.buckets: found nothing", "", "nothing_for_number"),
    ("identity: {priority: email}", "1: identity.priority: found 'email'", "", "text_for_list"),
    ("identity: {priority: [[email]]}", "1: identity.priority: found a list", "", "list_in_list"),
    ("profile: {a: b}", "1: profile: found a mapping", "", "mapping_at_top"),
    ("origins: {a: b}", "1: origins: found an unknown key", "", "internal_field"),
    ("spark: {sql.shuffle.partitions: 2}", "1: spark: sql.shuffle.partitions: found another name", "", "spark_prefix"),
    ("spark: {spark.x: [1]}", "1: spark.x: found a list", "", "spark_list"),
]


@pytest.mark.parametrize(("text", "message", "meant"), [pytest.param(*case, id=name) for *case, name in REFUSED_FILES])
def test_C02_refused_in_a_file(file: File, text: str, message: str, meant: str):
    path = file(text)
    found = problems(conf=path)
    assert len(found) == 1
    assert found[0].startswith(f"{path}:{message}, expected ")
    assert found[0].endswith(f"; did you mean {meant!r}?") == bool(meant)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("OMNISEG_LAKE__BUKETS", "OMNISEG_LAKE__BUCKETS", id="misspelled"),
        pytest.param("OMNISEG_LAK__BUCKETS", "OMNISEG_LAKE__BUCKETS", id="section_misspelled"),
        pytest.param("OMNISEG_ANY__SETTLE_SECONDS", "OMNISEG_LANDING__SETTLE_SECONDS", id="section_guessed"),
    ],
)
def test_C02_refused_in_the_environment(name: str, meant: str):
    key = name.removeprefix("OMNISEG_").replace("__", ".").lower()
    assert problems(environ={name: "1"}) == [
        f"environment {name}: {key}: found an unknown key, expected the name of a setting; did you mean {meant!r}?"
    ]


def test_C02_a_spark_option_of_the_environment_must_stand_in_a_file():
    found = problems(environ={"OMNISEG_SPARK__SQL__ADAPTIVE__ENABLED": "true"})
    assert found[0].startswith("environment OMNISEG_SPARK__SQL__ADAPTIVE__ENABLED: spark.sql.adaptive.enabled: found")


def test_an_argument_without_equals_sign_is_not_repeated():
    assert problems("hunter2") == ["--set: argument 1: found no '=', expected key=value, such as lake.buckets=16"]


@pytest.mark.parametrize(
    ("env", "meant"),
    [
        pytest.param("locl", "local", id="misspelled"),
        pytest.param("features", "", id="a_file_that_is_no_overlay"),
        pytest.param("base", "", id="the_base_itself"),
        pytest.param("../conf/local", "", id="path"),
        pytest.param("", "", id="empty"),
    ],
)
def test_C06_unknown_environment(env: str, meant: str):
    found = problems(env=env)
    assert len(found) == 1
    assert found[0].startswith(f"--env: env: found {env!r}, expected one of cluster, local")
    assert found[0].endswith(f"; did you mean {meant!r}?") == bool(meant)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        pytest.param("/no/such.yml", "/no/such.yml: file: found no such file, expected a YAML file", id="path"),
        pytest.param("conf:none.yml", "conf/none.yml: file: found no such file, expected a YAML file", id="packaged"),
        pytest.param(
            "conf:../secret.yml",
            "conf:../secret.yml: file: found the part '..', expected names below conf, joined by /",
            id="leaving_the_folder",
        ),
    ],
)
def test_missing_file(conf: str, message: str):
    assert problems(conf=conf) == [message]


def test_C02_all_problems_of_all_layers_at_once(file: File):
    path = file("warehose: {root: x}\nmodel: {segments: six}\n")
    found = problems(
        "landing.rot=/in",
        "model.seed=-1",
        env="clster",
        conf=path,
        environ={"OMNISEG_LAKE__BUKETS": "1", "OMNISEG_DEDUPE__WINDOW_DAYS": "0"},
    )
    assert [problem.split(": found")[0] for problem in found] == [
        "--env: env",
        f"{path}:1: warehose",
        "environment OMNISEG_LAKE__BUKETS: lake.bukets",
        "--set landing.rot: landing.rot",
        f"{path}:2: model.segments",
        "environment OMNISEG_DEDUPE__WINDOW_DAYS: dedupe.window_days",
        "--set model.seed: model.seed",
    ]


def test_C02_an_overridden_value_is_checked_as_well(file: File):
    path = file("model: {segments: six}")
    assert problems("model.segments=5", conf=path)[0].startswith(f"{path}:1: model.segments: found 'six'")


def test_problems_compare_equal_whatever_the_order_of_the_environment():
    names = ("OMNISEG_A__B", "OMNISEG_C__D")
    assert problems(environ=dict.fromkeys(names, "")) == problems(environ=dict.fromkeys(reversed(names), ""))
