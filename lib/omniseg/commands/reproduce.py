"""`omniseg snapshots reproduce`: a published snapshot made again from what was known then; what differs, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from omniseg.commands.declared import feature_set
from omniseg.commands.features import built, prepared
from omniseg.commands.published import asked_for, verified_rows
from omniseg.commands.rfm import anew
from omniseg.commands.train import registry
from omniseg.errors import ReproduceError
from omniseg.features.as_of import Seen
from omniseg.features.declaration import FeatureSet
from omniseg.lake.bounded import bounded
from omniseg.lake.staging import staging
from omniseg.models.scoring import assign
from omniseg.models.spec import ModelSpec, parse_spec
from omniseg.report.listing import render
from omniseg.runtime import Run
from omniseg.tables import CUSTOMER_CHANGES, CUSTOMERS, IDENTITIES, REFERENCES

DECIDED = ("segment_id", "segment_path", "distance")  # what a snapshot says of a customer
CORRECTED, PEOPLE, SCORES = "corrected events", "changed identities", "scores among all customers"
SAME, UNEXPLAINED = "(the same)", "(no known cause)"


def reproduce(run: Run) -> None:
    """Makes the rows of a snapshot again, from the batches that were known and by the stored model, and compares.

    A difference is no error where something later explains it: events that a later batch corrected, identities, or
    reference records. Late events do not count, since their batches were not known. Writes only partials that the
    next night would write. Raises ReproduceError where a customer differs without such a cause, or where snapshot,
    model or declarations are not those of then.
    """
    row = asked_for(run)
    inputs: dict[str, Any] = json.loads(row.inputs)
    features = features_of(run, row, inputs)
    published = verified_rows(run, row)
    spec = parse_spec(registry(run).load(row.model_version, model=row.model))
    seen = Seen(features, row.as_of, inputs["known_batch_id"], inputs["time_zone"])
    prepared(run, features)
    with staging(run.spark, run.work_dir) as place, run.step(f"snapshot {run.snapshot_id} from what was known then"):
        vectors = anew(place.keep("vectors", built(run, seen)), features.rfm)
        again = assign(vectors, spec, buckets=inputs["buckets"])
        causes = causes_of_change(run, seen, vectors, spec)
        found = {one.cause: one.customers for one in bounded(compared(published, again, causes), len(causes) + 2)}
    tell(run, found)


def features_of(run: Run, row: Row, inputs: Mapping[str, Any]) -> FeatureSet:
    """The declared features; ReproduceError where they, or the business's time zone, are not those of the snapshot."""
    features = feature_set(run.settings)
    have = {"feature_set_version": features.version, "time_zone": run.settings.business.time_zone}
    other = [f"{name} is {have[name]}, was {inputs[name]}" for name in have if have[name] != inputs[name]]
    if other:
        raise ReproduceError(
            f"snapshot {row.snapshot_id} was made by other declarations ({'; '.join(other)}). "
            "Give those of then by --conf, as they stand in version control"
        )
    return features


def causes_of_change(run: Run, seen: Seen, vectors: DataFrame, spec: ModelSpec) -> dict[str, DataFrame]:
    """By cause, the customer_id of those whose row may differ by what became known later."""
    features, later = seen.features, F.col("batch_id") > seen.known_batch_id
    identities = run.lake.read(IDENTITIES)
    persons = seen.persons(identities)

    def behind(keys: DataFrame) -> DataFrame:
        return persons.join(keys, F.col("identifier") == F.col("identity_key"), "left_semi").select("customer_id")

    causes = {
        CORRECTED: behind(run.lake.read(CUSTOMER_CHANGES).where(later)),
        PEOPLE: identities.where(later).select("customer_id"),
    }
    if features.attributes:
        causes["customer records"] = behind(run.lake.read(CUSTOMERS).where(later))
    for table, keys in sorted({(fact.table, fact.keys) for fact in features.facts if fact.keys}):
        own = REFERENCES[table].key[:-1]
        changed = run.lake.read(REFERENCES[table]).where(later)
        named = changed.select(*(F.col(name).alias(key) for name, key in zip(own, keys, strict=True)))
        causes[f"records of {table} by {', '.join(keys)}"] = vectors.join(named, list(keys), "left_semi").select(
            "customer_id"
        )
    scored = {column.name for column in features.rfm.columns} if features.rfm else set()
    if scored & {one.name for one in spec.features} and any_rows(list(causes.values())):
        causes[SCORES] = vectors.select("customer_id")  # one customer's value moves the cut points for all
    return causes


def any_rows(frames: Sequence[DataFrame]) -> bool:
    """True unless all are empty."""
    return bool(bounded(reduce(DataFrame.unionByName, frames).limit(1), 1))


def compared(published: DataFrame, again: DataFrame, causes: Mapping[str, DataFrame]) -> DataFrame:
    """(cause, customers): how many customers have the same row on both sides, and how many differ by which cause, the
    first of several.
    """
    left = published.select("customer_id", F.struct(*DECIDED).alias("published"))
    right = again.select("customer_id", F.struct(*DECIDED).alias("again"))
    both = left.join(right, "customer_id", "full")
    for cause, customers in causes.items():
        both = both.join(customers.distinct().withColumn(cause, F.lit(cause)), "customer_id", "left")
    because = F.coalesce(*(F.col(f"`{cause}`") for cause in causes), F.lit(UNEXPLAINED))
    same = F.col("published").eqNullSafe(F.col("again"))
    return both.groupBy(F.when(same, SAME).otherwise(because).alias("cause")).agg(F.count(F.lit(1)).alias("customers"))


def tell(run: Run, found: Mapping[str, int]) -> None:
    """Say what came out; ReproduceError where some customers differ and nothing explains it."""
    rows = [{"cause": cause, "customers": number} for cause, number in sorted(found.items())]
    run.say(render(rows, ("cause", "customers"), run.options["format"]))
    lost = found.get(UNEXPLAINED, 0)
    if lost:
        raise ReproduceError(
            f"snapshot {run.snapshot_id}: {lost:,} of {sum(found.values()):,} customers come out otherwise, and "
            "nothing that became known since explains it. Compare gold.customer_day and silver.identities with a backup"
        )
    changed = sum(found.values()) - found.get(SAME, 0)
    if run.options["format"] == "table":
        what = f"all but {changed:,} customers come" if changed else "every customer comes"
        run.say(f"Snapshot {run.snapshot_id} is reproduced: {what} out as published.")
