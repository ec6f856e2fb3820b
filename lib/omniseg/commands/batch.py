"""One batch on its way into the tables. Its rows bear its id, so an interrupted batch is simply written again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.accounts import Survey, event_accounts, refusals, survey
from omniseg.commands.batch_rows import BatchRows, batch_rows
from omniseg.commands.bots import with_bots
from omniseg.commands.deliveries import Delivery, plain_path
from omniseg.commands.frames import Frame, event_frame, reference_frame, to_pin
from omniseg.commands.identities import add_identities
from omniseg.commands.pins import pin, pinned_schemas
from omniseg.commands.rates import exchange_rates, fill_amounts
from omniseg.commands.references import write_reference
from omniseg.commands.written import Written
from omniseg.faults import crash_here
from omniseg.ingest.accounting import Account, check_all
from omniseg.ingest.declaration import Declaration, ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.dedupe import CONFLICT, CONFLICT_RULE, DUPLICATE, NARROW, verdicts
from omniseg.ingest.mapping import ELEMENT
from omniseg.ingest.quarantine import LONGEST_TEXT, first_positions, quarantined
from omniseg.lake.bounded import bounded
from omniseg.lake.staging import Staging, staging
from omniseg.privacy.vault import encrypted, text_hash
from omniseg.runtime import Run
from omniseg.tables import BRONZE_EVENTS, EXCHANGE_RATES, FILES, QUARANTINE, RAW_REJECTS, REFERENCES, SILVER_EVENTS

# What every record has on its way into the tables, and what those that describe events have besides. Not there:
# `reject`, the text of what could not be parsed, which may hold anything and is only ever written encrypted.
RECEIVED = f"{BRONZE_EVENTS.ddl}, rules ARRAY<STRING>"
JUDGED = f"{SILVER_EVENTS.ddl}, file STRING, position BIGINT, payload STRING, rescued STRING, rules ARRAY<STRING>"
SEALED = f"{RAW_REJECTS.ddl}, record_hash STRING"
Waiting = Mapping[str, Sequence[Delivery]]


def write_batch(
    run: Run, batch_id: int, waiting: Waiting, declarations: Sequence[Declaration], currency: str | None
) -> Written:
    """Write all that the files hold; the batch exists from the moment that ops.files has it."""
    pinned = pinned_schemas(run)
    target = batch_rows(run.lake, batch_id)
    with staging(run.spark, run.work_dir) as place:
        references = [
            reference_frame(run, item, waiting[item.name], batch_id=batch_id, pinned=pinned)
            for item in declarations
            if isinstance(item, ReferenceDeclaration)
        ]
        stage(run, place, references)
        accounts = [
            write_reference(run, item, place.read([item.name], rows.schema), batch_id=batch_id)
            for item, rows in staged(references)
            if isinstance(item, ReferenceDeclaration)
        ]
        rates = exchange_rates(run)
        events = [
            event_frame(run, item, waiting[item.name], batch_id=batch_id, rates=rates, currency=currency, pinned=pinned)
            for item in declarations
            if isinstance(item, SourceDeclaration)
        ]
        stage(run, place, events)
        found, accounts_of_events = store(run, target, place, references, events)
    if rates is not None and brings_rates(references):
        with run.step("amounts that waited for a rate"):
            fill_amounts(run, batch_id, rates)
    refused = {path: reason for frame in (*references, *events) for path, reason in frame.refused.items()}
    check_all(accounts + accounts_of_events)
    pin(run, to_pin((*references, *events), pinned))
    commit(target, waiting, found, refused)
    return Written(accounts + accounts_of_events, refused, found)


def stage(run: Run, place: Staging, frames: Iterable[Frame]) -> None:
    """Read, protect and map the records of each frame, once; every table is written from what is staged."""
    for declaration, rows in staged(frames):
        with run.step(f"reading, protecting and mapping {declaration.name}"):
            place.write(declaration.name, rows)


def staged(frames: Iterable[Frame]) -> list[tuple[Declaration, DataFrame]]:
    """Of each frame of which not every file was refused, what is staged under the declaration's name."""
    return [(frame.declaration, frame.rows.drop("reject")) for frame in frames if frame.rows is not None]


def rejects(frames: Iterable[Frame], sources: Collection[str]) -> list[DataFrame]:
    """The texts of some sources that could not be parsed. Few, and read from the files again: on the way they would
    have to be sealed, and sealing sends every record through Python.
    """
    columns = ("record_id", "source", "batch_id", "received_at", "reject")
    return [
        frame.rows.where(F.col("reject").isNotNull()).select(*columns)
        for frame in frames
        if frame.rows is not None and frame.declaration.name in sources
    ]


def brings_rates(references: Iterable[Frame]) -> bool:
    """True when the batch delivers exchange rates."""
    return any(
        frame.rows is not None and REFERENCES.get(frame.declaration.name) is EXCHANGE_RATES for frame in references
    )


