"""`omniseg features`: partial aggregates of the new batches, then one vector per customer as of a date."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.days import days_from
from omniseg.commands.declared import feature_set
from omniseg.commands.knowledge import Known, knowledge
from omniseg.commands.late_products import backfill_products
from omniseg.commands.rfm import scored
from omniseg.faults import crash_here
from omniseg.features.as_of import References, Seen, features_as_of, reads_days_again
from omniseg.features.declaration import FeatureSet, feature_columns
from omniseg.features.partials import GRAIN, partial_columns
from omniseg.features.since import changed_customers, days_of, features_since
from omniseg.ingest.vocabulary import IDENTIFIER_TYPES
from omniseg.lake.bounded import bounded
from omniseg.lake.staging import Staging, staging
from omniseg.runtime import Run
from omniseg.tables import (
    CUSTOMER_CHANGES,
    CUSTOMER_DAY,
    CUSTOMER_FEATURES,
    IDENTITIES,
    REFERENCES,
    SILVER_EVENTS,
    Table,
)

PARTIALS_PROPERTY = "omniseg.partials"
LONGEST_STEP = 31  # days; after a longer one nearly everybody has changed

log = logging.getLogger(__name__)


def build(run: Run) -> None:
    """Reads silver; writes gold.customer_day (new batches) and gold.customer_features (slice of as_of)."""
    assert run.as_of is not None
    features = feature_set(run.settings)
    if not refresh(run, features, run.as_of, prepared(run, features)):
        run.status = "nothing_new"
        run.say(f"Features as of {run.as_of} are up to date.")
        return
    table = features_table(features)
    written = run.lake.last_commit(table).rows
    run.say(f"{written:,} customers with {len(feature_columns(features))} features as of {run.as_of}: {table.name}")
    run.say(f"Next: omniseg train --as-of {run.as_of}, omniseg snapshot --as-of {run.as_of}")


def prepared(run: Run, features: FeatureSet) -> Known:
    """What is known now, with partials of every batch of it."""
    known = knowledge(run)
    with run.step("gold.customer_day: partial aggregates of new batches"):
        backfill_products(run, features, known.reference_batch_ids.get("products", 0))
        refresh_partials(run, features, known.batch_id)
    return known


def refresh(run: Run, features: FeatureSet, as_of: date, known: Known) -> bool:
    """Bring the vectors of a date up to what is known; False when they were already."""
    if vectors_known(run, features, as_of) == known.batch_id:
        return False
    with run.step(f"gold.customer_features as of {as_of}"):
        write_vectors(run, features, as_of, known.batch_id)
    return True


def refresh_partials(run: Run, features: FeatureSet, known: int) -> None:
    """Write the partials of the batches that have none; of all others those that the declarations ask for since."""
    wanted = {column.name for column in partial_columns(features)}
    held = set((run.lake.property_of(CUSTOMER_DAY, PARTIALS_PROPERTY) or "").split(","))
    newest = bounded(run.lake.read(CUSTOMER_DAY).agg(F.max("batch_id").alias("newest")), 1)[0].newest
    done = int(newest or 0)
    if done and not wanted <= held:
        fill_partials(run, features, wanted - held, done)
    if done < known:
        crash_here("features.partials.before")
        rows = days_between(run, features, done + 1, known)
        run.lake.append(days_table(features), rows)  # `done` is the newest batch that has a row there
    if wanted != held:
        run.lake.set_property(CUSTOMER_DAY, PARTIALS_PROPERTY, ",".join(sorted(wanted)))


def fill_partials(run: Run, features: FeatureSet, missing: Collection[str], done: int) -> None:
    """Give the rows of known batches the partials that they lack; the others stay as they are."""
    table = days_table(features)
    run.lake.ensure(table)
    new = days_between(run, features, 1, done, only=missing)
    kept = [name for name in table.column_names if name not in missing]
    old = run.lake.read(table).where(F.col("batch_id") <= done).select(*kept)
    run.lake.replace_slice(table, old.join(new, list(GRAIN), how="left"), f"batch_id <= {done}")


def days_between(
    run: Run, features: FeatureSet, first: int, last: int, only: Collection[str] | None = None
) -> DataFrame:
    """The days of some batches."""
    events = run.lake.read(SILVER_EVENTS).where(F.col("batch_id").between(first, last))
    return days_from(run, features, events, only)


def vectors_known(run: Run, features: FeatureSet, as_of: date) -> int | None:
    """The batch up to which the vectors of a date are built with these declarations; None when they are not."""
    found = bounded(vectors_of(run, features, as_of).agg(F.max("known_batch_id").alias("known")), 1)[0].known
    return None if found is None else int(found)


def vectors_of(run: Run, features: FeatureSet, as_of: date) -> DataFrame:
    """The vectors of a date that were built with these declarations."""
    of_date = run.lake.read(features_table(features)).where(F.col("as_of") == F.lit(as_of))
    return of_date.where(F.col("feature_set_version") == features.version)


def write_vectors(run: Run, features: FeatureSet, as_of: date, known: int) -> None:
    """Replace the vectors of one date: from those of an earlier date where there are such, else from all days."""
    now = Seen(features, as_of, known, run.settings.business.time_zone)
    before = earlier(run, now)
    with staging(run.spark, run.work_dir) as place:
        if before is None:
            store_vectors(run, place, now, built(run, now))
            return
        log.info("features as of %s follow from those as of %s", now.as_of, before.as_of)
        previous, buckets = vectors_of(run, before.features, before.as_of), run.settings.lake.buckets
        days, identities, references = inputs(run, features)
        changed = changed_customers(days, run.lake.read(CUSTOMER_CHANGES), identities, before=before, now=now).persist()
        mine = days_of(days, changed, identities, now=now)
        if reads_days_again(features):
            mine = place.keep("days", mine)
        try:
            vectors = features_since(
                previous, changed, mine, identities, references, before=before, now=now, buckets=buckets
            )
            store_vectors(run, place, now, vectors)
        finally:
            changed.unpersist()


def store_vectors(run: Run, place: Staging, now: Seen, rows: DataFrame) -> None:
    """Put the vectors into the place of those that the date had."""
    vectors = scored(run, place, now, rows)
    crash_here("features.vector.before")
    run.lake.replace_slice(features_table(now.features), vectors, f"as_of = DATE'{now.as_of:%Y-%m-%d}'")


def earlier(run: Run, now: Seen) -> Seen | None:
    """The newest vectors of the same declarations from which those of `now` follow; None where there are none.

    They must be of an earlier date, and not too long ago.
    """
    of_version = F.col("feature_set_version") == now.features.version
    near = F.col("as_of").between(F.lit(now.as_of - timedelta(days=LONGEST_STEP)), F.lit(now.as_of - timedelta(days=1)))
    slices = run.lake.read(CUSTOMER_FEATURES).where(of_version & near & (F.col("known_batch_id") <= now.known_batch_id))
    found = bounded(slices.groupBy("as_of").agg(F.max("known_batch_id").alias("known")), LONGEST_STEP)
    if not found:
        return None
    newest = max(found, key=lambda row: row.as_of)
    return replace(now, as_of=newest.as_of, known_batch_id=int(newest.known))


def inputs(run: Run, features: FeatureSet) -> tuple[DataFrame, DataFrame, References]:
    """What vectors are made of: gold.customer_day, silver.identities, and the reference tables that attributes name.

    Where the entity is no person, identifiers of another type are nobody's.
    """
    entity, identities = run.settings.identity.entity, run.lake.read(IDENTITIES)
    if entity in IDENTIFIER_TYPES:
        identities = identities.where(F.col("identifier_type") == entity)
    named = {name: run.lake.read(REFERENCES[name]) for name in sorted({fact.table for fact in features.facts})}
    return run.lake.read(days_table(features)), identities, named


def built(run: Run, now: Seen) -> DataFrame:
    """Vectors from all days."""
    return features_as_of(*inputs(run, now.features), seen=now, buckets=run.settings.lake.buckets)


def days_table(features: FeatureSet) -> Table:
    """gold.customer_day with the columns that the declarations ask for."""
    return CUSTOMER_DAY.extended(partial_columns(features))


def features_table(features: FeatureSet) -> Table:
    """gold.customer_features with the declared features."""
    return CUSTOMER_FEATURES.extended(feature_columns(features))
