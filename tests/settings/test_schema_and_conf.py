"""Settings and conf/base.yml agree key by key; the configuration folder is found in a checkout and in a zip."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from dataclasses import FrozenInstanceError, fields
from itertools import pairwise
from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.settings.conf import conf_dir, conf_path, conf_text, locate
from omniseg.settings.keys import keys, sections
from omniseg.settings.load import load_settings
from omniseg.settings.schema import Settings

ROOT = Path(__file__).parents[2]
OVERLAYS = ("local", "cluster")


def test_base_has_every_key_with_a_comment_of_its_own():
    lines = conf_text("base.yml").splitlines()
    section, documented = "", []
    for above, line in pairwise(lines):
        if match := re.match(r"(\w+):", line):
            section = match[1]
        if (match := re.match(r"( *)([\w.]+):( |$)", line)) and above.strip().startswith("#"):
            documented.append(f"{section}.{match[2]}" if match[1] else match[2])
    assert [key for key in documented if key in keys()] == list(keys())


def test_a_key_missing_in_base_is_named(tmp_path: Path):
    package = packaged(tmp_path, without="experiment: omniseg")
    assert ran(package).startswith("conf/base.yml: mlflow.experiment: found nothing, expected a text")


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlays_only_change_what_differs(name: str):
    assert 0 < len(conf_text(f"{name}.yml").splitlines()) < 40


def test_sections_are_those_of_the_class():
    named = {item.name for item in fields(Settings)} - {"spark", "spark_defaults", "origins"}
    assert named == {section for section in sections() if section} | set(sections()[""])


def test_settings_cannot_be_changed():
    settings = load_settings(env="local", conf=None, sets=[], environ={})
    with pytest.raises(FrozenInstanceError):
        settings.lake.buckets = 3  # type: ignore[misc]


def test_the_checkout_has_its_own_folder():
    assert str(conf_dir()) == str(ROOT / "conf")
    assert conf_text("base.yml") == (ROOT / "conf" / "base.yml").read_text(encoding="utf-8")


def test_other_paths_are_left_as_given():
    assert locate("x/y.yml") == Path("x/y.yml")
    assert str(locate("conf:base.yml")) == str(ROOT / "conf" / "base.yml")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", "a//b", "./x", "..\\x", "a/.."])
def test_C06_names_cannot_leave_the_folder(name: str):
    with pytest.raises(ConfigError, match="expected names below conf"):
        conf_path(name)


def packaged(folder: Path, *, without: str = "") -> Path:
    """The package as a zip with its configuration folder, as a cluster gets it; `without` is cut out of base.yml."""
    package = folder / "omniseg.zip"
    with zipfile.ZipFile(package, "w") as opened:
        for file in sorted((ROOT / "lib" / "omniseg").rglob("*.py")):
            opened.write(file, file.relative_to(ROOT / "lib"))
        for file in sorted((ROOT / "conf").rglob("*.yml")):
            text = file.read_text(encoding="utf-8")
            assert file.name != "base.yml" or without in text
            opened.writestr(f"omniseg/{file.relative_to(ROOT)}", text.replace(without, "") if without else text)
    return package


def ran(package: Path) -> str:
    """The last line that loading the settings from a zipped package prints, in a process that sees no checkout."""
    program = (
        "from omniseg.errors import ConfigError\n"
        "from omniseg.settings.conf import conf_dir, conf_text\n"
        "from omniseg.settings.load import load_settings\n"
        "try: print(load_settings(env='cluster', conf='conf:local.yml', sets=[\n"
        "    'warehouse.root=/w', 'landing.root=/l'], environ={}).origins['lake.buckets'], type(conf_dir()).__name__)\n"
        "except ConfigError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program]
    environment = {"PYTHONPATH": str(package), "PATH": ""}
    done = subprocess.run(command, cwd=package.parent, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_settings_load_from_a_zip(tmp_path: Path):
    assert re.fullmatch(r"conf/local\.yml:\d+ Path", ran(packaged(tmp_path)))
