"""An independent account of features: DuckDB on events, one query per measure, nothing shared with the engine.

`events` has person, moment (instant), day (business day), type, channel, order_id, amount. A window is a pair of ages
in days: those from `newest` up to, but not including, `oldest`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

BUYING = "type = 'purchase' AND amount IS NOT NULL"

# measure → a query of person and value over `inside` (the events of the window)
QUERIES: Mapping[str, str] = {
    "lines": "SELECT person, count(*) FILTER (type = 'purchase') FROM inside GROUP BY 1",
    "spend": f"SELECT person, coalesce(sum(amount) FILTER ({BUYING}), 0) FROM inside GROUP BY 1",
    "least": f"SELECT person, min(amount) FROM inside WHERE {BUYING} GROUP BY 1",
    "most": f"SELECT person, max(amount) FROM inside WHERE {BUYING} GROUP BY 1",
    "mean": f"SELECT person, sum(amount)::DOUBLE / count(*) FROM inside WHERE {BUYING} GROUP BY 1",
    "spread": f"SELECT person, var_samp(amount) FROM inside WHERE {BUYING} GROUP BY 1",
    "deviation": f"SELECT person, stddev_samp(amount) FROM inside WHERE {BUYING} GROUP BY 1",
    "skew": f"""
        WITH centred AS (
            SELECT person, amount::DOUBLE - avg(amount::DOUBLE) OVER (PARTITION BY person) AS x
            FROM inside WHERE {BUYING}
        )
        SELECT person, CASE WHEN count(*) >= 3 AND sum(x * x) > 0 THEN avg(x * x * x) / avg(x * x) ** 1.5 END
        FROM centred GROUP BY 1""",
    "web_share": f"""
        SELECT person, coalesce(sum(amount) FILTER (channel = 'web'), 0)::DOUBLE / nullif(sum(amount), 0)
        FROM inside WHERE {BUYING} GROUP BY 1""",
    "slope": f"""
        WITH parts AS (
            SELECT person, part, coalesce(
                sum(amount) FILTER ({BUYING} AND age < edges[part + 1] AND age >= edges[part + 2]), 0
            ) AS y
            FROM inside CROSS JOIN (SELECT [30, 20, 10, 0] AS edges) CROSS JOIN (SELECT unnest([0, 1, 2]) AS part)
            GROUP BY 1, 2
        )
        SELECT person, regr_slope(y::DOUBLE, part) FROM parts GROUP BY 1""",
    "first_order": """
        SELECT person, arg_min(order_id, (moment, order_id)) FROM inside WHERE order_id IS NOT NULL GROUP BY 1""",
    "last_order": """
        SELECT person, arg_max(order_id, (moment, order_id)) FROM inside WHERE order_id IS NOT NULL GROUP BY 1""",
    "first_at": "SELECT person, min(moment) FROM inside GROUP BY 1",
    "last_at": "SELECT person, max(moment) FROM inside GROUP BY 1",
    "recency": "SELECT person, min(age) FROM inside WHERE type = 'purchase' GROUP BY 1",
    "tenure": "SELECT person, max(age) FROM inside WHERE type = 'purchase' GROUP BY 1",
    "orders": "SELECT person, count(DISTINCT order_id) FROM inside GROUP BY 1",
    "active": "SELECT person, count(DISTINCT day) FILTER (type = 'purchase') FROM inside GROUP BY 1",
    "interval": """
        SELECT person, avg(gap) FROM gaps GROUP BY 1""",
    "variation": """
        SELECT person, stddev_samp(gap) / avg(gap) FROM gaps GROUP BY 1""",
    "basket_p50": f"""
        WITH baskets AS (
            SELECT person, order_id, sum(amount) AS y FROM inside WHERE {BUYING} AND order_id IS NOT NULL GROUP BY 1, 2
        )
        SELECT person, list_sort(list(y))[floor(0.5 * (count(*) - 1))::INT + 1] FROM baskets GROUP BY 1""",
    "price_p90": f"""
        SELECT person, list_sort(list(amount))[floor(0.9 * (count(*) - 1))::INT + 1] FROM inside WHERE {BUYING}
        GROUP BY 1""",
    "usual_channel": """
        SELECT person, first(channel ORDER BY n DESC, channel) FROM by_channel GROUP BY 1""",
    "channels": """
        SELECT person, list(channel ORDER BY n DESC, channel)[:2] FROM by_channel GROUP BY 1""",
    "variety": """
        WITH shares AS (SELECT person, n / sum(n) OVER (PARTITION BY person) AS p FROM by_channel)
        SELECT person, -sum(p * log2(p)) FROM shares GROUP BY 1""",
    "carts": """
        SELECT person, count(DISTINCT moment) FROM inside AS added
        WHERE type = 'cart_add' AND epoch_us(moment) + 24 * 3600 * 1000000::BIGINT <= epoch_us(finish) AND NOT EXISTS (
            SELECT 1 FROM past AS later
            WHERE later.person = added.person AND later.type IN ('cart_add', 'purchase')
                AND (later.moment > added.moment OR later.moment = added.moment AND later.type = 'purchase')
                AND epoch_us(later.moment) <= epoch_us(added.moment) + 24 * 3600 * 1000000::BIGINT
        ) GROUP BY 1""",
    "visits": "SELECT person, count(*) FROM visits GROUP BY 1",
    "depth": "SELECT person, sum(events)::DOUBLE / count(*) FROM visits GROUP BY 1",
    "dwell": "SELECT person, sum(microseconds) / 1e6 / count(*) FROM visits GROUP BY 1",
    "journeys": """
        SELECT person, count(DISTINCT day) FROM inside AS later WHERE type = 'purchase' AND EXISTS (
            SELECT 1 FROM past AS earlier WHERE earlier.person = later.person AND earlier.type = 'cart_add'
                AND later.day - earlier.day BETWEEN 0 AND 3
        ) GROUP BY 1""",
    "bars": "SELECT person, list((channel, n) ORDER BY channel) FROM by_channel GROUP BY 1",
}


def account(connection: duckdb.DuckDBPyConnection, measure: str, newest: int, oldest: int | None) -> dict[str, Any]:
    """person → value of the measure over a window; persons without a value are left out.

    The connection holds `past`: events up to as_of, with their age in days and `finish`, the end of as_of.
    """
    upper = "true" if oldest is None else f"age < {oldest}"
    query = f"""
        WITH inside AS MATERIALIZED (SELECT * FROM past WHERE age >= {newest} AND {upper}),
        days AS (SELECT DISTINCT person, day FROM inside WHERE type = 'purchase'),
        gaps AS (
            SELECT person, gap FROM (
                SELECT person, day - lag(day) OVER (PARTITION BY person ORDER BY day) AS gap FROM days
            ) WHERE gap IS NOT NULL
        ),
        by_channel AS (SELECT person, channel, count(*) AS n FROM inside GROUP BY 1, 2),
        in_order AS (
            SELECT *, epoch_us(moment) - lag(epoch_us(moment)) OVER named AS pause
            FROM past WINDOW named AS (PARTITION BY person, order_id ORDER BY moment)
        ),
        numbered AS (
            SELECT *, count(*) FILTER (pause IS NULL OR order_id IS NULL AND pause > 24 * 3600 * 1000000::BIGINT)
                OVER (PARTITION BY person, order_id ORDER BY moment) AS number
            FROM in_order
        ),
        visits AS (
            SELECT person, count(*) AS events, max(epoch_us(moment)) - min(epoch_us(moment)) AS microseconds
            FROM numbered GROUP BY person, order_id, number
            HAVING max(age) >= {newest} AND {upper.replace("age", "max(age)")}
        )
        SELECT * FROM ({QUERIES[measure]}) AS found(person, value) WHERE value IS NOT NULL
    """
    return dict(connection.sql(query).fetchall())
