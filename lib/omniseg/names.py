"""Which valid name somebody meant who wrote another one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(name: str, valid: Iterable[str]) -> str:
    """The valid name that `name` most probably meant, or '' when none is close.

    Close: half of the letters in common, and at most two edits, beyond eleven letters a quarter of the length. An edit
    is a letter added, dropped, replaced or swapped with its neighbour; case counts for nothing. Equal distances go to
    the name with the longer common stretches, then to the first in alphabetical order, so the answer never varies.
    """
    wanted = name.casefold()
    limit = max(2, len(wanted) // 4)
    ranked = []
    for candidate in sorted(set(valid)):
        folded = candidate.casefold()
        if abs(len(folded) - len(wanted)) > limit:
            continue
        distance, common = edits(wanted, folded), SequenceMatcher(None, wanted, folded).ratio()
        if distance <= limit and common >= 0.5:
            ranked.append((distance, -common, candidate))
    return min(ranked)[2] if ranked else ""


def edits(left: str, right: str) -> int:
    """Letters to add, drop, replace or swap with a neighbour until `left` is `right` (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        row = [i]
        for j, b in enumerate(right, start=1):
            cost = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (a != b))
            swapped = i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]
            row.append(min(cost, before[j - 2] + 1) if swapped else cost)
        before, last = last, row
    return last[-1]
