"""Coordinates that Chinese maps shift on purpose (GCJ-02), and how they become WGS 84."""

from __future__ import annotations

import numpy as np

from cityloom.registers.domain.draft import Floats

_MAJOR_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_TURNS = 3


def to_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Undo the shift to within a centimetre, by going back what the shift at the place found so far is.

    Source: the published transformation of Krasovsky 1940 coordinates; only for places in China.
    """
    found_lon, found_lat = lon.copy(), lat.copy()
    for _turn in range(_TURNS):
        shifted_lon, shifted_lat = from_wgs84(found_lon, found_lat)
        found_lon += lon - shifted_lon
        found_lat += lat - shifted_lat
    return found_lon, found_lat


def from_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The shift itself."""
    x, y = lon - 105.0, lat - 35.0
    waves = 20.0 * (np.sin(6.0 * x * np.pi) + np.sin(2.0 * x * np.pi))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north += 2.0 / 3.0 * (waves + 20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)
                          + 160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0))  # fmt: skip
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east += 2.0 / 3.0 * (waves + 20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)
                         + 150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi))  # fmt: skip
    angle = np.radians(lat)
    bend = 1.0 - _ECCENTRICITY2 * np.sin(angle) ** 2
    north = np.degrees(north * bend * np.sqrt(bend) / (_MAJOR_M * (1.0 - _ECCENTRICITY2)))
    east = np.degrees(east * np.sqrt(bend) / (_MAJOR_M * np.cos(angle)))
    return lon + east, lat + north
