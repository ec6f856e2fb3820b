"""Arrow functions as column functions. Their key never enters the plan: it is fetched where the function runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql.pandas.functions import arrow_udf


def arrow_column(compute: Callable[[pa.Array], pa.Array]) -> Callable[[Column], Column]:
    """A column function that gives STRING, computed by `compute` on whole Arrow arrays."""
    # Spark reads the annotations to choose the kind of function; those of a closure are texts, so they are given here.
    compute.__annotations__ = {"values": pa.Array, "return": pa.Array}

    def apply(value: Column) -> Column:
        make: Any = arrow_udf  # its type hints ask for a number that the function itself infers
        column: Column = make(compute, "string")(value)
        return column

    return apply
