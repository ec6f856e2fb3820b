"""The wheel carries the code and its configuration, nothing else, and the command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from zipfile import ZipFile

import pytest

from tests.source_tree import PACKAGE, ROOT, shipped


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel as `pip wheel .` builds it, with the locked build tools."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [built] = folder.glob("*.whl")
    return ZipFile(built)


def test_wheel_holds_exactly_code_and_configuration(wheel: ZipFile):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    code = {f"omniseg/{file.relative_to(PACKAGE)}" for file in shipped() if file.is_relative_to(PACKAGE)}
    configuration = {f"omniseg/{file.relative_to(ROOT)}" for file in shipped() if file.is_relative_to(ROOT / "conf")}
    assert code
    assert configuration
    assert names == code | configuration


def test_wheel_brings_the_command_and_the_licence(wheel: ZipFile):
    [info] = {Path(name).parts[0] for name in wheel.namelist() if ".dist-info/" in name}
    [command] = re.findall(r"^omniseg = (\S+)$", wheel.read(f"{info}/entry_points.txt").decode(), re.MULTILINE)
    assert callable(resolve_name(command))
    assert "Apache License" in wheel.read(f"{info}/licenses/LICENSE").decode()
    assert "License-Expression: Apache-2.0" in wheel.read(f"{info}/METADATA").decode()


def test_wheel_runs_on_any_platform(wheel: ZipFile):
    assert wheel.filename is not None
    assert wheel.filename.endswith("-py3-none-any.whl")
