"""The accounting law: what was read is accounted for, as multisets; equal counts of other records are no comfort."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from omniseg.errors import AccountingError
from omniseg.ingest.accounting import Account, Tally, check_all, tally_columns
from omniseg.lake.bounded import bounded

RECORDS = "source STRING, record_id STRING"
NOTHING = Tally()
KINDS = ("accepted", "duplicates", "quarantined", "suppressed")


def tally(*records: int) -> Tally:
    """Records by their hashes."""
    return Tally(len(records), Decimal(sum(records)))


def account(
    read: Tally,
    *,
    accepted: Tally = NOTHING,
    duplicates: Tally = NOTHING,
    quarantined: Tally = NOTHING,
    suppressed: Tally = NOTHING,
) -> Account:
    """An account of the source `till`."""
    return Account("till", read, accepted, duplicates, quarantined, suppressed)


def test_tallies_add_up():
    assert tally(1, 2) + tally(-5) == tally(1, 2, -5)
    assert tally() + tally(7) == tally(7)


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_that_a_record_can_go_counts(kind: str):
    account(tally(1, 2, 3), **{kind: tally(1, 2, 3)}).check()
    with pytest.raises(AccountingError):
        account(tally(1, 2, 3), **{kind: tally(1, 2)}).check()


def test_all_ways_together():
    account(tally(1, 2, 3, 4), **dict(zip(KINDS, map(tally, (1, 2, 3, 4)), strict=True))).check()


@pytest.mark.parametrize(
    ("read", "accepted", "words"),
    [
        pytest.param(tally(1, 2), tally(1), "counts differ", id="one_lost"),
        pytest.param(tally(1), tally(1, 2), "counts differ", id="one_too_many"),
        pytest.param(tally(), tally(1), "counts differ", id="from_nothing"),
        pytest.param(tally(1, 2), tally(1, 3), "counts agree but the records are not the same", id="another_one"),
        pytest.param(tally(1, 2), tally(1, 1), "counts agree but the records are not the same", id="one_twice"),
    ],
)
def test_a_broken_law_is_told_apart(read: Tally, accepted: Tally, words: str):
    with pytest.raises(AccountingError, match=words) as broken:
        account(read, accepted=accepted).check()
    assert broken.value.exit_code == 4


def test_the_message_names_every_figure_and_what_became_of_the_batch():
    bad = account(
        tally(1, 2, 3, 4, 5, 6, 7),
        accepted=tally(1),
        duplicates=tally(1, 2),
        quarantined=tally(1, 2, 3),
        suppressed=tally(*range(10)),
    )
    with pytest.raises(AccountingError) as broken:
        bad.check()
    assert "source till" in str(broken.value)
    assert "read 7 <> accepted 1 + duplicates 2 + quarantined 3 + suppressed 10" in str(broken.value)
    assert "its files stay untaken" in str(broken.value)


def test_counts_are_the_five_figures_of_the_law():
    found = Account("till", read=tally(1, 2), accepted=tally(1), duplicates=tally(2), unattributed=1).counts()
    assert found == {"read": 2, "accepted": 1, "duplicates": 1, "quarantined": 0, "suppressed": 0}
    assert list(found) == ["read", *KINDS]


def test_people_nobody_knows_are_inside_what_was_accepted():
    Account("till", read=tally(1), accepted=tally(1), unattributed=1).check()


def test_the_first_broken_source_is_named():
    fine, bad, worse = Account("a"), Account("b", read=tally(1)), Account("c", read=tally(2))
    check_all([fine, fine])
    with pytest.raises(AccountingError, match="source b"):
        check_all([fine, bad, worse])


@pytest.fixture(scope="module")
def counted(spark: SparkSession) -> dict[str, Tally]:
    """Tallies of multisets, by the name of their source."""
    sets = {
        "ab": ["a", "b"],
        "ba": ["b", "a"],
        "aab": ["a", "a", "b"],
        "abb": ["a", "b", "b"],
        "many": [f"r{number}" for number in range(2000)],
        "elements": ["r-1", "r-1#1", "r-1#2"],
        "one": ["r-1"],
    }
    rows = [(name, record) for name, records in sets.items() for record in records]
    found = bounded(spark.createDataFrame(rows, RECORDS).repartition(3).groupBy("source").agg(*tally_columns()), 100)
    return {row.source: Tally(row["rows"], row.hashes) for row in found}


def test_tallies_are_per_source(counted: dict[str, Tally]):
    assert {name: found.rows for name, found in counted.items()} == {
        "ab": 2,
        "ba": 2,
        "aab": 3,
        "abb": 3,
        "many": 2000,
        "elements": 3,
        "one": 1,
    }


def test_order_is_of_no_account(counted: dict[str, Tally]):
    assert counted["ab"] == counted["ba"]


def test_repetitions_count(counted: dict[str, Tally]):
    assert counted["aab"] != counted["abb"]
    assert counted["aab"] + counted["abb"] == counted["ab"] + counted["ab"] + counted["ba"]


def test_elements_of_one_record_are_different_records(counted: dict[str, Tally]):
    assert counted["elements"].hashes != 3 * counted["one"].hashes


def test_sums_of_hashes_keep_all_digits(spark: SparkSession, counted: dict[str, Tally]):
    """Hashes have 64 bits each; Python's integers say what their sum is."""
    ids = spark.range(2000).select(F.xxhash64(F.concat(F.lit("r"), F.col("id").cast("string"))).alias("hash"))
    assert counted["many"].hashes == sum(row.hash for row in bounded(ids, 2000))


def test_nothing_is_a_tally_of_nothing(spark: SparkSession):
    row = bounded(spark.createDataFrame([], RECORDS).agg(*tally_columns()), 1)[0]
    assert Tally(row["rows"], row.hashes) == Tally()


def test_records_may_go_by_another_name(spark: SparkSession):
    ids = spark.createDataFrame([("a",), ("b",)], "vault_ref STRING")
    here = bounded(ids.agg(*tally_columns("vault_ref")), 1)[0]
    there = bounded(ids.withColumnRenamed("vault_ref", "record_id").agg(*tally_columns()), 1)[0]
    assert (here["rows"], here.hashes) == (there["rows"], there.hashes)
