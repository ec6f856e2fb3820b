"""One batch on its way into the tables. Every slice is replaced by its batch id, so an interrupted batch is simply
written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.accounts import Survey, event_accounts, refusals, survey
from omniseg.commands.deliveries import Delivery, plain_path
from omniseg.commands.frames import Frame, event_frame, reference_frame
from omniseg.commands.identities import add_identities
from omniseg.commands.rates import exchange_rates, fill_amounts
from omniseg.commands.references import write_reference
from omniseg.faults import crash_here
from omniseg.ingest.accounting import Account, check_all
from omniseg.ingest.declaration import Declaration, ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.dedupe import CONFLICT, CONFLICT_RULE, DUPLICATE, NARROW, verdicts
from omniseg.ingest.mapping import ELEMENT
from omniseg.ingest.quarantine import LONGEST_TEXT, first_positions, quarantined
from omniseg.lake.bounded import bounded
from omniseg.privacy.vault import encrypted, text_hash
from omniseg.runtime import Run
from omniseg.tables import BRONZE_EVENTS, EXCHANGE_RATES, FILES, QUARANTINE, RAW_REJECTS, REFERENCES, SILVER_EVENTS

CACHE = StorageLevel.MEMORY_AND_DISK
BRONZE = ("record_id", "source", "file", "position", "received_at", "batch_id", "payload", "rescued")
JUDGED = (*BRONZE, "reject", "rules")
Waiting = Mapping[str, Sequence[Delivery]]


@dataclass(frozen=True)
class Written:
    """What a batch did: accounts per source, refused files (path -> reason), sources that sent unknown fields."""

    accounts: list[Account]
    refused: dict[str, str]
    rescued: list[str]

    @property
    def notices(self) -> list[str]:
        """What somebody should look at although nothing is wrong."""
        kept = "sent fields that its schema does not know; they are kept in bronze.events, column rescued"
        return [f"Source {name} {kept}." for name in self.rescued]


def write_batch(
    run: Run, batch_id: int, waiting: Waiting, declarations: Sequence[Declaration], currency: str | None
) -> Written:
    """Write all that the files hold; the batch exists from the moment that ops.files has it."""
    references = [
        reference_frame(run, item, waiting[item.name], batch_id=batch_id)
        for item in declarations
        if isinstance(item, ReferenceDeclaration)
    ]
    accounts = [write_reference(run, frame, batch_id=batch_id) for frame in references if cached([frame])]
    rates = exchange_rates(run)
    events = [
        event_frame(run, item, waiting[item.name], batch_id=batch_id, rates=rates, currency=currency)
        for item in declarations
        if isinstance(item, SourceDeclaration)
    ]
    try:
        found, accounts_of_events = store(run, batch_id, references, events)
        if rates is not None and brings_rates(references):
            with run.step("amounts that waited for a rate"):
                fill_amounts(run, batch_id, rates)
    finally:
        for rows in cached((*references, *events)):
            rows.unpersist()
    refused = {path: reason for frame in (*references, *events) for path, reason in frame.refused.items()}
    check_all(accounts + accounts_of_events)
    commit(run, batch_id, waiting, found, refused)
    return Written(accounts + accounts_of_events, refused, found.rescued)


def brings_rates(references: Iterable[Frame]) -> bool:
    """True when the batch delivers exchange rates."""
    return any(
        frame.rows is not None and REFERENCES.get(frame.declaration.name) is EXCHANGE_RATES for frame in references
    )


def cached(frames: Iterable[Frame]) -> list[DataFrame]:
    """The rows of frames that have any, kept from their first use on: several tables are written from them."""
    return [frame.rows.persist(CACHE) for frame in frames if frame.rows is not None]


def store(run: Run, batch_id: int, references: list[Frame], events: list[Frame]) -> tuple[Survey, list[Account]]:
    """Write bronze, vault, silver, quarantine and identities of the batch; account for its events."""
    judged = reduce(DataFrame.unionByName, cached(events) or [empty_events(run)])
    received = reduce(DataFrame.unionByName, [rows.select(*JUDGED) for rows in (*cached(references), judged)])
    with run.step("reading, protecting and mapping records"):
        found = survey(received)
    repeated = judge(run, batch_id, judged).persist(CACHE)
    try:
        with run.step("duplicates and conflicts"):
            refused = refusals(repeated)
        with run.step("bronze.events"):
            write_received(run, batch_id, received, found)
        with run.step("silver.events_quarantine"):
            crash_here("ingest.quarantine.before")
            if found.broken or refused[CONFLICT]:
                write_quarantine(run, batch_id, received, judged, repeated)
            else:
                run.lake.delete(QUARANTINE, f"batch_id = {batch_id}")
        # After the quarantine: Delta drops what was cached from a table that is written to, here the verdicts.
        with run.step("silver.events"):
            write_accepted(run, batch_id, judged, repeated)
        with run.step("silver.identities"):
            crash_here("ingest.identities.before")
            add_identities(run, batch_id)
        with run.step("accounting"):
            names = [frame.declaration.name for frame in events]
            return found, event_accounts(run, batch_id, found, refused[DUPLICATE], names)
    finally:
        repeated.unpersist()


def empty_events(run: Run) -> DataFrame:
    """No events, in the shape of judged ones: for batches of reference data alone."""
    more = "file STRING, position BIGINT, payload STRING, rescued STRING, reject STRING, rules ARRAY<STRING>"
    return run.spark.createDataFrame([], f"{SILVER_EVENTS.ddl}, {more}")


def write_received(run: Run, batch_id: int, received: DataFrame, found: Survey) -> None:
    """Every record as received (an exploded one once), and the encrypted text of those that could not be parsed."""
    crash_here("ingest.bronze.before")
    whole = received.where(~F.contains("record_id", F.lit(ELEMENT))) if found.exploded else received
    run.lake.replace_slice(BRONZE_EVENTS, whole.select(*BRONZE), f"batch_id = {batch_id}")
    crash_here("ingest.vault.before")
    if not found.rejected:
        run.lake.delete(RAW_REJECTS, f"batch_id = {batch_id}")
        return
    rejects = received.where(F.col("reject").isNotNull())
    text = F.substring("reject", 1, LONGEST_TEXT)
    sealed = rejects.select(
        F.col("record_id").alias("vault_ref"),
        "source",
        encrypted(text, key_name=run.settings.privacy.vault_key.env_name).alias("encrypted"),
        "batch_id",
        F.col("received_at").alias("stored_at"),
    )
    run.lake.replace_slice(RAW_REJECTS, sealed, f"batch_id = {batch_id}")


def judge(run: Run, batch_id: int, judged: DataFrame) -> DataFrame:
    """Verdicts on the events of the batch that earlier batches, or earlier rows of this one, have delivered already."""
    window = run.settings.dedupe.window_days
    fresh = judged.where(F.size("rules") == 0).select(*NARROW)
    days = fresh.agg(F.min("event_date").alias("first"), F.max("event_date").alias("last"))
    span = bounded(days, 1)[0]
    earlier = run.lake.read(SILVER_EVENTS).where(F.col("batch_id") < batch_id)
    if span.first is not None:
        first, last = span["first"] - timedelta(days=window), span["last"] + timedelta(days=window)
        earlier = earlier.where(F.col("event_date").between(F.lit(first), F.lit(last)))
    return verdicts(fresh, earlier.select(*NARROW), window_days=window)


def write_accepted(run: Run, batch_id: int, judged: DataFrame, repeated: DataFrame) -> None:
    """Good events that are neither duplicates nor conflicts."""
    crash_here("ingest.silver.before")
    good = judged.where(F.size("rules") == 0)
    accepted = good.join(repeated.select("record_id"), "record_id", "left_anti")
    run.lake.replace_slice(SILVER_EVENTS, accepted.select(*SILVER_EVENTS.column_names), f"batch_id = {batch_id}")


def write_quarantine(run: Run, batch_id: int, received: DataFrame, judged: DataFrame, repeated: DataFrame) -> None:
    """Records that break a rule, conflicts included, with their place and a safe excerpt."""
    conflicts = repeated.where(F.col("verdict") == CONFLICT).select("record_id")
    late = judged.select(*JUDGED).join(conflicts, "record_id", "left_semi")
    bad = received.where(F.size("rules") > 0).unionByName(late.withColumn("rules", F.array(F.lit(CONFLICT_RULE))))
    hashed = text_hash(F.col("reject"), key_name=run.settings.privacy.vault_key.env_name)
    rows = quarantined(bad, first_positions(received)).withColumn("record_hash", hashed).drop("reject")
    run.lake.replace_slice(QUARANTINE, rows, f"batch_id = {batch_id}")


def commit(run: Run, batch_id: int, waiting: Waiting, found: Survey, refused: Mapping[str, str]) -> None:
    """The ledger of the batch: from here on its files are taken and its rows are known."""
    rows = [
        (
            file.source,
            file.path,
            file.size,
            file.mtime,
            file.content_hash,
            found.rows_per_file.get((file.source, plain_path(file.path)), 0),
            batch_id,
            "refused" if file.path in refused else "taken",
            refused.get(file.path),
        )
        for files in waiting.values()
        for file in files
    ]
    crash_here("ingest.files.before")
    run.lake.replace_slice(FILES, run.spark.createDataFrame(rows, FILES.ddl), f"batch_id = {batch_id}")
    crash_here("ingest.files.after")
