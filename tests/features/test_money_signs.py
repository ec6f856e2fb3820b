"""Signs of money (D08): returns before, above and without a sale, zero prices, full discounts, voids; base vector."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from tests.features.rows import AS_OF, shipped, vectors_of

NAMES = ("monetary_365d", "purchases_365d", "average_order_value", "return_share", "discount_share")


def bought(amount: str, day: int = 5, **more: Any) -> dict[str, Any]:
    """A purchase so many days before as_of."""
    return {"amount": Decimal(amount), "quantity": Decimal(1), "event_date": AS_OF - timedelta(days=day), **more}


def returned(amount: str, day: int = 5, **more: Any) -> dict[str, Any]:
    """A return, of a negative quantity and value."""
    return {**bought(amount, day), "event_type": "return", "quantity": Decimal(-1), **more}


# case → events and, in the order of NAMES, what they come to
CASES: Mapping[str, tuple[list[dict[str, Any]], tuple[Any, ...]]] = {
    "return_after_its_sale": ([bought("30"), returned("-10", 2)], (20, 1, 30.0, 0.3333333333, 0.0)),
    "return_before_its_sale": ([returned("-10", 9), bought("30")], (20, 1, 30.0, 0.3333333333, 0.0)),
    "return_above_its_sale": ([bought("10"), returned("-25", 2)], (-15, 1, 10.0, 2.5, 0.0)),
    "return_of_a_sale_before_the_year": ([bought("10", 400), returned("-10", 2)], (-10, 0, None, None, None)),
    "return_without_a_sale": ([returned("-5")], (-5, 0, None, None, None)),
    "zero_price": ([bought("0")], (0, 1, 0.0, None, None)),
    "full_discount": ([bought("0", discount=Decimal(30))], (0, 1, 0.0, None, 1.0)),
    "half_discount": ([bought("30", discount=Decimal(30))], (30, 1, 30.0, 0.0, 0.5)),
    "void": ([bought("10"), returned("-10")], (0, 1, 10.0, 1.0, 0.0)),
    "no_rate_yet": ([bought("10"), {**bought("0", 3), "order_id": "o2", "amount": None}], (10, 2, 5.0, 0.0, 0.0)),
}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, Row]:
    """The vector of each case's customer."""
    return vectors_of(spark, {case: given for case, (given, _) in CASES.items()}, shipped("features.yml"))


@pytest.mark.parametrize("case", CASES)
def test_D08_sums_and_shares(found: dict[str, Row], case: str):
    assert tuple(found[case][name] for name in NAMES) == CASES[case][1]


@pytest.mark.parametrize("case", CASES)
def test_D08_what_holds_of_every_customer(found: dict[str, Row], case: str):
    row = found[case]
    gross, back = row["purchase_value_365d"], row["returned_value_365d"]
    assert gross >= 0 >= back
    assert row["monetary_365d"] == gross + back
    assert (row["average_order_value"] is None) == (row["purchases_365d"] == 0)
    assert row["discount_share"] is None or 0 <= row["discount_share"] <= 1
