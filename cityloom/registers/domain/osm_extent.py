"""Where a source's city lies: what is drawn far from everything else is a mistake, not a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import shapely

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.draft import Flags, Floats
from cityloom.registers.domain.osm_features import Features, Line, Outline, Spot

FAR_KM = 200.0
"""Nothing of a city lies farther than this from its middle building; wide enough for a whole region."""
_KM_A_DEGREE = 111.2
_T = TypeVar("_T", Outline, Line, Spot)


def without_strays(features: Features) -> Features:
    """The features without those far away, which are counted: most lie at 0, 0, or were typed with a wrong digit.

    Raises: Refused `city.across_date_line`.
    """
    corners = [_first_corner(outline) for outline in features.buildings if not outline.shape.is_empty]
    if not corners:
        return features
    lonlat = np.array(corners)
    _check_date_line(lonlat[:, 0])
    middle = np.median(lonlat, axis=0)
    buildings, lines, spots = _near_buildings(features, middle), _near_lines(features, middle), features.spots
    near = _is_near(np.array([(spot.lon, spot.lat) for spot in spots]).reshape(-1, 2), middle)
    return replace(features, buildings=buildings, lines=lines, spots=_taken(spots, near))


def _check_date_line(lons: Floats) -> None:
    """A few buildings on the other side are strays; a tenth or more are a part of the city."""
    west, east = float((lons < -90).mean()), float((lons > 90).mean())
    if min(west, east) > 0.1:
        raise Refused("city.across_date_line", "The city lies on both sides of the 180th meridian, which cannot be "
                      "imported as one; cut out the part on one side.")  # fmt: skip


def _near_buildings(features: Features, middle: Floats) -> list[Outline]:
    corners = np.array([(np.nan, np.nan) if o.shape.is_empty else _first_corner(o) for o in features.buildings])
    near = _is_near(corners, middle) | np.isnan(corners[:, 0])  # those without a shape are counted elsewhere
    _note(features, features.buildings, near)
    return _taken(features.buildings, near)


def _near_lines(features: Features, middle: Floats) -> list[Line]:
    corners = np.array([line.course.lonlat[0] for line in features.lines]).reshape(-1, 2)
    near = _is_near(corners, middle)
    _note(features, features.lines, near)
    return _taken(features.lines, near)


def _note(features: Features, found: Sequence[Outline] | Sequence[Line], near: Flags) -> None:
    for row in np.flatnonzero(~near).tolist():
        features.defects.note(f"buildings and roads more than {FAR_KM:.0f} km away left out", found[row].ref)


def _first_corner(outline: Outline) -> tuple[float, float]:
    lon, lat = shapely.get_coordinates(outline.shape)[0]
    return float(lon), float(lat)


def _is_near(lonlat: Floats, middle: Floats) -> Flags:
    squeeze = np.cos(np.radians(middle[1]))
    away = np.hypot((lonlat[:, 0] - middle[0]) * squeeze, lonlat[:, 1] - middle[1]) * _KM_A_DEGREE
    return away <= FAR_KM


def _taken(found: Sequence[_T], rows: Flags) -> list[_T]:
    return [found[row] for row in np.flatnonzero(rows).tolist()]
