"""Recency, frequency and monetary value as scores: how a customer stands among all, and what that is called.

A score is 1 + ⌊scores × (customers with a worse value) ÷ customers⌋. So equal values get equal scores, however many
customers share one, the worst value always scores 1, and where many share a value some scores are nobody's: that is
reported, not hidden. The definition is that of Hughes (Strategic Database Marketing, 1994) but for ties, which he
leaves to chance. Cut points come from a frequency table of the distinct values, at SIGNIFICANT digits, so that it stays
small whatever the number of customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg import tables

DIMENSIONS = ("recency", "frequency", "monetary")
SIGNIFICANT = 3  # digits; whole numbers below 1,000 are exact
MOST_VALUES = 3 * 2 * 9 * 100 * 24  # rows of the frequency table: dimensions, signs, values per power of ten, powers


@dataclass(frozen=True)
class Named:
    """A name for some combinations of scores."""

    name: str
    recency: tuple[int, int]  # least and greatest score, both included
    frequency: tuple[int, int]
    monetary: tuple[int, int]

    def claims(self, scores: Mapping[str, int]) -> bool:
        """True for the scores that the name is for."""
        return all(least <= scores[one] <= most for one, (least, most) in self.ranges.items())

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Least and greatest score of each dimension."""
        return {one: getattr(self, one) for one in DIMENSIONS}


@dataclass(frozen=True)
class Rfm:
    """Which features are scored, from 1 to `scores`, and the names: the first that claims a customer is hers.

    Who never bought (no recency) has no scores. Of recency a small value is good, of the others a great one.
    """

    recency: str
    frequency: str
    monetary: str
    scores: int
    names: tuple[Named, ...]

    @property
    def scored(self) -> dict[str, str]:
        """Dimension → feature column."""
        return {one: getattr(self, one) for one in DIMENSIONS}

    @property
    def columns(self) -> tuple[tables.Column, ...]:
        """The columns that extend gold.customer_features."""
        words = {one: f"RFM score of {name}, 1 = worst to {self.scores} = best" for one, name in self.scored.items()}
        scores = [score_column(f"rfm_{one}", "INT", text, "score") for one, text in words.items()]
        return (*scores, score_column("rfm_segment", "STRING", "what the three RFM scores are called", "category"))

    @property
    def canonical(self) -> list[object]:
        """What decides the values, and nothing else."""
        named = [[one.name, *(list(limits) for limits in one.ranges.values())] for one in self.names]
        return ["rfm", *self.scored.values(), self.scores, named]


def score_column(name: str, kind: str, description: str, unit: str) -> tables.Column:
    """A nullable column of the vector."""
    return tables.Column(name, kind, True, "attribute", f"{description}; unit: {unit}")


@dataclass(frozen=True)
class Cut:
    """One score of one dimension: the values that get it, and how many customers have it. Nobody: no values."""

    dimension: str
    score: int
    least: float | None
    greatest: float | None
    customers: int


def frequencies(vectors: DataFrame, rfm: Rfm) -> DataFrame:
    """Dimension, value and customers: the distinct values of all who ever bought, at SIGNIFICANT digits."""
    values = F.array(*(F.struct(F.lit(one).alias("dimension"), held(name).alias("value")) for one, name in by(rfm)))
    listed = vectors.where(F.col(rfm.recency).isNotNull()).select(F.inline(values))
    return listed.where(F.col("value").isNotNull()).groupBy("dimension", "value").agg(F.count(F.lit(1)).alias("n"))


def by(rfm: Rfm) -> Iterable[tuple[str, str]]:
    """Dimensions with their feature columns."""
    return rfm.scored.items()


def held(name: str) -> Column:
    """A value as the frequency table holds it."""
    return F.format_string(f"%.{SIGNIFICANT - 1}e", F.col(name).cast("double")).try_cast("double") + F.lit(0.0)


def cuts(counted: Iterable[tuple[str, float, int]], rfm: Rfm) -> list[Cut]:
    """Every score of every dimension, from a frequency table of (dimension, value, customers)."""
    rows = sorted(counted)
    return [cut for one in DIMENSIONS for cut in cuts_of(one, [row[1:] for row in rows if row[0] == one], rfm.scores)]


def cuts_of(dimension: str, table: Sequence[tuple[float, int]], scores: int) -> list[Cut]:
    """The scores of a dimension; `table` holds each value once, the least first."""
    worst_first = list(reversed(table)) if dimension == "recency" else list(table)
    total = sum(number for _, number in worst_first)
    worse = [0, *accumulate(number for _, number in worst_first)]
    scored: dict[int, list[tuple[float, int]]] = {score: [] for score in range(1, scores + 1)}
    for (value, number), below in zip(worst_first, worse, strict=False):
        scored[1 + scores * below // total].append((value, number))
    return [
        Cut(
            dimension,
            score,
            min((value for value, _ in found), default=None),
            max((value for value, _ in found), default=None),
            sum(number for _, number in found),
        )
        for score, found in scored.items()
    ]


def with_scores(vectors: DataFrame, rfm: Rfm, found: Sequence[Cut]) -> DataFrame:
    """Vectors with the columns of `rfm.columns`; null for who never bought, and a segment that no name claims."""
    bought = F.col(rfm.recency).isNotNull()
    scores = {f"rfm_{one}": F.when(bought, score_of(held(name), one, found)) for one, name in by(rfm)}
    scored = vectors.withColumns({name: score.cast("int") for name, score in scores.items()})
    claims = [F.when(claimed(one), F.lit(one.name)) for one in rfm.names]
    return scored.withColumn("rfm_segment", F.coalesce(*claims))


def score_of(value: Column, dimension: str, found: Sequence[Cut]) -> Column:
    """The score whose values hold this one."""
    mine = [cut for cut in found if cut.dimension == dimension and cut.customers]
    of_cuts = [F.when(value.between(F.lit(cut.least), F.lit(cut.greatest)), F.lit(cut.score)) for cut in mine]
    return F.coalesce(F.lit(None).cast("int"), *of_cuts)


def claimed(named: Named) -> Column:
    """True for the scores that a name is for."""
    every = F.lit(True)
    for one, (least, most) in named.ranges.items():
        every = every & F.col(f"rfm_{one}").between(least, most)
    return every


def degenerate(found: Sequence[Cut]) -> list[str]:
    """What people must know of cut points that do not part the customers evenly; nothing when they do."""
    told = []
    for one in DIMENSIONS:
        mine = [cut for cut in found if cut.dimension == one]
        empty = [str(cut.score) for cut in mine if not cut.customers]
        total = sum(cut.customers for cut in mine)
        if empty and total:
            largest = max(mine, key=lambda cut: cut.customers)
            told.append(
                f"RFM {one}: no customer scores {', '.join(empty)}, because many share a value; "
                f"{largest.customers / total:.0%} score {largest.score} "
                f"(values from {largest.least:g} to {largest.greatest:g})"
            )
    return told
