"""Vector tiles say what went into them, as the reference decoder reads them."""

from __future__ import annotations

import math
from typing import Any

import mapbox_vector_tile as reference
import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cityloom.kernel import mvt
from cityloom.kernel.mvt import BUFFER, EXTENT, Layer, Tile

TILE = Tile.holding(114.05, 22.62, 15)
FRAME = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
UNIT = 1.0
coordinate = st.integers(-3 * EXTENT, 4 * EXTENT)
place = st.tuples(coordinate, coordinate)


def shapes_of(*shapes: object) -> np.ndarray:
    listed = np.empty(len(shapes), dtype=object)
    listed[:] = shapes
    return listed


def placed(shape: shapely.Geometry, tile: Tile = TILE) -> shapely.Geometry:
    """A shape drawn in tile units, in WGS 84."""
    return shapely.transform(shape, lambda xy: np.column_stack(tile.lonlat(xy[:, 0], xy[:, 1])))


def written(*shapes: shapely.Geometry | None, tile: Tile = TILE, **properties: Any) -> list[dict[str, Any]]:
    """The features that the reference decoder finds, in tile units with y to the south."""
    columns = {key: np.asarray(column) for key, column in properties.items()}
    data = mvt.encode(tile, [Layer("things", shapes_of(*shapes), np.arange(len(shapes)), columns)])
    return read(data).get("things", {"features": []})["features"]


def read(data: bytes) -> dict[str, Any]:
    return reference.decode(data, default_options={"y_coord_down": True})


def drawn(feature: dict[str, Any]) -> shapely.Geometry:
    return shapely.geometry.shape(feature["geometry"])


@st.composite
def polygons(draw: st.DrawFn) -> shapely.Polygon:
    """A star-shaped polygon, sometimes with a hole, anywhere in and around the tile."""
    x, y = draw(place)
    angles = np.sort(draw(st.lists(st.integers(0, 359), min_size=4, max_size=24, unique=True)))
    radii = np.array(draw(st.lists(st.floats(30, 3000), min_size=len(angles), max_size=len(angles))))
    ring = np.column_stack([x + radii * np.cos(np.radians(angles)), y + radii * np.sin(np.radians(angles))])
    shape = shapely.make_valid(shapely.Polygon(ring))
    if draw(st.booleans()):
        shape = shape.difference(shape.buffer(-draw(st.floats(5, 200))))
    return max(shapely.get_parts(shape), key=shapely.area)


@given(polygons())
def test_an_area_keeps_its_shape_inside_the_tile(shape: shapely.Polygon) -> None:
    expected = shapely.intersection(shape, FRAME)
    found = written(placed(shape))
    if not found:
        assert expected.area <= expected.length + 4 * UNIT
        return
    got = drawn(found[0])
    assert not_farther_apart(got, expected)
    assert abs(polygon_area(got) - expected.area) <= UNIT * (expected.length + 8)


def not_farther_apart(got: shapely.Geometry, expected: shapely.Geometry) -> bool:
    """Every corner that was written lies on what was drawn, and everything drawn that has a width lies in it."""
    corners = shapely.points(shapely.get_coordinates(got))
    return bool((shapely.distance(corners, expected) <= UNIT).all()) and bool(
        shapely.difference(shapely.buffer(expected, -UNIT * 1.5), shapely.buffer(got, UNIT)).area < 1e-6
    )


def polygon_area(shape: shapely.Geometry) -> float:
    """The area by its rings: rounding may have made a ring touch itself."""
    return sum(
        abs(ring_area(part.exterior)) - sum(abs(ring_area(hole)) for hole in part.interiors)
        for part in shapely.get_parts(shape)
    )


def ring_area(ring: shapely.LinearRing) -> float:
    x, y = shapely.get_coordinates(ring).T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


@given(st.lists(place, min_size=2, max_size=20))
@example([(0, 0), (0, -214), (-125, 79)])  # passes by a corner
def test_a_line_keeps_its_way_inside_the_tile(corners: list[tuple[int, int]]) -> None:
    line = shapely.LineString(corners)
    expected = shapely.intersection(line, FRAME)
    found = written(placed(line))
    if not found:
        assert expected.length <= 2 * UNIT
        return
    got = drawn(found[0])
    long_enough = [part for part in shapely.get_parts(expected) if part.length > 2 * UNIT]  # a speck may be left out
    assert shapely.covers(shapely.buffer(got, UNIT * 1.01), shapely.MultiLineString(long_enough))
    assert shapely.covers(shapely.buffer(expected, UNIT * 1.01), got)
    assert expected.length - 3 * UNIT * len(corners) <= got.length <= line.length + 3 * UNIT * len(corners)


@given(st.lists(place, min_size=1, max_size=20))
def test_points_stay_where_they_are(corners: list[tuple[int, int]]) -> None:
    found = written(placed(shapely.MultiPoint(corners)))
    inside = [c for c in corners if -BUFFER <= c[0] <= EXTENT + BUFFER and -BUFFER <= c[1] <= EXTENT + BUFFER]
    got = shapely.get_coordinates(drawn(found[0])).tolist() if found else []
    assert sorted(map(tuple, got)) == sorted((float(x), float(y)) for x, y in inside)


@given(st.lists(polygons(), min_size=1, max_size=6))
def test_outer_rings_run_clockwise_on_the_screen_and_holes_the_other_way(shapes: list[shapely.Polygon]) -> None:
    for feature in written(placed(shapely.MultiPolygon(shapes)), *map(placed, shapes)):
        for part in shapely.get_parts(drawn(feature)):
            assert ring_area(part.exterior) > 0
            assert all(ring_area(hole) < 0 for hole in part.interiors)


