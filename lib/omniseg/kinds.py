"""What a text in a settings file or a declaration may stand for: a number, a share, a time zone, one of some names, …

Every value arrives as text (or nothing, or a list of texts) and becomes typed here. A text that does not fit raises
`Unfit`, which says what was found and which valid name was probably meant, so that the reader of a file can report all
misfits of all files together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Generic, TypeVar
from zoneinfo import available_timezones

from omniseg.currencies import CURRENCIES
from omniseg.names import nearest
from omniseg.secrecy import likely_secret

T = TypeVar("T")
SHOWN = 60  # characters of a wrong value that a message repeats

WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
DECIMAL = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,12})?")
SECRET_REF = re.compile(r"secret://env/([A-Za-z_][A-Za-z0-9_]*)")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # all but tab and line feed
NOT_A_ZONE = {"Factory", "localtime"}  # entries of some zone databases that Java does not know


class Unfit(ValueError):
    """A value is not of its kind; `found` is fit to be shown (no secret in it)."""

    def __init__(self, found: str, suggestion: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.suggestion = suggestion


@dataclass(frozen=True)
class SecretRef:
    """Where a secret is to be fetched; never the secret itself."""

    env_name: str

    def __str__(self) -> str:
        return f"secret://env/{self.env_name}"


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of value: its description, its parser (raises ValueError) and the valid names where they are few."""

    expected: str
    parse: Callable[[str], T]
    names: Callable[[], Iterable[str]] = tuple
    secret: bool = False  # a wrong value is never repeated

    def fit(self, text: str | None) -> T:
        """The typed value; None, which stands for an empty place in a file, fits no kind."""
        if text is None:
            raise Unfit("nothing")
        try:
            return self.parse(text)
        except ValueError as error:
            found = "a literal value (not shown)" if self.secret else shown(text)
            raise Unfit(found, "" if self.secret else nearest(text, self.names())) from error


def shown(text: str) -> str:
    """`text` quoted for a message, cut to a length that a line can hold; never what looks like a secret."""
    if secret := likely_secret(text):
        return f"{secret} (not shown)"
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")


def matched(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    """The match of the whole text, or ValueError."""
    if (match := pattern.fullmatch(text)) is None:
        raise ValueError(text)
    return match


def whole(minimum: int, maximum: int | None = None) -> Kind[int]:
    """A whole number in decimal digits, both limits included; no leading zero, no exponent."""

    def parse(text: str) -> int:
        number = int(matched(WHOLE, text)[0])
        if number < minimum or (maximum is not None and number > maximum):
            raise ValueError(text)
        return number

    upper = f" and <= {maximum}" if maximum is not None else ""
    return Kind(f"a whole number >= {minimum}{upper}", parse)


def share() -> Kind[float]:
    """A share between 0 and 1, both included."""

    def parse(text: str) -> float:
        number = Decimal(matched(DECIMAL, text)[0])
        if number > 1:
            raise ValueError(text)
        return float(number)

    return Kind("a share from 0 to 1, such as 0.05", parse)


def one_of(*names: str) -> Kind[str]:
    """One of few names, spelled exactly."""
    return known(f"one of {', '.join(names)}", lambda: names)


def known(expected: str, names: Callable[[], Iterable[str]]) -> Kind[str]:
    """One of many names, spelled exactly; `expected` describes them."""

    def parse(text: str) -> str:
        if text not in names():
            raise ValueError(text)
        return text

    return Kind(expected, parse, names)


def spelled(expected: str, regex: str) -> Kind[str]:
    """A text of which all is matched by `regex`."""
    compiled = re.compile(regex)
    return Kind(expected, lambda text: matched(compiled, text)[0])


@cache
def zones() -> frozenset[str]:
    """All IANA zone names known here."""
    return frozenset(available_timezones() - NOT_A_ZONE)


def flag(text: str) -> bool:
    """True or False for the texts true and false; no other spelling."""
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def plain(text: str) -> str:
    """`text`, when no control character but tab and line feed is in it."""
    if CONTROL.search(text):
        raise ValueError(text)
    return text


def filled(text: str) -> str:
    """`text`, when it holds more than white space and no control character."""
    if not text.strip():
        raise ValueError(text)
    return plain(text)


TEXT = Kind("a text that is not empty and has no control characters", filled)
ANY_TEXT = Kind("a text without control characters", plain)
FLAG = Kind("true or false", flag, lambda: ("true", "false"))
TIME_ZONE = known("an IANA time zone, such as Europe/Berlin", zones)
CURRENCY = known("an ISO 4217 code of three capital letters, such as EUR", lambda: CURRENCIES)
PLACE = spelled("an ISO 3166 country such as DE, or a region of it such as DE-BY", "[A-Z]{2}(-[A-Z0-9]{1,5})?")
SNAKE_CASE = spelled("a snake_case name of at most 63 characters", "[a-z][a-z0-9_]{0,62}")
SECRET = Kind(
    "a reference such as secret://env/NAME; the secret itself belongs into the environment variable NAME",
    lambda text: SecretRef(matched(SECRET_REF, text)[1]),
    secret=True,
)
