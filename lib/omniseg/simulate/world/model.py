"""What a world is made of: its size, the kinds of shoppers in it and what goes wrong with its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date

ZONE = "Europe/Berlin"  # the retailer's business days; tills stamp its wall clock
CURRENCY = "EUR"
DEPARTMENTS = ("grocery", "fresh", "household", "beauty", "fashion", "sports", "garden", "media")
PUSH_RENAMED_AFTER = 0.5  # share of the days after which push calls its column `campaign` by another name
CAMPAIGN_DAYS = 14  # a campaign and a message to everybody in every fortnight
NEW_COLUMN_AFTER = 0.5  # share of the days after which web records carry a column that nobody announced


@dataclass(frozen=True)
class Kind:
    """A planted type of shopper. Shares are those of a person's visits, purchases or messages."""

    name: str
    share: float  # of all persons, where kinds are of unequal size
    visits: float  # per 30 days
    pos: float  # visits to a store
    mobile: float  # visits to the app, of those elsewhere than in a store
    buys: float  # visits that put something into a cart and buy it
    abandons: float  # visits that put something into a cart and leave it
    elsewhere: float  # purchases that begin in one channel and end at a till
    lines: float  # mean lines of a basket
    price: float  # level of prices, 1 = average
    promotion: float  # purchases at a reduced price
    returns: float  # purchases of which one line comes back
    opens: float  # messages that are opened
    lapses: float  # persons who stop coming


KINDS = (
    Kind("champion", 0.10, 4.0, 0.35, 0.40, 0.55, 0.10, 0.20, 4.0, 1.5, 0.05, 0.04, 0.50, 0.02),
    Kind("bargain_hunter", 0.20, 2.5, 0.10, 0.20, 0.30, 0.45, 0.05, 2.0, 0.6, 0.80, 0.08, 0.70, 0.05),
    Kind("store_loyal", 0.25, 2.0, 0.90, 0.10, 0.80, 0.05, 0.00, 5.0, 1.0, 0.20, 0.02, 0.10, 0.05),
    Kind("app_native", 0.15, 3.0, 0.05, 0.95, 0.30, 0.25, 0.10, 1.5, 1.0, 0.25, 0.12, 0.30, 0.05),
    Kind("occasional", 0.20, 0.6, 0.40, 0.30, 0.40, 0.20, 0.10, 1.5, 1.1, 0.30, 0.05, 0.20, 0.10),
    Kind("lapsing", 0.10, 2.5, 0.40, 0.30, 0.45, 0.15, 0.10, 2.5, 1.0, 0.20, 0.06, 0.15, 1.00),
)
RATES = tuple(item.name for item in fields(Kind) if item.name not in ("name", "share"))

# What can be wrong with a record -> the usual share of the records that could have it.
DEFECTS: dict[str, float] = {
    "duplicate": 0.004,  # the same record again, one day later
    "restamped": 0.002,  # the same event again, sent 90 seconds later
    "conflicting": 0.001,  # the same event id with another price, one day later
    "late": 0.01,  # delivered 1 to `late_days` days after its day
    "future_clock": 0.001,  # stamped 400 days ahead
    "malformed": 0.001,  # cut in the middle
    "missing_key": 0.001,  # without its event id
    "wrong_type": 0.001,  # a quantity that is no number
    "negative_price": 0.001,  # of a purchase
    "unknown_currency": 0.001,  # no code of ISO 4217
    "huge_string": 0.0002,  # 60,000 characters in a free text
    "confusable": 0.001,  # a Cyrillic letter in a login
    "nobody": 0.005,  # without any identifier, or with one that stands for none
    "dst_gap": 0.02,  # a line of a till, on the day clocks go forward, stamped in the hour that is skipped
    "dst_overlap": 0.02,  # a line of a till, on the day clocks go back, stamped in the hour that comes twice
}
CLOCK_DEFECTS = ("dst_gap", "dst_overlap")  # a share of the lines of one day, not of all records


@dataclass(frozen=True)
class World:
    """The whole input of a simulation: the same world gives the same rows.

    `visit_events` is the mean number of events of a visit outside a store, `overlap` how far the kinds lie together
    (0 apart, 1 all alike), `equal` whether they have equal shares, `shared_account` the share of visits that are rung
    up on one card of the shop, `family_devices` the share of persons whose device two others use as well, `bots` the
    share of visits outside stores that are machines.
    """

    seed: int = 1
    customers: int = 1000
    first_day: date = date(2025, 1, 1)
    days: int = 30
    visit_events: float = 8.0
    overlap: float = 0.0
    equal: bool = False
    shared_account: float = 0.0
    family_devices: float = 0.1
    bots: float = 0.01
    late_days: int = 3
    stores: int = 12
    products: int = 600
    defects: Mapping[str, float] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of shoppers with the world's shares and overlap."""
        middle = {name: sum(getattr(kind, name) for kind in KINDS) / len(KINDS) for name in RATES}
        return tuple(
            replace(
                kind,
                share=1 / len(KINDS) if self.equal else kind.share,
                **{
                    name: (1 - self.overlap) * getattr(kind, name) + self.overlap * value
                    for name, value in middle.items()
                },
            )
            for kind in KINDS
        )


def dirty(times: float) -> dict[str, float]:
    """The usual shares of defects, so many times."""
    return {name: rate * times for name, rate in DEFECTS.items()}
