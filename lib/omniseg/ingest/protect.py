"""Privacy before the first write: raw columns without direct identifiers, free text without addresses and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from omniseg.ingest.parse import PARSED, quoted
from omniseg.privacy.lookalikes import any_mixes_alphabets
from omniseg.privacy.pseudonyms import is_pseudonym, pseudonym
from omniseg.privacy.redact import redacted, was_redacted
from omniseg.tables.types import type_text


@dataclass(frozen=True)
class Protection:
    """How a source's records are protected.

    `personal` maps raw columns (dotted paths) to identifier types; `used` are the paths that expressions read;
    `keep_text` is the declaration's `free_text: keep`; `free_text` are used columns that are redacted all the same.
    """

    personal: Mapping[str, str]
    used: frozenset[str]
    free_text: frozenset[str]
    keep_text: bool
    key_name: str
    key_version: str
    again: bool = False  # the records were protected before (a replay): what is a pseudonym already stays as it is


def protect(records: DataFrame, protection: Protection) -> DataFrame:
    """Personal columns become pseudonyms, unread text is redacted; `__payload` (JSON) and `__lookalike` are added."""
    raw = [item for item in records.schema.fields if item.name not in PARSED]
    replaced = [protected_column(item, protection).alias(item.name) for item in raw]
    rescued = F.col("__rescued") if protection.keep_text else redacted(F.col("__rescued"))
    kept = [F.col(name) for name in PARSED if name != "__rescued"]
    given = [leaf for item in raw for leaf in personal_values(quoted(item.name), item.dataType, item.name, protection)]
    lookalike = any_mixes_alphabets([value.cast("string") for value in given])
    rows = records.select(*replaced, *kept, rescued.alias("__rescued"), lookalike.alias("__lookalike"))
    body = F.struct(*(quoted(item.name) for item in raw))
    # Microseconds, so that a replay from the payload gives the same event_time.
    payload = F.to_json(body, {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"})
    return rows.withColumn("__payload", F.when(F.col("__reject").isNull(), payload))


def protected_column(item: T.StructField, protection: Protection) -> Column:
    """One raw column with every personal or free-text leaf inside it replaced."""
    return protected_value(quoted(item.name), item.dataType, item.name, protection)


def protected_value(value: Column, kind: T.DataType, path: str, protection: Protection) -> Column:
    """`value` at `path`: a pseudonym, redacted text, a struct protected leaf by leaf, or as it is."""
    if path in protection.personal:
        made = pseudonym(
            value,
            identifier_type=protection.personal[path],
            key_version=protection.key_version,
            key_name=protection.key_name,
        )
        return made_before(value).otherwise(made) if protection.again else made
    if isinstance(kind, T.StructType):
        return protected_struct(value, kind, path, protection)
    if not to_redact(path, protection):
        return value
    if isinstance(kind, T.StringType):
        return redacted(value)
    if isinstance(kind, (T.ArrayType, T.MapType)):
        return F.from_json(redacted(F.to_json(value)), F.lit(type_text(kind)))
    return value


def made_before(value: Column) -> Column:
    """Of a record protected before: a pseudonym as it is, and none for redacted text, which would link people."""
    text = value.cast("string")
    return F.when(is_pseudonym(value), text).when(was_redacted(text), F.lit(None).cast("string"))


def protected_struct(value: Column, kind: T.StructType, path: str, protection: Protection) -> Column:
    """A struct rebuilt from its protected leaves; untouched (and not rebuilt) where no leaf needs protection.

    Not by `withField`: each call would hold the struct of the call before twice, 2^n times in the end.
    """
    leaves = {item.name: f"{path}.{item.name}" for item in kind}
    if not any(needs_protection(item.dataType, leaves[item.name], protection) for item in kind):
        return value
    rebuilt = F.struct(
        *(
            protected_value(value.getField(item.name), item.dataType, leaves[item.name], protection).alias(item.name)
            for item in kind
        )
    )
    return F.when(value.isNotNull(), rebuilt)


def personal_values(value: Column, kind: T.DataType, path: str, protection: Protection) -> list[Column]:
    """The direct identifiers at `path`, and inside it, as they were delivered."""
    if path in protection.personal:
        return [value]
    if not isinstance(kind, T.StructType):
        return []
    leaves = [(value.getField(item.name), item.dataType, f"{path}.{item.name}") for item in kind]
    return [found for leaf in leaves for found in personal_values(*leaf, protection)]


def needs_protection(kind: T.DataType, path: str, protection: Protection) -> bool:
    """True when the value at `path`, or a leaf inside it, is not passed on as it is."""
    if path in protection.personal:
        return True
    if isinstance(kind, T.StructType):
        return any(needs_protection(item.dataType, f"{path}.{item.name}", protection) for item in kind)
    return to_redact(path, protection)


def to_redact(path: str, protection: Protection) -> bool:
    """Text that a declaration maps is data and stays; text that nobody has declared a meaning for may hold anything."""
    if protection.keep_text:
        return False
    return path in protection.free_text or not is_used(path, protection.used)


def is_used(path: str, used: Iterable[str]) -> bool:
    """True when an expression reads the path, something inside it or something around it."""
    return any(path == other or other.startswith(f"{path}.") or path.startswith(f"{other}.") for other in used)
