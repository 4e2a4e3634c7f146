"""Lines become a graph: they meet where their ends and corners lie at one place, and stay as long as they are."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.domain import graph

_PLACE = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(st.lists(st.tuples(_PLACE, _PLACE), min_size=1, max_size=8))
def test_a_graph_is_as_long_as_what_is_drawn_and_what_touches_hangs_together(segments: list[tuple]) -> None:
    lines = [shapely.LineString(np.array(ends) / 100) for ends in segments if ends[0] != ends[1]]
    assume(lines)
    nothing, nobody = [""] * len(lines), [None] * len(lines)
    columns = {"key": [str(at) for at in range(len(lines))], "geometry": [shapely.to_wkb(line) for line in lines],
               **dict.fromkeys(("kind", "begin_fitting", "end_fitting"), nothing),
               **dict.fromkeys(("length_m", "diameter_mm", "roughness"), nobody)}  # fmt: skip
    found = graph.of_mains("", columns, {})
    assert len(found) == len(lines)
    plane = LocalProjection(*np.median(shapely.get_coordinates(lines), axis=0).tolist())
    assert found.length_m.sum() == pytest.approx(shapely.length(plane.to_metres(np.array(lines, object))).sum())
    ends = {tuple(one) for line in lines for one in np.round(line.coords, 5)}
    assert len(found.node) == len(ends)
    told = graph.of_mains("", columns | {"length_m": [7.0] * len(lines)}, {})
    assert told.length_m.tolist() == [7.0] * len(lines)


def test_roads_join_where_they_share_a_node() -> None:
    nodes = ((7, 5, 9, 11), (0.0, 0.1, 0.2, 9.0), (0.0, 0.0, 0.1, 9.0))
    found = graph.of_roads("", nodes, ((1, 2), ("深南大道", ""), (5, 9), (7, 5), (100.0, 200.0)))
    assert (found.edge.tolist(), found.node.tolist()) == (["深南大道 (1)", "2"], ["5", "7", "9"])
    assert (found.begin.tolist(), found.end.tolist(), found.lon.tolist()) == ([0, 2], [1, 0], [0.1, 0.0, 0.2])
