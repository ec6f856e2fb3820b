"""The command line: what it understands, what it refuses, and that a refusal costs no Spark."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from omniseg import __version__, cli
from omniseg.cli import contents, find_command, main, set_up_logging, shared_options
from omniseg.commands.catalogue import AS_OF, COMMANDS, GROUPS, LISTED
from omniseg.commands.command import Command
from omniseg.errors import ConfigError
from omniseg.runtime import Run
from tests.source_tree import ROOT

JOB = re.compile(r'^    job\("([a-z ]+)"\)$', re.MULTILINE)
KEYS = ["run_id", "command", "as_of", "status", "exit_code", "seconds", "snapshot_id", "counts"]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that the command line started, none of which does anything."""
    runs: list[Run] = []
    for name, command in COMMANDS.items():
        given = {field: getattr(command, field) for field in ("name", "group", "help", "arguments")}
        monkeypatch.setitem(COMMANDS, name, Command(**given, function=runs.append))
    return runs


def started(ran: list[Run], *words: str) -> Run:
    """The run that these words start."""
    assert main(words) == 0
    return ran.pop()


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, dict[str, Any]]:
    """What stderr says of a refusal, and its last line."""
    assert main(words) == 2
    shown = capsys.readouterr()
    found: dict[str, Any] = json.loads(shown.out.splitlines()[-1])
    assert "Traceback" not in shown.err
    return shown.err, found


SHARED = [
    pytest.param(["--set", "model.segments=4"], id="set"),
    pytest.param(["--set=model.segments=4"], id="set_in_one_word"),
    pytest.param(["--set", "model.segments=4", "--set", "model.leaves=9"], id="set_twice"),
    pytest.param(["--format", "json"], id="format"),
    pytest.param(["--env", "local", "--quiet"], id="env"),
    pytest.param(["--verbose", "--format", "csv", "--set", "model.seed=3"], id="all_together"),
]


@pytest.mark.parametrize("options", SHARED)
def test_options_before_and_after_the_command_are_equal(ran: list[Run], options: list[str]):
    words = ["ingest", "--as-of", "2024-03-31"]
    before, after = started(ran, *options, *words), started(ran, *words, *options)
    between = started(ran, words[0], *options, *words[1:])
    for run in (after, between):
        assert run.settings == before.settings
        assert run.options["format"] == before.options["format"]
        assert run.as_of == before.as_of


def test_options_reach_the_run(ran: list[Run]):
    run = started(ran, "--set", "model.segments=4", "train", "--as-of", "2024-03-31", "--format", "json")
    assert (run.command, str(run.as_of), run.options["format"]) == ("train", "2024-03-31", "json")
    assert run.settings.model.segments == 4


def test_sets_on_both_sides_count_and_the_later_wins(ran: list[Run]):
    run = started(
        ran,
        "--set",
        "model.seed=1",
        "--set",
        "model.leaves=30",
        "train",
        "--as-of",
        "2024-03-31",
        "--set",
        "model.seed=2",
    )
    assert (run.settings.model.seed, run.settings.model.leaves) == (2, 30)


def test_the_environment_sets_and_the_command_line_wins(ran: list[Run], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMNISEG_MODEL__SEED", "5")
    assert started(ran, "doctor").settings.model.seed == 5
    assert started(ran, "doctor", "--set", "model.seed=6").settings.model.seed == 6


def test_a_settings_file_is_read(ran: list[Run], tmp_path: Path):
    (tmp_path / "mine.yml").write_text("model:\n  segments: 3\n")
    assert started(ran, "doctor", "--conf", str(tmp_path / "mine.yml")).settings.model.segments == 3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["runs", "show", "r-1"], {"run": "r-1"}, id="runs_show"),
        pytest.param(["snapshots", "show"], {"snapshot": None}, id="default_snapshot"),
        pytest.param(["quarantine", "show", "--limit", "3"], {"limit": 3, "source": None}, id="quarantine_show"),
        pytest.param(["sources", "check", "a.yml"], {"file": "a.yml", "sample": 1000}, id="sources_check"),
        pytest.param(["run", "--from", "2024-01-01", "--to", "2024-02-01"], {"first": "2024-01-01"}, id="range"),
    ],
)
def test_commands_of_one_and_two_words_get_their_options(ran: list[Run], words: list[str], expected: dict[str, Any]):
    run = started(ran, *words)
    assert {name: run.options[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("words", "near"),
    [
        pytest.param(["ingets"], "ingest", id="swapped_letters"),
        pytest.param(["snapshto"], "snapshot", id="another_swap"),
        pytest.param(["Doctor"], "doctor", id="case"),
        pytest.param(["runs", "lst"], "runs list", id="second_word"),
        pytest.param(["quarantine", "reply"], "quarantine replay", id="second_word_of_three"),
        pytest.param(["maintian", "--quiet"], "maintain", id="with_options"),
    ],
)
def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str], words: list[str], near: str):
    said, last = refused(capsys, *words)
    assert f"did you mean '{near}'?" in said
    assert (last["status"], last["exit_code"], last["run_id"]) == ("refused", 2, None)


