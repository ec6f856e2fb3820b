"""The files of the systems: the records of one as lines, or as rows of Parquet, and the names of its files."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.simulate.world.dirt import cut, spoilt_fields
from omniseg.simulate.world.model import World
from omniseg.simulate.world.people import identifiers
from omniseg.simulate.world.systems import SYSTEMS, System

SEPARATOR = ";"  # of CSV files


def records(events: DataFrame, world: World, system: System) -> DataFrame:
    """The records of one system: its fields (Parquet), or one text in `value`; `file` names the file, `place` is the
    place in it.
    """
    rows = events.where(F.col("system") == system.name)
    known, spoilt = identifiers(world, F.col("day")), spoilt_fields(F.col("event"))
    fields = [column.alias(name) for name, column in system.fields(world, known, spoilt).items()]
    place = [file_name(system).alias("file"), F.struct("at", "event", "copy").alias("place")]
    if system.form == "parquet":
        return rows.select(*fields, *place)
    whole = F.struct(*fields)
    text = F.to_json(whole) if system.form == "jsonl" else csv_line(whole)
    return rows.select(cut(text).alias("value"), *place)


def file_name(system: System) -> Column:
    """`2025-01-02`, with `T13` for systems that deliver by the hour: the hour of the event, on the day of delivery."""
    day = F.date_format("delivered", "yyyy-MM-dd")
    return day if system.every == "day" else F.concat(day, F.lit("T"), F.date_format("at", "HH"))


def file_names() -> Column:
    """The file of each record, by its system."""
    return F.coalesce(*(F.when(F.col("system") == name, file_name(system)) for name, system in SYSTEMS.items()))


def header(world: World, system: System) -> str:
    """The first line of a CSV file."""
    return SEPARATOR.join(system.fields(world, identifiers(world, F.lit(0)), spoilt_fields(F.lit(""))))


def csv_line(whole: Column) -> Column:
    """A struct as a line of a CSV file."""
    return F.to_csv(whole, {"sep": SEPARATOR, "emptyValue": ""})
