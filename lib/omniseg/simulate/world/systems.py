"""The systems of the retailer and what each delivers: a record as it stands there, and the file that it is in.

JSON Lines where software talks to software, CSV from tills and help desk, Parquet from the app's backend and the
sensors. A record is told apart by its `event_id`, as the receiving side sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from omniseg.simulate.world.clocks import wall_clock
from omniseg.simulate.world.dirt import has, spoilt_identifier
from omniseg.simulate.world.draws import bits, happens
from omniseg.simulate.world.events import WITHDRAWAL
from omniseg.simulate.world.model import NEW_COLUMN_AFTER, PUSH_RENAMED_AFTER, World
from omniseg.simulate.world.people import HOUSE
from omniseg.simulate.world.places import currency

Fields = dict[str, Column]
ISO = "yyyy-MM-dd'T'HH:mm:ss'Z'"


@dataclass(frozen=True)
class System:
    """One system: its file format, how often it delivers (day or hour), and the fields of its records."""

    name: str
    form: str
    every: str
    fields: Callable[[World, Mapping[str, Column], Fields], Fields]


def web(world: World, known: Mapping[str, Column], spoilt: Fields) -> Fields:
    """Clicks. A shopper is logged in in some visits, and whenever something is bought; a machine never, and brings a
    cookie of its own.
    """
    logged_in = (happens(0.4, world.seed, "logged in", F.col("visit")) | F.col("order").isNotNull()) & ~F.col("bot")
    cookie = F.when(F.col("bot"), F.concat(F.lit("ck-"), F.hex(bits(world.seed, "machine", F.col("visit"))))).otherwise(
        known["cookie"]
    )
    campaign_link = F.col("day") >= int(world.days * NEW_COLUMN_AFTER)
    return {
        "eventId": spoilt["event_id"],
        "ts": stamped(),
        "type": F.col("event_type"),
        "session": F.concat(F.lit("s"), F.col("visit")),
        "cookie": spoilt_identifier(cookie),
        "login": F.when(logged_in, spoilt_identifier(known["login"])),
        "sku": sku(F.col("product")),
        "qty": spoilt["quantity"],
        "price": spoilt["price"],
        "discount": F.col("discount"),
        "currency": money(),
        "orderId": F.col("order"),
        "rating": F.col("rating"),
        "agent": F.when(F.col("bot") & ~F.col("silent"), F.lit("ExampleBot/2.1")).otherwise(F.lit("Mozilla/5.0")),
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
        "sold_at": F.date_format(wall_clock(), "dd.MM.yyyy HH:mm:ss"),
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
    """Messages to the app: nothing but a device. From some day on the campaign stands in another column."""
    made = messages(world, known, spoilt, "device")
    after, campaign = renamed(world), made["campaign"]
    return {**made, "campaign": F.when(~after, campaign), "campaign_id": F.when(after, campaign)}


def renamed(world: World) -> Column:
    """True for records of push in which the column `campaign` is called `campaign_id`; never in a clean world."""
    return F.lit(bool(world.defects)) & (F.col("day") >= int(world.days * PUSH_RENAMED_AFTER))


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
    """Where all identifiers of a person stand together: registrations, loyalty cards and consents."""
    return {
        "id": spoilt["event_id"],
        "at": stamped(),
        "kind": F.col("event_type"),
        "login": spoilt_identifier(known["login"]),
        "email": F.when(~has("nobody"), known["email"]),
        "phone": F.when(~has("nobody"), known["phone"]),
        "card": F.when(~has("nobody"), known["loyalty"]),
        "purpose": F.when(F.col("event_type") == "consent", F.lit("marketing")),
        "granted": F.when(
            F.col("event_type") == "consent",
            (F.col("item") != WITHDRAWAL) & happens(0.7, world.seed, "granted", F.col("person")),
        ),
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


def money() -> Column:
    """Currency of an event with money, that of the store's country."""
    named = F.when(has("unknown_currency"), F.lit("XXQ")).otherwise(currency(F.col("store")))
    return F.when(F.col("price").isNotNull(), named)
