"""The accounting law: per batch and source, read = accepted + duplicates + quarantined + suppressed, as multisets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal

from pyspark.sql import Column, Row
from pyspark.sql import functions as F

from omniseg.errors import AccountingError


@dataclass(frozen=True)
class Tally:
    """How many records, and the sum of their 64-bit id hashes: equal tallies of two multisets mean equal multisets."""

    rows: int = 0
    hashes: Decimal = Decimal(0)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.rows + other.rows, self.hashes + other.hashes)


@dataclass(frozen=True)
class Account:
    """One source in one batch."""

    source: str
    read: Tally = Tally()
    accepted: Tally = Tally()
    duplicates: Tally = Tally()
    quarantined: Tally = Tally()
    suppressed: Tally = Tally()
    unattributed: int = 0
    bots: int = 0  # accepted events of machines
    ahead: int = 0  # accepted events with a time after the delivery of their file
    most_ahead: int = 0  # seconds by which the farthest of them is

    def check(self) -> None:
        """Raise AccountingError, naming every figure, unless the law holds."""
        kept = self.accepted + self.duplicates + self.quarantined + self.suppressed
        if kept == self.read:
            return
        what = "counts differ" if kept.rows != self.read.rows else "counts agree but the records are not the same ones"
        raise AccountingError(
            f"source {self.source}: {what}: read {self.read.rows} <> accepted {self.accepted.rows} + duplicates "
            f"{self.duplicates.rows} + quarantined {self.quarantined.rows} + suppressed {self.suppressed.rows}; "
            "the batch was not committed, its files stay untaken"
        )

    def counts(self) -> dict[str, int]:
        """The figures for ops.runs and the last line."""
        tallies = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.rows for name, value in tallies.items() if isinstance(value, Tally)}

    def clock_ahead(self) -> str:
        """The report of a clock that is ahead; one that is behind cannot be told from events that come late."""
        return (
            f"Source {self.source} has {self.ahead:,} accepted event(s) with a time after the delivery of their file, "
            f"by up to {timedelta(seconds=self.most_ahead)} (h:mm:ss): a clock is ahead. They count on the day that "
            "they name."
        )


def tally_columns(record_id: str = "record_id") -> tuple[Column, Column]:
    """Aggregates `rows` and `hashes` of a group of records."""
    return (
        F.count(F.lit(1)).alias("rows"),
        F.coalesce(F.sum(F.xxhash64(record_id).cast("decimal(20,0)")), F.lit(0)).cast("decimal(38,0)").alias("hashes"),
    )


def tally_of(row: Row | None) -> Tally:
    """The tally in a row with `tally_columns`; nothing where there is no row."""
    return Tally() if row is None else Tally(row["rows"], row.hashes)


def check_all(accounts: Iterable[Account]) -> None:
    """Check every source; the first broken one raises."""
    for account in accounts:
        account.check()
