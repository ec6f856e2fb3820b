"""Delta tables by their declaration: create, read, replace a slice, append, merge. Every write conforms first."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from omniseg.errors import ContractError
from omniseg.lake.bounded import bounded
from omniseg.lake.damage import storage_failure
from omniseg.lake.landing import absolute, hadoop_path
from omniseg.quoting import sql_text
from omniseg.tables import Table
from omniseg.tables.types import canonical_type

log = logging.getLogger(__name__)
MOST_PROPERTIES = 1000


@dataclass
class Lake:
    """The warehouse: tables under `root` on any Hadoop file system, or in `catalog` where one is given."""

    spark: SparkSession
    root: str
    catalog: str = ""
    ready: set[str] = field(default_factory=set)  # tables that this run has created or compared already
    empty: set[str] = field(default_factory=set)  # names of those that it created and did not write since

    def __post_init__(self) -> None:
        """SQL knows a table by its path only where that is whole."""
        if not hadoop_path(self.spark, self.root).isAbsolute():
            self.root = absolute(self.spark, self.root)

    def reference(self, table: Table) -> str:
        """The table's name in SQL text."""
        layer, name = table.name.split(".")
        return f"`{self.catalog}`.`{layer}`.`{name}`" if self.catalog else f"delta.`{self.path(table)}`"

    def path(self, table: Table) -> str:
        """Folder of a table in a warehouse on a path."""
        return f"{self.root.rstrip('/')}/{table.name.replace('.', '/')}"

    def exists(self, table: Table) -> bool:
        """True when the table has been created. Raises StorageFailed where its log is damaged."""
        if self.catalog:
            layer, name = table.name.split(".")
            return self.spark.catalog.tableExists(f"`{self.catalog}`.`{layer}`.`{name}`")
        try:
            return DeltaTable.isDeltaTable(self.spark, self.path(table))
        except Py4JJavaError as error:
            raise storage_failure(error, table=table.name) or error from error

    def delta(self, table: Table) -> DeltaTable:
        """The Delta handle of an existing table."""
        if self.catalog:
            return DeltaTable.forName(self.spark, self.reference(table))
        return DeltaTable.forPath(self.spark, self.path(table))

    def ensure(self, table: Table) -> None:
        """Create the table as declared, or add declared columns that it does not have yet; never drops or retypes."""
        signature = f"{table.name}:{','.join(table.column_names)}"
        if signature in self.ready:
            return
        if self.exists(table):
            self.add_missing_columns(table)
        else:
            self.create(table)
            self.empty.add(table.name)
        self.ready.add(signature)

    def create(self, table: Table) -> None:
        """CREATE TABLE in one commit, so that no kill leaves a table without its constraints.

        Delta refuses a CHECK clause inside CREATE TABLE; as the property that it keeps it under, it takes it.
        """
        if self.catalog:
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{self.catalog}`.`{table.name.split('.')[0]}`")
        options = ", ".join(f"{sql_text(key)} = {sql_text(value)}" for key, value in properties(table).items())
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.reference(table)} ({table.ddl}) USING delta "
            f"COMMENT {sql_text(table.grain)} TBLPROPERTIES ({options})"
        )

    def add_missing_columns(self, table: Table) -> None:
        """ALTER TABLE ADD COLUMNS for what the declaration has and the table lacks (nullable by nature)."""
        have = {name.lower() for name in self.read(table).columns}
        missing = [column for column in table.columns if column.name.lower() not in have]
        if missing:
            ddl = ", ".join(column.ddl.replace(" NOT NULL", "") for column in missing)
            self.spark.sql(f"ALTER TABLE {self.reference(table)} ADD COLUMNS ({ddl})")
            log.info("table=%s added columns: %s", table.name, ", ".join(column.name for column in missing))

    def read(self, table: Table) -> DataFrame:
        """The table as it stands; an empty frame of the declared schema where it was never written."""
        if not self.exists(table):
            return self.nothing(table.ddl)
        if self.catalog:
            return self.spark.read.table(self.reference(table))
        return self.spark.read.format("delta").load(self.path(table))

    def nothing(self, ddl: str) -> DataFrame:
        """No rows of a schema, and the optimizer knows it (of `createDataFrame([], ddl)` it does not)."""
        empty = self.spark.range(0).where("false").select(F.lit(None).cast(StructType.fromDDL(ddl)).alias("row"))
        return empty.select("row.*")

    def replace_slice(self, table: Table, rows: DataFrame, condition: str) -> None:
        """Replace the rows for which `condition` holds; safe to rerun, also when the slice is now empty. In a table
        that the run has just created nothing is looked for.
        """
        self.ensure(table)
        if table.name in self.empty:
            self.append(table, rows)
            return
        self.write(table, rows, mode="overwrite", options={"replaceWhere": condition})

    def delete(self, table: Table, condition: str) -> None:
        """Delete by a condition on columns that identify no person (batches, dates); no match, no commit."""
        self.ensure(table)
        self.delta(table).delete(condition)

    def append(self, table: Table, rows: DataFrame) -> None:
        """Add rows; where no earlier attempt at them can have left any."""
        self.write(table, rows, mode="append", options={})

    def write(self, table: Table, rows: DataFrame, *, mode: str, options: dict[str, str]) -> None:
        """Conform, write, and log one line per table."""
        self.ensure(table)
        writer = conform(rows, table).write.format("delta").mode(mode).options(**options)
        if self.catalog:
            writer.saveAsTable(self.reference(table))
        else:
            writer.save(self.path(table))
        self.empty.discard(table.name)
        log.info("wrote table=%s", table.name)

    def merge(self, table: Table, rows: DataFrame, *, on: str, update: dict[str, str] | None, insert: bool) -> None:
        """MERGE `rows` (alias `new`) into the table (alias `old`): update the given columns where matched, insert the
        rest.
        """
        self.ensure(table)
        source = conform(rows, table) if insert else rows
        merging = self.delta(table).alias("old").merge(source.alias("new"), on)
        if update is not None:
            merging = merging.whenMatchedUpdate(set=dict(update))
        if insert:
            merging = merging.whenNotMatchedInsertAll()
        merging.execute()
        self.empty.discard(table.name)

    def property_of(self, table: Table, key: str) -> str | None:
        """A table property set by `set_property`, or None."""
        if not self.exists(table):
            return None
        rows = bounded(self.spark.sql(f"SHOW TBLPROPERTIES {self.reference(table)}"), MOST_PROPERTIES)
        return {row.key: row.value for row in rows}.get(key)

    def set_property(self, table: Table, key: str, value: str) -> None:
        """Store a fact about the table in its log."""
        self.ensure(table)
        self.spark.sql(f"ALTER TABLE {self.reference(table)} SET TBLPROPERTIES ({sql_text(key)} = {sql_text(value)})")

    def last_commit(self, table: Table) -> Commit:
        """Version and written rows of the newest commit."""
        found = self.delta(table).history(1).select("version", "operationMetrics").first()
        assert found is not None, "a table that was just written has a history"
        return Commit(int(found["version"]), int(found["operationMetrics"].get("numOutputRows", 0)))


@dataclass(frozen=True)
class Commit:
    """What Delta says of one commit."""

    version: int
    rows: int


def constraint_key(label: str) -> str:
    """The property under which Delta keeps a CHECK constraint."""
    return f"delta.constraints.{label}"


def properties(table: Table) -> dict[str, str]:
    """Delta properties of the layout.

    Deletion vectors stay off (outside readers refuse them, their bytes outlive VACUUM); statistics cover the declared
    columns alone, so that no value about a person gets into the transaction log.
    """
    statistics = (
        {"delta.dataSkippingStatsColumns": ",".join(table.statistics)}
        if table.statistics
        else {"delta.dataSkippingNumIndexedCols": "0"}
    )
    append_only = {"delta.appendOnly": "true"} if table.append_only else {}
    checks = {constraint_key(label): condition for label, condition in table.constraints}
    return {"delta.enableDeletionVectors": "false", **statistics, **append_only, **checks}


def conform(rows: DataFrame, table: Table) -> DataFrame:
    """Exactly the declared columns in declared order; raises ContractError that names every discrepancy at once."""
    want = {column.name: canonical_type(column.type) for column in table.columns}
    have = {item.name: item.dataType.simpleString() for item in rows.schema.fields}
    wrong = [name for name in sorted(want.keys() | have.keys()) if want.get(name) != have.get(name)]
    if wrong:
        shown = ", ".join(
            f"{name} (want {want.get(name, 'nothing')}, have {have.get(name, 'nothing')})" for name in wrong
        )
        raise ContractError(f"{table.name}: {shown}")
    return rows.select(*(F.col(f"`{name}`") for name in table.column_names))
