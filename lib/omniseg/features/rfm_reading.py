"""Reads the mapping `rfm` of a file of features: what is scored, and the table of names."""

from __future__ import annotations

import re
from collections.abc import Collection

from omniseg.features.rfm import DIMENSIONS, Named, Rfm
from omniseg.kinds import SNAKE_CASE, TEXT, Kind, matched, whole
from omniseg.names import nearest
from omniseg.nodes import Reader

SCORES = whole(2, 10)
RANGE = re.compile(r"([1-9]|10)(?:-([1-9]|10))?")


def scores_from(text: str) -> tuple[int, int]:
    """`4-5`, or `5` for one score; ValueError for anything else."""
    found = matched(RANGE, text)
    least, most = int(found[1]), int(found[2] or found[1])
    if least > most:
        raise ValueError(text)
    return least, most


SCORE_RANGE: Kind[tuple[int, int]] = Kind("a score such as 5, or scores such as 4-5", scores_from)


def read_rfm(reader: Reader | None, numbers: Collection[str]) -> Rfm | None:
    """The declaration, where there is one. `numbers`: the feature columns that hold numbers."""
    if reader is None:
        return None
    scored = {one: read_scored(reader, one, numbers) for one in DIMENSIONS}
    scores = reader.value("scores", SCORES, default=5)
    names = tuple(read_named(entry, scores) for entry in reader.children("segments"))
    reader.finish()
    return Rfm(scored["recency"], scored["frequency"], scored["monetary"], scores, names)


def read_scored(reader: Reader, dimension: str, numbers: Collection[str]) -> str:
    """The feature column of a dimension."""
    name = reader.value(dimension, SNAKE_CASE, default="", required=True)
    if name and name not in numbers:
        reader.complain(dimension, repr(name), "a feature column that holds a number", nearest(name, numbers))
    return name


def read_named(reader: Reader, scores: int) -> Named:
    """One line of the table of names; a dimension that it leaves out may score anything."""
    name = reader.value("name", TEXT, default="", required=True)
    ranges = {one: reader.value(one, SCORE_RANGE, default=(1, scores)) for one in DIMENSIONS}
    for one, (_, most) in ranges.items():
        if most > scores:
            reader.complain(one, str(most), f"at most {scores}, the greatest score")
    reader.finish()
    return Named(name, ranges["recency"], ranges["frequency"], ranges["monetary"])
