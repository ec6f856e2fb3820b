"""Scores of recency, frequency and monetary value: cut points among all customers of a date, stored and reported."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.features.as_of import Seen
from omniseg.features.rfm import MOST_VALUES, Cut, Rfm, cuts, degenerate, frequencies, with_scores
from omniseg.lake.bounded import bounded
from omniseg.lake.staging import Staging
from omniseg.runtime import Run
from omniseg.tables import RFM_CUTS


def scored(run: Run, place: Staging, now: Seen, vectors: DataFrame) -> DataFrame:
    """Vectors with their scores, where the declarations ask for such; writes gold.rfm_cuts.

    The vectors are staged, since they are read twice. A run that is killed in between does both again.
    """
    rfm = now.features.rfm
    if rfm is None:
        return vectors
    kept = place.keep("vectors", vectors)
    found = cut_points(kept, rfm)
    store_cuts(run, now, rfm, found)
    for line in degenerate(found):
        run.say(line)
    return with_scores(kept, rfm, found)


def anew(vectors: DataFrame, rfm: Rfm | None) -> DataFrame:
    """Vectors with their scores; nothing is written."""
    return vectors if rfm is None else with_scores(vectors, rfm, cut_points(vectors, rfm))


def cut_points(vectors: DataFrame, rfm: Rfm) -> list[Cut]:
    """The cut points of these vectors."""
    rows = bounded(frequencies(vectors, rfm), MOST_VALUES)
    return cuts(((row.dimension, row.value, row.n) for row in rows), rfm)


def sizes_of_names(vectors: DataFrame, rfm: Rfm | None) -> dict[str | None, int]:
    """How many customers each name of scores has (None: those without one); nothing where no scores are asked for."""
    if rfm is None:
        return {}
    counted = vectors.groupBy("rfm_segment").agg(F.count(F.lit(1)).alias("customers"))
    return {row.rfm_segment: row.customers for row in bounded(counted, len(rfm.names) + 1)}


def store_cuts(run: Run, now: Seen, rfm: Rfm, found: list[Cut]) -> None:
    """Replace the cut points of the date."""
    rows = [
        (
            now.as_of,
            now.known_batch_id,
            now.features.version,
            cut.dimension,
            rfm.scored[cut.dimension],
            cut.score,
            cut.least,
            cut.greatest,
            cut.customers,
        )
        for cut in found
    ]
    made = run.spark.createDataFrame(rows, RFM_CUTS.ddl)
    run.lake.replace_slice(RFM_CUTS, made, f"as_of = DATE'{now.as_of:%Y-%m-%d}'")
