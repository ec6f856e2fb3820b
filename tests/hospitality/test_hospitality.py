"""The hospitality pack, end to end: hotels differ from shops by configuration alone."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from omniseg.commands.nightly import nightly
from omniseg.lake.bounded import bounded
from omniseg.lake.store import Lake
from omniseg.privacy.keys import key
from omniseg.privacy.pseudonyms import keyed
from omniseg.runtime import Run
from omniseg.settings.load import load_settings
from omniseg.tables import CUSTOMER_FEATURES, QUARANTINE, SEGMENT_PROFILES, SEGMENT_SNAPSHOTS
from tests.hospitality.guests import GUESTS, KINDS, UNTIL, deliver, guests

CONF = Path(__file__).parents[2] / "conf" / "packs" / "hospitality"


@dataclass(frozen=True)
class Night:
    """What one night made of a year."""

    run: Run
    vectors: dict[str, Row]
    segments: dict[str, str]
    quarantined: list[Row]
    names: set[str]

    def of(self, guest: str) -> Row:
        """The vector of a guest."""
        return self.vectors[customer_of(guest)]


def customer_of(guest: str) -> str:
    """The customer id of a guest's number."""
    pseudonym = keyed(guest, "loyalty", "v1", key("OMNISEG_PSEUDONYM_KEY"))
    assert pseudonym is not None
    return hashlib.sha256(pseudonym.encode()).hexdigest()[:32]


@pytest.fixture(scope="module")
def night(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """All that was delivered, taken, and published for the last day of the year."""
    folder = tmp_path_factory.mktemp("hotels")
    deliver(folder / "landing")
    sets = {
        "warehouse.root": folder / "warehouse",
        "landing.root": folder / "landing",
        "landing.settle_seconds": 0,
        "reports.dir": folder / "reports",
        "consent.mode": "assume",
        "consent.legal_basis": "nobody in these data exists",
        "lake.buckets": 2,
        "model.segments": 3,
        "model.leaves": 6,
    }
    conf = "conf:packs/hospitality/settings.yml"
    settings = load_settings(env="local", conf=conf, sets=[f"{name}={it}" for name, it in sets.items()], environ={})
    run = Run("run", settings, {"format": "table"}, UNTIL, given_lake=Lake(spark, settings.warehouse.root))
    nightly(run)
    read = run.lake.read
    return Night(
        run,
        {row["customer_id"]: row for row in bounded(read(CUSTOMER_FEATURES), 1000)},
        {row["customer_id"]: row["segment_id"] for row in bounded(read(SEGMENT_SNAPSHOTS), 1000)},
        bounded(read(QUARANTINE), 100),
        {row["segment_name"] for row in bounded(read(SEGMENT_PROFILES), 1000)},
    )


def test_the_pack_is_configuration_alone():
    assert {file.suffix for file in CONF.rglob("*") if file.is_file()} == {".yml"}


def test_every_guest_is_one_person_with_a_vector_and_a_segment(night: Night):
    expected = {customer_of(guest) for guest, _, _ in guests()}
    assert len(expected) == len(KINDS) * GUESTS
    assert night.vectors.keys() == night.segments.keys() == expected


def test_bad_records_are_told_and_nothing_else_is_refused(night: Night):
    assert sorted((row["source"], row["rules"]) for row in night.quarantined) == [
        ("bookings", ["some_night"]),
        ("feedback", ["score_from_1_to_10"]),
        ("stays", ["malformed"]),
    ]


@pytest.mark.parametrize(
    ("guest", "expected"),
    [
        pytest.param(
            "B000",
            {
                "stays_365d": 10,
                "nights_365d": Decimal(10),
                "revenue_365d": Decimal(1450),
                "revenue_per_night": 145.0,
                "weekday_share": 1.0,
                "lead_days_365d": 3.0,
                "cancellation_rate": 0.0,
                "favourite_room_365d": "double",
                "score_given_365d": 7.0,
                "age": 65.0,
                "rfm_segment": "Regulars",
            },
            id="business",
        ),
        pytest.param(
            "F001",
            {
                "stays_365d": 2,
                "nights_per_stay": 7.0,
                "extras_365d": Decimal(320),
                "extras_share": 0.2025316456,
                "weekday_share": 0.0,
                "lead_days_365d": 120.0,
                "favourite_room_365d": "suite",
                "answers_365d": 1,
                "country": "AUT",
            },
            id="family",
        ),
        pytest.param(
            "L002",
            {"bookings_365d": 3, "cancellations_365d": 1, "cancellation_rate": 0.3333333333, "rfm_recency": 1},
            id="lapsed",
        ),
    ],
)
def test_the_vector_of_a_guest(night: Night, guest: str, expected: dict[str, object]):
    row = night.of(guest)
    assert {name: row[name] for name in expected} == expected


def test_segments_are_the_kinds_of_guests(night: Night):
    found = Counter((kind.name, night.segments[customer_of(guest)]) for guest, kind, _ in guests())
    assert sorted(found.values()) == [GUESTS] * len(KINDS)
    assert len({segment for _, segment in found}) == len(KINDS)


def test_segments_have_the_words_of_the_trade(night: Night):
    assert {name.lower() for name in night.names} == {
        "frequent, business",
        "long-stay, early-booking",
        "often cancelling, lapsing",
    }


def test_the_page_shows_what_scores_are_called(night: Night):
    page = Path(night.run.settings.reports.dir, f"segments-{UNTIL}.html").read_text(encoding="utf-8")
    sizes = Counter(row["rfm_segment"] or "none" for row in night.vectors.values())
    shown = re.findall(r'<tr><td class="name">([^<]*)</td><td class="n">(\d+)</td>', page)
    assert shown
    assert {name: int(customers) for name, customers in shown}.items() <= sizes.items()
