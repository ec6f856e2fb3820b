"""C07: secrets stand in the environment alone; written anywhere else they are refused and never repeated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.secrecy import likely_secret, likely_secret_setting
from omniseg.settings.load import describe, load_settings

PLANTED = "hunter2-correct-horse"


def refusal(*sets: str, conf: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """The whole message with which settings are refused."""
    with pytest.raises(ConfigError) as refused:
        load_settings(env="local", conf=conf, sets=sets, environ=environ or {})
    return str(refused.value)


def test_a_reference_gives_the_name_of_the_variable():
    settings = load_settings(env="local", conf=None, sets=["privacy.vault_key=secret://env/MY_KEY"], environ={})
    assert settings.privacy.vault_key.env_name == "MY_KEY"


def test_the_value_of_the_variable_is_nowhere_in_the_settings():
    settings = load_settings(env="local", conf=None, sets=[], environ={"OMNISEG_PSEUDONYM_KEY": PLANTED})
    assert PLANTED not in repr(settings)
    assert PLANTED not in str(describe(settings))


@pytest.mark.parametrize("key", ["privacy.pseudonym_key", "privacy.vault_key"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(PLANTED, id="literal"),
        pytest.param(f"secret://{PLANTED}", id="no_scope"),
        pytest.param(f"secret://vault/{PLANTED}", id="unknown_scope"),
        pytest.param(f"secret://env/{PLANTED}", id="no_variable_name"),
        pytest.param(f"SECRET://env/{PLANTED}", id="upper_case"),
        pytest.param(f"{PLANTED} secret://env/X", id="text_before"),
    ],
)
def test_C07_a_literal_key_is_refused_in_every_layer(key: str, value: str, tmp_path: Path):
    section, _, name = key.partition(".")
    file = tmp_path / "mine.yml"
    file.write_text(f"{section}: {{{name}: '{value}'}}", encoding="utf-8")
    variable = f"OMNISEG_{section}__{name}".upper()
    messages = {
        f"--set {key}": refusal(f"{key}={value}"),
        f"environment {variable}": refusal(environ={variable: value}),
        f"{file}:1": refusal(conf=str(file)),
    }
    for where, message in messages.items():
        assert message.startswith(f"{where}: {key}: found a literal value (not shown), expected a reference")
        assert PLANTED not in message


SECRETS = [
    pytest.param("AKIAIOSFODNN7EXAMPLE", id="aws_key"),
    pytest.param("s3a://ASIAIOSFODNN7EXAMPLE@bucket", id="aws_key_in_uri"),
    pytest.param("-----BEGIN RSA PRIVATE KEY-----\nMIIE", id="private_key"),
    pytest.param("-----BEGIN PRIVATE KEY-----", id="private_key_pkcs8"),
    pytest.param(f"postgresql://mlflow:{PLANTED}@db/mlflow", id="uri_with_password"),
    pytest.param(f"redis://:{PLANTED}@cache", id="uri_with_password_only"),
    pytest.param("ghp_0123456789abcdefghijABCDEFGHIJ012345", id="github"),
    pytest.param("dapi0123456789abcdef0123456789abcdef", id="databricks"),
    pytest.param("xoxb-0123456789-abcdefghij", id="slack"),
    pytest.param("AIza" + "x" * 35, id="google"),
    pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", id="web_token"),
    pytest.param(f"jdbc:x;user=a;password={PLANTED}", id="password_assigned"),
    pytest.param(f"AccountKey={PLANTED}", id="account_key_assigned"),
    pytest.param(f"https://x/y?sv=1&sig={PLANTED}", id="signed_address"),
    pytest.param(f"-Dfs.s3a.secret.key={PLANTED} -Dtoken={PLANTED}", id="java_option"),
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("key", ["mlflow.tracking_uri", "warehouse.root", "spark.hadoop.fs.x", "identity.priority"])
def test_C07_what_looks_like_a_secret_is_refused_and_not_shown(key: str, secret: str):
    message = refusal(f"{key}={secret}")
    assert message.startswith(f"--set {key}: {key}: found a")
    assert "(not shown)" in message
    assert secret not in message
    assert PLANTED not in message


@pytest.mark.parametrize("secret", SECRETS)
def test_C07_an_overridden_secret_is_refused_as_well(secret: str):
    assert "(not shown)" in refusal(
        "mlflow.tracking_uri=sqlite:///x.db", environ={"OMNISEG_MLFLOW__TRACKING_URI": secret}
    )


@pytest.mark.parametrize(
    "name",
    [
        "spark.authenticate.secret",
        "spark.ssl.keyPassword",
        "spark.hadoop.fs.s3a.access.key",
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net",
        "spark.kubernetes.authenticate.oauthToken",
        "spark.x.accessKey",
    ],
)
def test_C07_spark_options_that_carry_secrets_are_refused(name: str, tmp_path: Path):
    file = tmp_path / "mine.yml"
    file.write_text(f"spark: {{{name}: {PLANTED}}}", encoding="utf-8")
    for message in (refusal(f"{name}={PLANTED}"), refusal(conf=str(file))):
        assert f"{name}: found an option that carries a secret (not shown)" in message
        assert PLANTED not in message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("mlflow.tracking_uri=secret://env/URI", id="whole_value"),
        pytest.param("warehouse.root=s3a://b/secret://env/X", id="inside"),
        pytest.param("spark.x=secret://env/X", id="spark_option"),
    ],
)
def test_C07_a_reference_where_none_is_taken_is_refused(text: str):
    assert "found a reference to a secret, expected a plain value; only privacy.pseudonym_key" in refusal(text)


def test_C07_a_secret_cannot_be_referred_to_by_another_key():
    assert "found a reference to the unknown key" in refusal("mlflow.tracking_uri=${privacy.vault_key}")


def test_C07_values_of_unknown_keys_are_not_shown(tmp_path: Path):
    file = tmp_path / "mine.yml"
    file.write_text(f"privacy: {{pseudonym-key: {PLANTED}}}\npasword: {PLANTED}", encoding="utf-8")
    shown = refusal(f"privacy.vaultkey={PLANTED}", conf=str(file), environ={"OMNISEG_PRIVACY__PSEUDONYMKEY": PLANTED})
    assert len(shown.splitlines()) == 4
    assert PLANTED not in shown


@pytest.mark.parametrize(
    "harmless",
    [
        "sqlite:///data/warehouse/mlflow.db",
        "postgresql://mlflow@db:5432/mlflow",
        "abfss://container@account.dfs.core.windows.net/path",
        "http://host:8080/a@b",
        "s3a://bucket/key=value/part",
        "hdfs://name:8020/x",
        "/data/tokens/a",
        "C:\\data",
        "regexp_extract(url, 'utm=([^&]+)', 1)",
    ],
)
def test_C07_what_is_no_secret_passes(harmless: str):
    assert likely_secret_setting(harmless) == ""


def test_C07_expressions_may_compare_tokens():
    assert likely_secret("regexp_extract(url, 'token=([^&]+)', 1) = customer_token") == ""
