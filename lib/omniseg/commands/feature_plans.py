"""`omniseg features explain NAME --plan`: what Spark makes of one feature."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import replace

from pyspark.sql import DataFrame

from omniseg.commands.features import days_table
from omniseg.features.as_of import Seen, features_as_of
from omniseg.features.days import day_partials
from omniseg.features.declaration import Feature, FeatureSet
from omniseg.features.products import enriched
from omniseg.runtime import Run
from omniseg.tables import IDENTITIES, PRODUCTS, REFERENCES, SILVER_EVENTS, Table


def plans(run: Run, features: FeatureSet, feature: Feature) -> list[tuple[str, str]]:
    """Spark's plans of the feature alone, step by step. They are those of tables as declared, about which Spark knows
    nothing: no warehouse is read.
    """

    def unknown(table: Table) -> DataFrame:
        return run.spark.createDataFrame([], table.ddl)

    mine = alone(features, feature)
    events = unknown(SILVER_EVENTS)
    seen = Seen(mine, run.started.date(), 1, run.settings.business.time_zone)
    references = {fact.table: unknown(REFERENCES[fact.table]) for fact in mine.facts}
    days = day_partials(enriched(events, unknown(PRODUCTS)) if mine.reads_products else events, features=mine)
    vectors = features_as_of(
        unknown(days_table(mine)),
        unknown(IDENTITIES),
        references,
        seen=seen,
        buckets=run.settings.lake.buckets,
    )
    steps = {"silver.events to gold.customer_day": days, "gold.customer_day to gold.customer_features": vectors}
    return [(f"plan of {what}", plan_of(frame)) for what, frame in steps.items()]


def alone(features: FeatureSet, feature: Feature) -> FeatureSet:
    """The feature with those that it reads."""
    by_column = {column.name: one for one in features.features for column in one.columns}
    wanted: dict[str, Feature] = {}
    waiting = [feature]
    while waiting:
        one = waiting.pop()
        if one.name in wanted:
            continue
        wanted[one.name] = one
        waiting += [by_column[name] for name in one.reads if name in by_column]
    return replace(features, features=tuple(wanted.values()), rfm=None)


def plan_of(frame: DataFrame) -> str:
    """The physical plan, as `explain` prints it."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        frame.explain()
    return printed.getvalue().strip()
