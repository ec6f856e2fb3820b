"""From the files of one declaration to parsed records, by the declared schema or the pinned one. Refuses files that
drifted.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from omniseg.commands.deliveries import Delivery
from omniseg.errors import ContractError
from omniseg.ingest.declaration import Declaration
from omniseg.ingest.parse import ORIGIN, parse_columns, parse_json, parse_text
from omniseg.ingest.schema import text_schema
from omniseg.lake import delta_source, landing, raw
from omniseg.lake.hostile import hostile_files
from omniseg.names import nearest
from omniseg.runtime import Run
from omniseg.tables.types import ddl, struct_of

log = logging.getLogger(__name__)
TYPED = ("parquet", "delta")  # formats that know the types of their columns
SAMPLED_FILES = 20  # files that a schema is inferred from, once


@dataclass(frozen=True)
class Parsed:
    """What a declaration's files gave: the parsed frame, its raw schema, and the files that were refused (path ->
    reason).
    """

    rows: DataFrame | None
    schema: T.StructType
    refused: dict[str, str]


def parsed_files(
    run: Run, declaration: Declaration, files: Sequence[Delivery], *, pinned: Mapping[str, T.StructType]
) -> Parsed:
    """Parse the files by the declared schema, by the pinned one, or by the one found in them."""
    hostile = refused_unread(run, declaration, files)
    safe = [file for file in files if file.path not in hostile]
    if not safe:
        return Parsed(None, known_schema(declaration, pinned) or T.StructType(), hostile)
    schema = known_schema(declaration, pinned) or infer(run, declaration, safe[:SAMPLED_FILES])
    parsed = parsed_by(run, declaration, safe, schema)
    return replace(parsed, refused={**parsed.refused, **hostile})


def refused_unread(run: Run, declaration: Declaration, files: Sequence[Delivery]) -> dict[str, str]:
    """Files that are not even opened for reading, with the reason."""
    if declaration.format == "delta":
        return {}
    paths, limit = [file.path for file in files], run.settings.landing.max_unpacked_mb
    return hostile_files(run.spark, paths, pattern=declaration.path, unpacked_mb=limit)


def parsed_by(run: Run, declaration: Declaration, files: Sequence[Delivery], schema: T.StructType) -> Parsed:
    """Parse files by a schema."""
    paths = [file.path for file in files]
    if declaration.format == "json":
        return Parsed(parse_json(lines(run, declaration, paths), schema=ddl(schema)), schema, {})
    if declaration.format == "text":
        return Parsed(parse_text(lines(run, declaration, paths)), schema, {})
    if declaration.format == "csv":
        return parsed_csv(run, declaration, paths, schema)
    rows = typed_rows(run, declaration, files)
    refuse_missing(declaration, schema, rows.columns)
    return Parsed(parse_columns(rows, known=schema.names), schema, {})


def typed_rows(run: Run, declaration: Declaration, files: Sequence[Delivery]) -> DataFrame:
    """The records of a format that knows its types."""
    if declaration.format == "parquet":
        return raw.read_parquet(run.spark, [file.path for file in files])
    # A Delta table is one delivery, however many versions it holds.
    wanted = delta_source.versions_of(files[0].path)
    assert wanted is not None, "deliveries of a Delta table name its versions"
    return delta_source.read_versions(run.spark, wanted, files[0].mtime)


def lines(run: Run, declaration: Declaration, paths: Sequence[str]) -> DataFrame:
    """The lines of text files."""
    return raw.read_lines(run.spark, paths, encoding=declaration.options.get("encoding", "UTF-8"))


def known_schema(declaration: Declaration, pinned: Mapping[str, T.StructType]) -> T.StructType | None:
    """The schema that records are read by: declared, else pinned; None before the first delivery."""
    if declaration.schema is not None:
        declared = struct_of(declaration.schema)
        return declared if declaration.format in TYPED else text_schema(declared)
    if declaration.format == "text":
        return struct_of("value STRING")
    return pinned.get(declaration.name)


def infer(run: Run, declaration: Declaration, files: Sequence[Delivery]) -> T.StructType:
    """The schema of the first delivery: JSON by its fields, CSV by its header, Parquet and Delta by their own."""
    paths = [file.path for file in files]
    if declaration.format == "json":
        encoding = declaration.options.get("encoding", "UTF-8")
        return struct_of(raw.infer_json(run.spark, paths, encoding=encoding))
    if declaration.format == "csv":
        found = (header_of(declaration, line) for line in headers(run, declaration, paths).values())
        names = next(filter(None, found), ())
        return T.StructType([T.StructField(name, T.StringType()) for name in names])
    rows = typed_rows(run, declaration, files)
    return T.StructType([item for item in rows.schema if item.name not in ORIGIN])


def parsed_csv(run: Run, declaration: Declaration, paths: Sequence[str], schema: T.StructType) -> Parsed:
    """CSV files grouped by header, so that columns are read by name however a file orders them."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for path, line in headers(run, declaration, paths).items():
        names = header_of(declaration, line) if has_header(declaration) else tuple(schema.names)
        groups.setdefault(names, []).append(path)
    refused = {path: reason for names in groups if (reason := drift(schema, names)) for path in groups[names]}
    frames = [
        parse_columns(read_group(run, declaration, members, names, place), known=schema.names)
        for place, (names, members) in enumerate(sorted(groups.items()))
        if names and not drift(schema, names)
    ]
    return Parsed(reduce(DataFrame.unionByName, frames) if frames else None, schema, refused)


def read_group(run: Run, declaration: Declaration, paths: list[str], names: tuple[str, ...], place: int) -> DataFrame:
    """Files that share one header."""
    return raw.read_csv(run.spark, paths, options=declaration.options, names=names, group=place)


def has_header(declaration: Declaration) -> bool:
    """True when the first line of each CSV file names its columns (`options: {header: true}`)."""
    return declaration.options.get("header", "false").lower() == "true"


def headers(run: Run, declaration: Declaration, paths: Sequence[str]) -> dict[str, str]:
    """First line per file; nothing is read where there is no header."""
    if not has_header(declaration):
        return dict.fromkeys(paths, "")
    return landing.first_lines(run.spark, list(paths), declaration.options.get("encoding", "UTF-8"))


def header_of(declaration: Declaration, line: str) -> tuple[str, ...]:
    """The column names of a header line; () for an empty file."""
    quote = declaration.options.get("quote") or '"'
    rows = list(csv.reader([line], delimiter=declaration.options.get("sep", ","), quotechar=quote))
    return tuple(name.strip() for name in rows[0]) if rows else ()


def drift(schema: T.StructType, names: Sequence[str]) -> str:
    """Why a file with these columns may not be read as `schema`; '' when it may (new columns are rescued)."""
    if not names:
        return ""
    missing = [name for name in schema.names if name not in names]
    if not missing:
        return ""
    hints = [f"{name} (nearest: {found})" if (found := nearest(name, names)) else name for name in missing]
    return f"columns that earlier deliveries had are missing: {', '.join(hints)}"


def refuse_missing(declaration: Declaration, schema: T.StructType, names: Sequence[str]) -> None:
    """Raise ContractError where Parquet files or a Delta table lack declared or pinned columns altogether."""
    if reason := drift(schema, names):
        raise ContractError(
            f"{declaration.where('path')}: source {declaration.name}: {reason}; nothing of it was taken"
        )
