"""Records that were received before, as text to be parsed anew, and the quarantine rows that tell how it ended."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.ingest.dedupe import CONFLICT, CONFLICT_RULE
from omniseg.ingest.mapping import ELEMENT
from omniseg.ingest.quarantine import detail, excerpt

OPEN, REPLAYED = "open", "replayed"
# How a quarantine row changes (old, new) once its record was judged anew.
CHANGES = {
    "rules": "coalesce(new.rules, old.rules)",
    "detail": "coalesce(new.detail, old.detail)",
    "excerpt": "coalesce(new.excerpt, old.excerpt)",
    "status": "new.status",
    "status_batch_id": "new.status_batch_id",
}


def whole(record_id: str = "record_id") -> Column:
    """The name of the received record that a row (perhaps one element of it) comes from."""
    return F.substring_index(record_id, ELEMENT, 1)


def text_again() -> Column:
    """A bronze record as one JSON object: its protected payload and the fields that the schema did not know then."""
    payload, rescued = F.trim("payload"), F.trim("rescued")
    inside = F.substring(payload, F.lit(2), F.length(payload) - 2)
    more = F.substring(rescued, F.lit(2), F.length(rescued) - 2)
    parts = F.array(F.nullif(inside, F.lit("")), F.nullif(more, F.lit("")))
    return F.concat(F.lit("{"), F.array_join(parts, ","), F.lit("}"))


def known_rules(rules: Column, *, json: bool) -> Column:
    """The rules of parsing that hold for a record's own format: field names vary in case in JSON only."""
    return rules if json else F.filter(rules, lambda rule: ~rule.startswith("case_variant:"))


def too_late(judged: DataFrame, opened: DataFrame, newest: DataFrame, *, max_late_days: int) -> DataFrame:
    """Adds the rule `too_late`, measured as it would have been when each record came.

    `opened` has (record_id, batch_id), `newest` (batch_id, newest_date): the newest event_date known before the batch.
    """
    dated = opened.select(whole().alias("__whole"), "batch_id").distinct().join(F.broadcast(newest), "batch_id")
    rows = judged.withColumn("__whole", whole())
    rows = rows.join(dated.select("__whole", "newest_date"), "__whole", "left")
    late = F.coalesce(F.date_diff("newest_date", "event_date") > max_late_days, F.lit(False))
    rules = F.when(late, F.array_append("rules", F.lit("too_late"))).otherwise(F.col("rules"))
    return rows.withColumn("rules", rules).select(*judged.columns)


def verdict_on(judged: DataFrame, repeated: DataFrame) -> DataFrame:
    """Adds `stays` (true: breaks a rule, or conflicts with an accepted event; `rules` say which) to judged events."""
    conflicts = repeated.where(F.col("verdict") == CONFLICT).select("record_id", F.lit(True).alias("__conflict"))
    rows = judged.join(conflicts, "record_id", "left")
    conflict = F.coalesce("__conflict", F.lit(False))
    rules = F.when(conflict, F.array(F.lit(CONFLICT_RULE))).otherwise(F.col("rules"))
    return rows.withColumn("rules", rules).withColumn("stays", F.size("rules") > 0).drop("__conflict")


def outcomes(judged: DataFrame, *, batch_id: int) -> DataFrame:
    """Rows for a MERGE into tables.QUARANTINE (see CHANGES): what `stays` is open, the rest is replayed."""
    nothing = F.lit(None).cast("string")
    return judged.select(
        "record_id",
        "source",
        F.when(F.col("stays"), F.col("rules")).alias("rules"),
        F.when(F.col("stays"), detail(F.col("rules"))).alias("detail"),
        "file",
        F.lit(None).cast("bigint").alias("line"),
        nothing.alias("record_hash"),
        nothing.alias("vault_ref"),
        F.when(F.col("stays"), excerpt(F.col("payload"))).alias("excerpt"),
        "batch_id",
        F.when(F.col("stays"), OPEN).otherwise(REPLAYED).alias("status"),
        F.when(~F.col("stays"), F.lit(batch_id)).cast("bigint").alias("status_batch_id"),
    )
