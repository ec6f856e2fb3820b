"""D01: delivered twice counts once, another payload under the same id is a conflict, the order does not matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from omniseg.ingest.dedupe import NARROW, verdicts
from omniseg.lake.bounded import bounded
from omniseg.lake.staging import Staging
from omniseg.runtime import Run
from omniseg.tables import FILES, QUARANTINE, SILVER_EVENTS
from tests.ingest.conftest import Seen, Shop, order, orders_like
from tests.spark_options import spark_options

NARROW_DDL = (
    "source STRING, event_id STRING, batch_id BIGINT, event_time TIMESTAMP, event_date DATE, payload_hash BIGINT, "
    "record_id STRING"
)
NOON = datetime(2024, 1, 1, 12)
Event = tuple[int, int, int, str]  # batch, day of the year, payload, record
Verdict = tuple[str, str]  # record, verdict

# Fresh events, accepted events of earlier batches, verdicts: one source for each case, so that no case sees another.
CASES: Mapping[str, tuple[list[Event], list[Event], list[Verdict]]] = {
    "first_is_accepted": ([(2, 0, 7, "a")], [], []),
    "same_payload_is_a_duplicate": ([(2, 0, 7, "a"), (2, 0, 7, "b")], [], [("b", "duplicate")]),
    "restamped_is_a_duplicate": ([(2, 0, 7, "a"), (2, 3, 7, "b")], [], [("b", "duplicate")]),
    "other_payload_is_a_conflict": ([(2, 0, 7, "a"), (2, 3, 8, "b")], [], [("b", "conflict")]),
    "the_earlier_event_wins": ([(2, 3, 8, "b"), (2, 0, 7, "a")], [], [("b", "conflict")]),
    "a_tie_goes_to_the_smaller_hash": ([(2, 0, 8, "b"), (2, 0, 7, "a")], [], [("b", "conflict")]),
    "day_35_is_inside_the_window": ([(2, 0, 7, "a"), (2, 35, 8, "b")], [], [("b", "conflict")]),
    "day_36_is_a_new_event": ([(2, 0, 7, "a"), (2, 36, 8, "b")], [], []),
    "a_duplicate_does_not_stretch_the_window": (
        [(2, 0, 7, "a"), (2, 30, 7, "b"), (2, 60, 7, "c")],
        [],
        [("b", "duplicate")],
    ),
    "an_earlier_batch_wins_over_time": ([(2, 0, 7, "a")], [(1, 9, 7, "z")], [("a", "duplicate")]),
    "conflict_with_an_earlier_batch": ([(2, 0, 8, "a")], [(1, 9, 7, "z")], [("a", "conflict")]),
    "far_from_an_earlier_batch": ([(2, 90, 8, "a")], [(1, 9, 7, "z")], []),
}
PARTITIONS = (1, 2, 8)
REPEATED: list[Event] = [(2, day % 50, day % 3, f"r{day:02d}") for day in range(60)]


def events(spark: SparkSession, by_source: Mapping[str, Sequence[Event]]) -> DataFrame:
    """Narrow events, all of one id in each source."""
    rows = [
        (source, "e", batch, moment, moment.date(), payload, record)
        for source, made in by_source.items()
        for batch, day, payload, record in made
        for moment in [NOON + timedelta(days=day)]
    ]
    return spark.createDataFrame(rows, NARROW_DDL)


def judged(fresh: DataFrame, history: DataFrame) -> dict[str, list[Verdict]]:
    """Verdicts by source, sorted."""
    found: dict[str, list[Verdict]] = {}
    for row in bounded(verdicts(fresh, history.select(*NARROW), window_days=35), 1000):
        found.setdefault(row.source, []).append((row.record_id, row.verdict))
    return {source: sorted(rows) for source, rows in found.items()}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, list[Verdict]]:
    """The verdicts on all cases."""
    fresh = events(spark, {case: rows for case, (rows, _, _) in CASES.items()})
    return judged(fresh, events(spark, {case: rows for case, (_, rows, _) in CASES.items()}))


@pytest.mark.parametrize("case", CASES)
def test_verdicts(found: dict[str, list[Verdict]], case: str) -> None:
    assert found.get(case, []) == CASES[case][2]


def test_where_few_hashes_repeat_only_their_rows_are_shuffled(spark: SparkSession, tmp_path: Path) -> None:
    """Of kept hashes Spark knows that they are few and brings them to the rows; else it sends all rows to them."""
    numbers = spark.range(100_000)
    twice = numbers.where("id < 5").unionByName(numbers)
    rows = twice.selectExpr(
        "'orders' AS source", "CAST(id AS STRING) AS event_id", "1L AS batch_id", "timestamp_seconds(0) AS event_time",
        "DATE'1970-01-01' AS event_date", "id AS payload_hash",
        "CAST(monotonically_increasing_id() AS STRING) AS record_id",
    )  # fmt: skip
    place, none = Staging(spark, str(tmp_path)), events(spark, {})
    # Few rows are many here, and a plan is told to its end.
    asked = {"spark.sql.autoBroadcastJoinThreshold": "1MB", "spark.sql.maxPlanStringLength": "1000000"}
    with spark_options(spark, asked):
        unknown = verdicts(rows, none, window_days=35)
        known = verdicts(rows, none, window_days=35, keep=lambda hashes: place.keep("repeated", hashes))
        plans = [frame._jdf.queryExecution().executedPlan().toString() for frame in (unknown, known)]
    assert ["SortMergeJoin" in plan for plan in plans] == [True, False]
    assert len(bounded(known, 10)) == 5


def test_a_verdict_names_its_record_and_source(spark: SparkSession) -> None:
    nothing = events(spark, {})
    columns = verdicts(nothing, nothing, window_days=35).dtypes
    assert columns == [("record_id", "string"), ("source", "string"), ("verdict", "string")]


@pytest.fixture(scope="module")
def shuffled(spark: SparkSession) -> dict[str, list[Verdict]]:
    """The verdicts on the same rows in several orders: as they came, and by number of partitions."""
    usual = events(spark, {"usual": REPEATED})
    others = [events(spark, {str(count): REPEATED}).repartition(count, "record_id") for count in PARTITIONS]
    return judged(reduce(DataFrame.unionByName, others, usual), events(spark, {}))


@pytest.mark.parametrize("partitions", PARTITIONS)
def test_verdicts_do_not_depend_on_the_order_of_rows(shuffled: dict[str, list[Verdict]], partitions: int) -> None:
    assert shuffled[str(partitions)] == shuffled["usual"]


@dataclass(frozen=True)
class Nights:
    """The second run, one after it, and what the tables hold at the end."""

    second: Run
    after: Run
    shop: Shop
    seen: Seen


@pytest.fixture(scope="module")
def nights(module_shop: Shop) -> Nights:
    """Each source delivers in the first night; in the second, `orders` the same again and `changed` something else."""
    shop, first = module_shop, [order(id="a"), order(id="b", card="N/A"), order(id="a")]
    for source in ("changed", "windowed"):
        shop.declare(orders_like(source), f"{source}.yml")
    shop.deliver("orders/1.jsonl", *first)
    shop.deliver("changed/1.jsonl", *first)
    shop.deliver("windowed/1.jsonl", *(order(id="a", at=f"2023-{month}-01T10:00:00Z") for month in ("01", "03")))
    shop.ingest()
    shop.deliver("orders/copy-of-1.jsonl", *first)
    shop.deliver("orders/1.jsonl", *first, mtime=1_710_000_000)
    shop.deliver("changed/1.jsonl", order(id="a", price=9), order(id="c"))
    second, after = shop.ingest(), shop.ingest()
    return Nights(second, after, shop, shop.seen(SILVER_EVENTS, QUARANTINE, FILES))


def accepted(nights: Nights, source: str) -> list[tuple[str, int]]:
    """Accepted ids of a source and their batches, each as often as it is there."""
    return sorted((row.event_id, row.batch_id) for row in nights.seen.of(source))


def test_D01_a_delivery_counts_once(nights: Nights) -> None:
    assert accepted(nights, "orders") == [("a", 1), ("b", 1)]


def test_D01_of_redeliveries_only_a_copy_is_read_and_all_of_it_is_duplicates(nights: Nights) -> None:
    """The same file again (untouched), a copy under another name, a touched one: nothing, duplicates, nothing."""
    counts = {account.source: account.counts() for account in nights.second.accounts}
    assert counts["orders"] == {
        "read": 3,
        "accepted": 0,
        "duplicates": 3,
        "quarantined": 0,
        "suppressed": 0,
    }
    assert len(nights.seen.of("orders", FILES)) == 2
    assert nights.after.status == "nothing_new"


def test_D01_a_known_name_with_other_content_is_a_new_delivery(nights: Nights) -> None:
    """A changed payload is a conflict, and the first one stays."""
    assert accepted(nights, "changed") == [("a", 1), ("b", 1), ("c", 2)]
    assert [row.rules for row in nights.seen.of("changed", QUARANTINE)] == [["id_conflict"]]
    assert {str(row.unit_price) for row in nights.seen.of("changed") if row.event_id == "a"} == {"2.5000"}
    assert len(nights.seen.of("changed", FILES)) == 2


def test_outside_the_window_an_id_is_a_new_event(nights: Nights) -> None:
    assert sorted(row.event_date for row in nights.seen.of("windowed")) == [date(2023, 1, 1), date(2023, 3, 1)]


def test_reading_the_tables_without_spark(nights: Nights) -> None:
    from deltalake import DeltaTable

    table = DeltaTable(nights.shop.lake.path(SILVER_EVENTS)).to_pyarrow_table()
    found = {row["event_id"]: row for row in table.to_pylist() if row["source"] == "orders"}
    assert found["b"]["identity_key"] is None
    assert found["a"]["identity_key"].startswith("loyalty:v1:")
    assert str(found["a"]["amount"]) == "2.5000"
    assert dict(found["a"]["identifiers"])["loyalty"] == found["a"]["identity_key"]
