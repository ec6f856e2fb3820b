"""What goes wrong with records: drawn per event, told in the truth, done to the fields, the text or the delivery."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.simulate.world.clocks import changed_clock, stamped_by_it
from omniseg.simulate.world.draws import below, uniform, weighted
from omniseg.simulate.world.model import CLOCK_DEFECTS, World

COPIED = ("duplicate", "restamped", "conflicting")  # delivered twice, the second time as the defect says
RESTAMPED_SECONDS = 90
FUTURE_DAYS = 400
HUGE = 60_000
CYRILLIC = "\u0435"  # looks like the Latin e
# Defects that only some records can have; every other one can happen to all.
MONEY = ("wrong_type", "negative_price", "conflicting", "unknown_currency")  # purchases
TEXT = ("malformed", "huge_string")  # Parquet has types, and no text to be cut
TYPED_SYSTEMS = ("app", "sensors")
DIGITS_ONLY = ("web", "till")  # know shoppers by numbers, in which no letter can be mistaken


def with_defects(events: DataFrame, world: World) -> DataFrame:
    """Adds `defect` (null: none), `copy` (0, and 1 for the second delivery) and `delivered` (the day of the file).

    An event has one defect at most. `delivered` is the UTC date of the event, later where the defect says so.
    """
    day = F.to_date("at")
    if not world.defects:
        clean = {"defect": F.lit(None).cast("string"), "copy": F.lit(0), "delivered": day}
        return events.withColumns(clean)
    anywhere = {name: rate for name, rate in world.defects.items() if name not in CLOCK_DEFECTS}
    # Columns of their own: Spark computes them once, and not for every place that asks.
    rows = events.withColumn("__luck", uniform(world.seed, "defect", F.col("event")))
    rows = rows.withColumn("__drawn", weighted(anywhere, F.col("__luck")))
    drawn = F.col("__drawn")
    possible = (
        (~drawn.isin(*MONEY) | (F.col("event_type") == "purchase"))
        & (~drawn.isin(*TEXT) | ~F.col("system").isin(*TYPED_SYSTEMS))
        & ((drawn != "confusable") | ~F.col("system").isin(*DIGITS_ONLY))
    )
    rows = rows.withColumn("defect", F.coalesce(changed_clock(world), F.when(possible, drawn)))
    rows = rows.drop("__luck", "__drawn")
    twice = F.array(F.lit(0), F.lit(1))
    rows = rows.withColumn("copy", F.explode(F.when(F.col("defect").isin(*COPIED), twice).otherwise(F.array(F.lit(0)))))
    late = 1 + below(world.late_days, world.seed, "late", F.col("event"))
    wait = F.when(F.col("defect") == "late", late).when(F.col("copy") == 1, 1).otherwise(0)
    rows = rows.withColumn("delivered", F.date_add(day, wait))
    later = F.when(is_copy("restamped"), RESTAMPED_SECONDS).when(has("future_clock"), FUTURE_DAYS * 86_400).otherwise(0)
    moved = F.timestamp_seconds(F.unix_timestamp("at") + later)
    return rows.withColumn("at", F.coalesce(stamped_by_it(world), moved))


def has(defect: str) -> Column:
    """True for the records of an event with the defect."""
    return F.coalesce(F.col("defect") == defect, F.lit(False))


def is_copy(defect: str) -> Column:
    """True for the second record of an event that is delivered twice."""
    return has(defect) & (F.col("copy") == 1)


def spoilt_fields(event_id: Column) -> dict[str, Column]:
    """Fields of a record as text or number, spoilt where its defect says so."""
    price = F.when(has("negative_price"), -F.col("price")).when(is_copy("conflicting"), F.col("price") + 1)
    return {
        "event_id": F.when(~has("missing_key"), event_id),
        "quantity": F.when(has("wrong_type"), F.lit("many")).otherwise(F.col("quantity").cast("string")),
        "price": price.otherwise(F.col("price")).cast("decimal(18,2)"),
        "note": F.when(has("huge_string"), F.repeat(F.left("event", F.lit(1)), F.lit(HUGE))),
    }


def spoilt_identifier(value: Column) -> Column:
    """An identifier that is missing, or that stands for nobody, where the defect is `nobody`; with a Cyrillic letter
    where it is `confusable`.
    """
    nobody = F.when(F.length("event") % 2 == 0, F.lit("N/A"))
    odd = F.translate(value, "e", CYRILLIC)
    return F.when(has("nobody"), nobody).when(has("confusable"), odd).otherwise(value)


def cut(text: Column) -> Column:
    """A text of which the last third is missing, where the defect is `malformed`."""
    return F.when(has("malformed"), F.substring(text, F.lit(1), (F.length(text) * 2 / 3).cast("int"))).otherwise(text)
