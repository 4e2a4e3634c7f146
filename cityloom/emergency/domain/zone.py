"""The zone to leave: whole buildings around a hazard, in rings for phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.geometry import circle
from cityloom.kernel.refused import Refused

LARGEST_RADIUS_M = 20_000.0


@dataclass(frozen=True)
class Parameters:
    """What describes an evacuation: radius of the hazard, the buffer around it, and rings as fractions of both."""

    hazard_radius_m: float
    buffer_m: float
    ring_fractions: tuple[float, ...]

    @property
    def radius_m(self) -> float:
        """From the hazard's centre to the edge of the buffer."""
        return self.hazard_radius_m + self.buffer_m


@dataclass(frozen=True)
class Zone:
    """Geometries in WGS 84; `ring` holds the index of a ring for each building, -1 for a building left outside."""

    hazard: shapely.Polygon
    buffer: shapely.Polygon
    polygon: shapely.Geometry
    ring: NDArray[np.int64]
    outlines: tuple[shapely.Polygon, ...]

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which buildings are in the zone."""
        return self.ring >= 0


DEFAULTS = {
    "ground-collapse": Parameters(30.0, 90.0, (0.4, 0.7, 1.0)),
    "gas-leak": Parameters(60.0, 140.0, (0.4, 0.7, 1.0)),
    "fire": Parameters(40.0, 80.0, (0.5, 1.0)),
}
"""Planning values by category of incident; the commander sees and changes them, see docs/explanation/evacuation.md."""
_OTHERWISE = Parameters(50.0, 100.0, (0.5, 1.0))


def parameters_for(
    category: str,
    hazard_radius_m: float | None = None,
    buffer_m: float | None = None,
    ring_fractions: Sequence[float] | None = None,
) -> Parameters:
    """The category's parameters, with whatever is given in their place.

    Raises: Refused `emergency.parameters`.
    """
    usual = DEFAULTS.get(category, _OTHERWISE)
    chosen = Parameters(
        usual.hazard_radius_m if hazard_radius_m is None else float(hazard_radius_m),
        usual.buffer_m if buffer_m is None else float(buffer_m),
        usual.ring_fractions if ring_fractions is None else tuple(float(one) for one in ring_fractions),
    )
    _check(chosen)
    return chosen


def draw(lon: float, lat: float, parameters: Parameters, footprints: NDArray[np.object_]) -> Zone:
    """The zone around a place: each building that the buffer touches is in, and in the innermost ring that it touches.

    `footprints` are polygons in WGS 84. The circles are polygons that contain the true circle.
    """
    outlines = tuple(circle(lon, lat, parameters.radius_m * fraction) for fraction in parameters.ring_fractions)
    ring = np.full(len(footprints), -1, dtype=np.int64)
    for index in reversed(range(len(outlines))):
        ring[touching(outlines[index], footprints)] = index
    polygon = shapely.union_all(np.append(sound(footprints[ring >= 0]), outlines[-1]))
    return Zone(circle(lon, lat, parameters.hazard_radius_m), outlines[-1], polygon, ring, outlines)


def touching(polygon: shapely.Geometry, shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which shapes share at least one point with a polygon."""
    shapely.prepare(polygon)
    return shapely.intersects(polygon, shapes)


def sound(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The shapes, the invalid ones among them repaired."""
    return np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes))


def _check(chosen: Parameters) -> None:
    if not (chosen.hazard_radius_m > 0 and chosen.buffer_m >= 0 and chosen.radius_m <= LARGEST_RADIUS_M):
        raise Refused(
            "emergency.parameters",
            "A hazard needs a radius above 0 m, a buffer of at least 0 m, and at most {limit} m for both together, "
            "not {value}; correct the radius or the buffer.",
            value=f"{chosen.hazard_radius_m:g} m and {chosen.buffer_m:g} m", limit=f"{LARGEST_RADIUS_M:g}",
        )  # fmt: skip
    rising = list(chosen.ring_fractions)
    if not rising or rising != sorted(set(rising)) or rising[0] <= 0 or rising[-1] != 1.0:
        raise Refused(
            "emergency.parameters",
            "Ring fractions must rise from above 0 to exactly 1, not {value}; give for example 0.4, 0.7, 1.",
            value=", ".join(f"{one:g}" for one in rising) or "none",
        )
