"""What a snapshot is called, and the hashes by which readers see that its rows are the ones that were published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

ID_DIGITS = 12
HASH_RANGE = "18446744073709551616"  # 2^64: sums of row hashes wrap around there


def snapshot_id(as_of: date, inputs: Mapping[str, object]) -> str:
    """`<as_of>-<12 hex of sha256(inputs)>`: the same inputs, in whatever order they stand, give the same name."""
    return f"{as_of:%Y-%m-%d}-{sha256(canonical(inputs).encode()).hexdigest()[:ID_DIGITS]}"


def canonical(inputs: Mapping[str, object]) -> str:
    """`inputs` as JSON with sorted keys and no blanks. TypeError for what JSON has no form for, ValueError for NaN."""
    return json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def bucket_hashes(snapshot: DataFrame) -> DataFrame:
    """One row per bucket: bucket INT, hash STRING `<rows>:<sum of row hashes modulo 2^64>`.

    A multiset hash: the order of rows and of columns is of no account, each repetition of a row is. Columns are not
    null.
    """
    total = F.sum(row_hash(snapshot).cast("decimal(20,0)"))
    wrapped = F.pmod(total, F.lit(HASH_RANGE).cast("decimal(20,0)")).cast("decimal(20,0)")
    text = F.concat_ws(":", F.count(F.lit(1)).cast("string"), wrapped.cast("string"))
    return snapshot.groupBy("bucket").agg(text.alias("hash"))


def row_hash(rows: DataFrame) -> Column:
    """64 bits of all columns, in the order of their names."""
    return F.xxhash64(*(F.col(name) for name in sorted(rows.columns)))
