"""Master data of the retailer, as its systems export them: one CSV file each."""

from __future__ import annotations

import math

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from omniseg.simulate.world.draws import below, happens, one_of, uniform
from omniseg.simulate.world.events import base_price
from omniseg.simulate.world.files import SEPARATOR, csv_line
from omniseg.simulate.world.lookup import at_place
from omniseg.simulate.world.model import CAMPAIGN_DAYS, CURRENCY, DEPARTMENTS, ZONE, World
from omniseg.simulate.world.people import identifiers, shoppers
from omniseg.simulate.world.places import (
    AREAS,
    area_place,
    country,
    currency,
    home,
    postal_code,
    region,
    store_place,
    urbanity,
)
from omniseg.simulate.world.systems import sku

BRANDS = ("Nordlicht", "Alba", "Verde", "Primo", "Haus & Hof", "own brand")
LEVELS = {"CHF": 0.92, "PLN": 0.22}  # euros for one, at least
IN_CRM = 0.9  # share of persons of whom the CRM has a master record
BUSINESSES = 0.05  # share of these that buy for a business
INDUSTRIES = ("G47", "I56", "J62", "F43", "Q86")  # divisions of NACE
MOST_EMPLOYEES = 1000


def masters(spark: SparkSession, world: World) -> dict[str, tuple[str, DataFrame]]:
    """System -> (header, rows with `value`, `file` and `place`), each one file on the first day."""
    made = {
        "products": products(spark, world),
        "stores": stores(spark, world),
        "postal_areas": postal_areas(spark, world),
        "campaigns": campaigns(spark, world),
        "exchange_rates": exchange_rates(spark, world),
        "customers": customers(spark, world),
    }
    return {name: (SEPARATOR.join(rows.columns), as_lines(rows, world)) for name, rows in made.items()}


def as_lines(rows: DataFrame, world: World) -> DataFrame:
    """A table as CSV lines of the file of the first day, in the order of its first column."""
    text = csv_line(F.struct(*rows.columns))
    return rows.select(
        text.alias("value"),
        F.lit(world.first_day.isoformat()).alias("file"),
        F.struct(*rows.columns[:2]).alias("place"),
    )


def products(spark: SparkSession, world: World) -> DataFrame:
    """The assortment, with what is known of its sustainability."""
    product = (F.col("id") + 1).cast("int")
    department = F.pmod(F.col("id"), F.lit(len(DEPARTMENTS)))
    return spark.range(world.products // len(DEPARTMENTS) * len(DEPARTMENTS)).select(
        sku(product).alias("sku"),
        F.concat(F.lit("Article "), product).alias("name"),
        at_place(DEPARTMENTS, department).alias("department"),
        F.concat(F.lit("group "), below(5, world.seed, "group", product) + 1).alias("category"),
        one_of(BRANDS, world.seed, "brand", product).alias("brand"),
        base_price(world, product).alias("list_price"),
        happens(0.2, world.seed, "organic", product).alias("organic"),
        below(101, world.seed, "recycled", product).alias("recycled_percent"),
        F.round(uniform(world.seed, "co2", product) * 20, 2).alias("co2_kg"),
    )


def stores(spark: SparkSession, world: World) -> DataFrame:
    """Stores with their place."""
    store = (F.col("id") + 1).cast("int")
    north, east = store_place(world, store)
    return spark.range(world.stores).select(
        store.alias("store"),
        F.concat(F.lit("Store "), store).alias("name"),
        country(store).alias("country"),
        region(store).alias("region"),
        postal_code(store, F.lit(0)).alias("postal_code"),
        F.lit(ZONE).alias("time_zone"),
        north.alias("latitude"),
        east.alias("longitude"),
    )


def postal_areas(spark: SparkSession, world: World) -> DataFrame:
    """The areas around the stores."""
    store, area = (F.floor(F.col("id") / len(AREAS)) + 1).cast("int"), (F.col("id") % len(AREAS)).cast("int")
    north, east = area_place(world, store, area)
    return spark.range(world.stores * len(AREAS)).select(
        country(store).alias("country"),
        postal_code(store, area).alias("postal_code"),
        region(store).alias("region"),
        urbanity(area).alias("urbanity"),
        north.alias("latitude"),
        east.alias("longitude"),
    )


def campaigns(spark: SparkSession, world: World) -> DataFrame:
    """A campaign every fortnight."""
    start = F.date_add(F.lit(world.first_day), (F.col("id") * CAMPAIGN_DAYS).cast("int"))
    return spark.range(math.ceil(world.days / CAMPAIGN_DAYS)).select(
        F.concat(F.lit("C"), F.col("id") + 1).alias("campaign"),
        F.concat(F.lit("Fortnight "), F.col("id") + 1).alias("name"),
        F.lit("mail and push").alias("kind"),
        start.alias("first_day"),
        F.date_add(start, CAMPAIGN_DAYS - 1).alias("last_day"),
    )


def exchange_rates(spark: SparkSession, world: World) -> DataFrame:
    """Foreign money in euros for each day, three weeks longer than the world: returns come later."""
    of = ((F.lit(name).alias("currency"), F.lit(low).alias("low")) for name, low in LEVELS.items())
    levels = F.array(*(F.struct(*pair) for pair in of))
    days = spark.range(world.days + 21).select("id", F.explode(levels).alias("of"))
    swing = 1 + 0.1 * uniform(world.seed, "rate", F.col("id"), F.col("of.currency"))
    return days.select(
        F.col("of.currency").alias("currency"),
        F.date_add(F.lit(world.first_day), F.col("id").cast("int")).alias("day"),
        (F.col("of.low") * swing).cast("decimal(18,6)").alias("rate"),
        F.lit(CURRENCY).alias("into"),
    )


def customers(spark: SparkSession, world: World) -> DataFrame:
    """The CRM's master records: nine of ten persons, with the identifiers that the CRM knows. Some buy for a business,
    more often for a small than for a large one.
    """
    known: dict[str, Column] = identifiers(world, F.lit(0))
    people = shoppers(spark, world).where(happens(IN_CRM, world.seed, "in crm", F.col("person")))
    business = happens(BUSINESSES, world.seed, "business", F.col("person"))
    employees = F.floor(F.pow(F.lit(float(MOST_EMPLOYEES)), uniform(world.seed, "employees", F.col("person"))))
    born = F.date_add(F.lit("1945-01-01").cast("date"), below(22_000, world.seed, "born", F.col("person")))
    return people.select(
        known["login"].alias("login"),
        known["email"].alias("email"),
        known["phone"].alias("phone"),
        known["loyalty"].alias("card"),
        born.alias("born"),
        country(F.col("store")).alias("country"),
        region(F.col("store")).alias("region"),
        postal_code(F.col("store"), home(world, F.col("person"))).alias("postal_code"),
        currency(F.col("store")).alias("currency"),
        (1 + below(5, world.seed, "household", F.col("person"))).alias("household_size"),
        F.when(business, one_of(INDUSTRIES, world.seed, "industry", F.col("person"))).alias("industry"),
        F.when(business, employees.cast("int")).alias("employees"),
    )
