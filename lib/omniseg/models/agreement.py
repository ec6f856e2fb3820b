"""How far two groupings of the same customers agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from math import comb
from typing import TypeVar

Left = TypeVar("Left", bound=Hashable)
Right = TypeVar("Right", bound=Hashable)


def adjusted_rand(shared: Mapping[tuple[Left, Right], int]) -> float:
    """The adjusted Rand index of two groupings: 1 when equal, about 0 when unrelated, below 0 when worse than chance.

    `shared` counts the customers by (group in the one, group in the other). Fewer than two customers, or two groupings
    that both hold everybody in one group (or everybody alone): 1.
    """
    rows: Counter[Left] = Counter()
    columns: Counter[Right] = Counter()
    for (row, column), customers in shared.items():
        rows[row] += customers
        columns[column] += customers
    together = sum(comb(customers, 2) for customers in shared.values())
    in_rows = sum(comb(customers, 2) for customers in rows.values())
    in_columns = sum(comb(customers, 2) for customers in columns.values())
    pairs = comb(sum(rows.values()), 2)
    expected = in_rows * in_columns / pairs if pairs else 0.0
    most = (in_rows + in_columns) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)
