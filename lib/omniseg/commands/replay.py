"""Open quarantine records judged anew, as a batch of their own.

Order of the commits: silver, ops.files (from here on the batch exists), then the quarantine. After a crash between the
last two, the records are accepted and still open; the next replay finds them to be duplicates of themselves and closes
them. So none is lost, and none counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from omniseg.commands.accounts import ACCEPTED, Survey, in_tables, refusals
from omniseg.commands.batch import commit, judge, write_accepted
from omniseg.commands.batch_rows import BatchRows, batch_rows
from omniseg.commands.deliveries import Delivery, plain_path
from omniseg.commands.frames import event_rules, plan_of
from omniseg.commands.identities import add_identities
from omniseg.commands.pins import pinned_schemas
from omniseg.commands.rates import exchange_rates
from omniseg.commands.reading import known_schema
from omniseg.errors import AccountingError
from omniseg.ingest.accounting import Account, Tally, tally_columns, tally_of
from omniseg.ingest.compiled import Plan
from omniseg.ingest.declaration import SourceDeclaration
from omniseg.ingest.dedupe import CONFLICT, DUPLICATE
from omniseg.ingest.events import canonical_events
from omniseg.ingest.mapping import map_records
from omniseg.ingest.parse import parse_json
from omniseg.ingest.protect import protect
from omniseg.ingest.replay import CHANGES, OPEN, known_rules, outcomes, text_again, too_late, verdict_on, whole
from omniseg.lake.bounded import bounded
from omniseg.lake.staging import Staging, staging
from omniseg.privacy.vault import LONGEST, opened
from omniseg.runtime import Run
from omniseg.tables import BRONZE_EVENTS, QUARANTINE, RAW_REJECTS, SILVER_EVENTS
from omniseg.tables.types import ddl


@dataclass(frozen=True)
class Replay:
    """What a replay did: its account, and how many open records could not be judged for want of their text."""

    account: Account
    out_of_reach: int


def replay_source(run: Run, declaration: SourceDeclaration, *, batch_id: int, currency: str | None) -> Replay:
    """Judge all open records of the source under `declaration`, write batch `batch_id`; nothing where there is none.

    Raises AccountingError where an ingest of that number was interrupted.
    """
    target = batch_rows(run.lake, batch_id)
    if BRONZE_EVENTS.name in target.left:
        raise AccountingError(
            f"an ingest of batch {batch_id} was interrupted, so its records are not all judged yet; nothing was "
            "replayed. Run omniseg ingest, which takes them again, and then the replay"
        )
    with staging(run.spark, run.work_dir) as place:
        waiting = place.keep("waiting", open_records(run, declaration))
        with run.step("judging anew"):
            judged = judged_anew(run, declaration, waiting, batch_id=batch_id, currency=currency)
            # As in a batch, text that cannot be parsed is not written down.
            judged = place.keep("judged", judged.drop("reject"))
            read, bad = read_and_bad(judged)
            reached = waiting.join(judged.select("record_id", F.lit(1).alias("reached")), "record_id", "left")
            found = bounded(reached.agg(F.count(F.lit(1)).alias("open"), F.count("reached").alias("reached")), 1)[0]
        if not read.rows:
            return Replay(Account(declaration.name), found.open)
        account = Account(declaration.name, read=read, quarantined=bad)
        account = write(run, declaration, place, judged, waiting, account, target)
        return Replay(account, found.open - found.reached)


def read_and_bad(judged: DataFrame) -> tuple[Tally, Tally]:
    """Tallies of all rows, and of those that break a rule."""
    rows = bounded(judged.groupBy((F.size("rules") > 0).alias("bad")).agg(*tally_columns()), 2)
    found = {row.bad: tally_of(row) for row in rows}
    bad = found.get(True, Tally())
    return found.get(False, Tally()) + bad, bad


def open_records(run: Run, declaration: SourceDeclaration) -> DataFrame:
    """(record_id, batch_id) of what is open."""
    is_open = (F.col("source") == declaration.name) & (F.col("status") == OPEN)
    return run.lake.read(QUARANTINE).where(is_open).select("record_id", "batch_id")


def judged_anew(
    run: Run, declaration: SourceDeclaration, waiting: DataFrame, *, batch_id: int, currency: str | None
) -> DataFrame:
    """Canonical events of the open records, with the rules that they break now."""
    schema = known_schema(declaration, pinned_schemas(run))
    assert schema is not None, "the batch that brought the records has pinned it"
    made = plan_of(run, declaration, schema)
    names = waiting.select(whole().alias("record_id")).distinct()
    received = run.lake.read(BRONZE_EVENTS).where(F.col("source") == declaration.name)
    received = received.join(F.broadcast(names), "record_id", "left_semi")
    records = from_payload(received, declaration, made, ddl(schema))
    if declaration.format == "json":
        records = records.unionByName(from_vault(run, received, made, ddl(schema)))
    # Lateness counts from what was known when the record came, not from today.
    rules = replace(event_rules(run, declaration, batch_id, currency), newest_date=None)
    events = canonical_events(map_records(records, made.mapped), rules=rules, rates=exchange_rates(run))
    if declaration.max_late_days is not None:
        newest = newest_dates(run, declaration)
        events = too_late(events, waiting, newest, max_late_days=declaration.max_late_days)
    return unsettled(run, declaration, events, waiting, batch_id=batch_id)


def from_payload(received: DataFrame, declaration: SourceDeclaration, made: Plan, schema: str) -> DataFrame:
    """Protected records of those that could be parsed when they came."""
    lines = as_lines(received.where(F.col("payload").isNotNull()), text_again())
    parsed = parse_json(lines, schema=schema)
    parsed = parsed.withColumn("__rules", known_rules(F.col("__rules"), json=declaration.format == "json"))
    return named(protect(parsed, replace(made.protection, again=True)))


def from_vault(run: Run, received: DataFrame, made: Plan, schema: str) -> DataFrame:
    """Protected records of those that could not be parsed when they came, where the vault has their whole text."""
    rejects = run.lake.read(RAW_REJECTS).withColumnRenamed("vault_ref", "record_id").select("record_id", "encrypted")
    kept = received.where(F.col("payload").isNull()).join(rejects, "record_id")
    text = opened(F.col("encrypted"), key_name=run.settings.privacy.vault_key.env_name)
    lines = as_lines(kept, text).where(F.octet_length("value") < LONGEST)
    return named(protect(parse_json(lines, schema=schema), made.protection))


def as_lines(received: DataFrame, text: Column) -> DataFrame:
    """Bronze records as `parse_json` takes lines; the name of a record travels in the place of its position."""
    origin = {"file": "__file", "received_at": "__received_at", "record_id": "__position"}
    return received.select(*(F.col(name).alias(given) for name, given in origin.items()), text.alias("value"))


def named(protected: DataFrame) -> DataFrame:
    """Protected records under the names that they have had since they came."""
    return protected.withColumn("__record_id", F.col("__position"))


def unsettled(
    run: Run, declaration: SourceDeclaration, events: DataFrame, waiting: DataFrame, *, batch_id: int
) -> DataFrame:
    """The events that are still to be judged.

    A record is one row, so these are the open ones. Where a record is exploded, its other elements were read along:
    those that were accepted or replayed are left out, duplicates are found to be duplicates again. So is an open
    element that a replay accepted before it crashed.
    """
    if declaration.rows is None:
        return events.join(F.broadcast(waiting.select("record_id")), "record_id", "left_semi")
    of_source = F.col("source") == declaration.name
    # Of earlier batches only: a crashed replay of this number may have left its events in silver.
    earlier = of_source & (F.col("batch_id") < batch_id)
    accepted = run.lake.read(SILVER_EVENTS).where(earlier).select("record_id")
    closed = run.lake.read(QUARANTINE).where(of_source & (F.col("status") != OPEN)).select("record_id")
    settled = accepted.unionByName(closed).join(waiting, "record_id", "left_anti")
    return events.join(settled, "record_id", "left_anti")


def newest_dates(run: Run, declaration: SourceDeclaration) -> DataFrame:
    """(batch_id, newest_date): the newest event_date that the source had accepted before each of its batches."""
    of_source = F.col("source") == declaration.name
    accepted = (
        run.lake.read(SILVER_EVENTS).where(of_source).groupBy("batch_id").agg(F.max("event_date").alias("newest"))
    )
    batches = run.lake.read(QUARANTINE).where(of_source).select("batch_id").distinct()
    before = Window.orderBy("batch_id").rowsBetween(Window.unboundedPreceding, -1)  # one row per batch: few
    every = batches.join(accepted, "batch_id", "full")
    return every.select("batch_id", F.max("newest").over(before).alias("newest_date"))


def write(
    run: Run,
    declaration: SourceDeclaration,
    place: Staging,
    judged: DataFrame,
    waiting: DataFrame,
    account: Account,
    target: BatchRows,
) -> Account:
    """Write what is accepted, account, commit the batch, then close the records that are settled."""
    batch_id = target.batch_id
    repeated = judge(run, place, batch_id, judged)
    refused = refusals(repeated)
    with run.step("silver.events"):
        write_accepted(run, target, judged, repeated)
    with run.step("silver.identities"):
        add_identities(run, target)
    account = completed(run, account, batch_id, refused)
    account.check()
    commit_replay(run, target, account)
    with run.step("silver.events_quarantine"):
        rows = verdict_on(judged, repeated)
        if declaration.rows is not None:  # elements that were judged along and are good get no row
            mine = waiting.select("record_id", F.lit(True).alias("__waited"))
            rows = rows.join(mine, "record_id", "left").where(F.col("stays") | F.col("__waited"))
        done = place.keep("(outcomes)", outcomes(rows, batch_id=batch_id))  # a MERGE reads its source several times
        run.lake.merge(QUARANTINE, done, on="old.record_id = new.record_id", update=CHANGES, insert=True)
    return account


def completed(run: Run, account: Account, batch_id: int, refused: Mapping[str, Mapping[str, Tally]]) -> Account:
    """The account with what silver holds of the batch now, and with what was found to be repeated."""
    stored = in_tables(run, batch_id).get((ACCEPTED, account.source))
    none = Tally()
    return replace(
        account,
        accepted=tally_of(stored),
        duplicates=refused[DUPLICATE].get(account.source, none),
        quarantined=account.quarantined + refused[CONFLICT].get(account.source, none),
        unattributed=stored.nobody if stored else 0,
        bots=stored.bots if stored else 0,
    )


def commit_replay(run: Run, target: BatchRows, account: Account) -> None:
    """The ledger of the batch: one delivery without a file, so that the number is used up."""
    name = f"replay:{run.run_id}"
    delivery = Delivery(account.source, name, 0, run.started, name)
    rows = {(account.source, plain_path(name)): account.read.rows}
    commit(target, {account.source: [delivery]}, Survey({}, rows, [], rejected=frozenset(), exploded=False), {})
