"""Events to days: one row of partial aggregates per identity key, day and batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg import tables
from omniseg.features.crowded import ranked_lists
from omniseg.features.declaration import FeatureSet
from omniseg.features.measures import MOST_ELEMENTS
from omniseg.features.narrow import COLLECTED, PLACE, counted, element, prepared, prepared_as
from omniseg.features.partial_kinds import KINDS, merged
from omniseg.features.partials import GRAIN, Partial, partials
from omniseg.features.pieces import part, pieces
from omniseg.features.weights import WEIGHTED, added_up


def day_partials(
    events: DataFrame,
    *,
    features: FeatureSet,
    only: Collection[str] | None = None,
    crowded: Collection[str] = (),
) -> DataFrame:
    """Events -> gold.customer_day extended by `partial_columns`: one row per identity key, event_date and batch.

    `events` is silver.events, passed through `enriched` where `features.reads_products`. Unattributed events and bots
    are left out. A day on which no feature counts anything still has its row: the person was there. Sums in
    DECIMAL(28,4); a value that is null, or does not fit DECIMAL(18,4), adds nothing. `only`: some of the columns.
    `crowded`: keys with so many events that their lists are made another way; the rows are the same.
    """
    wanted = [partial for partial in partials(features) if only is None or partial.name in only]
    apart = F.col("identity_key").isin(*crowded)
    days = days_of_few(prepared(events.where(~apart) if crowded else events, wanted, features), wanted)
    if crowded:
        days = days.unionByName(days_of_many(prepared(events.where(apart), wanted, features), wanted))
    return days.select(*tables.CUSTOMER_DAY.column_names, *map(finished, wanted))


def days_of_few(rows: DataFrame, wanted: Sequence[Partial]) -> DataFrame:
    """Prepared events -> days, of which a task holds the elements while it makes a list of them."""
    lists = [partial for partial in wanted if partial.is_weighted]
    days = summed(rows, [partial for partial in wanted if not partial.is_weighted])
    if not lists:
        return days
    elements = {partial.name: F.when(counted(partial), element(partial)) for partial in lists}
    return days.join(added_up(rows, (PLACE, *GRAIN), elements), [PLACE, *GRAIN], how="left")


def days_of_many(rows: DataFrame, wanted: Sequence[Partial]) -> DataFrame:
    """Prepared events -> the same days for keys that very many events share."""
    lists = [partial for partial in wanted if partial.is_weighted or partial.kind in COLLECTED]
    days = summed(rows, [partial for partial in wanted if partial not in lists])
    return days.join(ranked_lists(rows, lists), list(GRAIN), how="left") if lists else days


def summed(rows: DataFrame, wanted: Sequence[Partial]) -> DataFrame:
    """One row per day with these partials. The count keeps a row for every day, also where no feature needs one."""
    aggregates = (aggregate(partial).alias(partial.name) for partial in wanted)
    return rows.groupBy(PLACE, *GRAIN).agg(F.count(F.lit(1)).alias("__events"), *aggregates)


def finished(partial: Partial) -> Column:
    """The column of an aggregate; what was only listed is put together."""
    if partial.is_weighted:
        return F.coalesce(partial.name, F.array().cast(WEIGHTED)).alias(partial.name)
    if partial.kind == "sessions":
        return pieces(partial.name, partial.option or 0)
    if partial.kind in COLLECTED:
        return bounded_set(partial)
    return F.col(partial.name)


def aggregate(partial: Partial) -> Column:
    """The aggregate of a partial over prepared events."""
    value, counts = prepared_as("value", partial.of), counted(partial)
    if partial.kind == "count":
        return F.count_if(counts)
    if partial.kind == "sessions":
        return F.sort_array(F.transform(F.collect_list(partial.name), as_part))
    if partial.kind in COLLECTED:
        return F.collect_set(partial.name)
    values = {
        "sum": value,
        "squares": value * value,
        "cubes": cube(value),
        "min": value,
        "max": value,
        "earliest": F.struct(F.col("event_time").alias("at"), value.alias("value")),
        "latest": F.struct(F.col("event_time").alias("at"), value.alias("value")),
        "earliest_time": F.col("event_time"),
        "latest_time": F.col("event_time"),
    }
    kind = KINDS[partial.kind]
    return merged(kind, F.when(counts, values[partial.kind])).cast(kind.type)


def cube(value: Column) -> Column:
    """The third power, exactly; null from 10⁸ on."""
    small = value.try_cast("DECIMAL(12,4)")
    return small * small * small


def as_part(event: Column) -> Column:
    """One event of a session."""
    return part(event["id"], event["at"], event["at"], F.lit(1))


def bounded_set(partial: Partial) -> Column:
    """The elements in order, at most MOST_ELEMENTS: of hashes the least, which are as good as drawn; of moments the
    newest.
    """
    least_first = partial.kind == "hashes"
    kept = F.slice(F.sort_array(partial.name, asc=least_first), 1, MOST_ELEMENTS)
    found = F.coalesce(kept if least_first else F.sort_array(kept), F.array().cast("array<bigint>"))
    return found.alias(partial.name)
