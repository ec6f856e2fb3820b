"""D01: delivered twice counts once, another payload under the same id is a conflict, the order does not matter."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from chispa.dataframe_comparer import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from omniseg.ingest.dedupe import NARROW, verdicts
from omniseg.tables import FILES, QUARANTINE, SILVER_EVENTS
from tests.ingest.conftest import Shop, order

NARROW_DDL = (
    "source STRING, event_id STRING, batch_id BIGINT, event_time TIMESTAMP, event_date DATE, payload_hash BIGINT, "
    "record_id STRING"
)
Event = tuple[int, int, int, str]  # batch, day of the year, payload, record


def events(spark: SparkSession, *rows: Event) -> DataFrame:
    """Narrow events, all of one id."""
    start = datetime(2024, 1, 1, 12)
    made = [
        (
            "s",
            "e",
            batch,
            start.replace(day=1) + (datetime(2024, 1, 2) - datetime(2024, 1, 1)) * day,
            None,
            payload,
            record,
        )
        for batch, day, payload, record in rows
    ]
    return spark.createDataFrame([(*row[:4], row[3].date(), *row[5:]) for row in made], NARROW_DDL)


@pytest.mark.parametrize(
    ("fresh", "history", "expected"),
    [
        pytest.param([(2, 0, 7, "a")], [], [], id="first_is_accepted"),
        pytest.param([(2, 0, 7, "a"), (2, 0, 7, "b")], [], [("b", "duplicate")], id="same_payload_is_a_duplicate"),
        pytest.param([(2, 0, 7, "a"), (2, 3, 7, "b")], [], [("b", "duplicate")], id="restamped_is_a_duplicate"),
        pytest.param([(2, 0, 7, "a"), (2, 3, 8, "b")], [], [("b", "conflict")], id="other_payload_is_a_conflict"),
        pytest.param([(2, 3, 8, "b"), (2, 0, 7, "a")], [], [("b", "conflict")], id="the_earlier_event_wins"),
        pytest.param([(2, 0, 8, "b"), (2, 0, 7, "a")], [], [("b", "conflict")], id="a_tie_goes_to_the_smaller_hash"),
        pytest.param([(2, 0, 7, "a"), (2, 35, 8, "b")], [], [("b", "conflict")], id="day_35_is_inside_the_window"),
        pytest.param([(2, 0, 7, "a"), (2, 36, 8, "b")], [], [], id="day_36_is_a_new_event"),
        pytest.param(
            [(2, 0, 7, "a"), (2, 30, 7, "b"), (2, 60, 7, "c")],
            [],
            [("b", "duplicate")],
            id="a_duplicate_does_not_stretch_the_window",
        ),
        pytest.param([(2, 0, 7, "a")], [(1, 9, 7, "z")], [("a", "duplicate")], id="an_earlier_batch_wins_over_time"),
        pytest.param([(2, 0, 8, "a")], [(1, 9, 7, "z")], [("a", "conflict")], id="conflict_with_an_earlier_batch"),
        pytest.param([(2, 90, 8, "a")], [(1, 9, 7, "z")], [], id="far_from_an_earlier_batch"),
    ],
)
def test_verdicts(
    spark: SparkSession, fresh: list[Event], history: list[Event], expected: list[tuple[str, str]]
) -> None:
    found = verdicts(events(spark, *fresh), events(spark, *history).select(*NARROW), window_days=35)
    wanted = spark.createDataFrame(
        [(record, "s", verdict) for record, verdict in expected], "record_id STRING, source STRING, verdict STRING"
    )
    assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


@pytest.mark.parametrize("partitions", [1, 2, 8])
def test_verdicts_do_not_depend_on_the_order_of_rows(spark: SparkSession, partitions: int) -> None:
    fresh = events(spark, *((2, day % 50, day % 3, f"r{day:02d}") for day in range(60)))
    shuffled = fresh.repartition(partitions, "record_id")
    usual = verdicts(fresh, events(spark), window_days=35)
    assert_df_equality(verdicts(shuffled, events(spark), window_days=35), usual, ignore_row_order=True)


def test_D01_redelivery_in_every_form(shop: Shop) -> None:
    first = [order(id="a"), order(id="b"), order(id="a")]
    shop.deliver("orders/1.jsonl", *first)
    shop.ingest()
    assert shop.ids() == ["a", "b"]

    # The same file again (untouched), a copy under another name, a touched one: nothing, duplicates, nothing.
    shop.deliver("orders/copy-of-1.jsonl", *first)
    shop.deliver("orders/1.jsonl", *first, mtime=1_710_000_000)
    run = shop.ingest()
    assert run.accounts[0].counts() == {
        "read": 3,
        "accepted": 0,
        "duplicates": 3,
        "quarantined": 0,
        "suppressed": 0,
    }
    # The known name with other content is a new delivery; a changed payload is a conflict, and the first one stays.
    shop.deliver("orders/1.jsonl", order(id="a", price=9), order(id="c"))
    shop.ingest()
    assert shop.ids() == ["a", "b", "c"]
    assert [row.rules for row in shop.rows(QUARANTINE)] == [["id_conflict"]]
    assert {str(row.unit_price) for row in shop.rows() if row.event_id == "a"} == {"2.5000"}
    assert shop.ingest().status == "nothing_new"
    assert len(shop.rows(FILES)) == 3


def test_outside_the_window_an_id_is_a_new_event(shop: Shop) -> None:
    shop.deliver("orders/1.jsonl", order(id="a", at="2023-01-01T10:00:00Z"), order(id="a", at="2023-03-01T10:00:00Z"))
    shop.ingest()
    assert sorted(row.event_date for row in shop.rows()) == [date(2023, 1, 1), date(2023, 3, 1)]


def test_reading_the_tables_without_spark(shop: Shop) -> None:
    from deltalake import DeltaTable

    shop.deliver("orders/1.jsonl", order(id="a"), order(id="b", card="N/A"))
    shop.ingest()
    table = DeltaTable(shop.lake.path(SILVER_EVENTS)).to_pyarrow_table()
    found = {row["event_id"]: row for row in table.to_pylist()}
    assert found["b"]["identity_key"] is None
    assert found["a"]["identity_key"].startswith("loyalty:v1:")
    assert str(found["a"]["amount"]) == "2.5000"
    assert dict(found["a"]["identifiers"])["loyalty"] == found["a"]["identity_key"]
