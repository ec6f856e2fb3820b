"""docs/data-dictionary.md is what the declarations say. Renew it: python -m tests.report.test_dictionary"""

from __future__ import annotations

from pathlib import Path

from omniseg.commands.declared import feature_set
from omniseg.commands.features import days_table, features_table
from omniseg.report.dictionary import data_dictionary, row
from omniseg.settings.load import load_settings
from omniseg.tables import ALL, CUSTOMER_DAY, CUSTOMER_FEATURES, Column

PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def declared() -> str:
    """The page of the base declarations."""
    features = feature_set(load_settings(env="local", conf=None, sets=(), environ={}))
    extended = {CUSTOMER_DAY.name: days_table(features), CUSTOMER_FEATURES.name: features_table(features)}
    return data_dictionary([extended.get(table.name, table) for table in ALL])


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == declared()


def test_every_table_and_every_base_feature_is_on_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"## {table.name}\n" in page for table in ALL)
    assert "`monetary_365d`" in page
    assert "`recency_days_lifetime`" in page


def test_a_bar_in_a_comment_does_not_end_the_cell() -> None:
    assert row(Column("a", "INT", True, "none", "x | y")) == "| `a` | INT | yes | none | x \\| y |"


if __name__ == "__main__":
    PAGE.write_text(declared(), encoding="utf-8")