def store(
    run: Run, target: BatchRows, place: Staging, references: list[Frame], events: list[Frame]
) -> tuple[Survey, list[Account]]:
    """Write bronze, vault, silver, quarantine and identities of the batch; account for its events."""
    judged = rows_of(run, place, events, JUDGED)
    received = rows_of(run, place, [*references, *events], RECEIVED)
    with run.step("counting records"):
        found = survey(received)
    with run.step("duplicates and conflicts"):
        repeated = judge(run, place, target.batch_id, judged)
        refused = refusals(repeated)
    with run.step("bronze.events"):
        write_received(target, received, found)
    with run.step("rejected texts"):
        sealed = write_rejects(run, target, place, [*references, *events], found.rejected)
    with run.step("silver.events_quarantine"):
        crash_here("ingest.quarantine.before")
        if found.broken or refused[CONFLICT]:
            write_quarantine(target, received, repeated, sealed)
        else:
            target.clear(QUARANTINE)
    with run.step("silver.events"):
        write_accepted(run, target, judged, repeated)
    with run.step("silver.identities"):
        crash_here("ingest.identities.before")
        add_identities(run, target)
    with run.step("accounting"):
        names = [frame.declaration.name for frame in events]
        return found, event_accounts(run, target.batch_id, found, refused[DUPLICATE], names)


def rows_of(run: Run, place: Staging, frames: Iterable[Frame], schema: str) -> DataFrame:
    """What frames have staged; no rows where they have none."""
    names = [declaration.name for declaration, _ in staged(frames)]
    return place.read(names, schema) if names else run.lake.nothing(schema)


def write_received(target: BatchRows, received: DataFrame, found: Survey) -> None:
    """Every record as received, an exploded one once."""
    crash_here("ingest.bronze.before")
    whole = received.where(~F.contains("record_id", F.lit(ELEMENT))) if found.exploded else received
    target.write(BRONZE_EVENTS, whole.select(*BRONZE_EVENTS.column_names))


def write_rejects(
    run: Run, target: BatchRows, place: Staging, frames: Iterable[Frame], sources: Collection[str]
) -> DataFrame:
    """The encrypted text of records that could not be parsed; returns it, with a hash of the whole text."""
    crash_here("ingest.vault.before")
    texts = rejects(frames, sources)
    if not texts:
        target.clear(RAW_REJECTS)
        return run.lake.nothing(SEALED)
    key_name = run.settings.privacy.vault_key.env_name
    rows = reduce(DataFrame.unionByName, texts).select(
        F.col("record_id").alias("vault_ref"),
        "source",
        encrypted(F.substring("reject", 1, LONGEST_TEXT), key_name=key_name).alias("encrypted"),
        "batch_id",
        F.col("received_at").alias("stored_at"),
        text_hash(F.col("reject"), key_name=key_name).alias("record_hash"),
    )
    sealed = place.keep("(rejects)", rows)
    target.write(RAW_REJECTS, sealed.select(*RAW_REJECTS.column_names))
    return sealed


def judge(run: Run, place: Staging, batch_id: int, judged: DataFrame) -> DataFrame:
    """Verdicts on the events of the batch that earlier batches, or earlier rows of this one, have delivered already;
    staged, so that joins with them know that they are few.
    """
    window = run.settings.dedupe.window_days
    fresh = judged.where(F.size("rules") == 0).select(*NARROW)
    days = fresh.agg(F.min("event_date").alias("first"), F.max("event_date").alias("last"))
    span = bounded(days, 1)[0]
    earlier = run.lake.read(SILVER_EVENTS).where(F.col("batch_id") < batch_id)
    if span.first is not None:
        first, last = span["first"] - timedelta(days=window), span["last"] + timedelta(days=window)
        earlier = earlier.where(F.col("event_date").between(F.lit(first), F.lit(last)))
    found = verdicts(
        fresh, earlier.select(*NARROW), window_days=window, keep=lambda hashes: place.keep("(repeated)", hashes)
    )
    return place.keep("(verdicts)", found)


def write_accepted(run: Run, target: BatchRows, judged: DataFrame, repeated: DataFrame) -> None:
    """Good events that are neither duplicates nor conflicts."""
    crash_here("ingest.silver.before")
    good = judged.where(F.size("rules") == 0)
    accepted = with_bots(run, target.batch_id, good.join(repeated.select("record_id"), "record_id", "left_anti"))
    target.write(SILVER_EVENTS, accepted.select(*SILVER_EVENTS.column_names))


def write_quarantine(target: BatchRows, received: DataFrame, repeated: DataFrame, sealed: DataFrame) -> None:
    """Records that break a rule, conflicts included, with their place and a safe excerpt."""
    conflicts = repeated.where(F.col("verdict") == CONFLICT).select("record_id", F.lit(True).alias("conflict"))
    rows = received.join(conflicts, "record_id", "left")
    rules = F.when(F.col("conflict"), F.array(F.lit(CONFLICT_RULE))).otherwise(F.col("rules"))
    bad = rows.withColumn("rules", rules).where(F.size("rules") > 0)
    placed = quarantined(bad, first_positions(received))
    hashes = sealed.select(F.col("vault_ref").alias("record_id"), "record_hash")
    target.write(QUARANTINE, placed.join(hashes, "record_id", "left"))


def commit(target: BatchRows, waiting: Waiting, found: Survey, refused: Mapping[str, str]) -> None:
    """The ledger of the batch: from here on its files are taken and its rows are known."""
    rows = [
        (
            file.source,
            file.path,
            file.size,
            file.mtime,
            file.content_hash,
            found.rows_per_file.get((file.source, plain_path(file.path)), 0),
            target.batch_id,
            "refused" if file.path in refused else "taken",
            refused.get(file.path),
        )
        for files in waiting.values()
        for file in files
    ]
    crash_here("ingest.files.before")
    target.write(FILES, target.lake.spark.createDataFrame(rows, FILES.ddl))
    crash_here("ingest.files.after")
