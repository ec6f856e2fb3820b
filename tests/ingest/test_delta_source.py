"""Versions of a Delta table as deliveries: how they are named, and which are new."""

from __future__ import annotations

import pytest

from omniseg.lake.delta_source import Versions, untaken_versions, versions_of


@pytest.mark.parametrize(
    ("place", "versions"),
    [
        ("/a/b@v7", Versions("/a/b", None, 7)),
        ("/a/b@v3-7", Versions("/a/b", 3, 7)),
        ("s3a://x/y@z@v0", Versions("s3a://x/y@z", None, 0)),
        ("/a/b/part-1.parquet", None),
    ],
)
def test_a_place_names_versions(place: str, versions: Versions | None) -> None:
    assert versions_of(place) == versions
    assert versions is None or versions.place == place


def test_what_is_untaken_follows_the_last_version_of_the_same_table() -> None:
    assert untaken_versions("/t", 4, []) == Versions("/t", None, 4)
    assert untaken_versions("/t", 4, ["/t@v1", "/t@v2-3", "/other@v9"]) == Versions("/t", 4, 4)
    assert untaken_versions("/t", 3, ["/t@v1", "/t@v2-3"]) is None
