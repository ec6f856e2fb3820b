"""`omniseg demo` begins with two things at once: files are delivered while Spark starts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from omniseg.commands import demo
from omniseg.errors import EnvironmentRefused
from omniseg.runtime import Run
from omniseg.simulate.journey import DeliveryReport, FeedReport

REPORT = DeliveryReport((FeedReport("till", 2, 30, 1),))
PATIENCE = 60  # seconds for which one half waits for the other
Half = Callable[[], None]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Half, Half], Run]:
    """Run the demo up to the night, with these two in the place of Spark's start and of the delivery."""

    def begun(starting: Half, delivering: Half) -> Run:
        def build_session(*_: object, **__: object) -> MagicMock:
            starting()
            return MagicMock()

        def delivered(_: Run) -> DeliveryReport:
            delivering()
            return REPORT

        monkeypatch.setattr("omniseg.runtime.build_session", build_session)
        monkeypatch.setattr(demo, "delivered", delivered)
        monkeypatch.setattr(demo, "locked", lambda run, _: setattr(run, "exit_code", 6))
        run = Run("demo", demo.demo_settings(tmp_path), {"dir": str(tmp_path), "format": "table"})
        demo.demo(run)
        return run

    return begun


def nothing() -> None:
    """A half that has nothing to do."""


def fails() -> None:
    """A half that cannot do its work here."""
    raise EnvironmentRefused("not here")


def test_each_half_goes_on_while_the_other_does(begin, capsys: pytest.CaptureFixture[str]):
    starts, delivers = threading.Event(), threading.Event()
    met: list[bool] = []

    def meet(mine: threading.Event, other: threading.Event) -> None:
        mine.set()
        met.append(other.wait(PATIENCE))

    run = begin(lambda: meet(starts, delivers), lambda: meet(delivers, starts))
    assert met == [True, True]
    assert run.status == "ok"
    assert capsys.readouterr().out.split()[:6] == ["till", "2", "files", "30", "rows,", "1"]


def test_spark_starts_with_the_keys(begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = ("OMNISEG_PSEUDONYM_KEY", "OMNISEG_VAULT_KEY")
    for name in names:
        monkeypatch.setenv(name, "restored after the test")
        monkeypatch.delenv(name)
    monkeypatch.setattr("omniseg.runtime.key_folder", lambda: tmp_path / "keys")
    seen: dict[str, str] = {}
    begin(lambda: seen.update(os.environ), nothing)
    assert len({seen[name] for name in names}) == 2


@pytest.mark.parametrize("halves", [(fails, nothing), (nothing, fails)], ids=["spark", "delivery"])
def test_a_half_that_fails_ends_the_demo(begin, halves: tuple[Half, Half]):
    with pytest.raises(EnvironmentRefused, match="not here"):
        begin(*halves)
