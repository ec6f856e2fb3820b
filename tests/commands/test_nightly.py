"""The dates of a night's work: one date, or a range by days, weeks or month-ends. Needs no Spark."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from omniseg.commands.nightly import dates, stepped
from omniseg.errors import ConfigError
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.settings.schema import Settings


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The settings of a laptop."""
    return load_settings(env="local", conf=None, sets=(), environ={})


def run(settings: Settings, as_of: str | None, **options: Any) -> Run:
    """A run with these options on its command line."""
    return Run("run", settings, options, date.fromisoformat(as_of) if as_of else None)


def found(start: str, end: str, every: str) -> list[str]:
    """The dates of a range."""
    return [str(day) for day in stepped(date.fromisoformat(start), date.fromisoformat(end), every)]


@pytest.mark.parametrize(
    ("start", "end", "every", "expected"),
    [
        pytest.param("2024-02-28", "2024-03-01", "day", ["2024-02-28", "2024-02-29", "2024-03-01"], id="leap_day"),
        pytest.param("2024-03-05", "2024-03-05", "day", ["2024-03-05"], id="one_day"),
        pytest.param("2024-03-05", "2024-03-04", "day", [], id="backwards_is_nothing"),
        pytest.param("2024-03-01", "2024-03-15", "week", ["2024-03-01", "2024-03-08", "2024-03-15"], id="weeks"),
        pytest.param("2024-03-01", "2024-03-14", "week", ["2024-03-01", "2024-03-08"], id="week_that_is_not_full"),
        pytest.param("2023-12-31", "2024-02-29", "month", ["2023-12-31", "2024-01-31", "2024-02-29"], id="month_ends"),
        pytest.param("2023-02-01", "2023-03-30", "month", ["2023-02-28"], id="february_has_28_days"),
        pytest.param("2024-03-01", "2024-03-30", "month", [], id="no_month_ends_in_it"),
        pytest.param("2024-03-31", "2024-03-31", "month", ["2024-03-31"], id="month_end_alone"),
    ],
)
def test_steps(start: str, end: str, every: str, expected: list[str]):
    assert found(start, end, every) == expected


def test_one_date(settings: Settings):
    assert dates(run(settings, "2024-03-31")) == [date(2024, 3, 31)]


def test_a_range_goes_by_days_where_nothing_is_said(settings: Settings):
    assert dates(run(settings, None, first="2024-03-30", last="2024-04-01")) == [
        date(2024, 3, 30),
        date(2024, 3, 31),
        date(2024, 4, 1),
    ]


def test_a_range_of_months(settings: Settings):
    found = dates(run(settings, None, first="2017-10-31", last="2017-12-31", every="month"))
    assert [day.month for day in found] == [10, 11, 12]


@pytest.mark.parametrize(
    ("as_of", "options", "words"),
    [
        pytest.param(None, {}, "neither", id="neither"),
        pytest.param("2024-03-31", {"first": "2024-03-01", "last": "2024-03-31"}, "found both", id="both"),
        pytest.param("2024-03-31", {"first": "2024-03-01"}, "found both", id="date_and_half_a_range"),
        pytest.param("2024-03-31", {"last": "2024-03-01"}, "half a range", id="date_and_the_end_of_a_range"),
        pytest.param(None, {"first": "2024-03-01"}, "half a range", id="from_alone"),
        pytest.param(None, {"last": "2024-03-01"}, "half a range", id="to_alone"),
        pytest.param(None, {"first": "2024-03-02", "last": "2024-03-01"}, "not before --from", id="backwards"),
        pytest.param(None, {"first": "yesterday", "last": "2024-03-01"}, "--from: found 'yesterday'", id="no_date"),
        pytest.param(None, {"first": "2024-03-01", "last": "2024-02-30"}, "--to: found '2024-02-30'", id="no_such_day"),
    ],
)
def test_refused_dates(settings: Settings, as_of: str | None, options: dict[str, str], words: str):
    with pytest.raises(ConfigError, match=words) as refused:
        dates(run(settings, as_of, **options))
    assert refused.value.exit_code == 2
