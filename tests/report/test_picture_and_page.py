"""The picture and the page: made of the figures given, complete in themselves, without what must not be seen."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from omniseg.report.contents import contents
from omniseg.report.page import Basis, page
from omniseg.report.picture import picture, segment_colours, telling_features
from omniseg.report.rivers import blocks, draw_rivers
from tests.report.conftest import make_snapshot, profile_rows, use

SIZES = {"s01": 60, "s02": 30, "s03": 9}
MOVES = {("s01", "s01"): 45, ("s02", "s01"): 15, ("s02", "s02"): 18, ("s01", "s02"): 12, ("s03", "s03"): 9}


@pytest.fixture
def snapshots():
    """Three month-ends."""
    return [
        make_snapshot(SIZES, as_of=date(2017, 10, 31)),
        make_snapshot(SIZES, MOVES, as_of=date(2017, 11, 30)),
        make_snapshot({"s01": 50, "s02": 40, "s03": 9}, MOVES),
    ]


def drawn(path) -> np.ndarray:
    """The pixels of a picture without transparency, 0 to 255."""
    pixels: np.ndarray = np.rint(np.asarray(imread(path), dtype=float) * 255).astype(int)[..., :3]
    return pixels


def has_colour(pixels: np.ndarray, colour: str) -> bool:
    """True where any pixel has exactly this colour."""
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return bool((pixels == wanted).all(axis=-1).any())


class TestPicture:
    def test_it_shows_each_segment_in_its_colour_but_no_small_group(self, snapshots, declaration, tmp_path):
        picture(snapshots, declaration, min_group=10, path=str(tmp_path / "p.png"))
        pixels, colours = drawn(tmp_path / "p.png"), segment_colours(snapshots)
        assert [has_colour(pixels, colours[segment]) for segment in SIZES] == [True, True, False]

    def test_one_snapshot_has_no_movement_and_a_lower_picture(self, snapshots, declaration, tmp_path):
        picture(snapshots, declaration, min_group=10, path=str(tmp_path / "three.png"))
        picture(snapshots[:1], declaration, min_group=10, path=str(tmp_path / "one.png"))
        three, one = drawn(tmp_path / "three.png").shape, drawn(tmp_path / "one.png").shape
        assert (one[1], one[0] < three[0]) == (three[1], True)

    def test_the_same_figures_give_the_same_bytes(self, snapshots, declaration, tmp_path):
        for name in ("a.png", "b.png"):
            picture(snapshots, declaration, min_group=10, path=str(tmp_path / name))
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()

    def test_many_segments_still_fit(self, declaration, tmp_path):
        many = make_snapshot({f"s{number:02d}": 10 + number for number in range(40)})
        picture([many], declaration, min_group=10, path=str(tmp_path / "p.png"))
        assert drawn(tmp_path / "p.png").shape[0] < 1400

    def test_nothing_but_small_groups_is_a_picture_without_them(self, declaration, tmp_path):
        few = make_snapshot({"s01": 5, "s02": 4})
        picture([few, few], declaration, min_group=10, path=str(tmp_path / "p.png"))
        pixels = drawn(tmp_path / "p.png")
        assert not any(has_colour(pixels, colour) for colour in segment_colours([few]).values())

    def test_a_segment_keeps_its_colour_from_snapshot_to_snapshot(self, snapshots):
        assert segment_colours(snapshots) == segment_colours(snapshots[::-1])
        assert len(set(segment_colours(snapshots).values())) == 3

    def test_of_each_theme_the_most_telling_feature_is_shown(self, declaration):
        extra = use("spend_90d", "Spend lately", "money", theme="spend")
        declared = replace(declaration, features=(extra, *declaration.features))
        rows = [*profile_rows({"s01": 60}), {**profile_rows({"s01": 60})[0], "feature": "spend_90d", "z": 0.4}]
        report = contents(replace(make_snapshot({"s01": 60}), profiles=rows), declared, min_group=10)
        assert telling_features(report, declared) == ["spend", "visits", "web"]


class TestRivers:
    def test_blocks_are_as_tall_as_their_share_and_do_not_overlap(self, snapshots):
        column = blocks(snapshots[0], ["s02", "s01", "s03"], 10)
        assert list(column) == ["s02", "s01"]
        assert column["s01"].height == pytest.approx(60 / 99)
        assert column["s01"].top > column["s02"].top + column["s02"].height

    def test_texts_name_days_sizes_and_segments_of_the_last_snapshot(self, snapshots, declaration):
        axes = Figure().add_subplot()
        report = contents(snapshots[-1], declaration, min_group=10)
        draw_rivers(axes, snapshots, report, segment_colours(snapshots), min_group=10)
        assert [text.get_text() for text in axes.texts] == [
            "31 October 2017",
            "30 November 2017",
            "31 December 2017",
            "60",
            "30",
            "60",
            "30",
            "Segment s01  50",
            "Segment s02  40",
        ]

    def test_one_river_for_each_way_that_is_no_small_group(self, snapshots, declaration):
        axes = Figure().add_subplot()
        report = contents(snapshots[-1], declaration, min_group=10)
        draw_rivers(axes, snapshots, report, segment_colours(snapshots), min_group=10)
        assert len(axes.collections) == 2 * 4  # twice s01→s01, s02→s01, s02→s02, s01→s02; never s03→s03


class Text(HTMLParser):
    """Gathers visible text and all addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open += [tag] if tag not in ("meta", "img", "br") else []
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def written(declaration, snapshot, tmp_path, basis=None) -> Text:
    """The page of a snapshot, parsed; every tag must be closed."""
    report = contents(snapshot, declaration, min_group=10)
    basis = basis or Basis("assume", "contract")
    page(report, declaration, currency="EUR", basis=basis, picture=b"PNG!", path=tmp_path / "page.html")
    parsed = Text()
    parsed.feed((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert parsed.open == []
    return parsed


class TestPage:
    def test_everything_is_inside(self, declaration, snapshots, tmp_path):
        parsed = written(declaration, snapshots[-1], tmp_path)
        (picture_address,) = parsed.addresses
        assert b64decode(picture_address.removeprefix("data:image/png;base64,")) == b"PNG!"
        assert "url(" not in (tmp_path / "page.html").read_text(encoding="utf-8")

    def test_segments_with_their_figures(self, declaration, snapshots, tmp_path):
        text = " ".join(written(declaration, snapshots[-1], tmp_path).text)
        assert re.search(r"Segment s01 s01 50 55\.6 % 120 EUR 15 12 Spend 120 EUR \(all: 100 EUR\)", text)
        assert "about 100 customers in 2 segments" in text

    def test_small_groups_are_nowhere(self, declaration, snapshots, tmp_path):
        written(declaration, snapshots[-1], tmp_path)
        text = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert "s03" not in text
        assert "1 segment(s) of fewer than 10 customers are not shown." in text

    def test_every_feature_is_explained(self, declaration, snapshots, tmp_path):
        text = " ".join(written(declaration, snapshots[-1], tmp_path).text)
        for feature in declaration.features:
            assert f"{feature.label} ({feature.name}): forms the segments, weight 1" in text

    def test_a_first_snapshot_speaks_of_no_movement(self, declaration, snapshots, tmp_path):
        text = " ".join(written(declaration, snapshots[0], tmp_path).text)
        assert "Came" not in text
        assert "withheld" not in text

    @pytest.mark.parametrize(
        ("basis", "sentence"),
        [
            pytest.param(
                Basis("assume", "contract"),
                "Consent is assumed for every customer. Legal basis: contract.",
                id="assumed",
            ),
            pytest.param(Basis("assume", ""), "Legal basis: not stated.", id="assumed_without_words"),
            pytest.param(Basis("enforce", ""), "Only customers whose recorded consent allows it", id="enforced"),
        ],
    )
    def test_it_says_on_what_basis(self, declaration, snapshots, tmp_path, basis, sentence):
        assert sentence in " ".join(written(declaration, snapshots[-1], tmp_path, basis).text)

    def test_names_and_settings_are_text_never_markup(self, declaration, tmp_path):
        nasty = '<script>alert("x")</script>&'
        snapshot = make_snapshot({"s01": 60})
        rows = [{**row, "segment_name": nasty, "segment_id": nasty} for row in snapshot.profiles]
        declared = replace(declaration, features=tuple(replace(one, label=nasty) for one in declaration.features))
        parsed = written(declared, replace(snapshot, profiles=rows), tmp_path, Basis("assume", nasty))
        assert "<script" not in (tmp_path / "page.html").read_text(encoding="utf-8")
        assert "".join(parsed.text).count(nasty) >= 6
