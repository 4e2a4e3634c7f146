"""Place: covers that leave nothing out, and metres that are metres."""

import math

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.kernel import cells, geometry
from tests.examples import a_third_of

lons = st.floats(-179.0, 179.0)
lats = st.floats(-65.0, 65.0)


@settings(max_examples=a_third_of(60), deadline=None)
@given(lons, lats, st.floats(5, 800), st.integers(0, 2**32 - 1))
def test_a_circles_cover_holds_every_point_of_the_circle(lon: float, lat: float, radius: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle, reach = rng.uniform(0, 2 * math.pi, 40), radius * np.sqrt(rng.uniform(0, 1, 40))
    points = geometry.LocalProjection(lon, lat).lonlat(np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None])
    cover = set(cells.cover_circle(lon, lat, radius))
    assert set(cells.cells_of(points[:, 0], points[:, 1]).tolist()) <= cover


@settings(max_examples=a_third_of(60), deadline=None)
@given(lons, lats, st.floats(5, 400), st.floats(0, 60), st.integers(0, 2**32 - 1))
def test_a_polygons_cover_holds_every_point_within_its_margin(
    lon: float, lat: float, size: float, margin: float, seed: int
) -> None:
    plane = geometry.LocalProjection(lon, lat)
    square = shapely.box(-size, -size / 3, size, size / 3)
    rng = np.random.default_rng(seed)
    xy = rng.uniform([-size, -size / 3], [size, size / 3], (40, 2)) + rng.uniform(-margin, margin, (40, 2)) * 0.7
    points = plane.lonlat(xy)
    cover = set(cells.cover_polygon(plane.to_degrees(square), margin))
    assert set(cells.cells_of(points[:, 0], points[:, 1]).tolist()) <= cover


@given(lons, lats, st.floats(-3000, 3000), st.floats(-3000, 3000))
def test_metres_and_degrees_are_each_others_inverse(lon: float, lat: float, x: float, y: float) -> None:
    plane = geometry.LocalProjection(lon, lat)
    back = plane.xy(*plane.lonlat(np.array([[x, y]])).T)
    np.testing.assert_allclose(back, [[x, y]], atol=1e-5)


def test_a_degree_of_latitude_has_the_length_that_geodesy_gives_it() -> None:
    assert abs(geometry.distance_m(13.0, 44.5, 13.0, 45.5) - 111_131.7) < 5
    assert abs(geometry.distance_m(12.5, 45.0, 13.5, 45.0) - 78_846.8) < 5


@given(lons, lats, st.floats(1, 2000))
def test_a_circle_contains_its_radius(lon: float, lat: float, radius: float) -> None:
    plane = geometry.LocalProjection(lon, lat)
    ring = plane.to_metres(geometry.circle(lon, lat, radius))
    assert shapely.distance(shapely.boundary(ring), shapely.Point(0, 0)) >= radius - 1e-6
    assert shapely.area(ring) < math.pi * radius**2 * 1.01


def test_cells_are_signed_64_bit_numbers() -> None:
    assert 0 < cells.cell_of(113.93, 22.52) < 2**63
    assert cells.cells_of(np.array([113.93]), np.array([22.52])).dtype == np.int64
