"""Randomness as a function of names: a value depends on the seed, a label and the keys of its row, on nothing else.

So a row is the same however its table is cut into partitions, and two passes over a world see the same world.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.simulate.world.lookup import at_place

STEPS = 1 << 52  # what a double tells apart between 0 and 1


def bits(seed: int, label: str, *keys: Column) -> Column:
    """64 bits, as BIGINT."""
    return F.xxhash64(F.lit(seed), F.lit(zlib.crc32(label.encode())), *keys)


def uniform(seed: int, label: str, *keys: Column) -> Column:
    """Evenly between 0 and 1, without 1."""
    return F.pmod(bits(seed, label, *keys), F.lit(STEPS)) / F.lit(float(STEPS))


def happens(probability: Column | float, seed: int, label: str, *keys: Column) -> Column:
    """True with a probability."""
    return uniform(seed, label, *keys) < probability


def below(limit: Column | int, seed: int, label: str, *keys: Column) -> Column:
    """A whole number from 0 to `limit` - 1, each as likely, as INT; 0 where the limit is 0 or less."""
    most = F.lit(limit) if isinstance(limit, int) else limit
    return F.pmod(bits(seed, label, *keys), F.greatest(most, F.lit(1)).cast("bigint")).cast("int")


def counted(mean: Column | float, seed: int, label: str, *keys: Column) -> Column:
    """A whole number with this mean, as INT: the mean times something between 0.5 and 1.5, rounded at random."""
    spread = mean * (0.5 + uniform(seed, f"{label} spread", *keys))
    return F.floor(spread + uniform(seed, f"{label} rest", *keys)).cast("int")


def one_of(values: Sequence[str], seed: int, label: str, *keys: Column) -> Column:
    """One of the values, each as likely."""
    return at_place(values, below(len(values), seed, label, *keys))


def weighted(weights: Mapping[str, float], drawn: Column) -> Column:
    """The value whose share of the weights `drawn` (0 to 1) falls on; null beyond them where they add up to less."""
    limits: list[tuple[str, float]] = []
    for value, weight in weights.items():
        limits.append((value, weight + (limits[-1][1] if limits else 0.0)))
    none = F.lit(None).cast("string")
    return reduce(lambda rest, item: F.when(drawn < item[1], F.lit(item[0])).otherwise(rest), reversed(limits), none)


def chance(seed: int, *names: str) -> float:
    """Evenly between 0 and 1 for something that the driver decides, such as the fate of a file."""
    drawn = hashlib.sha256("/".join((str(seed), *names)).encode()).digest()
    return int.from_bytes(drawn[:6], "big") / 2**48
