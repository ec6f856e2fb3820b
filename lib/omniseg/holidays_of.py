"""Public holidays of a country or one of its regions, by the package `holidays`."""

from __future__ import annotations

from datetime import date

import holidays

from omniseg.errors import ConfigError, Problem
from omniseg.names import nearest

YEARS = range(2000, 2050)  # of events; before and after, nobody is told whether a day is a holiday
KEY = "business.holidays"


def public_holidays(place: str | None) -> tuple[date, ...]:
    """The days, in order: of a country such as DE, or a region such as DE-BY; none where there is no place."""
    if place is None:
        return ()
    country, _, region = place.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        expected = "a country that the package holidays knows, by its ISO 3166 code of two letters"
        raise ConfigError([Problem("settings", KEY, repr(country), expected, nearest(country, known))])
    if region and region not in known[country]:
        expected = f"a region of {country}: {', '.join(known[country]) or 'it has none'}"
        raise ConfigError([Problem("settings", KEY, repr(place), expected, nearest(region, known[country]))])
    return tuple(sorted(holidays.country_holidays(country, subdiv=region or None, years=YEARS)))
