"""The drawn map: complete, small, safe to embed, readable by machines and people."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cityloom.kernel.geometry import LocalProjection, circle
from cityloom.ui.domain.labels import Board, street_names, text_width
from cityloom.ui.domain.marks import round_length
from cityloom.ui.domain.paths import fitted
from cityloom.ui.domain.styles import STYLES
from cityloom.ui.svgmap import MOST_BYTES, Layer, Words, draw
from tests.examples import a_third_of

LON, LAT = 114.05, 22.53
PLANE = LocalProjection(LON, LAT)
SVG = "{http://www.w3.org/2000/svg}"


def bbox(half_m: float = 500) -> tuple[float, float, float, float]:
    (west, south), (east, north) = PLANE.lonlat(np.array([[-half_m, -half_m], [half_m, half_m]])).tolist()
    return west, south, east, north


def square(x: float, y: float, side: float) -> shapely.Polygon:
    return PLANE.to_degrees(shapely.box(x, y, x + side, y + side))


def line(*points: tuple[float, float]) -> shapely.LineString:
    return PLANE.to_degrees(shapely.LineString(points))


def drawn(*layers: Layer, **words: str) -> str:
    return draw(layers, bbox=bbox(), words=Words(**({"title": "A map"} | words)))


def test_it_says_what_it_shows_to_a_screen_reader() -> None:
    root = etree.fromstring(drawn(Layer("hazard", [circle(LON, LAT, 40)]), description="A hole in the road."))
    assert root.get("role") == "img"
    named = [root.find(f".//*[@id='{key}']").text for key in root.get("aria-labelledby").split()]
    assert named == ["A map", "A hole in the road."]


def test_it_carries_title_notice_scale_north_legend_and_attribution() -> None:
    layer = Layer("water", [square(0, 0, 90)], legend="Water")
    svg = drawn(layer, attribution="© OpenStreetMap contributors", notice="EXERCISE")
    texts = [text.text for text in etree.fromstring(svg).iter(f"{SVG}text")]
    for wanted in ("A map", "EXERCISE", "200 m", "N", "Water", "© OpenStreetMap contributors"):
        assert wanted in texts


@pytest.mark.parametrize("style", STYLES)
def test_every_style_draws_what_it_is_for_and_nothing_a_strict_policy_forbids(style: str) -> None:
    if STYLES[style].symbol:
        shape = PLANE.to_degrees(shapely.Point(10, 10))
    else:
        shape = square(0, 0, 200) if STYLES[style].fill != "none" else line((0, 0), (200, 50))
    with_it, without = drawn(Layer(style, [shape], ["Name"])), drawn(Layer(style, [], []))
    assert len(with_it) > len(without)
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=|href", with_it)


def test_words_are_escaped() -> None:
    svg = drawn(Layer("shelter", [PLANE.to_degrees(shapely.Point(0, 0))], ["<b>&"], legend="<i>"), title='"<x>"')
    etree.fromstring(svg)
    assert "<b>" not in svg
    assert "<i>" not in svg


def test_two_pictures_on_one_page_share_no_id() -> None:
    one, two = (draw([], bbox=bbox(), words=Words("x"), key=key) for key in ("a", "b"))
    ids = [set(re.findall(r'\sid="([^"]+)"', svg)) for svg in (one, two)]
    assert not ids[0] & ids[1]


def test_north_is_up_and_east_is_right() -> None:
    frame = fitted(bbox(), (800, 600))
    points = PLANE.to_degrees(np.array([shapely.Point(0, 0), shapely.Point(100, 0), shapely.Point(0, 100)]))
    middle, east, north = shapely.get_coordinates(frame.to_pixels(points)).tolist()
    assert middle == pytest.approx([400, 300], abs=0.1)
    assert east[0] > middle[0]
    assert north[1] < middle[1]


def test_what_lies_outside_is_cut_off() -> None:
    inside, far = square(0, 0, 50), square(5000, 5000, 50)
    assert drawn(Layer("building", [inside, far])) == drawn(Layer("building", [inside]))


def test_a_whole_kilometre_of_dense_city_stays_small() -> None:
    place = np.random.default_rng(3)
    corners = place.uniform(-500, 490, (9000, 2))
    houses = [PLANE.to_degrees(shapely.Point(x, y).buffer(5, quad_segs=4)) for x, y in corners]
    assert len(drawn(Layer("building", houses)).encode()) <= MOST_BYTES


def test_a_hole_in_a_building_stays_a_hole() -> None:
    ring = square(0, 0, 300).difference(square(100, 100, 100))
    data = re.search(r'<path d="([^"]+)" fill="#ded6ca"', drawn(Layer("building", [ring]))).group(1)
    assert data.count("M") == 2


def test_self_crossing_outlines_are_drawn_and_do_not_break_the_map() -> None:
    bow = PLANE.to_degrees(shapely.Polygon([(0, 0), (200, 200), (200, 0), (0, 200)]))
    assert 'fill="#ded6ca"' in drawn(Layer("building", [bow]))


def test_a_street_is_named_once_along_its_line() -> None:
    board = Board(800, 600)
    lines = np.array([shapely.LineString([(100, 100), (400, 100)]), shapely.LineString([(400, 100), (700, 100)])])
    labels = street_names(lines, ["Sea Road", "Sea Road"], 11, board)
    assert [(label.text, label.angle) for label in labels] == [("Sea Road", 0)]
    assert street_names(lines, ["Sea Road", "Sea Road"], 11, board) == []


def test_names_are_never_upside_down() -> None:
    back = np.array([shapely.LineString([(700, 120), (100, 100)])])
    (label,) = street_names(back, ["Sea Road"], 11, Board(800, 600))
    assert -90 <= label.angle <= 90


points = st.tuples(st.integers(20, 780), st.integers(20, 580))


@settings(max_examples=a_third_of(60))
@given(st.lists(st.tuples(points, points), min_size=2, max_size=12))
def test_names_never_lie_on_each_other(ends: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    lines = np.array([shapely.LineString(pair) for pair in ends])
    labels = street_names(lines, [f"Street {n}" for n in range(len(lines))], 11, Board(800, 600))
    boxes = [
        shapely.affinity.rotate(shapely.box(label.x - half, label.y - 5, label.x + half, label.y + 5), label.angle)
        for label in labels
        for half in [text_width(label.text, 11) / 2]
    ]
    for index, one in enumerate(boxes):
        assert not any(one.intersects(other) for other in boxes[:index])


@given(st.floats(1, 1e6))
def test_the_scale_bar_has_a_round_length(longest: float) -> None:
    found = round_length(longest)
    assert str(found)[0] in "125"
    assert set(str(found)[1:]) <= {"0"}
    assert found <= longest < found * 2.5 + 1
