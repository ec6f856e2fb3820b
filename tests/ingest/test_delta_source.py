"""A source that is another team's Delta table: whole at first, then what its versions add."""

from __future__ import annotations

from decimal import Decimal

import pytest

from omniseg.lake.delta_source import Versions, untaken_versions, versions_of
from omniseg.tables import FILES
from tests.ingest.conftest import ORDERS_JSON, Shop

SCHEMA = "id STRING, at STRING, kind STRING, card STRING, basket STRING, qty DECIMAL(18,3), price DECIMAL(18,4)"


def orders(shop: Shop, *ids: str) -> None:
    """Append orders to the table that the source reads."""
    rows = [(name, "2024-03-05T10:00:00Z", "purchase", "CARD-4711", "b-1", Decimal(1), Decimal("2.5")) for name in ids]
    shop.spark.createDataFrame(rows, SCHEMA).write.format("delta").mode("append").save(table_of(shop))


def alter(shop: Shop, command: str) -> None:
    """SQL on the table; `{}` stands for its name."""
    shop.spark.sql(command.format(f"delta.`{table_of(shop)}`"))


def table_of(shop: Shop) -> str:
    """Where the table lies."""
    return str(shop.folder / "landing" / "orders")


@pytest.fixture
def delta_shop(shop: Shop) -> Shop:
    """The shop with `orders` read from a Delta table, which holds o-1 and o-2."""
    declared = ORDERS_JSON.replace("format: json", "format: delta").replace("/orders/*.jsonl", "/orders")
    lines = declared.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("schema:"))
    shop.declare("\n".join(lines[:start] + lines[start + 2 :]) + "\n")
    orders(shop, "o-1", "o-2")
    return shop


def test_the_whole_table_then_only_its_news(delta_shop: Shop) -> None:
    alter(delta_shop, "ALTER TABLE {} SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")
    first = delta_shop.ingest()
    assert first.accounts[0].counts()["read"] == 2
    assert delta_shop.ingest().status == "nothing_new"
    orders(delta_shop, "o-3")
    orders(delta_shop, "o-4")
    # A deletion delivers nothing; joining small files changes no row.
    alter(delta_shop, "DELETE FROM {} WHERE id = 'o-1'")
    alter(delta_shop, "OPTIMIZE {}")
    second = delta_shop.ingest()
    assert second.accounts[0].counts()["read"] == 2
    assert delta_shop.ids() == ["o-1", "o-2", "o-3", "o-4"]
    places = [(row.path.rpartition("@")[2], row["rows"], row.batch_id) for row in delta_shop.rows(FILES)]
    assert sorted(places) == [("v1", 2, 1), ("v2-5", 2, 2)]


def test_news_without_a_change_feed_are_refused_with_the_mending_command(
    delta_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    delta_shop.ingest()
    orders(delta_shop, "o-3")
    delta_shop.ingest(expected=3)
    told = capsys.readouterr().err
    assert "orders.yml" in told and "after version 0" in told
    assert "SET TBLPROPERTIES (delta.enableChangeDataFeed = true)" in told
    assert delta_shop.ids() == ["o-1", "o-2"]


@pytest.mark.parametrize(
    ("place", "versions"),
    [
        ("/a/b@v7", Versions("/a/b", None, 7)),
        ("/a/b@v3-7", Versions("/a/b", 3, 7)),
        ("s3a://x/y@z@v0", Versions("s3a://x/y@z", None, 0)),
        ("/a/b/part-1.parquet", None),
    ],
)
def test_a_place_names_versions(place: str, versions: Versions | None) -> None:
    assert versions_of(place) == versions
    assert versions is None or versions.place == place


def test_what_is_untaken_follows_the_last_version_of_the_same_table() -> None:
    assert untaken_versions("/t", 4, []) == Versions("/t", None, 4)
    assert untaken_versions("/t", 4, ["/t@v1", "/t@v2-3", "/other@v9"]) == Versions("/t", 4, 4)
    assert untaken_versions("/t", 3, ["/t@v1", "/t@v2-3"]) is None
