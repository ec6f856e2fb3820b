"""Where stores lie, in four countries, the postal areas around each of them, and in which of these people live."""

from __future__ import annotations

import math

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.simulate.world.draws import uniform
from omniseg.simulate.world.lookup import at_place, of_key
from omniseg.simulate.world.model import CURRENCY, World

# Region of stores 9, 1, 2, … -> degrees north and east of its capital; the last four lie abroad.
REGIONS = {
    "BE": (52.52, 13.40),
    "BY": (48.14, 11.58),
    "HH": (53.55, 9.99),
    "NW": (51.23, 6.78),
    "SN": (51.05, 13.74),
    "TI": (46.19, 9.02),
    "VD": (46.52, 6.63),
    "W": (48.21, 16.37),
    "MZ": (52.23, 21.01),
}
COUNTRIES = {"TI": "CHE", "VD": "CHE", "W": "AUT", "MZ": "POL"}
CURRENCIES = {"CHE": "CHF", "POL": "PLN"}
# The postal areas of a store: kilometres from it to the area's middle, degree of urbanisation. It stands in the first.
AREAS = ((0.5, "city"), (3.0, "city"), (6.0, "city"), (10.0, "town"), (16.0, "town"), (25.0, "rural"), (40.0, "rural"))
KM_PER_DEGREE = 111.195  # on a great circle of the earth's mean radius of 6,371 km
APART = 0.4  # degrees within which the stores of a region lie


def region(store: Column) -> Column:
    """Region of a store."""
    return at_place(tuple(REGIONS), region_number(store))


def region_number(store: Column) -> Column:
    """Place of a store's region among all."""
    return F.pmod(store, F.lit(len(REGIONS)))


def country(store: Column) -> Column:
    """ISO 3166 country of a store."""
    return F.coalesce(of_key(COUNTRIES, region(store)), F.lit("DEU"))


def currency(store: Column) -> Column:
    """Currency of a store's country."""
    return F.coalesce(of_key(CURRENCIES, country(store)), F.lit(CURRENCY))


def store_place(world: World, store: Column) -> tuple[Column, Column]:
    """Degrees north and east of a store (WGS 84)."""
    north, east = (
        at_place([place[axis] for place in REGIONS.values()], region_number(store))
        + APART * (uniform(world.seed, label, store) - 0.5)
        for axis, label in enumerate(("north", "east"))
    )
    return F.round(north, 6), F.round(east, 6)


def area_place(world: World, store: Column, area: Column) -> tuple[Column, Column]:
    """Degrees north and east of the middle of one of a store's areas, in whatever direction."""
    north, east = store_place(world, store)
    angle = 2 * math.pi * uniform(world.seed, "direction", store, area)
    degrees = kilometres(area) / KM_PER_DEGREE
    return (
        F.round(north + degrees * F.cos(angle), 6),
        F.round(east + degrees * F.sin(angle) / F.cos(F.radians(north)), 6),
    )


def home(world: World, person: Column) -> Column:
    """In which area of her store somebody lives: near ones have more customers."""
    return F.floor(len(AREAS) * F.pow(uniform(world.seed, "home", person), F.lit(2.0))).cast("int")


def postal_code(store: Column, area: Column) -> Column:
    """Postal code of an area; each has its own."""
    return (10_000 + store * len(AREAS) + area).cast("string")


def kilometres(area: Column) -> Column:
    """From a store to the middle of one of its areas."""
    return at_place([distance for distance, _ in AREAS], area)


def urbanity(area: Column) -> Column:
    """Degree of urbanisation of an area."""
    return at_place([degree for _, degree in AREAS], area)