@pytest.mark.parametrize("words", [["frobnicate"], ["runs"], ["sources"], ["--as-of"]])
def test_what_is_near_to_nothing_is_answered_with_all_commands(capsys: pytest.CaptureFixture[str], words: list[str]):
    said, _ = refused(capsys, *words)
    assert all(name in said for name in COMMANDS)


def test_find_command_prefers_two_words():
    assert find_command(["snapshots", "list", "--format", "json"])[0].name == "snapshots list"
    command, rest = find_command(["snapshot", "--as-of", "2024-03-31"])
    assert (command.name, rest) == ("snapshot", ["--as-of", "2024-03-31"])
    with pytest.raises(ConfigError, match="'runs nothing'"):
        find_command(["runs", "nothing"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["train", "--as-of", "31.3.2024"], "a date YYYY-MM-DD", id="no_date"),
        pytest.param(["doctor", "--set", "model.segmets=3"], "did you mean 'model.segments'?", id="unknown_setting"),
        pytest.param(["doctor", "--set", "model.segments=many"], "model.segments", id="wrong_kind"),
        pytest.param(["doctor", "--set", "model.segments"], "--set", id="set_without_value"),
        pytest.param(["doctor", "--env", "locl"], "did you mean 'local'?", id="unknown_environment"),
        pytest.param(["doctor", "--conf", "nowhere.yml"], "nowhere.yml", id="no_such_file"),
        pytest.param(["train"], "--as-of", id="missing_option"),
        pytest.param(["train", "--as-of"], "--as-of", id="option_without_value"),
        pytest.param(["doctor", "--frobnicate"], "--frobnicate", id="unknown_option"),
        pytest.param(["doctor", "--format", "xml"], "xml", id="unknown_format"),
        pytest.param(["--format", "xml", "doctor"], "xml", id="unknown_format_in_front"),
        pytest.param(["doctor", "--set"], "--set", id="set_without_anything"),
        pytest.param(["run", "--every", "hour"], "hour", id="unknown_choice"),
        pytest.param(["sources", "check", "a.yml", "--sample", "many"], "many", id="no_number"),
        pytest.param(["runs", "show", "a", "b"], "b", id="one_word_too_many"),
    ],
)
def test_refusals_end_with_code_2_and_a_last_line(
    ran: list[Run], capsys: pytest.CaptureFixture[str], words: list[str], said: str
):
    shown, last = refused(capsys, *words)
    assert said in shown
    assert list(last) == KEYS
    assert last["exit_code"] == 2
    assert ran == []


def test_all_wrong_settings_are_named_at_once(capsys: pytest.CaptureFixture[str]):
    said, _ = refused(capsys, "doctor", "--set", "model.segmets=3", "--set", "lake.bukets=4", "--env", "locl")
    assert all(word in said for word in ("model.segments", "lake.buckets", "local"))


@pytest.mark.parametrize("words", [["--version"], ["ingest", "--version"], ["--version", "--env", "nowhere"]])
def test_version(capsys: pytest.CaptureFixture[str], words: list[str]):
    assert main(words) == 0
    assert capsys.readouterr().out == f"omniseg {__version__}\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"], ["--env", "local", "--help"]])
