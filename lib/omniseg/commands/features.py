"""`omniseg features`: partial aggregates of the new batches, then one vector per customer as of a date."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.commands.declared import feature_set
from omniseg.commands.knowledge import Known, knowledge
from omniseg.faults import crash_here
from omniseg.features.as_of import features_as_of
from omniseg.features.declaration import FeatureSet, feature_columns
from omniseg.features.partials import day_partials, enriched, partial_columns
from omniseg.lake.bounded import bounded
from omniseg.runtime import Run
from omniseg.tables import CUSTOMER_DAY, CUSTOMER_FEATURES, CUSTOMERS, IDENTITIES, PRODUCTS, SILVER_EVENTS, Table

PARTIALS_PROPERTY = "omniseg.partials"


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
    """Write the partials of the batches that have none; of all where the declarations ask for other partials."""
    table = days_table(features)
    wanted = ",".join(sorted(column.name for column in partial_columns(features)))
    same = run.lake.property_of(CUSTOMER_DAY, PARTIALS_PROPERTY) == wanted
    done = bounded(run.lake.read(CUSTOMER_DAY).agg(F.max("batch_id").alias("newest")), 1)[0].newest or 0
    after = int(done) if same else 0
    if after >= known:
        return
    events = run.lake.read(SILVER_EVENTS).where(F.col("batch_id").between(after + 1, known))
    rows = day_partials(with_products(run, events, features), features=features)
    crash_here("features.partials.before")
    run.lake.replace_slice(table, rows, f"batch_id > {after}")
    if not same:
        run.lake.set_property(CUSTOMER_DAY, PARTIALS_PROPERTY, wanted)


def with_products(run: Run, events: DataFrame, features: FeatureSet) -> DataFrame:
    """Events with what the product master says, where a feature asks for it."""
    return enriched(events, run.lake.read(PRODUCTS)) if features.reads_products else events


def vectors_known(run: Run, features: FeatureSet, as_of: date) -> int | None:
    """The batch up to which the vectors of a date are built with these declarations; None when they are not."""
    slice_of = run.lake.read(CUSTOMER_FEATURES).where(F.col("as_of") == F.lit(as_of))
    current = slice_of.where(F.col("feature_set_version") == features.version)
    found = bounded(current.agg(F.max("known_batch_id").alias("known")), 1)[0].known
    return None if found is None else int(found)


def write_vectors(run: Run, features: FeatureSet, as_of: date, known: int) -> None:
    """Replace the vectors of one date."""
    rows = features_as_of(
        run.lake.read(days_table(features)),
        run.lake.read(IDENTITIES),
        run.lake.read(CUSTOMERS),
        features=features,
        as_of=as_of,
        known_batch_id=known,
        buckets=run.settings.lake.buckets,
        time_zone=run.settings.business.time_zone,
    )
    crash_here("features.vector.before")
    run.lake.replace_slice(features_table(features), rows, f"as_of = DATE'{as_of:%Y-%m-%d}'")


def days_table(features: FeatureSet) -> Table:
    """gold.customer_day with the columns that the declarations ask for."""
    return CUSTOMER_DAY.extended(partial_columns(features))


def features_table(features: FeatureSet) -> Table:
    """gold.customer_features with the declared features."""
    return CUSTOMER_FEATURES.extended(feature_columns(features))
