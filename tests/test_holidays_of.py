"""Public holidays of a country, of a region, of no place; a place that nobody knows is refused with the nearest one."""

from __future__ import annotations

from datetime import date

import pytest

from omniseg.commands.declared import feature_set
from omniseg.errors import ConfigError
from omniseg.holidays_of import YEARS, public_holidays
from omniseg.settings.load import load_settings

UNITY, EPIPHANY = date(2024, 10, 3), date(2024, 1, 6)


@pytest.mark.parametrize(
    ("place", "unity", "epiphany"),
    [
        pytest.param("DE", True, False, id="a_country"),
        pytest.param("DE-BY", True, True, id="a_region_has_more"),
        pytest.param("AT", False, True, id="another_country"),
        pytest.param(None, False, False, id="nowhere"),
    ],
)
def test_days(place: str | None, unity: bool, epiphany: bool):
    found = public_holidays(place)
    assert (UNITY in found, EPIPHANY in found) == (unity, epiphany)
    assert list(found) == sorted(set(found))
    assert {day.year for day in found} in (set(), set(YEARS))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param("DX", "business.holidays: found 'DX'", id="no_country"),
        pytest.param("DE-BZ", "a region of DE: ", id="no_region"),
    ],
)
def test_an_unknown_place_is_refused(place: str, expected: str):
    settings = load_settings(env="local", conf=None, sets=[f"business.holidays={place}"], environ={})
    with pytest.raises(ConfigError, match=expected):
        feature_set(settings)


def version(place: str, conf: str | None) -> str:
    """The version of the declarations with the holidays of a place."""
    return feature_set(load_settings(env="local", conf=conf, sets=[f"business.holidays={place}"], environ={})).version


def test_other_holidays_are_other_features_where_a_feature_reads_them():
    retail = "conf:packs/retail/settings.yml"
    assert len({version("DE", retail), version("AT", retail), version("", retail)}) == 3
    assert len({version("DE", None), version("AT", None)}) == 1
