from __future__ import annotations

import shutil
from datetime import date

import pytest

from omniseg.simulate.journey import deliver
from tests.simulate.landing import MONDAY, SUNDAY, files, quiet, state


class TestRedelivery:
    def test_second_delivery_touches_nothing(self, tmp_path):
        first = deliver(tmp_path, since=MONDAY, until=MONDAY, progress=quiet)
        before = state(tmp_path)
        second = deliver(tmp_path, since=MONDAY, until=MONDAY, progress=quiet)
        assert state(tmp_path) == before
        assert (first.written, second.written) == (len(before), 0)
        assert [feed.rows for feed in second.feeds] == [feed.rows for feed in first.feeds]

    def test_next_day_adds_and_touches_nothing_else(self, tmp_path):
        deliver(tmp_path, since=MONDAY, until=MONDAY, progress=quiet)
        before = state(tmp_path)
        report = deliver(tmp_path, since=MONDAY, until=date(2017, 3, 7), progress=quiet)
        after = state(tmp_path)
        assert {path: seen for path, seen in after.items() if path in before} == before
        assert report.written == len(after) - len(before) > 0

    def test_same_bytes_in_every_landing_zone(self, week, tmp_path):
        deliver(tmp_path, since=MONDAY, until=SUNDAY, progress=quiet)
        assert files(tmp_path) == files(week[0])

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(lambda content: content[:-1], id="cut_short"),
            pytest.param(lambda content: content[:-1] + b" ", id="same_length"),
            pytest.param(lambda content: b"", id="empty"),
        ],
    )
    def test_damaged_file_is_replaced(self, week, tmp_path, damage):
        shutil.copytree(week[0], tmp_path, dirs_exist_ok=True)
        damaged = tmp_path / "crm/households_2017-01-01.csv"
        damaged.write_bytes(damage(damaged.read_bytes()))
        assert deliver(tmp_path, since=MONDAY, until=SUNDAY, progress=quiet).written == 1
        assert files(tmp_path) == files(week[0])

    def test_half_written_file_of_a_killed_delivery_is_cleared(self, week, tmp_path):
        left_over = tmp_path / "crm/.households_2017-01-01.csv.tmp"
        left_over.parent.mkdir()
        left_over.write_bytes(b"household_id,ag")
        deliver(tmp_path, since=MONDAY, until=SUNDAY, progress=quiet)
        assert files(tmp_path) == files(week[0])
