"""Outlines out of rings that may cross themselves, touch, or lack pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

LonLat = NDArray[np.float64]  # shape (n, 2), longitude first
Keys = NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """A stretch of a ring: its corners by key and by place."""

    keys: Keys
    lonlat: LonLat


def polygon(ring: LonLat, holes: Sequence[LonLat] = ()) -> shapely.Geometry:
    """A polygon of rings, valid or not; an empty one where the outer ring has fewer than three corners."""
    if len(ring) < 3:
        return shapely.Polygon()
    return shapely.Polygon(ring, [hole for hole in holes if len(hole) >= 3])


def repaired(shape: shapely.Geometry) -> shapely.Geometry:
    """A valid polygon or multipolygon that covers what the rings enclose; empty if they enclose nothing."""
    return polygonal(shapely.make_valid(shape, method="structure", keep_collapsed=False))


def polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygons in a geometry, as one."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    kept = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    return kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept)


def is_closed(pieces: Iterable[Piece]) -> bool:
    """Whether stretches join into rings: each end meets exactly one other, or another pair."""
    ends = Counter(key for piece in pieces for key in (int(piece.keys[0]), int(piece.keys[-1])))
    return all(count % 2 == 0 for count in ends.values())


def assembled(outer: Sequence[Piece], inner: Sequence[Piece]) -> shapely.Geometry:
    """The area between outer and inner rings given in stretches; empty unless all of them close.

    Rings inside an outer ring that nobody marked as inner are holes too.
    """
    if not outer or not is_closed(outer) or not is_closed(inner):
        return shapely.Polygon()
    area = _filled(outer)
    return polygonal(shapely.difference(area, _filled(inner))) if inner else area


def _filled(pieces: Sequence[Piece]) -> shapely.Geometry:
    lines = [shapely.LineString(piece.lonlat) for piece in pieces if len(piece.lonlat) >= 2]
    with np.errstate(invalid="ignore"):  # GEOS sets the flag for lines that touch
        built = shapely.build_area(shapely.GeometryCollection(lines))
        if built.is_empty or not built.is_valid:
            built = shapely.build_area(shapely.node(shapely.MultiLineString(lines)))
    return repaired(built)
