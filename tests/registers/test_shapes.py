"""Geometries that departments send: what is meant is kept, what cannot be told is set aside with its reason."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cityloom.registers.domain import gcj02, shapes

SQUARE = "POLYGON ((114 22, 114.001 22, 114.001 22.001, 114 22.001, 114 22))"


def only(text: str, shape: str = "polygon", **how: bool) -> shapely.Geometry | str:
    """The geometry that one text becomes, or the rule that it breaks."""
    found = shapes.read([text], shape, **how)
    return found.faults.get(0) or shapely.from_wkb(found.wkb[0])


@pytest.mark.parametrize(("text", "shape", "rule"), [
    ("POLYGON ((114 22, 114.001 22.001, 114.001 22, 114 22.001, 114 22))", "polygon", "crosses_itself"),
    ("LINESTRING (114 22, 114.001 22)", "polygon", "wrong_shape"),
    (SQUARE, "line", "wrong_shape"),
    ("LINESTRING (114 22, 114 22)", "line", "not_a_shape"),
    ("POLYGON EMPTY", "polygon", "not_a_shape"),
    ("a square", "polygon", "not_a_shape"),
    ("LINESTRING (22 114, 22.001 114)", "line", "out_of_range"),
    ("LINESTRING (114 22, 120 22)", "line", "out_of_range"),
    ("LINESTRING (114 22, nan 22)", "line", "out_of_range"),
    (f"LINESTRING ({', '.join(f'{114 + n / 1e6} 22' for n in range(shapes.MOST_CORNERS + 1))})", "line",
     "too_many_corners"),
])  # fmt: skip
def test_what_cannot_be_told_is_set_aside_with_its_reason(text: str, shape: str, rule: str) -> None:
    assert only(text, shape) == rule


def test_an_outline_with_a_spike_is_repaired_and_encloses_the_same() -> None:
    spiked = "POLYGON ((114 22, 114.001 22, 114.002 22, 114.001 22, 114.001 22.001, 114 22.001, 114 22))"
    found = shapes.read([SQUARE, spiked, ""], "polygon")
    assert found.repaired == 1
    assert found.faults == {}
    square, mended = (shapely.from_wkb(wkb) for wkb in found.wkb[:2])
    assert mended.is_valid
    assert mended.symmetric_difference(square).area == pytest.approx(0, abs=1e-12)
    assert found.wkb[2] is None


def test_the_order_of_coordinates_and_the_shift_of_chinese_maps_are_taken_back() -> None:
    lon, lat = gcj02.from_wgs84(np.array([114.1, 114.2]), np.array([22.5, 22.6]))
    shifted = f"SRID=4326;LINESTRING ({lat[0]} {lon[0]}, {lat[1]} {lon[1]})"
    line = only(shifted, "line", is_gcj02=True, is_lat_first=True)
    assert shapely.get_coordinates(line) == pytest.approx(np.array([[114.1, 22.5], [114.2, 22.6]]), abs=2e-7)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=12))
def test_any_ring_becomes_the_area_that_it_goes_around_or_is_set_aside(corners: list[tuple[int, int]]) -> None:
    ring = [(114 + x / 1e4, 22 + y / 1e4) for x, y in [*corners, corners[0]]]
    found = only(shapely.Polygon(ring).wkt)
    if isinstance(found, str):
        assert found in ("crosses_itself", "not_a_shape")
    else:
        x, y = np.array(ring).T
        wound = abs(np.dot(x[:-1] - 114, y[1:] - 22) - np.dot(x[1:] - 114, y[:-1] - 22)) / 2
        assert found.is_valid
        assert found.area == pytest.approx(wound, rel=0.011)