def test_help_is_a_table_of_contents(capsys: pytest.CaptureFixture[str], words: list[str]):
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == contents().strip()


def test_help_lists_every_command_once_under_its_group():
    lines = contents().splitlines()
    starts = [lines.index(group) for group in GROUPS]
    assert starts == sorted(starts)
    for group, start, end in zip(GROUPS, starts, [*starts[1:], len(lines)], strict=True):
        for command in (item for item in LISTED if item.group == group):
            found = [
                i for i, line in enumerate(lines) if re.match(rf"  {command.name}  +{re.escape(command.help)}$", line)
            ]
            assert len(found) == 1, command.name
            assert start < found[0] < end


def test_help_lists_the_options_of_every_command():
    text = contents()
    assert all(action.option_strings[0] in text for action in shared_options()._actions)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], name: str):
    with pytest.raises(SystemExit) as ended:
        main([*name.split(), "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"omniseg {name}" in shown
    for argument in COMMANDS[name].arguments:
        assert (argument.flags[0] if argument.flags[0].startswith("-") else argument.details["metavar"]) in shown


def test_names_in_the_catalogue_are_unique_and_grouped():
    assert len(COMMANDS) == len(LISTED)
    assert {command.group for command in LISTED} == set(GROUPS)


def test_what_writes_takes_the_lock():
    writing = {"run", "ingest", "features", "train", "snapshot", "quarantine replay", "maintain", "snapshots reproduce"}
    assert {name for name, command in COMMANDS.items() if command.locks} == writing


def test_the_night_is_named_by_its_date():
    dated = {name for name, command in COMMANDS.items() if AS_OF in command.arguments}
    assert dated == {"ingest", "features", "train", "snapshot", "features verify"}


def test_every_command_has_one_job_file_and_every_job_file_a_command():
    jobs = {file.stem: JOB.findall(file.read_text(encoding="utf-8")) for file in (ROOT / "jobs").glob("*.py")}
    assert {stem: len(found) for stem, found in jobs.items() if len(found) != 1} == {}
    assert sorted(found[0] for found in jobs.values()) == sorted(COMMANDS)


def test_a_job_is_its_command_with_the_options_of_the_command_line(ran: list[Run], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["show_run.py", "r-1", "--format", "json"])
    with pytest.raises(SystemExit) as ended:
        cli.job("runs show")
    assert ended.value.code == 0
    assert (ran[0].command, ran[0].options["run"], ran[0].options["format"]) == ("runs show", "r-1", "json")


@pytest.mark.parametrize(
    ("verbose", "quiet", "level"),
    [(False, False, logging.INFO), (True, False, logging.DEBUG), (False, True, logging.WARNING)],
)
def test_our_own_log_lines_are_more_or_fewer(verbose: bool, quiet: bool, level: int):
    logger = logging.getLogger("omniseg")
    before = logger.level
    try:
        set_up_logging(verbose=verbose, quiet=quiet)
        assert logger.level == level
    finally:
        logger.setLevel(before)


def without_java(*words: str) -> subprocess.CompletedProcess[str]:
    """The finished process of the command where no Java can be found."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMNISEG", "SPARK"))}
    environment |= {"JAVA_HOME": "/nonexistent", "PATH": "/nonexistent"}
    command = [sys.executable, "-m", "omniseg", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["train", "--as-of", "2024-03-31", "--set", "model.segmets=3"], "model.segments", id="settings"),
        pytest.param(["ingets", "--as-of", "2024-03-31"], "ingest", id="command"),
        pytest.param(["run", "--as-of", "2024-03-31", "--frobnicate"], "--frobnicate", id="option"),
    ],
)
def test_a_refusal_starts_no_spark(words: list[str], said: str):
    """There is no Java here, so a session could not have been had."""
    done = without_java(*words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr and "JAVA" not in done.stderr.upper()
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 2


def test_the_table_of_contents_needs_no_java():
    done = without_java("--help")
    assert (done.returncode, done.stdout.strip()) == (0, contents().strip())
