"""Days of the warehouse's events: with products where a feature asks for them, and with care for shared keys."""

from __future__ import annotations

import logging
from collections.abc import Collection

from pyspark.sql import DataFrame

from omniseg.features.crowded import CROWDED, MOST_CROWDED, crowded_keys
from omniseg.features.days import day_partials
from omniseg.features.declaration import FeatureSet
from omniseg.features.products import enriched
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import PRODUCTS

log = logging.getLogger(__name__)


def days_from(run: Run, features: FeatureSet, events: DataFrame, only: Collection[str] | None = None) -> DataFrame:
    """Rows of silver.events -> rows of gold.customer_day; counts each key's events at once."""
    crowded = [row.identity_key for row in bounded(crowded_keys(events), MOST_CROWDED)]
    if crowded:
        log.info("%s keys have more than %s events each", len(crowded), f"{CROWDED:,}")
    told = enriched(events, run.lake.read(PRODUCTS)) if features.reads_products else events
    return day_partials(told, features=features, only=only, crowded=crowded)
