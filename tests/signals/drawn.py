"""Sensors drawn for tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.geometry import LocalProjection

LON, LAT = 113.93, 22.53


@dataclass(frozen=True)
class DrawnSites:
    """Columns as a city's builder gives them."""

    kind: NDArray[np.object_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    street: NDArray[np.object_]
    made_up: NDArray[np.int64]


def place(x_m: float, y_m: float) -> tuple[float, float]:
    """Longitude and latitude of metres east and north of the tests' centre."""
    return tuple(LocalProjection(LON, LAT).lonlat(np.array([[x_m, y_m]]))[0].tolist())


def sites(*rows: tuple[str, float, float]) -> DrawnSites:
    """Sites from kind, metres east and metres north."""
    lonlat = np.array([place(x_m, y_m) for _, x_m, y_m in rows]).reshape(-1, 2)
    streets = np.array(["Drawn Road"] * len(rows), dtype=object)
    kinds = np.array([kind for kind, _, _ in rows], dtype=object)
    return DrawnSites(kinds, lonlat[:, 0], lonlat[:, 1], streets, np.full(len(rows), 255))
