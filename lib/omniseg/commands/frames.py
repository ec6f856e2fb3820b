"""One declaration's new files as a frame that is ready to be judged: read, protect, map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from omniseg.commands.deliveries import Delivery
from omniseg.commands.reading import known_schema, parsed_files
from omniseg.ingest.compiled import Plan, plan
from omniseg.ingest.declaration import Declaration, ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.events import Rules, canonical_events
from omniseg.ingest.mapping import map_records
from omniseg.ingest.parse import PARSED, quoted
from omniseg.ingest.protect import protect
from omniseg.ingest.reference import declared_columns, reference_rows
from omniseg.ingest.vocabulary import EVENT_COLUMNS
from omniseg.lake.bounded import bounded
from omniseg.quoting import sql_name
from omniseg.runtime import Run
from omniseg.tables import REFERENCES, SILVER_EVENTS


@dataclass(frozen=True)
class Frame:
    """The rows of one declaration (None when all its files were refused), the refused files (path -> reason), and the
    schema by which its records were read.
    """

    declaration: Declaration
    rows: DataFrame | None
    refused: Mapping[str, str]
    schema: T.StructType


def frame(
    run: Run,
    declaration: Declaration,
    files: Sequence[Delivery],
    mapped: Callable[[Plan, DataFrame], DataFrame],
    *,
    batch_id: int,
    pinned: Mapping[str, T.StructType],
) -> Frame:
    """Read and protect the files; `mapped` makes rows of their records."""
    parsed = parsed_files(run, declaration, files, pinned=pinned)
    rows = None
    if parsed.rows is not None:
        made = plan_of(run, declaration, parsed.schema)
        rows = mapped(made, protected(parsed.rows, declaration, made, batch_id))
    return Frame(declaration, rows, parsed.refused, parsed.schema)


def event_frame(
    run: Run,
    declaration: SourceDeclaration,
    files: Sequence[Delivery],
    *,
    batch_id: int,
    rates: DataFrame | None,
    currency: str | None,
    pinned: Mapping[str, T.StructType],
) -> Frame:
    """Canonical events of the files, with origin and broken rules; nothing is read yet."""

    def events(made: Plan, records: DataFrame) -> DataFrame:
        return events_of(run, declaration, made, records, batch_id=batch_id, rates=rates, currency=currency)

    return frame(run, declaration, files, events, batch_id=batch_id, pinned=pinned)


def events_of(
    run: Run,
    declaration: SourceDeclaration,
    made: Plan,
    records: DataFrame,
    *,
    batch_id: int,
    rates: DataFrame | None,
    currency: str | None,
) -> DataFrame:
    """Canonical events of protected records."""
    rules = event_rules(run, declaration, batch_id, currency)
    return canonical_events(map_records(records, made.mapped), rules=rules, rates=rates)


def reference_frame(
    run: Run,
    declaration: ReferenceDeclaration,
    files: Sequence[Delivery],
    *,
    batch_id: int,
    pinned: Mapping[str, T.StructType],
) -> Frame:
    """Rows of the reference table that the files describe, with origin and broken rules."""

    def references(made: Plan, records: DataFrame) -> DataFrame:
        return references_of(run, declaration, made, records, batch_id=batch_id)

    return frame(run, declaration, files, references, batch_id=batch_id, pinned=pinned)


def references_of(
    run: Run, declaration: ReferenceDeclaration, made: Plan, records: DataFrame, *, batch_id: int
) -> DataFrame:
    """Reference rows of protected records."""
    return reference_rows(
        map_records(records, made.mapped, extra={"attributes": attributes(records, made)}),
        REFERENCES[declaration.target],
        source=declaration.name,
        key=declaration.key,
        priority=run.settings.identity.keys,
        buckets=run.settings.lake.buckets,
        batch_id=batch_id,
    )


def to_pin(frames: Iterable[Frame], pinned: Mapping[str, T.StructType]) -> dict[str, T.StructType]:
    """Declaration -> schema, where it was found in this batch."""
    found = [frame for frame in frames if frame.rows is not None]
    return {frame.declaration.name: frame.schema for frame in found if known_schema(frame.declaration, pinned) is None}


def plan_of(run: Run, declaration: Declaration, read: T.StructType) -> Plan:
    """What happens to records read by this schema; a reference table without `columns` takes those of its names."""
    if not isinstance(declaration, ReferenceDeclaration):
        return planned(run, declaration, read, declaration.columns, EVENT_COLUMNS)
    allowed = declared_columns(REFERENCES[declaration.target])
    columns = dict(declaration.columns) or {name: sql_name(name) for name in read.names if name in allowed}
    if declaration.valid_from is not None:
        columns["valid_from"] = declaration.valid_from
    return planned(run, declaration, read, columns, allowed)


def planned(
    run: Run, declaration: Declaration, read: T.StructType, columns: Mapping[str, str], canonical: Mapping[str, str]
) -> Plan:
    """Compile the declaration with this run's keys."""
    privacy = run.settings.privacy
    return plan(
        declaration,
        read=read,
        columns=columns,
        canonical=canonical,
        key_name=privacy.pseudonym_key.env_name,
        key_version=privacy.key_version,
    )


def protected(parsed: DataFrame, declaration: Declaration, made: Plan, batch_id: int) -> DataFrame:
    """Parsed records with their names for ever, without direct identifiers."""
    name = F.concat_ws("-", F.lit(declaration.name), F.lit(batch_id), F.col("__position"))
    return protect(parsed, made.protection).withColumn("__record_id", name)


def attributes(records: DataFrame, made: Plan) -> Column:
    """The delivered columns that no expression reads, as text; personal ones are pseudonyms by now."""
    used = made.protection.used | {name for name in records.columns if name.startswith("__")}
    free = [name for name in records.columns if name not in (*PARSED, *used)]
    if not free:
        return F.create_map().cast("map<string,string>")
    pairs = F.create_map(*(part for name in free for part in (F.lit(name), quoted(name).cast("string"))))
    return F.map_filter(pairs, lambda _, value: value.isNotNull())


def event_rules(run: Run, declaration: SourceDeclaration, batch_id: int, currency: str | None) -> Rules:
    """What settings and declaration say about the events of this source."""
    settings = run.settings
    return Rules(
        source=declaration.name,
        channel=declaration.channel,
        time_zone=settings.business.time_zone,
        business_currency=currency,
        source_currency=declaration.currency,
        priority=settings.identity.keys,
        buckets=settings.lake.buckets,
        batch_id=batch_id,
        max_late_days=declaration.max_late_days,
        newest_date=newest_date(run, declaration, batch_id),
        redact_properties=not declaration.keep_free_text,
    )


def newest_date(run: Run, declaration: SourceDeclaration, batch_id: int) -> str | None:
    """The newest event_date that earlier batches accepted from the source; only looked up where lateness is limited."""
    if declaration.max_late_days is None:
        return None
    earlier = (F.col("source") == declaration.name) & (F.col("batch_id") < batch_id)
    rows = bounded(run.lake.read(SILVER_EVENTS).where(earlier).agg(F.max("event_date").alias("newest")), 1)
    return str(rows[0].newest) if rows[0].newest is not None else None
