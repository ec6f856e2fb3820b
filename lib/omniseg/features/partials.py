"""Daily partial aggregates: the smallest set from which every declared feature can be merged."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg import tables
from omniseg.expressions import Compiled, column
from omniseg.features.calendar import HOLIDAY, holiday
from omniseg.features.declaration import FeatureSet, Measured, sql
from omniseg.features.measures import MOST_ELEMENTS
from omniseg.features.partial_kinds import KINDS, merged
from omniseg.features.weights import WEIGHT, WEIGHTED, added_up, bucket_of, pieces

GRAIN = ("identity_key", "bucket", "event_date", "batch_id")  # the bucket is a function of the key
# Spark's sorts compare the first 8 bytes of the first column and look at the rest only where they are equal, and keys
# begin with their type: `loyalty:`. So a hash stands before them (docs/decisions/0012-one-aggregation.md).
PLACE = "__place"
COLLECTED = ("hashes", "moments", "sessions")  # kinds of partials that are collected event by event


@dataclass(frozen=True)
class Partial:
    """One aggregate per identity key, day and batch: `kind` of the values `of`, over the events for which `where`
    holds; `per` names the groups whose sums are kept apart.
    """

    kind: str
    of: Compiled | None
    where: Compiled | None
    per: Compiled | None = None
    option: int | None = None  # of sessions: the longest pause, in minutes

    @property
    def name(self) -> str:
        """The column; a function of what is aggregated, so that features which need the same share it."""
        option = () if self.option is None else (str(self.option),)
        return f"{self.kind}_{digest(*map(sql, self.defined), *option)}"

    @property
    def defined(self) -> tuple[Compiled | None, ...]:
        """The expressions that define it."""
        return (self.of, self.where) if self.per is None else (self.of, self.where, self.per)

    @property
    def declared(self) -> tables.Column:
        """The column as gold.customer_day declares it."""
        words = zip((" of ", " where ", " per "), self.defined, strict=False)
        said = "".join(f"{word}{sql(text)}" for word, text in words if text is not None)
        kind = KINDS[self.kind]
        return tables.Column(self.name, kind.type, True, "attribute", f"{kind.meaning}{said}")


def needs(feature: Measured) -> dict[str, Partial]:
    """What a feature is merged from, by the role that it plays."""
    found = {}
    for role, kind in feature.rule.needs.items():
        if kind == "amount":
            kind = "sum" if feature.of is not None else "count"
        if kind == "histogram" and feature.per is not None:
            kind = "groups"
        where = feature.whole if role == "whole" else feature.where
        idle = int(feature.option or 0) if kind == "sessions" else None
        found[role] = Partial(kind, feature.of, where, feature.per, idle)
    return found


def partials(features: FeatureSet) -> tuple[Partial, ...]:
    """The partials that the features need, each once, ordered by name."""
    by_name = {partial.name: partial for feature in features.measured for partial in needs(feature).values()}
    return tuple(by_name[name] for name in sorted(by_name))


def partial_columns(features: FeatureSet) -> tuple[tables.Column, ...]:
    """The columns that extend gold.customer_day."""
    return tuple(partial.declared for partial in partials(features))


def day_partials(events: DataFrame, *, features: FeatureSet, only: Collection[str] | None = None) -> DataFrame:
    """Events -> gold.customer_day extended by `partial_columns`: one row per identity key, event_date and batch.

    `events` is silver.events, passed through `enriched` where `features.reads_products`. Unattributed events and bots
    are left out. A day on which no feature counts anything still has its row: the person was there. Sums in
    DECIMAL(28,4); a value that is null, or does not fit DECIMAL(18,4), adds nothing. `only`: some of the columns.
    """
    wanted = [partial for partial in partials(features) if only is None or partial.name in only]
    lists = [partial for partial in wanted if KINDS[partial.kind].type == WEIGHTED]
    rows = prepared(events, wanted, features)
    aggregates = [aggregate(partial).alias(partial.name) for partial in wanted if partial not in lists]
    # The count keeps a row for every day, also where no feature needs a partial.
    days = rows.groupBy(PLACE, *GRAIN).agg(F.count(F.lit(1)).alias("__events"), *aggregates)
    if lists:
        elements = {partial.name: F.when(counted(partial), element(partial)) for partial in lists}
        days = days.join(added_up(rows, (PLACE, *GRAIN), elements), [PLACE, *GRAIN], how="left")
    return days.select(*tables.CUSTOMER_DAY.column_names, *map(finished, wanted))


def finished(partial: Partial) -> Column:
    """The column of an aggregate; what was only listed is put together."""
    if partial.kind == "sessions":
        return pieces(partial.name, partial.option or 0)
    if KINDS[partial.kind].type == WEIGHTED:
        return F.coalesce(partial.name, F.array().cast(WEIGHTED)).alias(partial.name)
    return F.col(partial.name)


def prepared(events: DataFrame, wanted: Iterable[Partial], features: FeatureSet) -> DataFrame:
    """Events as narrow rows: the grain, every value and condition once, however many partials share it, and what each
    event adds to a partial that is collected.
    """
    texts = {
        f"{prefix}_{digest(sql(text))}": text
        for partial in wanted
        for prefix, text in (("value", partial.of), ("where", partial.where), ("per", partial.per))
        if text is not None
    }
    calendar = {name: column(text) for name, text in features.calendar.items()}
    calendar |= {HOLIDAY: holiday(features.holidays)} if HOLIDAY in features.read else {}
    mine = events.where(F.col("identity_key").isNotNull() & ~F.col("is_bot"))
    narrow = (mine.withColumns(calendar) if calendar else mine).select(
        F.xxhash64("identity_key").alias(PLACE),
        *GRAIN,
        "event_time",
        "event_type",
        *(
            (F.coalesce(column(text), F.lit(False)) if name.startswith("where_") else column(text)).alias(name)
            for name, text in texts.items()
        ),
    )
    # As columns: what stands inside a function that collects is evaluated without generated code.
    return narrow.select("*", *(member(partial).alias(partial.name) for partial in wanted if partial.kind in COLLECTED))


def counted(partial: Partial) -> Column:
    """True on the prepared events that a partial is about."""
    found = F.lit(True) if partial.where is None else prepared_as("where", partial.where)
    asked = () if partial.kind == "sessions" else (("value", partial.of), ("per", partial.per))
    for prefix, text in asked:
        found = found if text is None else found & prepared_as(prefix, text).isNotNull()
    return found if partial.kind != "moments" else found & F.col("event_type").isin("cart_add", "purchase")


def aggregate(partial: Partial) -> Column:
    """The aggregate of a partial over prepared events."""
    value, counts = prepared_as("value", partial.of), counted(partial)
    if partial.kind == "count":
        return F.count_if(counts)
    if partial.kind == "sessions":
        return F.collect_list(partial.name)
    if partial.kind in COLLECTED:
        return bounded_set(partial.kind, F.collect_set(partial.name))
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


def bounded_set(kind: str, found: Column) -> Column:
    """The elements in order, at most MOST_ELEMENTS: of hashes the least, which are as good as drawn; of moments the
    newest.
    """
    if kind == "hashes":
        return F.slice(F.sort_array(found), 1, MOST_ELEMENTS)
    return F.sort_array(F.slice(F.sort_array(found, asc=False), 1, MOST_ELEMENTS))


def member(partial: Partial) -> Column:
    """What an event adds to a partial that is collected; null where it adds nothing."""
    value, at = prepared_as("value", partial.of), F.unix_micros("event_time")
    members = {
        "hashes": F.xxhash64(value),
        "moments": at * 2 + (F.col("event_type") == "purchase").cast("bigint"),
        "sessions": F.struct(F.when(value.isNotNull(), F.xxhash64(value)).alias("id"), at.alias("at")),
    }
    return F.when(counted(partial), members[partial.kind])


def element(partial: Partial) -> Column:
    """Hash, text and weight of an event among weighted elements."""
    nothing, one, value = F.lit(None), F.lit(1), prepared_as("value", partial.of)
    parts = {
        "texts": (nothing, value, one),
        "groups": (F.xxhash64(prepared_as("per", partial.per)), nothing, value),
        "histogram": (bucket_of(value), nothing, one),
    }[partial.kind]
    types = ("bigint", "string", WEIGHT)
    names = ("hash", "text", "weight")
    return F.struct(*(part.cast(kind).alias(name) for part, kind, name in zip(parts, types, names, strict=True)))


def prepared_as(prefix: str, text: Compiled | None) -> Column:
    """The prepared column that holds an expression; null where there is none."""
    return F.lit(None).cast("string") if text is None else F.col(f"{prefix}_{digest(sql(text))}")


def digest(*texts: str) -> str:
    """8 hex digits that name the texts."""
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()[:8]
