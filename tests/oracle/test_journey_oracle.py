from __future__ import annotations

from datetime import date, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.oracle import journey as oracle

AS_OF = date(2017, 6, 30)


@pytest.fixture(scope="module")
def features() -> dict[str, dict[str, Any]]:
    """Household id -> features on AS_OF."""
    return oracle.features_as_of(AS_OF)


class TestOracle:
    def test_one_household_by_hand(self, features):
        """Household 1,111 (the most lines), recomputed line by line in Python from the package."""
        eastern = ZoneInfo("America/New_York")
        bought = oracle.journey().sql(
            """SELECT transaction_timestamp, basket_id, sales_value::DECIMAL(18, 2)
               FROM transactions WHERE household_id = 1111"""
        )
        lines = [
            ((AS_OF - sold_at.replace(tzinfo=timezone.utc).astimezone(eastern).date()).days, *rest)
            for sold_at, *rest in bought.fetchall()
        ]
        found = features["1111"]
        assert found["recency_days"] == min(age for age, *_ in lines if age >= 0)
        for name, days in oracle.WINDOWS.items():
            inside = [line for line in lines if 0 <= line[0] < days]
            assert found[f"purchases_{name}"] == len({basket for _, basket, _ in inside})
            assert found[f"active_days_{name}"] == len({age for age, *_ in inside})
            assert found[f"monetary_{name}"] == sum((amount for *_, amount in inside), Decimal(0))

    def test_nothing_later_than_as_of_counts(self, features):
        sold = oracle.key_figures(until=AS_OF)
        assert sum(row["monetary_lifetime"] for row in features.values()) == sold.sales
        assert sum(row["purchases_lifetime"] for row in features.values()) == sold.baskets
        assert sum(row["campaign_contacts_lifetime"] for row in features.values()) == oracle.contacts(until=AS_OF)
        assert sum(row["coupon_redemptions_lifetime"] for row in features.values()) == oracle.redemptions(until=AS_OF)

    def test_window_holds_both_ends(self, features):
        first_day, day_before = date(2017, 6, 1), date(2017, 5, 31)
        monetary = sum(row["monetary_30d"] for row in features.values())
        assert monetary == oracle.key_figures(first_day, AS_OF).sales
        assert monetary < oracle.key_figures(day_before, AS_OF).sales

    def test_department_shares_add_up(self, features):
        for row in features.values():
            total = sum(row["department_share_90d"].values())
            assert total == pytest.approx(1 if row["monetary_90d"] else 0)

    def test_household_with_contacts_alone_has_no_recency(self):
        features = oracle.features_as_of(date(2016, 12, 31))
        assert {row["recency_days"] for row in features.values()} == {None}
        assert len(features) > 100
