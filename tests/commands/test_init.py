"""`omniseg init`: a folder that works as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from omniseg.commands.init import FILES, init
from omniseg.errors import ConfigError
from omniseg.runtime import Run, execute
from omniseg.settings.load import load_settings
from omniseg.settings.sources import load_declarations
from omniseg.tables import QUARANTINE, RAW_REJECTS, SILVER_EVENTS
from tests.commands.conftest import Project, make

BROKEN = ["unreadable:unit_price", "price_not_negative"]  # no price is no price that is not negative


def init_run(folder: Path) -> Run:
    """A run of `init` that has not begun."""
    settings = load_settings(env="local", conf=None, sets=(), environ={})
    return Run("init", settings, {"dir": str(folder), "format": "table"})


def test_files_of_a_new_project(tmp_path: Path):
    folder = make(tmp_path / "new" / "project")
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == set(FILES)


def test_an_existing_empty_folder_will_do(tmp_path: Path):
    assert (make(tmp_path) / "settings.yml").is_file()


def test_settings_stay_inside_the_folder(tmp_path: Path):
    folder = make(tmp_path / "it's a project")
    settings = load_settings(env="local", conf=str(folder / "settings.yml"), sets=(), environ={})
    assert settings.warehouse.root == f"{folder}/warehouse"
    assert settings.landing.root == f"{folder}/landing"
    assert settings.sources.dir == f"{folder}/sources"
    assert settings.mlflow.tracking_uri == f"sqlite:///{folder}/mlflow.db"
    assert [item.name for item in load_declarations(settings.sources.dir, settings)] == ["store_orders"]


def test_version_control_skips_data_and_models(tmp_path: Path):
    ignored = (make(tmp_path) / ".gitignore").read_text(encoding="utf-8").split()
    assert {"/warehouse/", "/landing/", "/mlflow.db*"} <= set(ignored)


def test_next_commands_can_be_copied(tmp_path: Path, printed: Callable[[], str]):
    folder = make(tmp_path / "my shop")
    text = printed()
    assert f"omniseg --conf '{folder}/settings.yml' sources check '{folder}/sources/store_orders.yml'" in text
    assert f"omniseg --conf '{folder}/settings.yml' run --as-of 2025-03-31" in text


@pytest.mark.parametrize(
    ("name", "made", "words"),
    [
        pytest.param("full", "full/file.txt", "which is not empty", id="folder_with_a_file"),
        pytest.param("file.txt", "file.txt", "which is a file", id="a_file"),
        pytest.param("all*", None, "not a plain one", id="pattern_character"),
        pytest.param("two\nlines", None, "not a plain one", id="line_feed"),
    ],
)
def test_refused_folders(tmp_path: Path, name: str, made: str | None, words: str):
    if made is not None:
        (tmp_path / made).parent.mkdir(exist_ok=True)
        (tmp_path / made).write_text("mine", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match=words) as refused:
        init(init_run(tmp_path / name))
    assert refused.value.exit_code == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_refusal_ends_with_exit_code_2(tmp_path: Path):
    (tmp_path / "something").touch()
    assert execute(init_run(tmp_path), init, locks=False) == 2


def test_ingest_of_a_new_project_takes_the_example(project: Project):
    run = project.ingest()
    assert run.accounts[0].counts() == {
        "read": 293,
        "accepted": 292,
        "duplicates": 0,
        "quarantined": 1,
        "suppressed": 0,
    }
    assert run.accounts[0].unattributed > 0
    assert project.lake.exists(RAW_REJECTS)  # also where a batch has no rows in a table
    events = project.lake.read(SILVER_EVENTS)
    assert events.where("event_type = 'return' AND amount < 0").count() == 1
    assert events.where("amount_status <> 'ok'").count() == 0
    assert [row.rules for row in project.lake.read(QUARANTINE).collect()] == [BROKEN]
