"""`omniseg quarantine list|show|replay`: bad records, why they are bad, and a second chance for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from omniseg.commands.deliveries import next_batch
from omniseg.commands.ingest import check_key
from omniseg.commands.replay import replay_source
from omniseg.errors import ConfigError, Problem
from omniseg.ingest.currency import with_currency
from omniseg.ingest.declaration import ReferenceDeclaration, SourceDeclaration
from omniseg.ingest.quarantine import EXPLANATIONS
from omniseg.lake.bounded import bounded
from omniseg.names import nearest
from omniseg.report.listing import render
from omniseg.runtime import Run
from omniseg.settings.sources import load_declarations
from omniseg.tables import QUARANTINE

MOST_RULES = 10_000  # combinations of source, rule and status
OUT_OF_REACH = (
    "their text could not be parsed, and is not kept whole (only JSON below 4 KB is, for "
    "privacy.vault_retention_days). Deliver their file again"
)
LISTED = ("source", "rule", "status", "records", "explanation", "file", "line")
SHOWN = ("record_id", "file", "line", "rules", "excerpt")


def show_list(run: Run) -> None:
    """Reads the quarantine; prints records by source, rule and status, with the place of the first of each."""
    counted = by_rule(run.lake.read(QUARANTINE))
    rows = [row.asDict() | {"explanation": explanation(row.rule)} | row.example.asDict() for row in counted]
    rows.sort(key=lambda row: (row["source"], row["rule"], row["status"]))
    tell(
        run, rows, LISTED, "Next: omniseg quarantine show --source NAME" if rows else "No record was ever quarantined."
    )


def show(run: Run) -> None:
    """Reads the quarantine; prints open records of one source, of one rule, or of all, in the order of their files."""
    source, rule, limit = run.options["source"], run.options["rule"], run.options["limit"]
    records = run.lake.read(QUARANTINE)
    refuse_unknown(records, source, rule)
    wanted = records.where(F.col("status") == "open")
    wanted = wanted if source is None else wanted.where(F.col("source") == source)
    wanted = wanted if rule is None else wanted.where(F.array_contains("rules", rule))
    first = wanted.orderBy("source", "file", "line", "record_id").select(*SHOWN).limit(limit)
    rows = [row.asDict() for row in bounded(first, limit)]
    tell(run, rows, SHOWN, "--format json shows paths and excerpts whole." if rows else "No open record.")


def replay(run: Run) -> None:
    """Reads quarantine, bronze and vault; writes silver, identities, ops.files and the quarantine.

    Open records of one source are judged under its present declaration, as a batch of their own. What breaks a rule
    again stays open; a record whose text is not kept whole stays open, too, and is counted.
    """
    declarations = load_declarations(run.settings.sources.dir, run.settings)
    declaration = source_named(declarations, run.options["source"])
    check_key(run)
    currency = with_currency(run.settings.business.currency, declarations)
    batch_id = next_batch(run)
    done = replay_source(run, declaration, batch_id=batch_id, currency=currency)
    if done.account.read.rows:
        run.batch_id, run.accounts = batch_id, [done.account]
        row = {"source": declaration.name, **done.account.counts()}
        run.say(render([row], ("source", "read", "accepted", "duplicates", "quarantined"), run.options["format"]))
    else:
        run.status = "nothing_new"
        run.say(f"No open record of {declaration.name} can be replayed.")
    if done.out_of_reach:
        run.say(f"{done.out_of_reach:,} open records stay as they are: {OUT_OF_REACH}")


def source_named(declarations: Sequence[SourceDeclaration | ReferenceDeclaration], name: str) -> SourceDeclaration:
    """The source of events of that name; ConfigError with the nearest one otherwise."""
    found = {item.name: item for item in declarations}
    declaration = found.get(name)
    if isinstance(declaration, SourceDeclaration):
        return declaration
    if declaration is not None:
        what = f"{name!r}, a reference table"
        raise ConfigError(
            [Problem("command line", "--source", what, "a source of events; deliver a table's file again")]
        )
    raise ConfigError(unknown("--source", name, found))


def tell(run: Run, rows: list[dict[str, Any]], columns: Sequence[str], hint: str) -> None:
    """The listing; for people with short file names, and with a hint below it."""
    style = run.options["format"]
    run.say(render(for_people(rows) if style == "table" else rows, columns, style))
    if style == "table":
        run.say(hint)


def for_people(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the names of files instead of their paths."""
    return [row | {"file": row["file"].rpartition("/")[2]} for row in rows]


def by_rule(records: DataFrame) -> list[Row]:
    """(source, rule, status, records, example) of each combination; a record counts under every rule it breaks."""
    broken = records.select("source", F.explode("rules").alias("rule"), "status", "file", "line")
    example = F.min(F.struct("file", "line")).alias("example")
    return bounded(
        broken.groupBy("source", "rule", "status").agg(F.count(F.lit(1)).alias("records"), example), MOST_RULES
    )


def refuse_unknown(records: DataFrame, source: str | None, rule: str | None) -> None:
    """ConfigError, with the nearest name, for a source or rule of which there never was a bad record."""
    counted = by_rule(records)
    problems = [
        *unknown("--source", source, {row.source for row in counted}),
        *unknown("--rule", rule, {row.rule for row in counted}),
    ]
    if counted and problems:
        raise ConfigError(problems)


def unknown(option: str, name: str | None, known: Iterable[str]) -> list[Problem]:
    """The problem with a name that is not among the known ones."""
    names = sorted(known)
    if name is None or name in names:
        return []
    return [Problem("command line", option, repr(name), f"one of {', '.join(names)}", nearest(name, names))]


def explanation(rule: str) -> str:
    """What a rule says, in words; a declared expectation speaks for itself."""
    return EXPLANATIONS.get(rule.partition(":")[0], "an expectation that the declaration states")
