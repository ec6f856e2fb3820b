"""Pinned schemas: where none is declared, all deliveries are read by the schema that the first one had."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from pyspark.sql import functions as F
from pyspark.sql import types as T

from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import MIGRATIONS
from omniseg.tables.types import ddl, struct_of

OBJECT = "source:"  # what a pinned schema stands under in ops.migrations, before the name of its declaration
MOST_PINS = 100_000


def pinned_schemas(run: Run) -> dict[str, T.StructType]:
    """Declaration -> schema that its records are read by; of several versions the highest."""
    mine = run.lake.read(MIGRATIONS).where(F.col("object").startswith(OBJECT))
    rows = bounded(mine.orderBy("version"), MOST_PINS)
    return {row.object.removeprefix(OBJECT): struct_of(row.definition) for row in rows}


def pin(run: Run, found: Mapping[str, T.StructType]) -> None:
    """Remember schemas that hold from now on; an empty one, of empty files, tells nothing that could hold later."""
    now = datetime.now(timezone.utc)
    rows = [(f"{OBJECT}{name}", 1, ddl(schema), now, run.run_id) for name, schema in found.items() if schema.names]
    if rows:
        run.lake.append(MIGRATIONS, run.spark.createDataFrame(rows, MIGRATIONS.ddl))
