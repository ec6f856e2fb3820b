"""Names of RFM scores: the largest first, and none whose size could be told although it is too small."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from omniseg.report.scores import NOBODY, named_sizes, section


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        pytest.param({"A": 30, "B": 60, None: 10}, {"B": 60, "A": 30, NOBODY: 10}, id="all"),
        pytest.param({"A": 30, "B": 60, "C": 9}, {"B": 60}, id="one_small_group_takes_the_next_along"),
        pytest.param({"A": 30, "B": 60, "C": 9, "D": 1}, {"B": 60, "A": 30}, id="two_small_groups_hide_each_other"),
        pytest.param({"A": 9, "B": 60}, {}, id="two_groups"),
        pytest.param({"A": 9}, {}, id="only_a_small_one"),
        pytest.param({}, {}, id="no_scores"),
    ],
)
def test_sizes(sizes: Mapping[str | None, int], shown: Mapping[str, int]):
    found = named_sizes(sizes, min_group=10)
    assert [(one.name, one.customers) for one in found] == list(shown.items())
    everybody = sum(sizes.values())
    assert [one.share for one in found] == [size / everybody for size in shown.values()]
    hidden = everybody - sum(shown.values())
    assert hidden == 0 or hidden >= 10 or not shown


def test_the_section_is_text_never_markup():
    text = section(named_sizes({"<b>": 30, "B": 60}, min_group=10), min_group=10)
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert "33.3 %" in text
    assert section([], min_group=10) == ""
