"""Small tables inside an expression: a list by place, a mapping by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F


def at_place(values: Sequence[Any], place: Column) -> Column:
    """The value at a place, counted from 0."""
    return F.element_at(F.array(*(F.lit(value) for value in values)), place.cast("int") + 1)


def of_key(table: Mapping[str, Any], key: Column) -> Column:
    """What a table says of a key; null where it has none."""
    return F.try_element_at(F.create_map(*(F.lit(part) for pair in table.items() for part in pair)), key)
