"""The sea out of coastlines: lines with the land on their left and the water on their right.

Source: natural=coastline in the OpenStreetMap wiki.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.registers.domain.draft import Floats
from cityloom.registers.domain.osm_shapes import LonLat

_ASIDE = 1e-6  # degrees; about 0.1 m beside the line


def sea(coasts: Sequence[LonLat], box: shapely.Polygon) -> list[shapely.Geometry]:
    """The pieces of a box that have coast all along them and lie on its right only.

    Where a coastline ends within the box, nobody can say how it goes on: no piece has that end on one side only, so
    nothing there counts as sea.
    """
    lines = [shapely.LineString(coast) for coast in coasts if len(coast) > 1]
    if not lines:
        return []
    net = shapely.unary_union([*lines, box.boundary])
    pieces = [p for p in shapely.get_parts(shapely.polygonize([net])) if box.covers(shapely.point_on_surface(p))]
    right, left = _sides(coasts)
    votes, vetoes = _hit(pieces, right), _hit(pieces, left)
    return [pieces[row] for row in np.flatnonzero(votes & ~vetoes).tolist()]


def _sides(coasts: Sequence[LonLat]) -> tuple[Floats, Floats]:
    """A point to the right and one to the left of the middle of each stretch."""
    middles = np.concatenate([(coast[1:] + coast[:-1]) / 2 for coast in coasts])
    steps = np.concatenate([np.diff(coast, axis=0) for coast in coasts])
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    middles, steps = middles[lengths > 0], steps[lengths > 0] / lengths[lengths > 0, None]
    aside = np.column_stack([steps[:, 1], -steps[:, 0]]) * _ASIDE
    return middles + aside, middles - aside


def _hit(pieces: Sequence[shapely.Geometry], points: Floats) -> NDArray[np.bool_]:
    hit = np.zeros(len(pieces), bool)
    if pieces:
        hit[shapely.STRtree(pieces).query(shapely.points(points), predicate="within")[1]] = True
    return hit
