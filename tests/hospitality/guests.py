"""Made-up guests of three kinds, and what the systems of two hotels deliver of them. Nobody in it exists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

UNTIL = date(2025, 12, 31)
GUESTS = 15  # of each kind


@dataclass(frozen=True)
class Kind:
    """How guests of a kind come: how often, for how long, since when not again, and what they spend."""

    name: str
    stays: int
    nights: int
    rate: int
    extras: int  # per stay
    ahead: int  # days from booking to arrival
    every: int  # days from one stay to the next
    ended: int  # days before UNTIL on which the last stay ended, at least
    score: int
    cancels: bool


KINDS = (
    Kind("business", 10, 1, 140, 5, 3, 28, 3, 7, False),
    Kind("family", 2, 7, 90, 160, 120, 150, 40, 9, False),
    Kind("lapsed", 2, 2, 100, 20, 30, 40, 220, 5, True),
)


@dataclass(frozen=True)
class Stay:
    """A stay of a guest."""

    guest: str
    booking: str
    kind: Kind
    arrival: date
    nights: int

    @property
    def checkout(self) -> date:
        """The day on which the bill is written."""
        return self.arrival + timedelta(days=self.nights)

    @property
    def total(self) -> int:
        """The bill."""
        return self.nights * self.kind.rate + self.kind.extras


def guests() -> Iterator[tuple[str, Kind, int]]:
    """Number, kind and place among those of the kind."""
    for kind in KINDS:
        for place in range(GUESTS):
            yield f"{kind.name[0].upper()}{place:03}", kind, place


def stays() -> Iterator[Stay]:
    """All stays; those of business end from Tuesday to Friday, all others on Sundays."""
    for guest, kind, place in guests():
        for number in range(kind.stays):
            last = UNTIL - timedelta(days=kind.ended + place + number * kind.every)
            to = 1 + place % 4 if kind.name == "business" else 6
            checkout = last - timedelta(days=(last.weekday() - to) % 7)
            nights = kind.nights + (place % 2 if kind.name == "business" else 0)
            yield Stay(guest, f"{guest}-{number}", kind, checkout - timedelta(days=nights), nights)


def deliver(landing: Path) -> None:
    """The files of all four systems, with one bad record in three of them."""
    write(
        landing / "bookings" / "2025.csv", [*bookings(), "X-1;booked;2025-05-01 10:00;F000;;inn;double;2025-06-01;0;90"]
    )
    write(landing / "stays" / "2025.jsonl", [*bills(), '{"bill": "broken", "booking":'])
    write(landing / "feedback" / "2025.csv", [*answers(), "a-x;2025-05-01T10:00:00Z;F000;;inn;11;"])
    write(landing / "guests" / "2025.csv", book())


def bookings() -> Iterator[str]:
    """Rows of the reservation system."""
    yield "booking;status;at;guest_no;email;hotel;room_type;arrival;nights;rate"
    for stay in stays():
        booked = stay.arrival - timedelta(days=stay.kind.ahead)
        rest = f"{stay.guest};{stay.guest}@guest.example;inn;double;{stay.arrival};{stay.nights};{stay.kind.rate}"
        yield f"{stay.booking};booked;{booked} 10:00;{rest}"
        if stay.kind.cancels and stay.booking.endswith("-0"):
            yield f"{stay.booking}-c;booked;{booked} 11:00;{rest}"
            yield f"{stay.booking}-c;cancelled;{booked} 12:00;{rest}"


def bills() -> Iterator[str]:
    """Rows of the front desk."""
    for stay in stays():
        yield json.dumps(
            {
                "bill": f"bill {stay.booking}",
                "booking": stay.booking,
                "guest_no": stay.guest,
                "hotel": "inn" if stay.kind.name == "business" else "lake",
                "room_type": "suite" if stay.kind.name == "family" else "double",
                "checkout": f"{stay.checkout}T09:30:00",
                "nights": stay.nights,
                "total": stay.total,
                "extras": stay.kind.extras,
            }
        )


def answers() -> Iterator[str]:
    """Rows of the letters: every other stay is answered."""
    yield "answer;at;guest_no;email;hotel;score;remark"
    for stay in stays():
        if stay.booking.endswith("0"):
            at = f"{stay.checkout + timedelta(days=2)}T18:00:00Z"
            who = f"{stay.guest};{stay.guest}@guest.example"
            yield f"a-{stay.booking};{at};{who};inn;{stay.kind.score};call me: 0151 2345678"


def book() -> Iterator[str]:
    """Rows of the guest book."""
    yield "guest_no;email;born;country;company"
    for guest, _, place in guests():
        yield f"{guest};{guest}@guest.example;19{60 + place}-07-01;AUT;"


def write(file: Path, lines: Iterator[str] | list[str]) -> None:
    """One file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
