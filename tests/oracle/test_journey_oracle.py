from __future__ import annotations

from datetime import date, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.oracle import journey as oracle


class TestOracle:
    AS_OF = date(2017, 6, 30)

    def test_one_household_by_hand(self):
        """Household 1,111 (the most lines), recomputed line by line in Python from the package."""
        eastern = ZoneInfo("America/New_York")
        bought = oracle.journey().sql(
            """SELECT transaction_timestamp, basket_id, sales_value::DECIMAL(18, 2)
               FROM transactions WHERE household_id = 1111"""
        )
        lines = [
            ((self.AS_OF - sold_at.replace(tzinfo=timezone.utc).astimezone(eastern).date()).days, *rest)
            for sold_at, *rest in bought.fetchall()
        ]
        found = oracle.features_as_of(self.AS_OF)["1111"]
        assert found["recency_days"] == min(age for age, *_ in lines if age >= 0)
        for name, days in oracle.WINDOWS.items():
            inside = [line for line in lines if 0 <= line[0] < days]
            assert found[f"purchases_{name}"] == len({basket for _, basket, _ in inside})
            assert found[f"active_days_{name}"] == len({age for age, *_ in inside})
            assert found[f"monetary_{name}"] == sum((amount for *_, amount in inside), Decimal(0))

    def test_nothing_later_than_as_of_counts(self):
        features = oracle.features_as_of(self.AS_OF).values()
        sold = oracle.key_figures(until=self.AS_OF)
        assert sum(row["monetary_lifetime"] for row in features) == sold.sales
        assert sum(row["purchases_lifetime"] for row in features) == sold.baskets
        assert sum(row["campaign_contacts_lifetime"] for row in features) == oracle.contacts(until=self.AS_OF)
        assert sum(row["coupon_redemptions_lifetime"] for row in features) == oracle.redemptions(until=self.AS_OF)

    def test_window_holds_both_ends(self):
        features = oracle.features_as_of(self.AS_OF).values()
        first_day, day_before = date(2017, 6, 1), date(2017, 5, 31)
        monetary = sum(row["monetary_30d"] for row in features)
        assert monetary == oracle.key_figures(first_day, self.AS_OF).sales
        assert monetary < oracle.key_figures(day_before, self.AS_OF).sales

    def test_department_shares_add_up(self):
        for row in oracle.features_as_of(self.AS_OF).values():
            total = sum(row["department_share_90d"].values())
            assert total == pytest.approx(1 if row["monetary_90d"] else 0)

    def test_household_with_contacts_alone_has_no_recency(self):
        features = oracle.features_as_of(date(2016, 12, 31))
        assert {row["recency_days"] for row in features.values()} == {None}
        assert len(features) > 100
