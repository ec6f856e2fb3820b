"""Bad records: every broken rule, where the record stood, and an excerpt that is safe to read."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.privacy.redact import redacted

EXCERPT = 500  # characters of the protected record that people see
LONGEST_TEXT = 4096  # characters of a rejected text that go to the vault
BLOCK_BITS = 33  # positions of one block of a file differ only below these bits

# Rule, up to its colon -> what it says. Declared expectations are explained by their own name.
EXPLANATIONS = {
    "malformed": "the text is not one record of the declared format",
    "duplicate_key": "a key stands twice in the object",
    "too_many_fields": "the object has more than 2,000 fields",
    "case_variant": "a field is spelt with other upper and lower case than declared",
    "not_positive": "a value that must lie above zero does not",
    "unreadable": "a value could not be read as the declared type",
    "missing": "a required value is missing",
    "future": "event_time lies more than 24 hours after the delivery",
    "before_1990": "event_time lies before any event log: a clock that was reset, or another unit than declared",
    "too_late": "event_date is older than lateness.max_days allows",
    "unknown_channel": "the channel is not one of the known ones",
    "unknown_currency": "the currency is not an ISO 4217 code",
    "purchase_negative": "a purchase with a negative amount",
    "return_positive": "a return with a positive amount",
    "amount_out_of_range": "the amount is beyond any plausible line value",
    "id_conflict": "another payload was accepted earlier under the same event_id",
}


def quarantined(bad: DataFrame, first_positions: DataFrame) -> DataFrame:
    """Rows for tables.QUARANTINE, but for `record_hash`, from events with broken `rules`.

    `first_positions` (file, block, first_position) says where each block of a file begins, so that `line` counts from
    1.
    """
    placed = bad.withColumn("block", block()).join(F.broadcast(first_positions), ["file", "block"], "left")
    unparsed = F.col("payload").isNull()
    return placed.select(
        "record_id",
        "source",
        "rules",
        detail(F.col("rules")).alias("detail"),
        "file",
        (F.col("position") - F.col("first_position") + 1).alias("line"),
        F.when(unparsed, F.col("record_id")).alias("vault_ref"),
        excerpt(F.col("payload")).alias("excerpt"),
        "batch_id",
        F.lit("open").alias("status"),
        F.lit(None).cast("bigint").alias("status_batch_id"),
    )


def detail(rules: Column) -> Column:
    """What broken rules say, in words, each once."""
    return F.array_join(F.array_distinct(F.transform(rules, explained)), "; ")


def excerpt(payload: Column) -> Column:
    """What people see of a record. Redacted before it is cut: no pattern finds half an address."""
    return F.substring(redacted(payload), 1, EXCERPT)


def explained(rule: Column) -> Column:
    """What a rule says, in words."""
    known = F.create_map(*(F.lit(text) for pair in EXPLANATIONS.items() for text in pair))
    return F.coalesce(F.try_element_at(known, F.substring_index(rule, ":", 1)), F.concat(F.lit("expectation "), rule))


def block() -> Column:
    """Number of the file block that a record was read in."""
    return F.shiftright("position", BLOCK_BITS)


def first_positions(events: DataFrame) -> DataFrame:
    """(file, block, first_position): one row per file block read."""
    return events.groupBy("file", block().alias("block")).agg(F.min("position").alias("first_position"))
