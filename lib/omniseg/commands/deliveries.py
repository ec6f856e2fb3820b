"""Which files each declaration takes in this batch: listing, ledger, manifests. The only state is `ops.files`."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any
from urllib.parse import unquote

from pyspark.sql import functions as F

from omniseg.errors import AccountingError, ContractError
from omniseg.ingest.declaration import Declaration
from omniseg.ingest.ledger import Candidate, Known, ready, to_hash, untaken
from omniseg.lake import delta_source, landing
from omniseg.lake.bounded import bounded
from omniseg.lake.delta_source import Versions
from omniseg.runtime import Run
from omniseg.tables import FILES, RUNS

log = logging.getLogger(__name__)
MOST_FILES = 2_000_000  # deliveries that a ledger may hold before old ones have to be archived


@dataclass(frozen=True)
class Delivery:
    """One file that a declaration takes now."""

    source: str
    path: str
    size: int
    mtime: datetime
    content_hash: str


def next_batch(run: Run) -> int:
    """The batch after the highest committed one; an interrupted batch gets its number again and is replaced.

    Raises AccountingError where a run has committed that number already: the ledger is an older one than the tables
    (restored from a backup, say), and the rows of that batch would be replaced by others.
    """
    ledger_and_runs = {FILES.name: run.lake.read(FILES), RUNS.name: run.lake.read(RUNS).where(F.col("exit_code") == 0)}
    newest = [
        rows.agg(F.lit(name).alias("name"), F.coalesce(F.max("batch_id"), F.lit(0)).alias("newest"))
        for name, rows in ledger_and_runs.items()
    ]
    found = {row.name: int(row.newest) for row in bounded(newest[0].unionByName(newest[1]), len(newest))}
    known, ended = found[FILES.name], found[RUNS.name]
    if ended > known:
        raise AccountingError(
            f"{RUNS.name} says that batch {ended} was committed, but {FILES.name}, the ledger of what was taken, ends "
            f"with batch {known}. Restore {FILES.name} to its newest version, or the whole warehouse to one moment; "
            "nothing was written"
        )
    return known + 1


def deliveries(run: Run, declarations: Sequence[Declaration]) -> dict[str, list[Delivery]]:
    """Per declaration the files not yet taken, in path order."""
    known = ledger(run)
    return {item.name: new_files(run, item, known.get(item.name, {})) for item in declarations}


def ledger(run: Run) -> dict[str, dict[str, list[Known]]]:
    """What was taken or refused before: source -> path -> deliveries."""
    rows = bounded(run.lake.read(FILES).select("source", "path", "size", "mtime", "content_hash"), MOST_FILES)
    found: dict[str, dict[str, list[Known]]] = {}
    for row in rows:
        mtime = row.mtime.replace(tzinfo=timezone.utc)
        found.setdefault(row.source, {}).setdefault(row.path, []).append(Known(row.size, mtime, row.content_hash))
    return found


def new_files(run: Run, declaration: Declaration, known: Mapping[str, list[Known]]) -> list[Delivery]:
    """The files (of a Delta table: the versions) of one declaration that wait to be taken."""
    if declaration.format == "delta":
        return new_versions(run, declaration, known)
    listed = [Candidate(item.path, item.size, item.mtime) for item in landing.list_files(run.spark, declaration.path)]
    now, settle = datetime.now(timezone.utc), run.settings.landing.settle_seconds
    candidates = to_hash([item for item in listed if ready(item, now=now, settle_seconds=settle)], known)
    hashes = landing.content_hashes(run.spark, [item.path for item in candidates])
    fresh = untaken(candidates, hashes, known)
    kept = [item for item in fresh if complete(run, declaration, item, hashes[item.path])]
    return [Delivery(declaration.name, item.path, item.size, item.mtime, hashes[item.path]) for item in kept]


def new_versions(run: Run, declaration: Declaration, taken: Iterable[str]) -> list[Delivery]:
    """What a Delta table has got since it was read last, as one delivery; the whole table at first."""
    found = delta_source.newest_version(run.spark, declaration.path)
    if found is None:
        return []
    newest, moment = found
    wanted = delta_source.untaken_versions(declaration.path, newest, taken)
    if wanted is None:
        return []
    place = tellable(run, declaration, wanted).place
    return [Delivery(declaration.name, place, 0, moment, f"version:{newest}")]


def tellable(run: Run, declaration: Declaration, wanted: Versions) -> Versions:
    """The versions; the whole table where its change feed began later than they, for what is known of it counts as
    duplicate.

    Raises ContractError where the table keeps no change feed, so that its news cannot be told from its rows.
    """
    if wanted.first is None:
        return wanted
    if not delta_source.has_feed(run.spark, declaration.path):
        raise ContractError(
            f"{declaration.where('path')}: source {declaration.name}: the Delta table {declaration.path} keeps no "
            f"change feed, so what came after version {wanted.first - 1} cannot be told. Nothing was taken. "
            f"ALTER TABLE delta.`{declaration.path}` SET TBLPROPERTIES ({delta_source.FEED} = true) starts one; the "
            f"next run then reads the whole table once more"
        )
    if delta_source.feed_reaches(run.spark, wanted):
        return wanted
    log.warning("source=%s is read as a whole: its change feed began after version %d", declaration.name, wanted.first)
    return replace(wanted, first=None)


def complete(run: Run, declaration: Declaration, item: Candidate, content_hash: str) -> bool:
    """False while a required manifest is missing, or a manifest names other bytes than those that lie there: the file
    waits.

    A manifest is `<file>.manifest.json` with `{"size": bytes, "sha256": hex}`, either key optional.
    """
    if declaration.manifest == "none":
        return True
    manifest = f"{item.path}.manifest.json"
    if not landing.folder_exists(run.spark, manifest):
        if declaration.manifest == "required":
            log.warning("source=%s file=%s waits: its manifest %s is not there", declaration.name, item.path, manifest)
        return declaration.manifest == "optional"
    promised = promise(landing.whole_text(run.spark, manifest))
    if promised is None:
        log.warning("source=%s file=%s waits: its manifest is no JSON object (yet)", declaration.name, item.path)
        return False
    found = {"size": item.size, "sha256": content_hash.removeprefix("sha256:")}
    wrong = [name for name in found if name in promised and promised[name] != found[name]]
    if wrong:
        log.warning("source=%s file=%s waits: its manifest promises other %s", declaration.name, item.path, wrong)
    return not wrong


def promise(text: str) -> dict[str, Any] | None:
    """What a manifest says, nothing where it is empty; None when it is not one JSON object, perhaps half written."""
    try:
        found = json.loads(text.strip() or "{}")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def plain_path(path: str) -> str:
    """One spelling for the paths of Hadoop (`file:/x`) and Spark's metadata column (`file:///x`, percent-encoded)."""
    return unquote(path).replace("file:///", "file:/", 1)
