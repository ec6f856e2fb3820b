"""How a run ends: its exit code, its last line, its rows in ops.runs, and what the person at the terminal sees."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from omniseg import errors
from omniseg.errors import ConfigError, OmnisegError
from omniseg.ingest.accounting import Account, Tally
from omniseg.lake.bounded import bounded
from omniseg.lake.locks import Lease
from omniseg.lake.store import Lake
from omniseg.runtime import Run, execute, key_folder, last_line_of_refusal, parse_date, progress, provide_keys
from omniseg.settings.load import load_settings
from omniseg.tables import LOCKS, RUNS

KEYS = ["run_id", "command", "as_of", "status", "exit_code", "seconds", "snapshot_id", "counts"]
COUNTS = ["read", "accepted", "duplicates", "quarantined", "suppressed"]
CODES = {
    "ConfigError": 2,
    "ContractError": 3,
    "AccountingError": 4,
    "ReproduceError": 5,
    "ModelRefused": 6,
    "AuditFailed": 7,
    "MonitoringBreach": 8,
    "LockHeld": 9,
    "EnvironmentRefused": 10,
    "StorageFailed": 12,
}
Raise = Callable[[BaseException], Callable[[Run], None]]


def made(command: str = "ingest", *sets: str, lake: Lake | None = None, as_of: date | None = None) -> Run:
    """A run that has not begun."""
    settings = load_settings(env="local", conf=None, sets=list(sets), environ={})
    return Run(command, settings, {"format": "table"}, as_of, given_lake=lake)


def nothing(run: Run) -> None:
    """A command that does nothing."""


def raising(error: BaseException) -> Callable[[Run], None]:
    """A command that ends with `error`."""

    def command(run: Run) -> None:
        raise error

    return command


def last(text: str) -> dict[str, Any]:
    """The last line of what was printed."""
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


@pytest.fixture
def keys(spark: SparkSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keys are set, and where a laptop would keep its own is a folder of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "share" / "omniseg" / "keys"


def test_the_last_line_has_the_documented_keys_in_order(capsys: pytest.CaptureFixture[str]):
    run = made("ingest", as_of=date(2024, 3, 31))
    run.accounts = [Account("till", read=Tally(5), accepted=Tally(3), duplicates=Tally(1), quarantined=Tally(1))]
    run.snapshot_id = "2024-03-31-0123456789ab"
    assert execute(run, nothing, locks=False) == 0
    found = last(capsys.readouterr().out)
    assert list(found) == KEYS
    assert (found["run_id"], found["command"], found["as_of"]) == (run.run_id, "ingest", "2024-03-31")
    assert (found["status"], found["exit_code"], found["snapshot_id"]) == ("ok", 0, "2024-03-31-0123456789ab")
    assert found["counts"] == {"till": dict(zip(COUNTS, [5, 3, 1, 1, 0], strict=True))}
    assert list(found["counts"]["till"]) == COUNTS
    assert found["seconds"] >= 0


def test_what_does_not_apply_is_null_or_empty(capsys: pytest.CaptureFixture[str]):
    execute(made("doctor"), nothing, locks=False)
    found = last(capsys.readouterr().out)
    assert (found["as_of"], found["snapshot_id"], found["counts"]) == (None, None, {})


def test_results_come_before_the_last_line(capsys: pytest.CaptureFixture[str]):
    execute(made("doctor"), lambda run: run.say("a result"), locks=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a result"
    assert len(lines) == 2


def test_nothing_new_is_a_success(capsys: pytest.CaptureFixture[str]):
    def quiet(run: Run) -> None:
        run.status = "nothing_new"

    assert execute(made(), quiet, locks=False) == 0
    assert last(capsys.readouterr().out)["status"] == "nothing_new"


def test_every_error_class_has_its_documented_code():
    classes = {
        item.__name__: item.exit_code for item in OmnisegError.__subclasses__() if item.__module__ == errors.__name__
    }
    assert classes == CODES


@pytest.mark.parametrize(("name", "code"), list(CODES.items()))
def test_exit_codes(name: str, code: int, capsys: pytest.CaptureFixture[str]):
    error: OmnisegError = getattr(errors, name)("what was found and what to do")
    run = made("train")
    assert execute(run, raising(error), locks=False) == code == run.exit_code
    shown = capsys.readouterr()
    assert shown.err == "omniseg train: what was found and what to do\n"
    assert (last(shown.out)["status"], last(shown.out)["exit_code"]) == ("refused", code)
    assert run.detail == "what was found and what to do"


def test_all_problems_are_shown(capsys: pytest.CaptureFixture[str]):
    problems = [
        errors.Problem("a.yml:3", "model.segments", "'x'", "a number"),
        errors.Problem("--set", "b", "1", "2", "c"),
    ]
    assert execute(made(), raising(ConfigError(problems)), locks=False) == 2
    assert capsys.readouterr().err.splitlines() == [
        "omniseg ingest: a.yml:3: model.segments: found 'x', expected a number",
        "--set: b: found 1, expected 2; did you mean 'c'?",
    ]


def test_a_bug_is_code_1_with_its_stack_trace_on_stderr(capsys: pytest.CaptureFixture[str]):
    run = made()
    assert execute(run, raising(ZeroDivisionError("by nothing")), locks=False) == 1
    shown = capsys.readouterr()
    assert "Traceback" in shown.err and "ZeroDivisionError: by nothing" in shown.err
    assert "Traceback" not in shown.out
    assert (last(shown.out)["status"], run.detail) == ("bug", "ZeroDivisionError")


def test_an_interrupt_is_code_130_without_stack_trace(capsys: pytest.CaptureFixture[str]):
    assert execute(made(), raising(KeyboardInterrupt()), locks=False) == 130
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert last(shown.out)["status"] == "interrupted"


def test_counts_of_a_refused_run_are_shown_all_the_same(capsys: pytest.CaptureFixture[str]):
    def refuse(run: Run) -> None:
        run.accounts = [Account("till", read=Tally(7))]
        raise errors.AccountingError("the law is broken")

    assert execute(made(), refuse, locks=False) == 4
    assert last(capsys.readouterr().out)["counts"]["till"]["read"] == 7


def test_a_refusal_before_the_run_has_the_same_keys():
    found = json.loads(last_line_of_refusal("ingest", ConfigError("wrong")))
    assert list(found) == KEYS
    assert (found["run_id"], found["command"], found["status"], found["exit_code"]) == (None, "ingest", "refused", 2)


def test_run_ids_name_command_and_second_and_never_repeat():
    runs = [made("quarantine replay") for _ in range(20)]
    assert len({run.run_id for run in runs}) == 20
    assert all(re.fullmatch(r"quarantine-replay-\d{8}T\d{6}-[0-9a-f]{6}", run.run_id) for run in runs)
    assert f"{runs[0].started:%Y%m%dT%H%M%S}" in runs[0].run_id


def test_a_given_run_id_is_kept():
    settings = load_settings(env="local", conf=None, sets=[], environ={})
    assert Run("ingest", settings, {}, run_id="mine").run_id == "mine"


def test_runs_begin_now_in_utc():
    assert made().started.tzinfo is timezone.utc
    assert abs((datetime.now(timezone.utc) - made().started).total_seconds()) < 3600


def test_a_given_warehouse_is_used(lake: Lake):
    run = made(lake=lake)
    assert run.lake is lake
    assert run.spark is lake.spark


def test_steps_are_named_in_spark_and_the_name_goes_with_the_step(lake: Lake):
    run = made(lake=lake)
    context = run.spark.sparkContext
    with run.step("features"):
        inside = context.getLocalProperty("spark.job.description")
    assert inside == f"{run.run_id}: features"
    assert not context.getLocalProperty("spark.job.description")


def test_the_name_goes_after_a_failure_too(lake: Lake):
    run = made(lake=lake)
    with pytest.raises(RuntimeError, match="broken"), run.step("features"):
        raise RuntimeError("broken")
    assert not run.spark.sparkContext.getLocalProperty("spark.job.description")


def test_progress_says_what_goes_on_and_what_is_done(caplog: pytest.LogCaptureFixture):
    with caplog.at_level("INFO", logger="omniseg"), progress("reading"):
        assert [record.getMessage() for record in caplog.records] == ["… reading"]
    assert re.fullmatch(r"✓ reading \(\d+\.\d s\)", caplog.records[-1].getMessage())


def test_a_failed_step_is_not_called_done(caplog: pytest.LogCaptureFixture):
    with caplog.at_level("INFO", logger="omniseg"), pytest.raises(RuntimeError), progress("reading"):
        raise RuntimeError("broken")
    assert [record.getMessage() for record in caplog.records] == ["… reading"]


def test_a_locked_run_records_each_source_and_gives_the_lock_back(lake: Lake, keys: Path):
    def command(run: Run) -> None:
        assert bounded(lake.read(LOCKS), 2)[0].holder == run.run_id
        run.batch_id = 5
        run.accounts = [
            Account("till", read=Tally(5), accepted=Tally(4), quarantined=Tally(1), unattributed=2, bots=1),
            Account("web", read=Tally(3), duplicates=Tally(3)),
        ]

    run = made(lake=lake, as_of=date(2024, 3, 31))
    assert execute(run, command, locks=True) == 0
    rows = {row.source: row for row in bounded(lake.read(RUNS), 10)}
    assert set(rows) == {"till", "web"}
    till, web = rows["till"], rows["web"]
    assert [till[name] for name in [*COUNTS, "unattributed", "bots"]] == [5, 4, 0, 1, 0, 2, 1]
    assert [web[name] for name in [*COUNTS, "unattributed", "bots"]] == [3, 0, 3, 0, 0, 0, 0]
    for row in rows.values():
        assert (row.run_id, row.command, row.as_of) == (run.run_id, "ingest", date(2024, 3, 31))
        assert (row.batch_id, row.exit_code, row.detail) == (5, 0, None)
        assert 0 <= row.seconds == round(row.seconds, 3)
    assert bounded(lake.read(LOCKS), 2)[0].holder == ""


@pytest.mark.parametrize(
    ("error", "code", "detail"),
    [
        pytest.param(errors.AuditFailed("share too small"), 7, "share too small", id="refused"),
        pytest.param(ZeroDivisionError("by nothing"), 1, "ZeroDivisionError", id="bug"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="interrupted"),
    ],
)
def test_every_bad_end_of_a_locked_run_is_recorded_too(
    lake: Lake, keys: Path, error: BaseException, code: int, detail: str
):
    assert execute(made("snapshot", lake=lake), raising(error), locks=True) == code
    (row,) = bounded(lake.read(RUNS), 10)
    assert (row.command, row.source, row.exit_code, row.detail) == ("snapshot", "(all)", code, detail)
    assert bounded(lake.read(LOCKS), 2)[0].holder == ""


def test_an_unlocked_run_writes_nothing(lake: Lake):
    assert execute(made("runs list", lake=lake), nothing, locks=False) == 0
    assert not Path(lake.root).exists()


def test_the_second_run_is_told_who_holds_the_lock_and_does_nothing(
    lake: Lake, keys: Path, capsys: pytest.CaptureFixture[str]
):
    run = made(lake=lake)
    called: list[Run] = []
    with Lease(lake, "the-first-run", 900):
        assert execute(run, called.append, locks=True) == 9
    shown = capsys.readouterr()
    assert "the-first-run" in shown.err and "Nothing was changed" in shown.err
    assert last(shown.out)["exit_code"] == 9
    assert called == []
    assert not lake.exists(RUNS)


NAMES = ("OMNISEG_PSEUDONYM_KEY", "OMNISEG_VAULT_KEY")


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No key is set; a laptop's would be made below the returned folder."""
    for name in NAMES:
        monkeypatch.setenv(name, "gone-with-the-test")  # so that what the test sets is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "share" / "omniseg" / "keys"


