"""Keys come from the environment alone; a laptop makes its own once, readable by its owner alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from omniseg.errors import ConfigError
from omniseg.privacy.keys import SHORTEST, fingerprint, key, provide_local_key

NAME = "OMNISEG_TEST_KEY"
LONG = "a-key-that-is-long-enough-0123456789"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(None, "nothing", id="unset"),
        pytest.param("", "nothing", id="empty"),
        pytest.param("a", "1 characters", id="one_character"),
        pytest.param("k" * (SHORTEST - 1), f"{SHORTEST - 1} characters", id="one_character_short"),
    ],
)
def test_a_missing_or_guessable_key_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str | None, found: str):
    monkeypatch.delenv(NAME, raising=False)
    if value is not None:
        monkeypatch.setenv(NAME, value)
    with pytest.raises(ConfigError) as refused:
        key(NAME)
    (problem,) = refused.value.problems
    assert (problem.where, problem.key, problem.found) == ("environment", NAME, found)
    assert str(SHORTEST) in problem.expected


def test_a_short_key_is_not_repeated_in_the_message(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(NAME, "hush-hush")
    with pytest.raises(ConfigError) as refused:
        key(NAME)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("k" * SHORTEST, b"k" * SHORTEST, id="shortest_that_counts"),
        pytest.param("ключ-из-букв-длинный", "ключ-из-букв-длинный".encode(), id="other_scripts_as_utf8"),
    ],
)
def test_a_key_is_the_bytes_of_its_text(monkeypatch: pytest.MonkeyPatch, value: str, expected: bytes):
    monkeypatch.setenv(NAME, value)
    assert key(NAME) == expected


def test_fingerprints_tell_keys_apart_and_are_repeatable(monkeypatch: pytest.MonkeyPatch):
    seen = []
    for value in (LONG, LONG + "x", LONG.upper(), LONG):
        monkeypatch.setenv(NAME, value)
        seen.append(fingerprint(NAME))
    assert seen[0] == seen[3]
    assert len(set(seen)) == 3


def test_a_fingerprint_is_of_the_key_not_of_its_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(NAME, LONG)
    monkeypatch.setenv(NAME + "_TOO", LONG)
    assert fingerprint(NAME) == fingerprint(NAME + "_TOO")


def test_a_fingerprint_reveals_nothing_of_the_key(monkeypatch: pytest.MonkeyPatch):
    hexadecimal = "0123456789abcdef" * 2
    monkeypatch.setenv(NAME, hexadecimal)
    shown = fingerprint(NAME)
    assert len(shown) == 16 and int(shown, 16) >= 0
    assert shown not in hexadecimal
    assert not any(hexadecimal[i : i + 8] in shown for i in range(len(hexadecimal) - 7))


def test_a_fingerprint_needs_a_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(NAME, raising=False)
    with pytest.raises(ConfigError, match=NAME):
        fingerprint(NAME)


def test_a_laptop_makes_its_key_for_its_owner_alone(tmp_path: Path):
    environ: dict[str, str] = {}
    file = provide_local_key(NAME, tmp_path / "share" / "keys", environ)
    assert file == tmp_path / "share" / "keys" / NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert len(environ[NAME]) == 64
    assert environ[NAME] == file.read_text()


def test_a_wide_umask_does_not_open_the_file(tmp_path: Path):
    before = os.umask(0)
    try:
        file = provide_local_key(NAME, tmp_path / "keys", {})
    finally:
        os.umask(before)
    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_second_run_reads_the_key_of_the_first(tmp_path: Path):
    first: dict[str, str] = {}
    second: dict[str, str] = {}
    provide_local_key(NAME, tmp_path, first)
    made = (tmp_path / NAME).stat().st_mtime_ns
    provide_local_key(NAME, tmp_path, second)
    assert first == second
    assert (tmp_path / NAME).stat().st_mtime_ns == made


def test_two_keys_of_one_laptop_differ(tmp_path: Path):
    environ: dict[str, str] = {}
    provide_local_key(NAME, tmp_path, environ)
    provide_local_key(NAME + "_TOO", tmp_path, environ)
    assert environ[NAME] != environ[NAME + "_TOO"]


def test_a_key_that_is_set_wins_and_no_file_is_made(tmp_path: Path):
    environ = {NAME: LONG}
    assert provide_local_key(NAME, tmp_path / "keys", environ) is None
    assert environ == {NAME: LONG}
    assert not (tmp_path / "keys").exists()


def test_a_file_that_the_owner_wrote_with_an_editor_is_taken_without_its_line_end(tmp_path: Path):
    (tmp_path / NAME).write_text(f"{LONG}\n")
    environ: dict[str, str] = {}
    provide_local_key(NAME, tmp_path, environ)
    assert environ[NAME] == LONG
