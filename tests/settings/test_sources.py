"""Declaration files: a folder of them, references to settings, and the problems of all files in one error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.settings.load import load_settings
from omniseg.settings.schema import Settings
from omniseg.settings.sources import load_declaration, load_declarations

Folder = Callable[..., str]

SOURCE = """\
source: {name}
channel: pos
format: json
path: ${{landing.root}}/{name}/*.json
columns:
  event_id: id
  event_time: to_timestamp(at)
  event_type: "'purchase'"
"""
REFERENCE = """\
target: products
format: csv
path: ${landing.root}/products/*.csv
key: [product_id]
mode: latest
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Writes declaration files, given by name, and returns their folder."""

    def write(**files: str) -> str:
        for name, text in files.items():
            (tmp_path / name.replace("_yml", ".yml")).write_text(text, encoding="utf-8")
        return str(tmp_path)

    return write


def settings(*sets: str) -> Settings:
    """Settings with the defaults of the local environment."""
    return load_settings(env="local", conf=None, sets=["landing.root=/in", *sets], environ={})


def problems(place: str, *sets: str) -> list[str]:
    """The messages with which a folder is refused, its path taken off."""
    with pytest.raises(ConfigError) as refused:
        load_declarations(place, settings(*sets))
    return [str(problem).replace(f"{place}/", "") for problem in refused.value.problems]


def test_a_folder_gives_its_declarations_by_file_name(folder: Folder):
    place = folder(b_yml=SOURCE.format(name="tills"), a_yml=REFERENCE, c_yml=SOURCE.format(name="web"))
    declarations = load_declarations(place, settings())
    assert [declaration.name for declaration in declarations] == ["products", "tills", "web"]
    assert [declaration.path for declaration in declarations] == [
        "/in/products/*.csv",
        "/in/tills/*.json",
        "/in/web/*.json",
    ]


def test_other_files_are_passed_over(folder: Folder, tmp_path: Path):
    place = folder(a_yml=REFERENCE)
    (tmp_path / "README.md").write_text("not a declaration", encoding="utf-8")
    (tmp_path / "old.yml.bak").write_text("not: one", encoding="utf-8")
    (tmp_path / "sub.yml").mkdir()
    assert len(load_declarations(place, settings())) == 1


def test_a_declaration_knows_its_file(folder: Folder):
    place = folder(a_yml=SOURCE.format(name="tills"))
    declaration = load_declarations(place, settings())[0]
    assert declaration.file == f"{place}/a.yml"
    assert declaration.where("columns.event_id") == f"{place}/a.yml:6"


def test_one_file_alone(folder: Folder):
    place = folder(a_yml=REFERENCE, b_yml="broken: [")
    assert load_declaration(f"{place}/a.yml", settings()).name == "products"


def test_the_pack_that_comes_along_is_right():
    pack = "conf:packs/complete_journey"
    chosen = load_settings(env="local", conf=f"{pack}/settings.yml", sets=[], environ={})
    names = {declaration.name for declaration in load_declarations(f"{pack}/sources", chosen)}
    assert {"till", "products", "customers", "campaigns"} <= names


def test_C02_all_problems_of_all_files_at_once(folder: Folder):
    place = folder(
        a_yml=REFERENCE.replace("mode: latest", "mode: last"),
        b_yml=SOURCE.format(name="tills")
        .replace("channel: pos", "channel: shop")
        .replace("landing.root", "landing.rot"),
        c_yml="source: [",
        d_yml=SOURCE.format(name="web").replace("event_id: id", "event_id: java_method('a', 'b')"),
    )
    assert [problem.split(", expected ")[0] for problem in problems(place)] == [
        "a.yml:5: mode: found 'last'",
        "b.yml:4: path: found a reference to the unknown key 'landing.rot'",
        "b.yml:2: channel: found 'shop'",
        "c.yml:1: syntax: found invalid YAML (expected the node content, but found '<stream end>')",
        "d.yml:6: columns.event_id: found function java_method at line 1, column 1",
    ]


def test_an_unknown_reference_is_answered_with_the_nearest_name(folder: Folder):
    place = folder(a_yml=REFERENCE.replace("landing.root", "landing.rot"))
    assert problems(place)[0].endswith("did you mean 'landing.root'?")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        pytest.param(
            SOURCE.format(name="tills"), SOURCE.format(name="tills"), "b.yml:1: source: found 'tills'", id="sources"
        ),
        pytest.param(REFERENCE, REFERENCE, "b.yml:1: target: found 'products'", id="reference_tables"),
        pytest.param(REFERENCE, SOURCE.format(name="products"), "b.yml:1: source: found 'products'", id="one_of_each"),
    ],
)
def test_C02_a_name_declared_twice(folder: Folder, first: str, second: str, message: str):
    found = problems(folder(a_yml=first, b_yml=second))
    assert len(found) == 1
    assert found[0].startswith(f"{message}, which a.yml declares too")


def test_a_missing_folder_is_named_with_the_setting_to_change(tmp_path: Path):
    absent = str(tmp_path / "absent")
    assert problems(absent, f"sources.dir={absent}") == [
        f"--set sources.dir: sources.dir: found '{absent}', which is no folder, "
        "expected a folder with one *.yml for each source"
    ]


def test_an_empty_folder_is_named(folder: Folder):
    assert "which holds no *.yml, expected a folder" in problems(folder())[0]


def test_the_default_folder_says_what_to_do():
    chosen = settings()
    with pytest.raises(ConfigError, match="expected a folder with one"):
        load_declarations("conf:packs", chosen)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("s3a://AKIAIOSFODNN7EXAMPLE:hunter2@bucket/x", id="path"),
        pytest.param("jdbc://user:hunter2@db/x", id="uri"),
    ],
)
def test_C07_a_secret_in_a_declaration_is_refused_and_not_shown(folder: Folder, secret: str):
    text = REFERENCE.replace("${landing.root}/products/*.csv", secret)
    found = problems(folder(a_yml=text))
    assert len(found) == 1
    assert found[0].startswith("a.yml:3: path: found a")
    assert "hunter2" not in found[0]
    assert "AKIA" not in found[0]


def test_C07_a_secret_in_an_expression_is_not_shown_by_any_message(folder: Folder):
    text = SOURCE.format(name="tills").replace("event_id: id", "event_id: reflect('AKIAIOSFODNN7EXAMPLE')")
    text = text.replace("channel: pos", "channel: AKIAIOSFODNN7EXAMPLE").replace(
        "columns:", "rows: AKIAIOSFODNN7EXAMPLE\ncolumns:"
    )
    found = problems(folder(a_yml=text))
    assert len(found) >= 3
    assert "AKIA" not in "\n".join(found)
