"""Ranges of cells never leave anything out."""

from __future__ import annotations

import math
from itertools import pairwise

import h3.api.basic_int as h3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.kernel.cover import ranges_around
from cityloom.kernel.geometry import LocalProjection
from tests.examples import a_third_of

LONS = st.floats(-179.9, 179.9)
LATS = st.floats(-75, 75)


@settings(max_examples=a_third_of(300), deadline=None)
@given(LONS, LATS, st.floats(0, 1), st.floats(0, 2 * math.pi), st.sampled_from([1.0, 35.0, 180.0, 700.0, 3000.0]))
def test_every_point_of_the_circle_has_its_cell_in_a_range(
    lon: float, lat: float, share: float, bearing: float, radius: float
) -> None:
    plane = LocalProjection(lon, lat)
    away = radius * share
    ((x, y),) = plane.lonlat([[away * math.cos(bearing), away * math.sin(bearing)]])
    for resolution in (11, 8):
        cell = h3.latlng_to_cell(y, x, resolution)
        assert any(low <= cell <= high for low, high in ranges_around(lon, lat, radius, resolution))


@pytest.mark.parametrize("radius", [100.0, 3000.0])
def test_the_ranges_are_few_ascending_and_apart(radius: float) -> None:
    ranges = ranges_around(114.05, 22.62, radius)
    assert len(ranges) < 60
    assert all(low <= high for low, high in ranges)
    assert all(one[1] < two[0] for one, two in pairwise(ranges))


def test_what_is_far_away_is_left_out() -> None:
    cell = h3.latlng_to_cell(22.62, 114.06, 11)  # a kilometre to the east
    assert not any(low <= cell <= high for low, high in ranges_around(114.05, 22.62, 150.0))
