from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from omniseg.privacy.redact import CARD, PHONE
from omniseg.settings.load import load_settings
from omniseg.settings.schema import Business
from omniseg.settings.sources import load_declarations
from tests.oracle import journey as oracle
from tests.simulate.landing import PACK, declaration, read_csv

CSV_FILES = {
    "campaign_contacts": "campaign_contacts_2017-03-08.csv",
    "coupon_redemptions": "coupon_redemptions_2017-01-01.csv",
    "households": "households_2017-01-01.csv",
    "campaigns": "campaign_descriptions_2017-01-01.csv",
}


class TestYear:
    def test_key_figures_are_those_of_the_package(self, delivered_till):
        found = delivered_till.sql(
            "SELECT count(*), count(DISTINCT household_id), count(DISTINCT basket_id), sum(sales_value) FROM till"
        ).fetchall()
        assert oracle.KeyFigures(*found[0]) == oracle.key_figures()
        assert found == [(1_469_307, 2_469, 155_848, Decimal("4596039.58"))]

    def test_basket_and_product_identify_a_line(self, delivered_till):
        repeated = "SELECT basket_id, product_id FROM till GROUP BY ALL HAVING count(*) > 1"
        assert delivered_till.sql(repeated).fetchall() == []

    def test_report_counts_what_lies_there(self, year):
        root, report = year
        counted = {feed.name: (feed.files, feed.rows) for feed in report.feeds}
        assert counted == {
            "till": (364, 1_469_307),
            "campaign_contacts": (25, 6_589),
            "coupon_redemptions": (263, 2_102),
            "households": (1, 801),
            "campaigns": (1, 27),
            "products": (1, 92_331),
        }
        assert report.written == sum(1 for path in root.rglob("*") if path.is_file())

    @pytest.mark.parametrize(
        ("pattern", "delimiter", "key"),
        [
            pytest.param("campaigns/*.csv", ";", ("campaign_id", "household_id"), id="contacts"),
            pytest.param(
                "coupons/*.csv", ",", ("household_id", "campaign_id", "coupon_upc", "redeemed_on"), id="redemptions"
            ),
        ],
    )
    def test_declared_event_ids_repeat_nowhere(self, year, pattern, delimiter, key):
        keys = [tuple(row[name] for name in key) for path in year[0].glob(pattern) for row in read_csv(path, delimiter)]
        assert len(keys) == len(set(keys)) > 2_000

    def test_amounts_are_the_doubles_rounded_to_cents(self):
        noise = (
            oracle.journey()
            .sql(
                """SELECT max(greatest(abs(sales_value - sales_value::DECIMAL(18, 2)::DOUBLE),
                                   abs(retail_disc - retail_disc::DECIMAL(18, 2)::DOUBLE),
                                   abs(coupon_disc - coupon_disc::DECIMAL(18, 2)::DOUBLE),
                                   abs(coupon_match_disc - coupon_match_disc::DECIMAL(18, 2)::DOUBLE)))
               FROM transactions"""
            )
            .fetchall()
        )
        assert 0 < noise[0][0] < 1e-12  # there is noise, and it is nowhere near half a cent


class TestPack:
    """The declarations agree with the delivered files and with the figures stated in docs/complete-journey.md."""

    @pytest.mark.parametrize("name", sorted(CSV_FILES))
    def test_csv_declaration_reads_the_delivered_header(self, year, name):
        declared = declaration(name)
        (path,) = year[0].rglob(CSV_FILES[name])
        assert path in set(year[0].glob(declared["path"].removeprefix("${landing.root}/")))
        header = read_csv(path, declared["options"]["sep"])[0].keys()
        used = set(re.findall(r"[a-z_]+", " ".join(declared["columns"].values())))
        assert declared["personal"] == ["household_id"] if "household_id" in header else "personal" not in declared
        assert header - used == set()  # every delivered column has a place

    def test_till_schema_names_every_delivered_field(self, delivered_till, year):
        (line,) = (json.loads(text.readline()) for text in [next(year[0].glob("till/2017/01/*")).open()])
        assert list(line) == delivered_till.sql("SELECT * FROM till LIMIT 1").columns

    def test_quantity_is_null_where_it_is_not_units(self, delivered_till):
        quantity = declaration("till")["columns"]["quantity"]
        nulls = delivered_till.sql(
            f"""SELECT count(*) FILTER (quantity = 0),
                       count(*) FILTER (quantity > 0), min(quantity) FILTER (quantity > 0)
                FROM till WHERE ({quantity}) IS NULL"""
        ).fetchall()
        assert nulls == [(8_869, 13_520, 10)]

    def test_quantity_rule_removes_fuel_alone(self, delivered_till):
        quantity = declaration("till")["columns"]["quantity"]
        removed = delivered_till.sql(
            f"SELECT DISTINCT product_id::BIGINT FROM till WHERE quantity > 0 AND ({quantity}) IS NULL"
        ).fetchall()
        fuel = oracle.journey().sql("SELECT product_id FROM products WHERE product_type LIKE 'GASOLINE%'").fetchall()
        assert set(removed) <= set(fuel)
        largest = delivered_till.sql(f"SELECT max({quantity}) FROM till").fetchall()
        assert largest == [(144,)]  # ears of corn

    def test_no_line_breaks_a_quality_rule(self, delivered_till):
        rules = [rule["expect"] for rule in declaration("till")["quality"]]
        broken = " OR ".join(f"({rule}) IS NOT TRUE" for rule in rules)
        assert delivered_till.sql(f"SELECT count(*) FROM till WHERE {broken}").fetchall() == [(0,)]

    def test_settings_are_valid_and_point_to_the_declarations(self):
        settings = load_settings(env="local", conf=str(PACK / "settings.yml"), sets=(), environ={})
        assert settings.business == Business(time_zone="America/New_York", currency="USD", holidays=None)
        assert settings.sources.dir == "conf:packs/complete_journey/sources"
        assert settings.consent.legal_basis

    def test_declarations_are_valid_and_meet_in_the_household(self):
        settings = load_settings(env="local", conf=str(PACK / "settings.yml"), sets=(), environ={})
        declared = load_declarations(settings.sources.dir, settings)
        of_persons = {item.name: item.identifier_pairs for item in declared if item.personal}
        assert len(declared) == 6
        assert set(of_persons) == {"till", "campaign_contacts", "coupon_redemptions", "customers"}
        assert set(of_persons.values()) == {(("household", "household_id"),)}

    def test_no_id_looks_like_a_number_to_redact(self, delivered_till):
        ids = (
            oracle.journey()
            .sql(
                """SELECT coupon_upc::VARCHAR FROM coupon_redemptions UNION SELECT product_id::VARCHAR FROM products
               UNION SELECT basket_id::VARCHAR FROM transactions"""
            )
            .fetchall()
        )
        assert [number for (number,) in ids if re.search(f"{CARD}|{PHONE}", number)] == []

    def test_every_redemption_has_a_basket_on_its_eastern_day(self):
        without = oracle.journey().sql("SELECT * FROM redemption ANTI JOIN line USING (household_id, day)").fetchall()
        assert without == []
