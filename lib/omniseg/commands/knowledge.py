"""What the warehouse knows: the newest batch of everything that decides features and snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.errors import ContractError
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import FILES, IDENTITIES, REFERENCES

LEDGER, PEOPLE = "files", "identities"


@dataclass(frozen=True)
class Known:
    """Knowledge time of a run: highest batch that was committed, that named an identifier, and per reference table."""

    batch_id: int
    identity_batch_id: int | None
    reference_batch_ids: Mapping[str, int]


def knowledge(run: Run) -> Known:
    """Asked once per run, since only ingest and replay change it. ContractError when nothing was ingested yet."""
    tables = {LEDGER: FILES, PEOPLE: IDENTITIES, **REFERENCES}
    newest = [
        run.lake.read(table).agg(F.lit(name).alias("name"), F.max("batch_id").alias("newest"))
        for name, table in tables.items()
        if run.lake.exists(table)
    ]
    rows = bounded(reduce(DataFrame.unionByName, newest), len(tables)) if newest else []
    found = {row.name: int(row.newest) for row in rows if row.newest is not None}
    if LEDGER not in found:
        raise ContractError(f"nothing was ingested into {run.settings.warehouse.root} yet; run omniseg ingest first")
    references = {name: batch for name, batch in sorted(found.items()) if name in REFERENCES}
    return Known(found[LEDGER], found.get(PEOPLE), references)
