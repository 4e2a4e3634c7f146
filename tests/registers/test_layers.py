"""What the map reads of a rectangle, against a plain look through everything."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.kernel.mvt import Tile
from cityloom.registers.domain.answers import CityFacts
from cityloom.registers.layers import ground, overview
from cityloom.registers.models import Building, Land, Main, Place, RoadSegment, Valve

within_one_test = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
share = st.floats(-0.1, 1.1)


def shapes_in(model: type, column: str) -> tuple[np.ndarray, np.ndarray]:
    rows = list(model.objects.order_by("id").values_list("id", column))
    return np.array([row[0] for row in rows]), shapely.from_wkb([bytes(row[1]) for row in rows])


def box_in(city: CityFacts, x: float, y: float, zoom: int) -> tuple[float, float, float, float]:
    west, south, east, north = city.bounds
    return Tile.holding(west + x * (east - west), south + y * (north - south), zoom).bounds(64)


@within_one_test
@given(x=share, y=share, zoom=st.integers(15, 18))
def test_every_building_main_and_piece_of_land_in_a_tile_is_read(
    small_city: CityFacts, x: float, y: float, zoom: int
) -> None:
    box = box_in(small_city, x, y, zoom)
    for model, column, source in (
        (Building, "footprint", ground.buildings), (Main, "geometry", ground.mains), (Land, "geometry", ground.land)
    ):  # fmt: skip
        number, shapes = shapes_in(model, column)
        expected = number[shapely.intersects(shapely.box(*box), shapes)]
        assert set(expected) <= set(source(*box, zoom).id.tolist())


@within_one_test
@given(x=share, y=share, zoom=st.integers(12, 18))
def test_every_place_valve_and_street_in_a_tile_is_read(small_city: CityFacts, x: float, y: float, zoom: int) -> None:
    box = west, south, east, north = box_in(small_city, x, y, zoom)
    inside = {"lon__range": (west, east), "lat__range": (south, north)}
    if zoom >= 14:
        places = Place.objects.filter(**inside).values_list("id", flat=True)
        assert set(places) <= set(ground.places(*box, zoom).id.tolist())
    assert set(Valve.objects.filter(**inside).values_list("id", flat=True)) <= set(ground.valves(*box, zoom).id)
    rows = RoadSegment.objects.order_by("id").filter(kind="primary").values_list("name", "geometry")
    touching = {name for name, wkb in rows if shapely.intersects(shapely.box(*box), shapely.from_wkb(bytes(wkb)))}
    assert touching <= set(ground.roads(*box, zoom).properties.get("name", []))


def test_hexagons_hold_every_building_once_at_each_resolution(small_city: CityFacts) -> None:
    west, south, east, north = small_city.bounds
    corner = (west, south, (west + east) / 2, (south + north) / 2)
    for resolution in range(overview.COARSEST, overview.FINEST + 1):
        seen = overview.hexagons(small_city.data_version, resolution)
        assert int(seen.buildings.sum()) == small_city.counts["buildings"]
        assert int(seen.dwellings.sum()) == small_city.counts["dwellings"]
        assert all(h3.is_valid_cell(cell) and h3.get_resolution(cell) == resolution for cell in seen.cell.tolist())
        assert len(seen.within(small_city.bounds)) == len(seen.cell)
        touching = shapely.intersects(shapely.box(*corner), seen.shapes(np.arange(len(seen.cell))))
        assert set(np.flatnonzero(touching)) <= set(seen.within(corner).tolist())


@pytest.mark.parametrize("zoom", [8, 11, 14])
def test_from_afar_buildings_are_counted_and_small_streets_left_out(small_city: CityFacts, zoom: int) -> None:
    box = box_in(small_city, 0.5, 0.5, zoom)
    assert len(ground.buildings(*box, zoom).id) == 0
    assert ground.density(*box, zoom).properties["buildings"].sum() > 0
    if zoom < 14:
        assert "residential" not in set(ground.roads(*box, zoom).properties["kind"])


def test_too_many_buildings_are_thinned(small_city: CityFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "_MOST", 20)
    west, south, east, north = small_city.bounds
    assert 0 < len(ground.buildings(west, south, east, north, 15).id) <= 2 * 20
