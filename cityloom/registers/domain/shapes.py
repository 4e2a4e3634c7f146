"""Geometries of a department's file: read, turned to WGS 84, and repaired where that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.registers.domain import gcj02
from cityloom.registers.domain.draft import Flags, Floats, Shapes
from cityloom.registers.domain.draft import shapes as as_shapes

MOST_CORNERS = 5_000
MOST_SIGNS = 250_000
"""Signs of the text of a geometry with that many corners, written with all decimals."""
WIDEST_DEGREES = 1.0
"""Nothing in a city is wider than 100 km; a line across half the world has a broken corner."""
_DECIMALS = 7  # a centimetre
_SAME_AREA = 0.01
_TYPES = {"line": (1, 5), "polygon": (3, 6), "": (0, 1, 3, 4, 5, 6)}


@dataclass(frozen=True)
class Given:
    """Geometries as WKB, None where there is none; by place what is wrong with some; how many were repaired."""

    wkb: list[bytes | None]
    faults: dict[int, str]
    repaired: int


def read(texts: Sequence[str], shape: str, *, is_gcj02: bool = False, is_lat_first: bool = False) -> Given:
    """Read geometries in WKT, with or without an SRID in front; an empty text is no geometry.

    `shape` is `line`, `polygon`, or empty for any.
    """
    wkb: list[bytes | None] = [None] * len(texts)
    places = np.flatnonzero([bool(text) for text in texts])
    if not len(places):
        return Given(wkb, {}, 0)
    with np.errstate(all="ignore"):
        written = shapely.from_wkt([_bare(texts[place]) for place in places], on_invalid="ignore")
    geometry = shapely.force_2d(written)
    fault = np.full(len(places), "", dtype=object)
    _mark(fault, shapely.is_missing(geometry) | shapely.is_empty(geometry), "not_a_shape")
    _mark(fault, ~np.isin(shapely.get_type_id(geometry), _TYPES[shape]), "wrong_shape")
    _mark(fault, shapely.get_num_coordinates(geometry) > MOST_CORNERS, "too_many_corners")
    good = fault == ""
    geometry[~good] = None
    geometry[good] = _turned(geometry[good], is_gcj02=is_gcj02, is_lat_first=is_lat_first)
    _mark(fault, good & ~_lies_somewhere(geometry), "out_of_range")
    _mark(fault, (shapely.get_dimensions(geometry) == 1) & (shapely.length(geometry) == 0), "not_a_shape")
    repaired = _repair(geometry, fault)
    for row, place in enumerate(places.tolist()):
        if not fault[row]:
            wkb[place] = shapely.to_wkb(geometry[row])
    return Given(wkb, {int(places[row]): str(fault[row]) for row in np.flatnonzero(fault != "")}, repaired)


def _bare(text: str) -> str:
    """Without the SRID that some databases write in front; what can be no WKT is empty."""
    if not text.isascii():
        return ""
    start, mark, rest = text.partition(";")
    return (rest if mark and start.strip().upper().startswith("SRID=") else text).replace("\0", "")


def _mark(fault: NDArray[np.object_], wrong: Flags, rule: str) -> None:
    fault[(fault == "") & wrong] = rule


def _turned(geometry: Shapes, *, is_gcj02: bool, is_lat_first: bool) -> Shapes:
    """In WGS 84, longitude first, to a centimetre."""
    corners = shapely.get_coordinates(geometry)
    if is_lat_first:
        corners = corners[:, ::-1]
    if is_gcj02:
        with np.errstate(all="ignore"):  # what lies nowhere is found below
            corners = np.stack(gcj02.to_wgs84(corners[:, 0], corners[:, 1]), axis=1)
    return shapely.set_coordinates(geometry, np.round(corners, _DECIMALS))


def _lies_somewhere(geometry: Shapes) -> Flags:
    """Finite, on the globe, and no wider than a city."""
    west, south, east, north = np.nan_to_num(shapely.bounds(geometry), nan=np.inf).T
    on_globe = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    with np.errstate(invalid="ignore"):
        narrow = (east - west <= WIDEST_DEGREES) & (north - south <= WIDEST_DEGREES)
    corners, of = shapely.get_coordinates(geometry, return_index=True)
    broken = np.zeros(len(geometry), np.bool_)
    broken[of[~np.isfinite(corners).all(axis=1)]] = True
    return on_globe & narrow & ~broken


def _repair(geometry: Shapes, fault: NDArray[np.object_]) -> int:
    """Make outlines valid where they still enclose what they went around; all others are marked."""
    broken = np.flatnonzero((fault == "") & (shapely.get_dimensions(geometry) == 2) & ~shapely.is_valid(geometry))
    repaired = 0
    for row in broken.tolist():
        mended = _only_areas(shapely.make_valid(geometry[row]))
        meant = abs(_wound_area(geometry[row]))
        if mended.area > 0 and abs(mended.area - meant) <= _SAME_AREA * mended.area:
            geometry[row] = mended
            repaired += 1
        else:
            fault[row] = "crosses_itself"
    return repaired


def _only_areas(geometry: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(geometry)
    parts = shapely.get_parts(parts[np.isin(shapely.get_type_id(parts), (3, 6))])
    if not len(parts):
        return shapely.Polygon()
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def _wound_area(geometry: shapely.Geometry) -> float:
    """The area by the way the rings wind, in which the lobes of a figure of eight cancel out."""
    total = 0.0
    for polygon in shapely.get_parts(geometry):
        rings = as_shapes(shapely.get_rings(polygon))
        areas = [abs(_shoelace(shapely.get_coordinates(ring))) for ring in rings]
        total += areas[0] - sum(areas[1:])
    return total


def _shoelace(corners: Floats) -> float:
    x, y = (corners - corners[0]).T
    return float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2
