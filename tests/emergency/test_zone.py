"""Zones of whole buildings."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given
from hypothesis import strategies as st

from cityloom.emergency.domain import streets, zone
from cityloom.emergency.domain.zone import Parameters
from cityloom.kernel.refused import Refused
from tests.emergency.town import LAT, LON, PLANE, lonlat

metres = st.floats(-400, 400, allow_nan=False)
houses = st.lists(st.tuples(metres, metres, st.floats(1, 60), st.floats(1, 60), st.floats(0, 3.2)), max_size=40)
parameters = st.builds(Parameters, st.floats(1, 150), st.floats(0, 150), st.sampled_from([(1.0,), (0.4, 0.7, 1.0)]))


def drawn(rows: list[tuple[float, ...]]) -> np.ndarray:
    """Houses turned in all directions, in metres."""
    return np.array(
        [shapely.affinity.rotate(shapely.box(x - w, y - h, x + w, y + h), turn, use_radians=True)
         for x, y, w, h, turn in rows], dtype=object,
    )  # fmt: skip


@given(houses, parameters)
def test_no_building_that_the_buffer_touches_is_left_out(rows: list[tuple[float, ...]], chosen: Parameters) -> None:
    plain = drawn(rows)
    found = zone.draw(LON, LAT, chosen, PLANE.to_degrees(plain))
    away = np.array([shape.distance(shapely.Point(0, 0)) for shape in plain])
    assert found.inside[away <= chosen.radius_m - 1e-6].all()
    assert not found.inside[away > chosen.radius_m * 1.002 + 0.01].any()  # the circle is a polygon around the true one


@given(houses, parameters)
def test_the_zone_covers_its_buildings_and_the_buffer(rows: list[tuple[float, ...]], chosen: Parameters) -> None:
    footprints = PLANE.to_degrees(drawn(rows))
    found = zone.draw(LON, LAT, chosen, footprints)
    slack = shapely.buffer(found.polygon, 1e-9)
    assert slack.covers(found.buffer) and found.buffer.covers(found.hazard)
    assert all(slack.covers(shape) for shape in footprints[found.inside])


@given(houses, parameters)
def test_each_building_is_in_the_innermost_ring_that_it_touches(
    rows: list[tuple[float, ...]], chosen: Parameters
) -> None:
    footprints = PLANE.to_degrees(drawn(rows))
    found = zone.draw(LON, LAT, chosen, footprints)
    for index, outline in enumerate(found.outlines):
        touched = shapely.intersects(outline, footprints)
        assert (touched == ((found.ring >= 0) & (found.ring <= index))).all()


def test_a_self_crossing_footprint_does_not_stop_the_zone() -> None:
    bow_tie = shapely.Polygon([lonlat(0, 0), lonlat(20, 20), lonlat(20, 0), lonlat(0, 20)])
    found = zone.draw(LON, LAT, Parameters(30, 10, (1.0,)), np.array([bow_tie], dtype=object))
    assert found.inside.all() and found.polygon.is_valid


@pytest.mark.parametrize(
    ("hazard_m", "buffer_m", "rings"), [(0, 10, (1.0,)), (-1, 10, (1.0,)), (10, -1, (1.0,)), (9e9, 0, (1.0,)),
                                        (float("nan"), 1, (1.0,)), (10, 10, ()), (10, 10, (0.5, 0.5, 1.0)),
                                        (10, 10, (0.0, 1.0)), (10, 10, (0.5, 0.9))],
)  # fmt: skip
def test_parameters_that_make_no_zone_are_refused(hazard_m: float, buffer_m: float, rings: tuple[float, ...]) -> None:
    with pytest.raises(Refused) as caught:
        zone.parameters_for("fire", hazard_m, buffer_m, rings)
    assert caught.value.code == "emergency.parameters"


def test_streets_are_named_once_and_footpaths_stay_open() -> None:
    lines = shapely.linestrings([[lonlat(0, 0), lonlat(50, 0)], [lonlat(50, 0), lonlat(100, 0)],
                                 [lonlat(0, 0), lonlat(0, 50)], [lonlat(0, 0), lonlat(0, -50)],
                                 [lonlat(900, 0), lonlat(950, 0)]])  # fmt: skip
    hazard = zone.draw(LON, LAT, Parameters(40, 20, (1.0,)), np.array([], dtype=object)).polygon
    closed = streets.to_close(
        hazard, np.array([1, 2, 3, 4, 5]), names=["High Street", "High Street", "", "Path", "Far"],
        names_zh=["高街", "高街", "", "", ""], geometries=lines, drivable=np.array([True, True, True, False, True]),
    )  # fmt: skip
    assert [(one.name, one.name_zh, one.segment_ids) for one in closed] == [
        ("High Street", "高街", (1, 2)), ("", "", (3,)),
    ]  # fmt: skip
