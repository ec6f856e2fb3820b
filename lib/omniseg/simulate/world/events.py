"""Events of visits: what happened, when, and in which system it left its trace."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.simulate.world.draws import below, bits, happens, uniform
from omniseg.simulate.world.lookup import at_place, of_key
from omniseg.simulate.world.model import CAMPAIGN_DAYS, DEPARTMENTS, ZONE, World
from omniseg.simulate.world.people import identifiers
from omniseg.simulate.world.visits import BOT_VIEWS_A_SECOND, DAY, HOUR, PARTS, numbered

# part -> (event types in the order of its events, system); None: the system of the visit's own channel.
TRACES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "sent": (("email_sent", "email_open", "email_click"), "email"),
    "views": (("page_view", "product_view"), None),
    "adds": (("cart_add",), None),
    "checkout": (("checkout_start",), None),
    "bought": (("purchase",), None),
    "tried": (("ar_try_on",), "tryon"),
    "back": (("return",), "till"),
    "asked": (("support_contact",), "support"),
    "review": (("review",), None),
    "post": (("custom:post",), "social"),
    "sensed": (("store_visit", "sensor"), "sensors"),
}
SYSTEMS = {"pos": "till", "web": "web", "mobile": "app", "message": "email"}
EPOCH_DAY = 719_163  # ordinal of 1970-01-01
# What a newcomer leaves in the CRM, in this order, and what the ids of these records begin with.
REGISTERED = ("signup", "consent", "custom:loyalty_joined", "consent")
REGISTRATION_IDS = ("signup", "consent", "card", "withdrawal")
CARD, WITHDRAWAL = 2, 3
PUSHED = 0.3  # share of messages that go to the app instead of the mailbox


def events(visits: DataFrame, world: World) -> DataFrame:
    """One row per event: event STRING (its id), visit, person, day INT (of the visit), part, item INT (place in the
    part), at TIMESTAMP, system, event_type, product INT (null without one), quantity INT, price and discount DECIMAL,
    order STRING, campaign STRING, seconds INT, rating INT, store, bot, silent.
    """
    total = reduce(lambda left, right: left + right, (F.col(part) for part in PARTS))
    rows = numbered(visits, total).withColumn("part", part_of())
    before = F.lit(0)
    first = F.lit(0)
    for part in PARTS:
        first = F.when(F.col("part") == part, before).otherwise(first)
        before = before + F.col(part)
    rows = rows.withColumn("item", F.col("place") - 1 - first)
    rows = rows.withColumns({"event_type": type_of(), "system": system_of(world)})
    pushed = F.regexp_replace(F.regexp_replace("event_type", "^email_", "push_"), "click$", "open")
    rows = rows.withColumn("event_type", F.when(F.col("system") == "push", pushed).otherwise(F.col("event_type")))
    return rows.withColumns({"product": product_of(world), "at": moment(world)}).select(
        F.concat_ws("-", "visit", "place").alias("event"),
        *("visit", "person", "day", "part", "item", "at", "system", "event_type", "store", "bot", "silent"),
        *details(world),
    )


def registrations(people: DataFrame, world: World) -> DataFrame:
    """What newcomers leave in the CRM on the day they join, hour by hour: signup, their answer about consent, the card
    of those who take one; some withdraw the consent days later.

    The columns of `events` that such an event does not have are left out.
    """
    seed, person = world.seed, F.col("person")
    kinds = F.array(*(F.lit(kind) for kind in REGISTERED))
    rows = people.where(F.col("joined") > 0).select("*", F.posexplode(kinds).alias("item", "event_type"))
    has_card = identifiers(world, F.lit(0))["loyalty"].isNotNull()
    withdraws = happens(0.1, seed, "withdraws", person)
    rows = rows.where(((F.col("item") != CARD) | has_card) & ((F.col("item") != WITHDRAWAL) | withdraws))
    later = F.when(F.col("item") == WITHDRAWAL, 1 + below(20, seed, "withdrawn after", person)).otherwise(0)
    second = 10 * HOUR + below(8 * HOUR, seed, "signup", person) + F.col("item") * HOUR
    return rows.select(
        F.concat_ws("-", at_place(REGISTRATION_IDS, F.col("item")), "person").alias("event"),
        *("person", "event_type", "item", "store"),
        (F.col("joined") + later).alias("day"),
        local_time(world, F.col("joined") + later, second).alias("at"),
        F.lit("crm").alias("system"),
        F.lit(False).alias("bot"),
    )


def part_of() -> Column:
    """The part that an event belongs to: the first whose end its place does not exceed."""
    ends: list[tuple[str, Column]] = []
    for part in PARTS:
        ends.append((part, F.col(part) + ends[-1][1] if ends else F.col(part)))
    return reduce(
        lambda rest, end: F.when(F.col("place") <= end[1], F.lit(end[0])).otherwise(rest),
        reversed(ends[:-1]),
        F.lit(PARTS[-1]),
    )


def type_of() -> Column:
    """Event type by part and place; the last type of a part goes on. Every fourth view of a page is a search."""
    kind = F.lit(None).cast("string")
    for part, (types, _) in TRACES.items():
        named = reduce(
            lambda rest, pair: F.when(F.col("item") == pair[0], pair[1]).otherwise(rest),
            enumerate(types[:-1]),
            F.lit(types[-1]),
        )
        kind = F.when(F.col("part") == part, named).otherwise(kind)
    return F.when((F.col("part") == "views") & (F.col("item") % 4 == 2), "search").otherwise(kind)


def system_of(world: World) -> Column:
    """The system that records an event. Purchases are recorded where they are made, messages where they are sent."""
    own = of_key(SYSTEMS, F.col("channel"))
    system = own
    for part, (_, recorded) in TRACES.items():
        if recorded is not None:
            system = F.when(F.col("part") == part, F.lit(recorded)).otherwise(system)
    pushed = (F.col("part") == "sent") & happens(PUSHED, world.seed, "pushed", F.col("visit"))
    bought = (F.col("part") == "bought") & F.col("at_till")
    return F.when(pushed, "push").when(bought, "till").otherwise(system)


def product_of(world: World) -> Column:
    """Products are liked unequally, and those of a person's favourite department most; a line of a cart, its purchase
    and its return name the same one.
    """
    line = F.when(F.col("part").isin("back", "review", "tried"), 0).otherwise(F.col("item"))
    number = uniform(world.seed, "product", F.col("visit"), line)
    many = len(DEPARTMENTS)
    within = F.floor(number * number * (world.products // many)).cast("int") * many
    liked = happens(0.6, world.seed, "liked", F.col("visit"), line)
    department = F.when(liked, F.col("favourite")).otherwise(
        below(many, world.seed, "department", F.col("visit"), line)
    )
    named = F.col("event_type").isin(
        "product_view", "cart_add", "purchase", "return", "ar_try_on", "review", "custom:post"
    )
    return F.when(named, within + department + 1)


def moment(world: World) -> Column:
    """When it happened (UTC), from the wall clock of the visit's start and what comes how long after it."""
    item, days = F.col("item"), below(17, world.seed, "days until back", F.col("visit")) + 3
    delay = (
        F.when(F.col("part") == "sent", at_place((-2 * HOUR, -300, -60), item))
        .when(F.col("bot"), F.floor(item / BOT_VIEWS_A_SECOND).cast("int"))
        .when(F.col("part") == "views", item * 20)
        .when(F.col("part") == "adds", 300 + item * 15)
        .when(F.col("part") == "checkout", F.lit(600))
        .when(F.col("part") == "bought", 660 + F.col("wait"))
        .when(F.col("part").isin("back", "asked"), days * DAY - F.when(F.col("part") == "asked", HOUR).otherwise(0))
        .when(F.col("part").isin("review", "post"), 2 * DAY + F.lit(HOUR))
        .otherwise(item * 120)
    )
    begin = local_time(world, F.col("day"), F.col("second"))
    return F.timestamp_seconds(F.unix_timestamp(begin) + delay)


