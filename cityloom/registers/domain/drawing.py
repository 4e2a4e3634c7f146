"""Where a drawing with coordinates of its own lies on the globe, as its owner says."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.registers.domain.draft import Floats

_A, _F = 6_378_137.0, 1 / 298.257223563
_FURTHEST_M = 300_000.0
_FORM = ("{value} does not say where the drawing lies; say lonlat, a system such as EPSG:32650, or an anchor: LON,LAT "
         "for the drawing's origin, or LON,LAT,X,Y,METRES for the point X,Y and the metres of one unit.")  # fmt: skip
_OFF = ("With {value} the drawing lies off the globe or reaches over more than {limit} km; check the system and its "
        "units.")  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """How the coordinates of a drawing become longitudes and latitudes: `says` is what its owner wrote."""

    says: str

    def __post_init__(self) -> None:
        if not self._is_lonlat and self._grid is None and self._anchor is None:
            raise Refused("registers.drawing_place", _FORM, value=self.says[:80])

    def lonlat(self, xy: Floats) -> Floats:
        """Degrees, shape (n, 2), of the drawing's points.

        Raises: Refused `registers.drawing_off`.
        """
        found = self._placed(np.asarray(xy, dtype=np.float64))
        low, high = (found.min(axis=0), found.max(axis=0)) if len(found) else (np.zeros(2), np.zeros(2))
        reach = (high - low) * 111_000
        on_globe = np.isfinite(found).all() and (np.abs(found) <= (180.0, 85.0)).all()
        if not on_globe or max(reach[1], reach[0] * math.cos(math.radians(low[1]))) > _FURTHEST_M:
            raise Refused("registers.drawing_off", _OFF, value=self.says[:80], limit=round(_FURTHEST_M / 1000))
        return found

    def _placed(self, xy: Floats) -> Floats:
        if self._is_lonlat:
            return xy
        if self._grid is not None:
            return from_grid(xy, *self._grid)
        lon, lat, x, y, metres = self._anchor or (0.0, 0.0, 0.0, 0.0, 1.0)
        return LocalProjection(lon, lat).lonlat((xy - (x, y)) * metres)

    @property
    def _is_lonlat(self) -> bool:
        return self.says.lower() in ("lonlat", "epsg:4326", "epsg:4490")

    @property
    def _grid(self) -> tuple[float, float, float, float] | None:
        """Central meridian, scale, false easting and northing: UTM on WGS 84, or a zone of 3 degrees of CGCS2000."""
        code = re.fullmatch(r"(?i)epsg:(\d{4,5})", self.says)
        number = int(code[1]) if code else 0
        if 32601 <= number <= 32660 or 32701 <= number <= 32760:
            return number % 100 * 6.0 - 183, 0.9996, 500_000.0, 0.0 if number < 32700 else 10_000_000.0
        if 4513 <= number <= 4533:
            zone = number - 4488
            return zone * 3.0, 1.0, zone * 1e6 + 500_000, 0.0
        if 4534 <= number <= 4554:
            return (number - 4509) * 3.0, 1.0, 500_000.0, 0.0
        return None

    @property
    def _anchor(self) -> tuple[float, float, float, float, float] | None:
        try:
            numbers = [float(word) for word in self.says.split(",")]
        except ValueError:
            return None
        if len(numbers) not in (2, 5) or not all(map(math.isfinite, numbers)):
            return None
        lon, lat, x, y, metres = (*numbers, 0.0, 0.0, 1.0)[:5]
        return (lon, lat, x, y, metres) if abs(lon) <= 180 and abs(lat) <= 85 and metres > 0 else None


def from_grid(xy: Floats, meridian: float, scale: float, east: float, north: float) -> Floats:
    """Degrees of points of a transverse Mercator grid on WGS 84 (CGCS2000 is the same to a millimetre).

    Source: Karney (2011), Transverse Mercator with an accuracy of a few nanometers, equations 7 to 14.
    """
    n = _F / (2 - _F)
    radius = _A / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    beta = (n / 2 - 2 * n**2 / 3 + 37 * n**3 / 96, n**2 / 48 + n**3 / 15, 17 * n**3 / 480)
    delta = (2 * n - 2 * n**2 / 3 - 2 * n**3, 7 * n**2 / 3 - 8 * n**3 / 5, 56 * n**3 / 15)
    xi, eta = (xy[:, 1] - north) / (scale * radius), (xy[:, 0] - east) / (scale * radius)
    eta = np.clip(eta, -2.0, 2.0)
    up = xi - sum(b * np.sin(2 * k * xi) * np.cosh(2 * k * eta) for k, b in enumerate(beta, 1))
    out = eta - sum(b * np.cos(2 * k * xi) * np.sinh(2 * k * eta) for k, b in enumerate(beta, 1))
    conformal = np.arcsin(np.sin(up) / np.cosh(out))
    latitude = conformal + sum(d * np.sin(2 * k * conformal) for k, d in enumerate(delta, 1))
    longitude = math.radians(meridian) + np.arctan2(np.sinh(out), np.cos(up))
    return np.degrees(np.column_stack([longitude, latitude]))
