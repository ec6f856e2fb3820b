"""Figures that come out the same whatever the order of rows: doubles cut to significant digits."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

MOMENT_DIGITS = 10  # sums of doubles differ in their last digits by the order of rows; ten digits do not
DISTANCE_DIGITS = 6


def significant(number: Column, digits: int) -> Column:
    """`number` (DOUBLE) rounded half up to `digits` significant digits; null stays null."""
    text = F.format_string(f"%.{digits - 1}e", number)  # writes a null as the word "null"
    return F.when(number.isNotNull(), text.cast("double"))
