"""Visits of shoppers: when, on which channel, and what happens in them, as the number of events of every part."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from omniseg.simulate.world.draws import below, counted, happens, uniform
from omniseg.simulate.world.model import CAMPAIGN_DAYS, World
from omniseg.simulate.world.people import HOUSE

MOST_VISITS = 100_000  # of one person; a visit's number is person x MOST_VISITS + its place
BOT_VIEWS = 200
BOT_VIEWS_A_SECOND = 2
SILENT = 0.5  # share of the machines that do not say that they are
HOUR, DAY = 3_600, 86_400
# The parts of a visit in the order of their events; each has a column with its number of events.
PARTS = ("sent", "views", "adds", "checkout", "bought", "tried", "back", "asked", "review", "post", "sensed")


def visits(people: DataFrame, world: World) -> DataFrame:
    """One row per visit or message: visit BIGINT, person, day INT, second INT (of the wall clock, beyond 86,400 after
    midnight), channel (pos, web, mobile, message), bot, silent (a machine that does not say so), at_till and reduced
    BOOLEAN, wait INT (seconds from the cart to the purchase), store, favourite, price, and an INT per part.
    """
    seed, visit = world.seed, F.col("visit")
    alive = F.col("left") - F.col("joined")
    coming = counted(F.col("visits") * alive / 30, seed, "visits", F.col("person"))
    messages = counted(alive / CAMPAIGN_DAYS, seed, "messages", F.col("person"))
    rows = people.withColumns({"coming": coming, "all": F.least(coming + messages, F.lit(MOST_VISITS - 1))})
    rows = numbered(rows, F.col("all"))
    rows = rows.withColumn("visit", F.col("person") * MOST_VISITS + F.col("place"))
    house = happens(world.shared_account, seed, "house", visit)
    bot = happens(world.bots, seed, "bot", visit)
    elsewhere = F.when(happens(F.col("mobile"), seed, "mobile", visit), "mobile").otherwise("web")
    channel = (
        F.when(house, "pos")
        .when(F.col("place") > F.col("coming"), "message")
        .when(happens(F.col("pos"), seed, "pos", visit), "pos")
        .when(bot, "web")
        .otherwise(elsewhere)
    )
    rows = rows.withColumns({"house": house, "day": day_of(world), "channel": channel})
    rows = rows.withColumns({"second": second_of(world), "bot": bot & (F.col("channel") == "web")})
    rows = rows.withColumn("silent", F.col("bot") & happens(SILENT, seed, "silent", visit))
    rows = with_purchase(rows, world)
    return with_parts(rows, world).select(
        F.when(F.col("house"), F.lit(HOUSE)).otherwise(F.col("person")).cast("bigint").alias("person"),
        *(
            "visit",
            "day",
            "second",
            "channel",
            "bot",
            "silent",
            "at_till",
            "reduced",
            "wait",
            "store",
            "favourite",
            "price",
        ),
        *PARTS,
    )


def numbered(rows: DataFrame, many: Column) -> DataFrame:
    """Each row as often as `many` says, numbered from 1 in `place`."""
    return rows.select("*", F.explode(F.when(many > 0, F.sequence(F.lit(1), many))).alias("place"))


def day_of(world: World) -> Column:
    """A day on which the person comes: of two drawn ones the busier (weekends; December)."""
    alive = F.col("left") - F.col("joined")
    first, second = (
        F.col("joined") + below(alive, world.seed, f"day {draw}", F.col("visit")) for draw in ("one", "other")
    )
    return F.when(busy(world, second) > busy(world, first), second).otherwise(first)


def busy(world: World, day: Column) -> Column:
    """How busy a day is: 0, 1 or 2."""
    weekend = F.pmod(day + world.first_day.weekday(), F.lit(7)) >= 5
    december = F.month(F.date_add(F.lit(world.first_day), day)) == 12
    return weekend.cast("int") + december.cast("int")


def second_of(world: World) -> Column:
    """Stores are open from 8:30 to 20:00; elsewhere people come from 10 in the morning until one at night."""
    store = 8 * HOUR + 1_800 + below(11 * HOUR + 1_800, world.seed, "second", F.col("visit"))
    return F.when(F.col("channel") == "pos", store).otherwise(
        10 * HOUR + below(15 * HOUR, world.seed, "second", F.col("visit"))
    )


def with_purchase(rows: DataFrame, world: World) -> DataFrame:
    """Adds how a visit ends: `carted` and `bought_at_all` BOOLEAN, at_till, reduced, wait and `lines_of` INT."""
    seed, visit = world.seed, F.col("visit")
    end, pos = uniform(seed, "end", visit), F.col("channel") == "pos"
    person = (F.col("channel") != "message") & ~F.col("bot")
    buys = person & F.when(pos, end < 0.9).otherwise(end < F.col("buys"))
    later = ~pos & happens(F.col("elsewhere"), seed, "elsewhere", visit)
    carted = person & ~pos & (end < F.col("buys") + F.col("abandons"))
    # About as many lines as other visits have events, so that a share of the visits is that share of the events.
    rung = counted(world.visit_events * 0.7, seed, "rung", visit)
    usual = F.greatest(counted(F.col("lines"), seed, "lines", visit), F.lit(1))
    return rows.withColumns(
        {
            "bought_at_all": buys | F.col("house"),
            "carted": carted,
            "at_till": pos | later,
            "wait": F.when(later, 12 * HOUR + below(28 * HOUR, seed, "wait", visit)).otherwise(0),
            "lines_of": F.when(F.col("house"), F.greatest(rung, F.lit(1))).otherwise(usual),
            "reduced": happens(F.col("promotion"), seed, "promotion", visit),
        }
    )


def with_parts(rows: DataFrame, world: World) -> DataFrame:
    """Adds the number of events of every part."""
    seed, visit = world.seed, F.col("visit")
    pos, message = F.col("channel") == "pos", F.col("channel") == "message"
    opened = happens(F.col("opens"), seed, "opened", visit)
    led = ~pos & ~F.col("bot") & opened & happens(0.3, seed, "led", visit)
    bought = F.when(F.col("bought_at_all"), F.col("lines_of")).otherwise(0)
    back = (bought > 0) & ~F.col("house") & happens(F.col("returns"), seed, "returned", visit)
    walks = pos & ~F.col("house") & happens(0.3, seed, "sensed", visit)
    views = counted(world.visit_events * 0.7, seed, "views", visit)
    numbers = {
        "sent": F.when(message, 1 + opened.cast("int")).when(led, 3),
        "views": F.when(F.col("bot"), BOT_VIEWS).when(~pos & ~message, F.greatest(views, F.lit(1))),
        "adds": F.when(F.col("carted"), F.col("lines_of")),
        "checkout": F.when(F.col("carted") & (bought > 0) & ~F.col("at_till"), 1),
        "bought": bought,
        "tried": F.when((F.col("channel") == "mobile") & happens(0.15, seed, "tried", visit), 1),
        "back": back.cast("int"),
        "asked": (back & happens(0.4, seed, "asked", visit)).cast("int"),
        "review": ((bought > 0) & ~pos & happens(0.08, seed, "review", visit)).cast("int"),
        "post": ((bought > 0) & ~F.col("house") & happens(0.01, seed, "post", visit)).cast("int"),
        "sensed": F.when(walks, 3),
    }
    return rows.withColumns({name: F.coalesce(number, F.lit(0)) for name, number in numbers.items()})
