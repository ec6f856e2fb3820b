"""docs/data-dictionary.md is what the declarations say. Renew it: python -m tests.report.test_dictionary"""

from __future__ import annotations

from pathlib import Path

import pytest

from omniseg.commands.declared import feature_set
from omniseg.commands.features import days_table, features_table
from omniseg.features.declaration import FeatureSet
from omniseg.report.dictionary import data_dictionary, row
from omniseg.report.variables import variables
from omniseg.settings.load import load_settings
from omniseg.tables import ALL, CUSTOMER_DAY, CUSTOMER_FEATURES, Column
from tests.features import rows as sets

RETAIL = "conf:packs/retail/settings.yml"
KINDS = ["Demographic", "Geographic", "Behavioural", "Psychographic", "Transactional", "Omnichannel", "Firmographic"]
PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def declared_by(conf: str | None) -> FeatureSet:
    """The features of some settings."""
    return feature_set(load_settings(env="local", conf=conf, sets=(), environ={}))


def declared() -> str:
    """The page of the base declarations, and the variables of the retail pack."""
    features = declared_by(None)
    extended = {CUSTOMER_DAY.name: days_table(features), CUSTOMER_FEATURES.name: features_table(features)}
    tables = data_dictionary([extended.get(table.name, table) for table in ALL])
    return f"{tables}\n{variables(declared_by(RETAIL), 'Variables of the retail pack')}"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == declared()


def test_every_table_and_every_base_feature_is_on_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"## {table.name}\n" in page for table in ALL)
    assert "`monetary_365d`" in page
    assert "`recency_days_lifetime`" in page


def test_every_variable_of_the_retail_pack_is_defined() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## Variables of the retail pack")[2]
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    retail = declared_by(RETAIL)
    assert len(lines) == len(retail.features) + 4 >= 80
    assert [kind for kind in KINDS if f"### {kind}\n" not in page] == []
    for line in lines:
        _, name, meaning, definition, unit, windows, read, privacy, _, _, _ = line.replace("\\|", "").split("|")
        assert all(text.strip() for text in (name, meaning, definition, unit, windows, read, privacy)), line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("sessions", ("**sessions** of `session_id` where", "idle_minutes 30", "30d, 90d"), id="measure"),
        pytest.param("basket_p50", ("per `coalesce(order_id, event_id)`", "at 0.5"), id="quantile"),
        pytest.param("online_to_store_days", ("after `channel in ('web', 'mobile')`", "within_days 7"), id="journey"),
        pytest.param("activity_share_night", ("among `channel in", "`events.hour_band`"), id="share"),
        pytest.param("urbanity", ("`country`, `postal_code`", "`postal_areas.urbanity`", "DEGURBA"), id="lookup"),
        pytest.param("sustainable_value", ("`products.sustainable`", "the product master says"), id="product"),
        pytest.param("margin", ("`costed_value_365d - cost_365d`", "`cost_365d`, `costed_value_365d`"), id="formula"),
        pytest.param("rfm_recency", ("customers with a worse value", "`recency_days_lifetime`"), id="score"),
        pytest.param("rfm_segment", ("Champions: recency 5, frequency 4-5", "no name fits"), id="names"),
    ],
)
def test_a_line_says_what_decides_the_value(name: str, words: tuple[str, ...]) -> None:
    (line,) = [one for one in variables(declared_by(RETAIL), "t").splitlines() if one.startswith(f"| `{name}` |")]
    assert [word for word in words if word not in line] == []


def test_a_variable_of_no_kind_is_on_the_page_too() -> None:
    page = variables(sets.feature_set("name: n, measure: count"), "t")
    assert "### Of no kind" in page
    assert "| `n` | what | **count** | number | lifetime | `events.event_date` | attribute |  |  |" in page


def test_a_bar_in_a_comment_does_not_end_the_cell() -> None:
    assert row(Column("a", "INT", True, "none", "x | y")) == "| `a` | INT | yes | none | x \\| y |"


if __name__ == "__main__":
    PAGE.write_text(declared(), encoding="utf-8")
