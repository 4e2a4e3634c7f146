"""Whether a place that somebody gives can be one of the city's."""

from __future__ import annotations

from cityloom.kernel.geometry import circle
from cityloom.registers import queries as registers

_MARGIN_DEGREES = 0.02
"""How far outside the city's bounds a place may lie: about 2 km."""
_NEAR_M, _FAR_M = 150.0, 1_000.0


def is_in_city(lon: float, lat: float) -> bool:
    """Whether a place lies in the city's bounds, or nearly."""
    city = registers.city()
    if city is None:
        return False
    west, south, east, north = city.bounds
    near = _MARGIN_DEGREES
    return west - near <= lon <= east + near and south - near <= lat <= north + near


def is_on_land(lon: float, lat: float) -> bool:
    """Whether there is a street or a building within a kilometre: in the sea, on a lake and in the hills is none."""
    return any(_is_anything_within(lon, lat, radius) for radius in (_NEAR_M, _FAR_M))


def _is_anything_within(lon: float, lat: float, radius_m: float) -> bool:
    if len(registers.road_graph(lon, lat, radius_m).geometry):
        return True
    return len(registers.buildings_touching(circle(lon, lat, radius_m, corners=16))) > 0
