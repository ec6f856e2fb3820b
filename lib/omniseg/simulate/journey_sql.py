"""The queries behind the delivery of the Complete Journey data: one row per delivered record, in delivery order.

Each starts from the package's tables (transactions, campaigns, ...). The first column is the delivery day.
"""

from __future__ import annotations

from datetime import date

MASTERS_EXPORTED_ON = date(2017, 1, 1)  # masters carry no date of their own; one export at the start of the year

# Instants are UTC; a store's day is that of the Eastern wall clock.
# Amounts are doubles with noise below 2e-15, so that two decimals are exact.
TILL = """
CREATE TEMP TABLE till AS
SELECT * FROM (
    SELECT CAST((transaction_timestamp AT TIME ZONE 'UTC') AT TIME ZONE 'America/New_York' AS DATE) AS day,
           basket_id, household_id, store_id, product_id, quantity,
           CAST(sales_value AS DECIMAL(18, 2)) AS sales_value,
           CAST(retail_disc AS DECIMAL(18, 2)) AS retail_disc,
           CAST(coupon_disc AS DECIMAL(18, 2)) AS coupon_disc,
           CAST(coupon_match_disc AS DECIMAL(18, 2)) AS coupon_match_disc,
           transaction_timestamp AS sold_at
    FROM transactions
    WHERE transaction_timestamp BETWEEN $since AND $until + INTERVAL 2 DAY -- lets Parquet skip; the days decide below
) WHERE day BETWEEN $since AND $until
"""

TILL_MONTHS = "SELECT DISTINCT date_trunc('month', day) AS month FROM till ORDER BY month"

# Ids are numbers in the package and amounts are decimals, so no value needs JSON's escapes.
TILL_FILES = """
SELECT day, count(*), string_agg(
           '{"basket_id":"' || basket_id || '","household_id":"' || household_id
           || '","store_id":"' || store_id || '","product_id":"' || product_id
           || '","quantity":' || quantity || ',"sales_value":' || sales_value
           || ',"retail_disc":' || retail_disc || ',"coupon_disc":' || coupon_disc
           || ',"coupon_match_disc":' || coupon_match_disc
           || ',"sold_at":"' || strftime(sold_at, '%Y-%m-%dT%H:%M:%SZ') || '"}' || chr(10),
           '' ORDER BY sold_at, basket_id, product_id)
FROM till WHERE date_trunc('month', day) = ? GROUP BY day ORDER BY day
"""

CONTACTS = """
SELECT * FROM (
    SELECT CAST(start_date AS DATE) AS day, campaign_id, household_id, campaign_type,
           CAST(start_date AS DATE) AS contacted_on
    FROM campaigns JOIN campaign_descriptions USING (campaign_id)
) WHERE day BETWEEN $since AND $until ORDER BY day, campaign_id, household_id
"""

REDEMPTIONS = """
SELECT * FROM (
    SELECT CAST(redemption_date AS DATE) AS day, household_id, coupon_upc, campaign_id,
           CAST(redemption_date AS DATE) AS redeemed_on
    FROM coupon_redemptions
) WHERE day BETWEEN $since AND $until ORDER BY day, household_id, campaign_id, coupon_upc
"""

HOUSEHOLDS = f"""
SELECT DATE '{MASTERS_EXPORTED_ON}' AS day, household_id, age, income, home_ownership, marital_status,
       household_size, household_comp, kids_count
FROM demographics ORDER BY household_id
"""

CAMPAIGNS = f"""
SELECT DATE '{MASTERS_EXPORTED_ON}' AS day, campaign_id, campaign_type,
       CAST(start_date AS DATE) AS start_date, CAST(end_date AS DATE) AS end_date
FROM campaign_descriptions ORDER BY campaign_id
"""

PRODUCTS = """
SELECT CAST(product_id AS VARCHAR) AS product_id, CAST(manufacturer_id AS VARCHAR) AS manufacturer_id,
       department, brand, product_category, product_type, package_size
FROM products ORDER BY CAST(product_id AS BIGINT)
"""