def test_a_laptop_makes_both_keys_once(unset: Path):
    provide_keys(made().settings)
    first = {name: os.environ.pop(name) for name in NAMES}
    provide_keys(made().settings)
    assert {name: os.environ[name] for name in NAMES} == first
    assert len(set(first.values())) == 2
    assert {stat.S_IMODE((unset / name).stat().st_mode) for name in NAMES} == {0o600}


def test_elsewhere_an_unset_key_is_refused_and_none_is_made(unset: Path):
    settings = load_settings(env="local", conf=None, sets=[], environ={})
    cluster = type(settings)(**{**{name: getattr(settings, name) for name in vars(settings)}, "profile": "cluster"})
    with pytest.raises(ConfigError, match=NAMES[0]):
        provide_keys(cluster)
    assert not unset.exists()


def test_keys_lie_apart_from_the_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert key_folder() == tmp_path / ".local" / "share" / "omniseg" / "keys"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    assert key_folder() == tmp_path / "elsewhere" / "omniseg" / "keys"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2024-03-31", date(2024, 3, 31), id="day"),
        pytest.param("2024-02-29", date(2024, 2, 29), id="leap_day"),
        pytest.param("0001-01-01", date(1, 1, 1), id="first_day_of_all"),
    ],
)
def test_parse_date(text: str, expected: date):
    assert parse_date(text, "--as-of") == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("yesterday", id="word"),
        pytest.param("2024-02-30", id="no_such_day"),
        pytest.param("2023-02-29", id="no_leap_year"),
        pytest.param("31.03.2024", id="german"),
        pytest.param("2024-3-1", id="one_digit"),
        pytest.param("20240331", id="without_dashes"),
        pytest.param("2024-W13-7", id="week_date"),
        pytest.param("2024-03-31T00:00:00", id="moment"),
        pytest.param(" 2024-03-31", id="space"),
    ],
)
def test_what_is_no_date_is_refused_by_its_option(text: str):
    with pytest.raises(ConfigError) as refused:
        parse_date(text, "--from")
    (problem,) = refused.value.problems
    assert (problem.where, problem.key, problem.found) == ("command line", "--from", repr(text))
    assert "YYYY-MM-DD" in problem.expected
