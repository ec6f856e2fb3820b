"""The identity key of an event: what it knew itself of its person."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F


def present_identifiers(identifiers: Column) -> Column:
    """The map without absent values; an empty map where there is none, so that equal events hash equally."""
    kept = F.map_filter(identifiers, lambda _, value: value.isNotNull() & (value != ""))
    return F.coalesce(kept, F.create_map().cast("map<string,string>"))


def identity_key(identifiers: Column, priority: Sequence[str]) -> Column:
    """The identifier of the highest-priority type (identity.priority); null = unattributed."""
    return F.coalesce(*(F.try_element_at(identifiers, F.lit(name)) for name in priority))


def bucket(key: Column, buckets: int) -> Column:
    """Storage bucket of a key: pmod(xxhash64(key), buckets). Look-ups and erasures go by it."""
    return F.pmod(F.xxhash64(key), F.lit(buckets)).cast("int")


def surrogate(pseudonym: Column) -> Column:
    """The stored surrogate of an identifier at first sight: 32 hex digits of SHA-256 of its first pseudonym."""
    return F.substring(F.sha2(pseudonym, 256), 1, 32)
