"""What a table is: columns with comments and privacy classes, key, constraints and layout, declared as text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from omniseg.quoting import sql_name, sql_text

# What an erasure has to do with a column, and who may read it.
PRIVACY_CLASSES = {
    "none": "says nothing about a person",
    "pseudonym": "stands for a person or one of her identifiers; erased by key",
    "attribute": "says something about the person of the row's key; erased with the row",
    "restricted": "encrypted or redacted text that may hold personal data; erased with the row, short retention",
}


@dataclass(frozen=True)
class Column:
    """One column: Spark type as DDL, nullability, privacy class and meaning."""

    name: str
    type: str
    nullable: bool
    privacy: str
    comment: str

    @property
    def ddl(self) -> str:
        """The column as it stands in a CREATE TABLE or a schema text."""
        return (
            f"{sql_name(self.name)} {self.type}{'' if self.nullable else ' NOT NULL'} COMMENT {sql_text(self.comment)}"
        )


@dataclass(frozen=True)
class Table:
    """One declared table.

    `statistics` lists the columns whose minimum and maximum Delta may collect: never a column that holds or stands for a
    person (statistics outlive DELETE and VACUUM in the transaction log).
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    statistics: tuple[str, ...] = ()
    constraints: tuple[tuple[str, str], ...] = ()
    append_only: bool = False
    generated: bool = False  # further columns come from declarations (features)

    @property
    def ddl(self) -> str:
        """All columns as DDL text."""
        return ", ".join(column.ddl for column in self.columns)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in declared order."""
        return tuple(column.name for column in self.columns)

    def extended(self, more: tuple[Column, ...]) -> Table:
        """This table with the columns that the declarations generate, after its own."""
        return replace(self, columns=self.columns + more)


def parse_columns(text: str) -> tuple[Column, ...]:
    """Columns from lines `name TYPE [NOT NULL] | privacy class | comment`; raises ValueError on a malformed line."""
    return tuple(parse_column(line) for line in text.strip().splitlines() if line.strip())


def parse_column(line: str) -> Column:
    """One column from its declaration line; see `parse_columns`."""
    definition, privacy, comment = (part.strip() for part in line.split("|"))
    name, kind = definition.split(None, 1)
    if privacy not in PRIVACY_CLASSES:
        raise ValueError(f"column {name}: privacy class {privacy!r} is not one of {sorted(PRIVACY_CLASSES)}")
    required = kind.endswith("NOT NULL")
    return Column(name, kind.removesuffix("NOT NULL").strip(), not required, privacy, comment)
