"""The shoppers of a world: what kind they are, since when and until when they come, and who knows them by what."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.simulate.world.draws import below, bits, happens, uniform, weighted
from omniseg.simulate.world.lookup import of_key
from omniseg.simulate.world.model import DEPARTMENTS, RATES, World

HOUSE = 0  # the "person" behind the card that tills use for people without one
FAMILY = 3  # persons who share a device, where one is shared
COOKIE_DAYS = 60  # a browser forgets its cookie after so many days


def shoppers(spark: SparkSession, world: World) -> DataFrame:
    """One row per person: person BIGINT, kind STRING, joined and left INT (days since the first; left is the first day
    on which the person comes no more), store INT, favourite INT (department), and one DOUBLE per rate of the kind.
    """
    seed, person, days = world.seed, F.col("person"), F.lit(world.days)
    kinds = world.kinds
    rows = spark.range(1, world.customers + 1).withColumnRenamed("id", "person")
    rows = rows.withColumn(
        "kind", weighted({kind.name: kind.share for kind in kinds[:-1]}, uniform(seed, "kind", person))
    ).fillna(kinds[-1].name, ["kind"])
    rates = {name: of_key({kind.name: float(getattr(kind, name)) for kind in kinds}, F.col("kind")) for name in RATES}
    new = happens(0.25, seed, "newcomer", person)
    rows = rows.withColumns(rates).withColumn(
        "joined", F.when(new, below(days, seed, "joined", person)).otherwise(0).cast("int")
    )
    stays = days - F.col("joined")
    lapsed = F.col("joined") + F.ceil(stays * (0.3 + 0.4 * uniform(seed, "lapsed", person)))
    return rows.select(
        "person",
        "kind",
        "joined",
        F.when(happens(F.col("lapses"), seed, "lapses", person), lapsed).otherwise(days).cast("int").alias("left"),
        (below(world.stores, seed, "store", person) + 1).alias("store"),
        below(len(DEPARTMENTS), seed, "favourite", person).alias("favourite"),
        *RATES,
    )


def identifiers(world: World, day: Column) -> dict[str, Column]:
    """What systems know the `person` of a row by, on a day since the first one; null where a person has no such thing.

    They are functions of the person, so that they are made where they are written and not carried along.
    """
    seed, person = world.seed, F.col("person")
    shared = happens(world.family_devices, seed, "family", F.floor(person / FAMILY))
    owner = F.when(shared, F.floor(person / FAMILY) * FAMILY).otherwise(person)
    number = F.lpad(person.cast("string"), 9, "0")
    return {
        "login": F.concat(F.lit("user"), person),
        "email": F.concat(F.lit("user"), person, F.lit("@mail.example")),
        "phone": F.when(happens(0.6, seed, "phone", person), F.concat(F.lit("+49151"), number)),
        "loyalty": F.when(person == HOUSE, F.lit("HOUSE-0001")).when(
            happens(0.8, seed, "loyalty", person), F.concat(F.lit("LC"), number)
        ),
        "device": F.concat(F.lit("dev-"), F.hex(bits(seed, "device", owner))),
        "cookie": F.concat(F.lit("ck-"), F.hex(bits(seed, "cookie", owner, F.floor(day / COOKIE_DAYS)))),
    }
