"""The figures that a commander sees before deciding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

RESIDENT_KINDS = ("school", "kindergarten", "university", "hospital", "clinic", "nursing_home")
"""Places whose people need to be told and moved together."""


@dataclass(frozen=True)
class Dossier:
    """Counts for the zone; nobody in it can be told apart."""

    buildings: int
    dwellings: int
    households: int
    people_night: int
    people_day: int
    needing_help: int
    by_need: dict[str, int]
    schools: int
    hospitals: int
    valves: int
    streets: int

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def compile_dossier(
    *,
    dwellings: NDArray[np.int64],
    people_day: NDArray[np.int64],
    households: int,
    people: int,
    needing_help: int,
    by_need: Mapping[str, int],
    kinds: list[str],
    valves: int,
    streets: int,
) -> Dossier:
    """Add up what is in the zone: arrays have one entry a building, `kinds` one a place, all inside the zone."""
    return Dossier(
        buildings=len(dwellings), dwellings=int(dwellings.sum()), households=households, people_night=people,
        people_day=int(people_day.sum()), needing_help=needing_help, by_need=dict(sorted(by_need.items())),
        schools=sum(kind in ("school", "kindergarten", "university") for kind in kinds),
        hospitals=sum(kind in ("hospital", "clinic", "nursing_home") for kind in kinds),
        valves=valves, streets=streets,
    )  # fmt: skip