def local_time(world: World, day: Column, second: Column) -> Column:
    """The UTC moment of a second of the retailer's wall clock, on a day since the first one."""
    start = F.lit((world.first_day.toordinal() - EPOCH_DAY) * DAY)
    return F.to_utc_timestamp(F.timestamp_seconds(start + day * DAY + second), ZONE)


def details(world: World) -> list[Column]:
    """What else an event tells, null where it does not apply."""
    seed, visit, item = world.seed, F.col("visit"), F.col("item")
    line = F.col("part").isin("adds", "bought", "back")
    level = F.col("price") * F.when(F.col("reduced"), 0.8).otherwise(1.0)
    price = (base_price(world, F.col("product")) * level.cast("decimal(6,3)")).cast("decimal(18,2)")
    quantity = 1 + (below(10, seed, "quantity", visit, item) >= 8).cast("int")
    sign = F.when(F.col("part") == "back", -1).otherwise(1)
    campaign = F.concat(F.lit("C"), F.floor(F.col("day") / CAMPAIGN_DAYS) + 1)
    return [
        F.col("product"),
        F.when(line, quantity * sign).alias("quantity"),
        F.when(line, price).alias("price"),
        F.when(line & F.col("reduced"), (price * quantity * sign * F.lit("0.05").cast("decimal(3,2)")))
        .otherwise(F.when(line, F.lit(0)))
        .cast("decimal(18,2)")
        .alias("discount"),
        F.when(F.col("part").isin("checkout", "bought", "back"), F.concat(F.lit("R"), visit)).alias("order"),
        F.when(F.col("part") == "sent", campaign).alias("campaign"),
        F.when(F.col("part").isin("sensed", "tried"), 20 + below(600, seed, "seconds", visit, item)).alias("seconds"),
        F.when(F.col("part") == "review", 1 + below(5, seed, "rating", visit)).alias("rating"),
    ]


def base_price(world: World, product: Column) -> Column:
    """Price of a product at level 1: from 0.99 to about 120, most of them low; DECIMAL(18,2)."""
    number = F.pmod(bits(world.seed, "price", product), F.lit(10_000))
    return (F.lit("0.99").cast("decimal(18,2)") + (number * number / F.lit(840_000)).cast("decimal(18,2)")).cast(
        "decimal(18,2)"
    )
