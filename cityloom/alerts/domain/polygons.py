"""Areas as CAP writes them: closed rings in latitude,longitude order with six decimals, and never too small."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.geometry import LocalProjection, centre
from cityloom.kernel.refused import Refused

MAX_VERTICES = 100
MAX_PARTS = 10
"""What mobile networks take in one alert. Source: IPAWS, Wireless Emergency Alerts: 10 polygons, 100 points."""
_DECIMALS = 6
_CLOSING = 12.0  # gave the least overshoot of 0 to 16 on drawn towns
_AREAL = ("Polygon", "MultiPolygon", "GeometryCollection")
_ROUNDING_M = 0.15  # six decimals move a corner by up to 0.08 m; the rest is for the arithmetic
_TOLERANCES_M = (0.0, *(0.1 * 1.25**step for step in range(52)))  # to 9 km; each attempt wanders a quarter further


def text_of(polygon: shapely.Polygon) -> str:
    """A polygon's outer ring as CAP text."""
    return " ".join(f"{lat:.{_DECIMALS}f},{lon:.{_DECIMALS}f}" for lon, lat in polygon.exterior.coords)


def points_of(text: str) -> list[tuple[float, float]] | None:
    """The (longitude, latitude) points of a CAP polygon text; None if it is not one."""
    try:
        pairs = [tuple(map(float, pair.split(","))) for pair in text.split()]
        points = [(lon, lat) for lat, lon in pairs]
    except ValueError:
        return None
    return points if np.isfinite(points).all() else None


def polygon_of(text: str) -> shapely.Polygon:
    """The area of a CAP polygon text that is known to be one; raises ValueError otherwise."""
    points = points_of(text)
    if points is None:
        raise ValueError("Not a CAP polygon.")
    return shapely.Polygon(points)


def simplified_over(
    zone: shapely.Geometry, footprints: Sequence[shapely.Geometry] = (), max_vertices: int = MAX_VERTICES
) -> list[shapely.Polygon]:
    """Polygons of at most `max_vertices` points in all, and ten parts, that cover a zone and every footprint.

    Coordinates are WGS 84 with six decimals, and coverage holds for exactly these. Holes are filled, for CAP has none:
    who stands in one is alerted too. The tolerance is the least that a bisection finds.

    Raises: Refused `alerts.zone_empty`.
    """
    zone = shapely.make_valid(zone)
    if zone.area == 0:
        raise Refused("alerts.zone_empty", "The zone has no area, so there is nobody to alert; draw it again.")
    shapely.prepare(zone)
    shapes = shapely.make_valid(np.array(list(footprints), dtype=object))
    outside = shapes[~shapely.covers(zone, shapes)]
    must_cover = np.array(_polygons(shapely.geometrycollections([zone, *outside])), dtype=object)
    plane = LocalProjection(*centre(shapely.multipolygons(must_cover)))
    wanted = _filled(shapely.union_all(plane.to_metres(must_cover)))
    best = _rounded(plane, shapely.box(*shapely.bounds(shapely.buffer(wanted, _ROUNDING_M))))
    low, high = 0, len(_TOLERANCES_M)
    while low < high:
        middle = (low + high) // 2
        parts = _attempt(plane, wanted, _TOLERANCES_M[middle])
        if parts and _fits(parts, max_vertices) and _covers(parts, must_cover):
            best, high = parts, middle
        else:
            low = middle + 1
    return best


def _attempt(plane: LocalProjection, wanted: shapely.Geometry, tolerance: float) -> list[shapely.Polygon]:
    """The parts at one tolerance; none where the geometry library gives up, so that a coarser one is tried."""
    try:
        with np.errstate(all="ignore"):  # mitres of parallel edges lie at infinity and are cut off by the limit
            return _rounded(plane, _wandering(wanted, tolerance))
    except shapely.GEOSException:
        return []


def _wandering(wanted: shapely.Geometry, tolerance: float) -> shapely.Geometry:
    """A shape that may wander `tolerance` metres from a border pushed out by as much, so never inside `wanted`.

    Bays and gaps narrower than a few tolerances are closed first: they cost many points and hold few people.
    """
    reach = _CLOSING * tolerance
    closed = _filled(shapely.union(wanted, _pushed(_pushed(wanted, reach), -reach)))
    wide = _pushed(closed, tolerance * 1.01 + _ROUNDING_M)
    return _filled(shapely.simplify(wide, tolerance, preserve_topology=True))


def _pushed(geometry: shapely.Geometry, by_m: float) -> shapely.Geometry:
    return shapely.make_valid(shapely.buffer(geometry, by_m, join_style="mitre", mitre_limit=2.0))


def _filled(geometry: shapely.Geometry) -> shapely.Geometry:
    return shapely.union_all([shapely.Polygon(part.exterior) for part in _polygons(geometry)])


def _rounded(plane: LocalProjection, geometry: shapely.Geometry) -> list[shapely.Polygon]:
    degrees = plane.to_degrees(np.array(_polygons(geometry), dtype=object))
    return list(shapely.transform(degrees, lambda corners: corners.round(_DECIMALS)))


def _polygons(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    """Every polygon in a geometry, collections within collections included."""
    if geometry.is_empty or geometry.geom_type not in _AREAL:
        return []
    if geometry.geom_type == "Polygon":
        return [geometry]
    return [polygon for part in shapely.get_parts(geometry) for polygon in _polygons(part)]


def _fits(parts: list[shapely.Polygon], max_vertices: int) -> bool:
    return len(parts) <= MAX_PARTS and sum(map(shapely.get_num_coordinates, parts)) <= max_vertices


def _covers(parts: list[shapely.Polygon], shapes: NDArray[np.object_]) -> bool:
    """Whether each shape lies whole in one of the parts; no sum of parts, whose seams would be rounded."""
    if not all(part.is_valid for part in parts):
        return False
    covered = np.zeros(len(shapes), dtype=bool)
    for part in parts:
        shapely.prepare(part)
        covered |= shapely.covers(part, shapes)
    return bool(covered.all())
