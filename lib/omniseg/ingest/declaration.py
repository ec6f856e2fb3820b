"""What a source of events or a reference table declares about its deliveries. Needs neither Spark nor files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MODES = ("latest", "scd2", "append")
MANIFESTS = ("none", "optional", "required")


@dataclass(frozen=True)
class QualityRule:
    """A rule that every row must fulfil: `expect` is an expression over raw and canonical columns."""

    name: str
    expect: str


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What sources and reference tables have in common. Expressions are checked, and kept as they were written.

    `schema` is DDL or None; `personal` and `free_text` are raw columns, dotted inside structs; `rows` is the raw array
    whose elements become rows (as `item`), or None; `columns` maps canonical columns to expressions over raw ones;
    `identifier_pairs` are (identifier type, raw column) from the expression of `identifiers`.
    """

    file: str
    places: Mapping[str, str] = field(repr=False, compare=False)  # dotted key -> file:line
    description: str
    format: str
    path: str
    options: Mapping[str, str]
    schema: str | None
    time_zone: str
    currency: str | None
    personal: tuple[str, ...]
    free_text: tuple[str, ...]
    keep_free_text: bool
    rows: str | None
    columns: Mapping[str, str]
    identifier_pairs: tuple[tuple[str, str], ...]
    quality: tuple[QualityRule, ...]
    manifest: str
    max_late_days: int | None  # None = no limit

    @property
    def name(self) -> str:
        """The name by which files, counts and errors are kept apart: the source, or the target table."""
        raise NotImplementedError

    def where(self, key: str) -> str:
        """`file:line` of a dotted key, of the nearest key around it, or of the file."""
        while key and key not in self.places:
            key = key.rpartition(".")[0]
        return self.places.get(key, self.file)


@dataclass(frozen=True, kw_only=True)
class SourceDeclaration(Declaration):
    """A source of events. `channel` holds where no expression of that name gives another one; '' = always one does."""

    source: str
    channel: str

    @property
    def name(self) -> str:
        """The name by which files, counts and errors are kept apart."""
        return self.source


@dataclass(frozen=True, kw_only=True)
class ReferenceDeclaration(Declaration):
    """A reference table. `columns` may be empty: raw columns then go to the target's columns of the same names."""

    target: str
    key: tuple[str, ...]
    mode: str
    valid_from: str | None  # expression; never None with scd2

    @property
    def name(self) -> str:
        """The name by which files, counts and errors are kept apart."""
        return self.target
