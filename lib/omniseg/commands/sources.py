"""`omniseg sources check FILE`: what a declaration makes of its files, before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.deliveries import Delivery, deliveries, new_versions, next_batch
from omniseg.commands.frames import events_of, plan_of, protected, references_of
from omniseg.commands.pins import pinned_schemas
from omniseg.commands.quarantine import explanation, for_people
from omniseg.commands.rates import exchange_rates
from omniseg.commands.reading import parsed_files
from omniseg.errors import ContractError
from omniseg.ingest.compiled import Plan
from omniseg.ingest.currency import with_currency
from omniseg.ingest.declaration import ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.protect import is_used
from omniseg.ingest.quarantine import first_positions, quarantined
from omniseg.lake import landing
from omniseg.lake.bounded import bounded
from omniseg.report.listing import plain, render, simple
from omniseg.runtime import Run, provide_keys
from omniseg.settings.sources import load_declaration
from omniseg.tables import REFERENCES

SHOWN = 5  # mapped rows that are printed
CELL = 24  # characters of a mapped value in the table
MOST_RULES = 10_000
BREACHES = ("rule", "records", "explanation", "file", "line")


@dataclass(frozen=True)
class Findings:
    """What the dry run saw."""

    source: str
    files: int
    waiting: bool  # False: all files were taken already, so the newest taken ones were read
    records: int
    rows: list[dict[str, Any]]  # the first mapped rows
    breaches: list[dict[str, Any]]
    unmapped: list[str]  # delivered columns that no expression reads
    unknown: list[dict[str, Any]]  # fields that the schema does not know, with how many records have them
    refused: Mapping[str, str]


def check(run: Run) -> None:
    """Reads at most `--sample` records of the files that wait (else of all that match); prints, and writes no table.

    Breaches are what the report is about and no error: exit code 0. Exit code 3 when there was nothing to read.
    """
    declaration = load_declaration(run.options["file"], run.settings)
    provide_keys(run.settings)
    files, waiting = files_of(run, declaration)
    found = findings(run, declaration, files, waiting=waiting)
    style = run.options["format"]
    run.say(
        as_json(found)
        if style == "json"
        else render(found.breaches, BREACHES, "csv")
        if style == "csv"
        else told(found)
    )


def files_of(run: Run, declaration: SourceDeclaration | ReferenceDeclaration) -> tuple[list[Delivery], bool]:
    """The files that the next ingest would take, and True; else all files at the declared path, and False."""
    waiting = deliveries(run, [declaration])[declaration.name]
    if waiting:
        return waiting, True
    if declaration.format == "delta":
        again = new_versions(run, declaration, taken=())
        if again:
            return again, False
    listed = landing.list_files(run.spark, declaration.path)
    if not listed:
        where = declaration.where("path")
        raise ContractError(f"{where}: path: no file matches {declaration.path}; deliver one, or mend the path")
    return [Delivery(declaration.name, item.path, item.size, item.mtime, "") for item in listed], False


def findings(
    run: Run, declaration: SourceDeclaration | ReferenceDeclaration, files: Sequence[Delivery], *, waiting: bool
) -> Findings:
    """Read, protect and map the sample as ingest would, and count."""
    parsed = parsed_files(run, declaration, files, pinned=pinned_schemas(run))
    if parsed.rows is None:
        shown = "\n".join(f"  {path}: {reason}" for path, reason in sorted(parsed.refused.items()))
        raise ContractError(f"source {declaration.name}: all {len(files)} files would be refused:\n{shown}")
    made = plan_of(run, declaration, parsed.schema)
    sample = protected(parsed.rows.limit(run.options["sample"]), declaration, made, next_batch(run))
    rows = mapped(run, declaration, made, sample).persist()
    try:
        with run.step("reading the sample"):
            return Findings(
                source=declaration.name,
                files=len(files),
                waiting=waiting,
                records=rows.count(),
                rows=[
                    row.asDict() for row in bounded(rows.select(*shown_columns(declaration, rows)).limit(SHOWN), SHOWN)
                ],
                breaches=breaches(rows),
                unmapped=[name for name in parsed.schema.names if not is_used(name, made.protection.used)],
                unknown=unknown_fields(rows),
                refused=parsed.refused,
            )
    finally:
        rows.unpersist()


def mapped(
    run: Run, declaration: SourceDeclaration | ReferenceDeclaration, made: Plan, records: DataFrame
) -> DataFrame:
    """The rows that the records would become, with the rules that they break."""
    batch_id = next_batch(run)
    if isinstance(declaration, ReferenceDeclaration):
        return references_of(run, declaration, made, records, batch_id=batch_id)
    currency = with_currency(run.settings.business.currency, [declaration])
    rates = exchange_rates(run)
    return events_of(run, declaration, made, records, batch_id=batch_id, rates=rates, currency=currency)


def shown_columns(declaration: SourceDeclaration | ReferenceDeclaration, rows: DataFrame) -> list[str]:
    """The columns worth showing: those that are declared and those that follow from them; then the broken rules."""
    if isinstance(declaration, ReferenceDeclaration):
        own = [name for name in REFERENCES[declaration.target].column_names if name in rows.columns]
        return [*(name for name in own if name not in ("row_hash", "record_id", "batch_id", "valid_to")), "rules"]
    derived = ("event_date", "identity_key", "channel", "amount", "amount_status")
    return [*declaration.columns, *(name for name in derived if name not in declaration.columns), "rules"]


def breaches(rows: DataFrame) -> list[dict[str, Any]]:
    """How many records break each rule, what it says and where the first of them stands."""
    bad = quarantined(rows.where(F.size("rules") > 0), first_positions(rows))
    example = F.min(F.struct("file", "line")).alias("example")
    by_rule = bad.select(F.explode("rules").alias("rule"), "file", "line").groupBy("rule")
    counted = bounded(by_rule.agg(F.count(F.lit(1)).alias("records"), example), MOST_RULES)
    return [
        {"rule": row.rule, "records": row.records, "explanation": explanation(row.rule), **row.example.asDict()}
        for row in sorted(counted, key=lambda row: (-row.records, row.rule))
    ]


def unknown_fields(rows: DataFrame) -> list[dict[str, Any]]:
    """Fields that the schema does not know, by how many records have them."""
    fields = rows.select(F.explode(F.json_object_keys("rescued")).alias("field")).groupBy("field").count()
    counted = bounded(fields, MOST_RULES)
    return [{"field": row.field, "records": row["count"]} for row in sorted(counted, key=lambda row: row.field)]


def as_json(found: Findings) -> str:
    """Everything as one JSON object."""
    return json.dumps(vars(found), indent=2, default=simple, ensure_ascii=False)


def told(found: Findings) -> str:
    """Everything in words, for the terminal."""
    state = "waiting to be taken" if found.waiting else "none waiting, so those taken before were read"
    parts = [
        f"Source {found.source}: {found.records:,} records of {found.files:,} files ({state}). Nothing was written."
    ]
    parts += ["", f"The first {len(found.rows)} as they would be written:", transposed(found.rows)]
    if found.breaches:
        parts += [
            "",
            "Records that break a rule (they would go to quarantine):",
            render(for_people(found.breaches), BREACHES, "table"),
        ]
    else:
        parts += ["", "No record breaks a rule."]
    if found.unmapped:
        parts += ["", f"Delivered columns that no expression reads: {', '.join(found.unmapped)}"]
    if found.unknown:
        parts += ["", "Fields that the schema does not know:", render(found.unknown, ("field", "records"), "table")]
    parts += [f"Refused: {path}: {reason}" for path, reason in sorted(found.refused.items())]
    return "\n".join(parts)


def transposed(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table with one line per column: canonical events are wider than a terminal."""
    numbers = [str(number) for number in range(1, len(rows) + 1)]
    lines = [
        {"column": name} | {number: short(row[name]) for number, row in zip(numbers, rows, strict=True)}
        for name in (rows[0] if rows else {})
    ]
    return render(lines, ["column", *numbers], "table")


def short(value: object) -> str:
    """A mapped value cut to the width of its column."""
    text = plain(value)
    return text if len(text) <= CELL else text[: CELL - 1] + "…"
