"""What studies ask of the registers: all roads, places of a class, and where dwellings are."""

from __future__ import annotations

import pytest

from cityloom.kernel.refused import Refused
from cityloom.registers import queries


def test_roads_places_and_homes_of_a_whole_city(small_city: object) -> None:
    nodes, roads = queries.whole_road_graph()
    known = {one[0] for one in nodes}
    assert roads and all(one[0] in known and one[1] in known and one[2] > 0 for one in roads)
    homes = queries.homes_by_unit()
    assert homes and all(one[1] > 0 and one[0] for one in homes)
    assert {one[2] for one in queries.places_with_room(["school"])} <= {"school"}
    with pytest.raises(Refused, match="more than 1"):
        queries.whole_road_graph(most=1)