value = st.one_of(
    st.none(), st.text(max_size=20), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.just("")
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.lists(value, min_size=5, max_size=5), max_size=4))
def test_properties_come_back_as_they_were(columns: dict[str, list[Any]]) -> None:
    corners = [shapely.Point(x, x) for x in range(0, 500, 100)]
    layer = Layer("things", shapes_of(*map(placed, corners)), np.arange(5) * 10_000_000_000,
                  {key: shapes_of(*column) for key, column in columns.items()})  # fmt: skip
    for row, feature in enumerate(read(mvt.encode(TILE, [layer]))["things"]["features"]):
        expected = {key: column[row] for key, column in columns.items() if is_written(column[row])}
        assert feature["id"] == row * 10_000_000_000
        assert feature["properties"] == expected
        assert all(type(feature["properties"][key]) is type(value) for key, value in expected.items())


def is_written(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


@pytest.mark.parametrize("kind", [np.int16, np.uint32, np.int64, np.float64, np.bool_, "U5"])
def test_columns_of_numbers_are_written_as_what_they_are(kind: Any) -> None:
    column = np.array([0, 1, 7], dtype=kind)
    found = written(*[placed(shapely.Point(x, 9)) for x in range(3)], n=column)
    assert [feature["properties"]["n"] for feature in found] == column.tolist()


@given(arrays.arrays(np.float64, st.tuples(st.integers(4, 8), st.just(2)), elements=st.floats(-400, 400) | st.floats()))
def test_nothing_that_is_no_shape_stops_a_tile(corners: np.ndarray) -> None:
    corners[0] = np.nan_to_num(corners[0])  # the library makes no ring that is not closed
    ring = shapely.linearrings(np.vstack([corners, corners[:1]]))
    awkward = [
        None, shapely.Point(), shapely.Polygon(), shapely.polygons(ring), shapely.linestrings(corners),
        shapely.points(corners[0]), shapely.multipoints(shapely.points(corners)), ring,
        shapely.GeometryCollection([shapely.GeometryCollection([shapely.Point(1, 2)])]),
    ]  # fmt: skip
    fine = placed(shapely.box(100, 100, 200, 200))
    for tile in (TILE, Tile(0, 0, 0)):
        found = written(*awkward, placed(shapely.box(100, 100, 200, 200), tile), tile=tile)
        assert found[-1]["id"] == len(awkward) or tile.z == 0
    assert drawn(written(*awkward, fine)[-1]).area == 10_000


@pytest.mark.parametrize("shape", [
    shapely.box(10.1, 10.1, 10.4, 10.4),
    shapely.Polygon([(0, 0), (50, 0.2), (100, 0)]),
    shapely.LineString([(5.1, 5.1), (5.2, 5.2)]),
])  # fmt: skip
def test_what_is_smaller_than_a_unit_is_left_out(shape: shapely.Geometry) -> None:
    assert written(placed(shape)) == []


def test_a_hole_too_small_to_see_leaves_its_area_whole() -> None:
    shape = shapely.Polygon(shapely.box(0, 0, 100, 100).exterior, [shapely.box(50.1, 50.1, 50.3, 50.3).exterior])
    assert drawn(written(placed(shape))[0]).area == 10_000


def test_a_collection_becomes_a_feature_for_each_kind_of_shape_in_it() -> None:
    line = shapely.LineString([(0, 0), (9, 0)])
    mixed = shapely.GeometryCollection([shapely.Point(5, 5), shapely.box(0, 0, 9, 9), line])
    found = written(placed(mixed), name=["all"])
    assert {feature["geometry"]["type"] for feature in found} == {"Point", "LineString", "Polygon"}
    assert [feature["properties"] for feature in found] == [{"name": "all"}] * 3


def test_a_tile_holds_several_layers_and_an_empty_one_is_not_there() -> None:
    here, away = placed(shapely.Point(1, 1)), placed(shapely.Point(9 * EXTENT, 1))
    layers = [Layer(name, shapes_of(shape), np.array([-1])) for name, shape in
              (("one", here), ("two", away), ("three", here))]  # fmt: skip
    found = read(mvt.encode(TILE, layers))
    assert list(found) == ["one", "three"]
    assert "id" not in found["one"]["features"][0] or found["one"]["features"][0]["id"] == 0
    assert mvt.encode(TILE, layers[1:2]) == b""


@given(st.floats(-180, 179.99), st.floats(-85, 85), st.integers(0, 18))
def test_a_place_lies_in_the_tile_that_holds_it(lon: float, lat: float, z: int) -> None:
    tile = Tile.holding(lon, lat, z)
    x, y = tile.units(np.array([[lon, lat]]))[0]
    assert tile.exists
    assert -1e-6 <= x <= EXTENT + 1e-6
    assert -1e-6 <= y <= EXTENT + 1e-6
    west, south, east, north = tile.bounds()
    assert west - 1e-9 <= lon <= east + 1e-9
    assert south - 1e-9 <= lat <= north + 1e-9


@pytest.mark.parametrize("tile", [Tile(-1, 0, 0), Tile(25, 0, 0), Tile(3, 8, 0), Tile(3, 0, 8), Tile(3, -1, 0)])
def test_a_tile_off_the_map_does_not_exist(tile: Tile) -> None:
    assert not tile.exists
