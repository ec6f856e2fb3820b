"""docs/commands.md says what the commands are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from omniseg.cli import shared_options
from omniseg.commands.catalogue import COMMANDS
from omniseg.commands.manual import codes, page

ROOT = Path(__file__).parents[2]
AGAIN = (
    'python -c "from omniseg import cli; from omniseg.commands import manual; print(manual.page(cli.shared_options()))"'
)
JOB = re.compile(r'^    job\("([a-z ]+)"\)$', re.MULTILINE)
JOBS = sorted((ROOT / "jobs").glob("*.py"))


def test_page_is_up_to_date():
    kept = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert kept.strip() == page(shared_options()).strip(), f"make it again: {AGAIN} > docs/commands.md"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_page_has_every_command_and_option(name: str):
    text = page(shared_options())
    usage = re.search(rf"^### `omniseg {name}(| .*)`$", text, re.MULTILINE)
    assert usage is not None
    for argument in COMMANDS[name].arguments:
        assert (argument.flags[0] if argument.flags[0].startswith("-") else argument.details["metavar"]) in usage[1]


def test_every_exit_code_has_one_meaning():
    found = [code for code, _ in codes()]
    assert sorted(found) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 130]
    assert all(text.endswith(".") for _, text in codes())


def test_every_command_is_a_job():
    named = [JOB.findall(file.read_text(encoding="utf-8")) for file in JOBS]
    assert sorted(name for found in named for name in found) == sorted(COMMANDS)
    assert all(len(found) == 1 for found in named)


@pytest.mark.parametrize("file", JOBS, ids=lambda file: file.stem)
def test_jobs_are_thin(file: Path):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 12
