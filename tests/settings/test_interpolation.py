"""`${section.key}` in values, and settings that are wrong only together."""

from __future__ import annotations

import pytest

from omniseg.errors import ConfigError
from omniseg.settings.load import load_settings
from omniseg.settings.schema import Settings


def load(*sets: str, env: str = "local") -> Settings:
    """Settings with the defaults of the local environment."""
    return load_settings(env=env, conf=None, sets=sets, environ={})


def problems(*sets: str, env: str = "local") -> list[str]:
    """The messages with which settings are refused."""
    with pytest.raises(ConfigError) as refused:
        load(*sets, env=env)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("sets", "landing"),
    [
        pytest.param(["landing.root=${warehouse.root}-in"], "data/warehouse-in", id="one_reference"),
        pytest.param(["landing.root=${ warehouse.root }-in"], "data/warehouse-in", id="spaces_inside"),
        pytest.param(["landing.root=/${model.name}/${lake.buckets}"], "/customer_segments/16", id="two_references"),
        pytest.param(["warehouse.root=/w", "landing.root=${warehouse.root}-in"], "/w-in", id="last_layer_counts"),
        pytest.param(
            ["sources.dir=/a", "model.name=b", "landing.root=${sources.dir}/${model.name}"], "/a/b", id="joined"
        ),
        pytest.param(
            ["sources.dir=/a", "features.file=${sources.dir}/f", "landing.root=${features.file}"], "/a/f", id="chain"
        ),
        pytest.param(["landing.root=/a$b/$/{c}"], "/a$b/$/{c}", id="other_dollars_stay"),
    ],
)
def test_references(sets: list[str], landing: str):
    assert load(*sets).landing.root == landing


def test_the_tracking_store_follows_the_warehouse():
    assert load("warehouse.root=/w").mlflow.tracking_uri == "sqlite:////w/mlflow.db"


def test_references_in_lists_and_spark_options():
    settings = load("spark.local.dir=${warehouse.root}/tmp", "model.name=email", "identity.priority=${model.name}")
    assert settings.spark["spark.local.dir"] == "data/warehouse/tmp"
    assert settings.identity.priority == ("email",)


def test_a_referred_value_is_checked_like_any_other():
    assert problems("lake.buckets=${model.name}")[0].startswith("--set lake.buckets: lake.buckets: found 'customer_seg")


@pytest.mark.parametrize(
    ("sets", "found"),
    [
        pytest.param(
            ["landing.root=${warehouse.rot}/x"],
            ["landing.root: found a reference to the unknown key 'warehouse.rot'"],
            id="unknown_key",
        ),
        pytest.param(["landing.root=${}/x"], ["landing.root: found a reference to the unknown key ''"], id="empty"),
        pytest.param(["landing.root=${warehouse.root/x"], ["landing.root: found '${' without '}'"], id="never_closed"),
        pytest.param(
            ["landing.root=${landing.root}/x"],
            ["landing.root: found a cycle of references: landing.root -> landing.root"],
            id="cycle_of_one",
        ),
        pytest.param(
            ["landing.root=${features.file}", "features.file=${landing.root}"],
            [
                "landing.root: found a cycle of references: landing.root -> features.file -> landing.root",
                "features.file: found a cycle of references: features.file -> landing.root -> features.file",
            ],
            id="cycle_of_two",
        ),
        pytest.param(
            ["warehouse.root=${landing.rot}"],
            ["warehouse.root: found a reference to the unknown key 'landing.rot'"],
            id="only_the_key_to_blame_is_reported",
        ),
        pytest.param(
            ["landing.root=${spark.sql.shuffle.partitions}"],
            ["landing.root: found a reference to the unknown key 'spark.sql.shuffle.partitions'"],
            id="spark_options_are_not_referred_to",
        ),
    ],
)
def test_broken_references(sets: list[str], found: list[str]):
    assert [problem.split(": ", 1)[1].split(", expected ")[0] for problem in problems(*sets)] == found


def test_an_unknown_reference_is_answered_with_the_nearest_name():
    assert problems("landing.root=${warehouse.rot}/x")[0].endswith("; did you mean 'warehouse.root'?")


def test_C04_references_cannot_multiply():
    chain = ["warehouse.root", "landing.root", "sources.dir", "features.file", "segments.file", "mlflow.experiment"]
    doubled = [f"{key}=" + f"${{{chain[number]}}}" * 10 for number, key in enumerate(chain[1:])]
    found = problems("warehouse.root=" + "x" * 10, *doubled)
    assert any("found more than 4096 characters" in problem for problem in found)
    assert all(len(problem) < 400 for problem in found)


CONTRADICTIONS = [
    (["model.leaves=3"], "model.leaves: found 3, expected at least model.segments (6)", "fewer_leaves_than_segments"),
    (["audit.min_share=0.2"], "audit.min_share: found 0.2, expected at most 1/6", "shares_above_one_in_sum"),
    (["consent.legal_basis="], "consent.legal_basis: found nothing", "assumed_consent_without_basis"),
    (["consent.legal_basis=  "], "consent.legal_basis: found nothing", "assumed_consent_on_blank_basis"),
    (
        ["privacy.vault_key=secret://env/OMNISEG_PSEUDONYM_KEY"],
        "privacy.vault_key: found the reference of",
        "one_key_for_two_purposes",
    ),
    (["landing.root=data/warehouse/"], "landing.root: found the place of warehouse.root", "landing_is_warehouse"),
]


@pytest.mark.parametrize(("sets", "message"), [pytest.param(*case, id=name) for *case, name in CONTRADICTIONS])
def test_C02_contradictions(sets: list[str], message: str):
    found = problems(*sets)
    assert len(found) == 1
    assert found[0].split(": ", 1)[1].startswith(message)


@pytest.mark.parametrize(
    "sets",
    [
        pytest.param(["consent.mode=enforce", "consent.legal_basis="], id="enforced_consent_needs_no_basis"),
        pytest.param(["model.leaves=6"], id="as_many_leaves_as_segments"),
        pytest.param(["audit.min_share=0.1", "model.segments=10"], id="shares_of_one_in_sum"),
        pytest.param(["landing.root=data/warehouse-in"], id="landing_beside_warehouse"),
        pytest.param(["landing.root=data/warehouse/in"], id="landing_below_warehouse"),
    ],
)
def test_no_contradiction(sets: list[str]):
    assert load(*sets).profile == "local"


def test_C02_a_cluster_needs_places_that_all_of_it_reaches():
    found = problems(env="cluster")
    assert [problem.split(": ")[1] for problem in found] == ["warehouse.root", "landing.root", "mlflow.tracking_uri"]
    assert found[0].startswith("conf/base.yml:13: warehouse.root: found 'data/warehouse', expected an absolute path")


@pytest.mark.parametrize(
    ("warehouse", "tracking"),
    [
        pytest.param("s3a://b/w", "https://mlflow.example", id="object_store_and_server"),
        pytest.param("/mnt/w", "sqlite:////mnt/mlflow.db", id="shared_disk"),
        pytest.param("dbfs:/w", "databricks", id="databricks"),
    ],
)
def test_places_of_a_cluster(warehouse: str, tracking: str):
    sets = [f"warehouse.root={warehouse}", "landing.root=/mnt/l", f"mlflow.tracking_uri={tracking}"]
    assert load(*sets, env="cluster").warehouse.root == warehouse
