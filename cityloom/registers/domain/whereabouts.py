"""Where a record lies, as an ordinary index can ask for it, and what it is called, as it is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cityloom.kernel.cells import COARSE, RESOLUTION, cells_of
from cityloom.registers.domain import names, plane
from cityloom.registers.domain.draft import Floats, shapes

LARGE_M = 500.0
"""What reaches farther than this from its middle is searched for on its own, with a wider margin."""


@dataclass(frozen=True)
class Following:
    """What of a register's records follows from other columns: the field whose words are compared, and the place."""

    spoken: str = ""
    is_shaped: bool = False
    has_cell: bool = False

    def of(self, columns: dict[str, Any]) -> dict[str, Any]:
        """The columns that follow: cells, middles of shapes, names as they are compared."""
        more: dict[str, Any] = {}
        if self.spoken:
            more["folded"] = [names.folded(name)[: names.LONGEST].encode() for name in columns[self.spoken]]
        if self.is_shaped:
            more |= _of_shapes(columns)
        elif self.has_cell:
            more["cell"] = _cells(columns["lon"], columns["lat"], RESOLUTION)
        return more


def _of_shapes(columns: dict[str, Any]) -> dict[str, Any]:
    """Middles, reaches and coarse cells; a point that the file gives is the middle."""
    given = columns["geometry"]
    count = len(given)
    lon = columns.get("lon") or [None] * count
    lat = columns.get("lat") or [None] * count
    drawn = [place for place, wkb in enumerate(given) if wkb is not None]
    large = np.zeros(count, np.int16)
    if drawn:
        geometry = shapely.from_wkb(shapes(given[place] for place in drawn))
        lons, lats = plane.middles(geometry)
        lons, lats = _unless_given(lon, drawn, lons), _unless_given(lat, drawn, lats)
        large[drawn] = plane.reaches_m(geometry, lons, lats) > LARGE_M
        lon, lat = _with(lon, drawn, lons), _with(lat, drawn, lats)
    return {"lon": lon, "lat": lat, "large": large, "cell": _cells(lon, lat, COARSE)}


def _unless_given(given: Sequence[float | None], places: list[int], middles: Floats) -> Floats:
    said = np.array([np.nan if given[place] is None else given[place] for place in places], np.float64)
    return np.where(np.isnan(said), np.round(middles, 7), said)


def _with(given: Sequence[float | None], places: list[int], values: Floats) -> list[float | None]:
    out = list(given)
    for place, value in zip(places, values.tolist(), strict=True):
        out[place] = value
    return out


def _cells(lon: Sequence[float | None], lat: Sequence[float | None], resolution: int) -> list[int | None]:
    known = [place for place, pair in enumerate(zip(lon, lat, strict=True)) if None not in pair]
    cells: list[int | None] = [None] * len(lon)
    found = cells_of(np.array([lon[place] for place in known], np.float64),
                     np.array([lat[place] for place in known], np.float64), resolution)  # fmt: skip
    for place, cell in zip(known, found.tolist(), strict=True):
        cells[place] = cell
    return cells
