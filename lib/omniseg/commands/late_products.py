"""Products that became known, or known otherwise, after events of theirs were summed: those days are summed anew."""

from __future__ import annotations

from pyspark.sql import functions as F

from omniseg.commands.corrections import note_changes
from omniseg.commands.days import days_from
from omniseg.features.declaration import FeatureSet
from omniseg.features.partials import GRAIN, partial_columns
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import CUSTOMER_DAY, PRODUCTS, SILVER_EVENTS

PRODUCTS_PROPERTY = "omniseg.partials_products"  # the newest batch of products that the partials were made with


def backfill_products(run: Run, features: FeatureSet, newest: int) -> None:
    """Bring the partials that there are up to the products that are known now, of which the batch `newest` is the last.

    Cost follows the news: only days with an event of a product that a newer batch brought, since that holds, are summed
    and replaced.
    Partials of that batch and later ones know it already. An interrupted run does it again.
    """
    if not features.reads_products or not newest:
        return
    before = int(run.lake.property_of(CUSTOMER_DAY, PRODUCTS_PROPERTY) or 0)
    if newest <= before:
        return
    if run.lake.exists(CUSTOMER_DAY):
        sum_anew(run, features, before, newest)
    run.lake.set_property(CUSTOMER_DAY, PRODUCTS_PROPERTY, str(newest))


def sum_anew(run: Run, features: FeatureSet, before: int, newest: int) -> None:
    """Replace the partials of days with an event of a product that a batch after `before` brought."""
    events = run.lake.read(SILVER_EVENTS).where((F.col("batch_id") < newest) & F.col("identity_key").isNotNull())
    products = run.lake.read(PRODUCTS)
    news = products.where(F.col("batch_id") > before).groupBy("product_id").agg(F.min("valid_from").alias("__from"))
    theirs = events.join(F.broadcast(news), "product_id").where(F.col("event_time") >= F.col("__from"))
    keys = theirs.select(*GRAIN).distinct().persist()
    try:
        if not bounded(keys.limit(1), 1):
            return
        rows = days_from(run, features, events.join(keys, [*GRAIN], "left_semi"))
        note_changes(run, newest, keys)
        same = " AND ".join(f"old.`{name}` = new.`{name}`" for name in GRAIN)
        change = {column.name: f"new.`{column.name}`" for column in partial_columns(features)}
        table = CUSTOMER_DAY.extended(partial_columns(features))
        run.lake.merge(table, rows, on=same, update=change, insert=False)
    finally:
        keys.unpersist()
