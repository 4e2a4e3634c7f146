"""How fast roads are used, by their class and by mode, and which of them a mode may use.

Speeds by car are what remains of the limit in a city by day, junctions included, not the limit itself; they are
assumptions that a study's question can replace, class by class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

WALK_KMH = 4.8
"""80 metres a minute."""
DRIVE_KMH: Mapping[str, float] = {
    "motorway": 70.0, "trunk": 50.0, "primary": 35.0, "secondary": 30.0, "tertiary": 27.0, "residential": 20.0,
    "unclassified": 22.0, "living_street": 10.0, "service": 12.0, "track": 10.0, "": 20.0,
}  # fmt: skip
CYCLE_KMH = 14.0
ON_FOOT_ONLY = frozenset({"path", "footway", "steps", "pedestrian", "cycleway", "corridor"})
CARS_ONLY = frozenset({"motorway", "motorway_link"})
MODES = ("walk", "cycle", "drive")
_SPEED = "The speed of {value} is to be between 0.5 and 130 kilometres an hour, not {limit}; state another."


def edge_minutes(kinds: Sequence[str] | NDArray[np.object_], length_m: NDArray[np.float64], mode: str,
                 speeds: Mapping[str, float] | None = None) -> NDArray[np.float64]:  # fmt: skip
    """Minutes for each edge; infinite where the mode may not use the class, so that such edges are to be left out.

    Steps are walked at half the speed. `speeds` in km/h by class ("" for all others) take the place of those above.
    Raises: Refused `insight.speed`.
    """
    given = dict(speeds or {})
    for name, speed in given.items():
        if not 0.5 <= speed <= 130:
            raise Refused("insight.speed", _SPEED, value=name or "the other classes", limit=speed)
    names, place = np.unique(np.asarray(kinds, np.str_), return_inverse=True)
    kmh = np.array([_speed(str(name), mode, given) for name in names])
    with np.errstate(divide="ignore"):
        return np.asarray(length_m, np.float64) * 0.06 / kmh[place] if len(place) else np.zeros(0)


def _speed(kind: str, mode: str, given: Mapping[str, float]) -> float:
    if mode == "drive":
        if kind in ON_FOOT_ONLY:
            return 0.0
        usual = DRIVE_KMH.get(kind, DRIVE_KMH.get(kind.removesuffix("_link"), DRIVE_KMH[""]))
    else:
        if kind in CARS_ONLY:
            return 0.0
        usual = WALK_KMH if mode == "walk" else CYCLE_KMH
        usual = min(usual, WALK_KMH) / 2 if kind == "steps" else usual
    return given.get(kind, given.get("", usual))
