"""The systems of the retailer and what each delivers: a record as it stands there, and the file that it is in.

JSON Lines where software talks to software, CSV from tills and help desk, Parquet from the app's backend and the
sensors. A record is told apart by its `event_id`, as the receiving side sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.simulate.world.dirt import cut, has, spoilt_fields, spoilt_identifier
from omniseg.simulate.world.draws import happens
from omniseg.simulate.world.model import NEW_COLUMN_AFTER, ZONE, World
from omniseg.simulate.world.people import HOUSE, currency, identifiers

Fields = dict[str, Column]
SEPARATOR = ";"  # of CSV files
ISO = "yyyy-MM-dd'T'HH:mm:ss'Z'"


@dataclass(frozen=True)
class System:
    """One system: its file format, how often it delivers (day or hour), and the fields of its records."""

    name: str
    form: str
    every: str
    fields: Callable[[World, Mapping[str, Column], Fields], Fields]


def web(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Clicks. A shopper is logged in in some visits, and whenever something is bought."""
    logged_in = happens(0.4, world.seed, "logged in", F.col("visit")) | F.col("order").isNotNull()
    campaign_link = F.col("day") >= int(world.days * NEW_COLUMN_AFTER)
    return {
        "eventId": spoilt["event_id"],
        "ts": stamped(),
        "type": F.col("event_type"),
        "session": F.concat(F.lit("s"), F.col("visit")),
        "cookie": spoilt_identifier(known["cookie"]),
        "login": F.when(logged_in, spoilt_identifier(known["login"])),
        "sku": sku(F.col("product")),
        "qty": spoilt["quantity"],
        "price": spoilt["price"],
        "discount": F.col("discount"),
        "currency": money(),
        "orderId": F.col("order"),
        "rating": F.col("rating"),
        "agent": F.when(F.col("bot"), F.lit("ExampleBot/2.1")).otherwise(F.lit("Mozilla/5.0")),
        "note": spoilt["note"],
        "experiment": F.when(campaign_link, F.concat(F.lit("v"), F.col("visit") % 3)),
    }


def app(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """The app's backend: always a device, mostly a login."""
    return {
        "event_id": spoilt["event_id"],
        "occurred_at": F.col("at"),
        "kind": F.col("event_type"),
        "session": F.concat(F.lit("s"), F.col("visit")),
        "device_id": spoilt_identifier(known["device"]),
        "login": F.when(happens(0.8, world.seed, "app login", F.col("visit")), spoilt_identifier(known["login"])),
        "sku": sku(F.col("product")),
        "quantity": spoilt["quantity"],
        "price": spoilt["price"],
        "discount": F.col("discount"),
        "currency": money(),
        "order_id": F.col("order"),
        "rating": F.col("rating"),
    }


def till(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Lines of receipts, stamped by the wall clock of the store; eight of ten cards are shown."""
    shown = (F.col("person") == HOUSE) | happens(0.8, world.seed, "card shown", F.col("visit"))
    return {
        "line_id": spoilt["event_id"],
        "sold_at": F.date_format(F.from_utc_timestamp("at", ZONE), "dd.MM.yyyy HH:mm:ss"),
        "kind": F.when(F.col("event_type") == "return", "R").otherwise("S"),
        "receipt": F.col("order"),
        "card": F.when(shown, spoilt_identifier(known["loyalty"])),
        "article": sku(F.col("product")),
        "qty": spoilt["quantity"],
        "price": spoilt["price"],
        "discount": F.col("discount"),
        "currency": money(),
        "store": F.col("store"),
        "note": spoilt["note"],
    }


def messages(world: World, known: Mapping[str, Column], spoilt: Fields, address: str) -> Fields:
    """What was sent to an address, and what came back."""
    return {
        "id": spoilt["event_id"],
        "at": stamped(),
        "kind": F.col("event_type"),
        "to": spoilt_identifier(known[address]),
        "campaign": F.col("campaign"),
        "note": spoilt["note"],
    }


def email(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Mail: nothing but an address."""
    return messages(world, known, spoilt, "email")


def push(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Messages to the app: nothing but a device."""
    return messages(world, known, spoilt, "device")


def social(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Posts about a product; the account is the shopper's login."""
    return {
        "id": spoilt["event_id"],
        "at": stamped(),
        "account": spoilt_identifier(known["login"]),
        "sku": sku(F.col("product")),
        "text": F.coalesce(spoilt["note"], F.lit("look what I found")),
    }


def support(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Tickets: an address and, where the shopper has given one, a number."""
    return {
        "ticket": spoilt["event_id"],
        "opened_at": stamped(),
        "email": spoilt_identifier(known["email"]),
        "phone": F.when(~has("nobody"), known["phone"]),
        "topic": F.lit("return"),
        "text": spoilt["note"],
    }


def sensors(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Beacons in a store see a device."""
    return {
        "reading": spoilt["event_id"],
        "seen_at": F.col("at"),
        "kind": F.col("event_type"),
        "device_id": spoilt_identifier(known["device"]),
        "store": F.col("store"),
        "seconds": F.col("seconds"),
    }


def tryon(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Products tried on with the camera."""
    return {
        "id": spoilt["event_id"],
        "at": stamped(),
        "device": spoilt_identifier(known["device"]),
        "sku": sku(F.col("product")),
        "seconds": F.col("seconds"),
        "note": spoilt["note"],
    }


def crm(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Where all identifiers of a person stand together: registrations and consents."""
    return {
        "id": spoilt["event_id"],
        "at": stamped(),
        "kind": F.col("event_type"),
        "login": spoilt_identifier(known["login"]),
        "email": F.when(~has("nobody"), known["email"]),
        "phone": F.when(~has("nobody"), known["phone"]),
        "card": F.when(~has("nobody"), known["loyalty"]),
        "purpose": F.when(F.col("event_type") == "consent", F.lit("marketing")),
        "granted": F.when(F.col("event_type") == "consent", happens(0.7, world.seed, "granted", F.col("person"))),
        "note": spoilt["note"],
    }


SYSTEMS = {
    system.name: system
    for system in (
        System("web", "jsonl", "hour", web),
        System("app", "parquet", "day", app),
        System("till", "csv", "day", till),
        System("email", "jsonl", "day", email),
        System("push", "jsonl", "day", push),
        System("social", "jsonl", "day", social),
        System("support", "csv", "day", support),
        System("sensors", "parquet", "day", sensors),
        System("tryon", "jsonl", "day", tryon),
        System("crm", "jsonl", "day", crm),
    )
}


def stamped() -> Column:
    """The moment as ISO 8601 with its offset."""
    return F.date_format("at", ISO)


def sku(product: Column) -> Column:
    """A product as all systems name it."""
    return F.when(product.isNotNull(), F.concat(F.lit("P"), F.lpad(product.cast("string"), 6, "0")))


def csv_line(whole: Column) -> Column:
    """A struct as a line of a CSV file."""
    return F.to_csv(whole, {"sep": SEPARATOR, "emptyValue": ""})


def money() -> Column:
    """Currency of an event with money, that of the store's country."""
    named = F.when(has("unknown_currency"), F.lit("XXQ")).otherwise(currency(F.col("store")))
    return F.when(F.col("price").isNotNull(), named)


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
