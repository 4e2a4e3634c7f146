"""The area as sent: small enough for the channels, and never too small for the people."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.alerts import queries
from cityloom.alerts.domain import polygons
from cityloom.kernel import geometry
from cityloom.kernel.refused import Refused
from tests.examples import a_third_of

LON, LAT = 113.95, 22.53


def _house(east: float, north: float, width: float, depth: float, turn: float) -> shapely.Polygon:
    corners = np.array([(0, 0), (width, 0), (width, depth), (width / 2, depth), (width / 2, depth * 0.6), (0, depth)])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return shapely.Polygon(geometry.LocalProjection(LON, LAT).lonlat(corners @ rotation.T + (east, north)))


metres = st.floats(-400, 400, allow_nan=False)
houses = st.builds(_house, metres, metres, st.floats(3, 60), st.floats(3, 60), st.floats(0, 6.3))
circles = st.builds(lambda radius: geometry.circle(LON, LAT, radius), st.floats(5, 300))
scattered = st.lists(houses, min_size=1, max_size=40).map(shapely.union_all)
zones = st.one_of(circles, scattered, st.builds(shapely.union, circles, scattered))


@settings(deadline=None, max_examples=a_third_of(60))
@given(zone=zones, footprints=st.lists(houses, max_size=40))
def test_the_texts_as_sent_cover_the_zone_and_every_building(
    zone: shapely.Geometry, footprints: list[shapely.Polygon]
) -> None:
    texts = queries.polygons_over(zone, footprints)
    sent = [queries.polygon_from(text) for text in texts]
    whole = shapely.union_all(sent)
    for part in [*shapely.get_parts(zone), *footprints]:
        assert any(polygon.covers(part) for polygon in sent)
    assert sum(len(text.split()) for text in texts) <= polygons.MAX_VERTICES
    assert len(texts) <= polygons.MAX_PARTS
    assert whole.is_valid and all(text.split()[0] == text.split()[-1] for text in texts)


def test_a_simple_zone_grows_by_less_than_a_metre() -> None:
    zone = geometry.circle(LON, LAT, 150)
    [sent] = [queries.polygon_from(text) for text in queries.polygons_over(zone)]
    assert sent.area < geometry.circle(LON, LAT, 151).area


def _town(radius_m: float) -> list[shapely.Polygon]:
    """Crooked houses, those that a circle touches."""
    chance = np.random.default_rng(7)
    houses = [
        _house(*chance.uniform(-250, 250, 2), *chance.uniform(8, 40, 2), chance.uniform(0, 6)) for _ in range(120)
    ]
    return [house for house in houses if house.intersects(geometry.circle(LON, LAT, radius_m))]


@pytest.mark.parametrize(("radius_m", "with_circle", "most"), [(150, True, 1.03), (200, True, 1.03), (150, False, 2.3)])
def test_the_overshoot_is_small(radius_m: float, with_circle: bool, most: float) -> None:
    town = _town(radius_m)
    zone = shapely.union_all([*town, *([geometry.circle(LON, LAT, radius_m)] if with_circle else [])])
    sent = shapely.union_all([queries.polygon_from(text) for text in queries.polygons_over(zone, town)])
    outline = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(zone)])
    assert sent.area < most * outline.area


def test_latitude_comes_first() -> None:
    [text] = queries.polygons_over(geometry.circle(LON, LAT, 50))
    assert all(pair.startswith("22.5") and ",113.9" in pair for pair in text.split())


def test_a_hole_is_filled() -> None:
    ring = shapely.difference(geometry.circle(LON, LAT, 100), geometry.circle(LON, LAT, 50))
    [sent] = [queries.polygon_from(text) for text in queries.polygons_over(ring)]
    assert sent.covers(shapely.Point(LON, LAT))


def test_parts_far_from_each_other_stay_apart() -> None:
    apart = shapely.union(geometry.circle(LON, LAT, 50), geometry.circle(LON + 0.01, LAT, 50))
    assert len(queries.polygons_over(apart)) == 2


def test_more_parts_than_channels_take_are_joined_and_nobody_is_lost() -> None:
    many = shapely.union_all([geometry.circle(LON + step * 0.002, LAT, 20) for step in range(30)])
    texts = queries.polygons_over(many)
    assert len(texts) <= polygons.MAX_PARTS
    sent = [queries.polygon_from(text) for text in texts]
    assert all(any(polygon.covers(part) for polygon in sent) for part in many.geoms)


def test_a_crossed_zone_is_covered_too() -> None:
    bow = shapely.Polygon([(LON, LAT), (LON + 0.001, LAT + 0.001), (LON + 0.001, LAT), (LON, LAT + 0.001)])
    sent = shapely.union_all([queries.polygon_from(text) for text in queries.polygons_over(bow)])
    assert sent.covers(shapely.make_valid(bow))


@pytest.mark.parametrize("zone", [shapely.Polygon(), shapely.LineString([(LON, LAT), (LON + 1, LAT)])])
def test_a_zone_without_area_is_refused(zone: shapely.Geometry) -> None:
    with pytest.raises(Refused) as refusal:
        queries.polygons_over(zone)
    assert refusal.value.code == "alerts.zone_empty"
