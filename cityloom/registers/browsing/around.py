"""What lies in a rectangle, a zone or around a place, among what departments have said last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely

from cityloom.kernel.cells import COARSE, RESOLUTION
from cityloom.kernel.geometry import LocalProjection
from cityloom.registers import queries
from cityloom.registers.domain.draft import shapes
from cityloom.registers.models import RECORDS, ShapedRecord

LARGE_M = 500.0
WIDEST_M = 80_000.0
"""Nothing reaches farther from its middle than half the diagonal of a degree (`domain.shapes`)."""
Box = tuple[float, float, float, float]


def in_box(register: str, columns: str, box: Box, most: int) -> Iterator[tuple[Any, ...]]:
    """Columns of the records that could lie in a rectangle, of too many only some; `columns` are constants."""
    table, last = RECORDS[register], queries.last_known_load()
    is_shaped = issubclass(table, ShapedRecord)
    sizes = ((0, LARGE_M), (1, WIDEST_M)) if is_shaped else ((0, 0.0),)
    for large, margin_m in sizes:
        found = queries.rows_in_box(
            table._meta.db_table, columns, box, margin_m=margin_m, most=most,
            resolution=COARSE if is_shaped else RESOLUTION, indexed=f"b.large = {large} AND " if is_shaped else "",
            condition="NOT b.is_gone AND b.closed_by > %s AND b.id < %s AND ", values=(last, (last + 1) << 32),
        )  # fmt: skip
        yield from zip(*found, strict=True)


def keys_in(register: str, area: shapely.Geometry, most: int) -> list[str]:
    """The keys of the entries that lie in or touch an area in WGS 84, in order."""
    box = area.bounds
    shapely.prepare(area)
    if issubclass(RECORDS[register], ShapedRecord):
        rows = list(in_box(register, "key, lon, lat, geometry", box, most))
        drawn = [shapely.Point(row[1], row[2]) if row[3] is None else shapely.from_wkb(bytes(row[3])) for row in rows]
        inside = shapely.intersects(area, shapes(drawn))
    else:
        rows = list(in_box(register, "key, lon, lat", box, most))
        inside = shapely.intersects_xy(area, _numbers(rows, 1), _numbers(rows, 2))
    return sorted({rows[place][0] for place in np.flatnonzero(inside)})


def keys_near(register: str, lon: float, lat: float, radius_m: float, most: int) -> list[str]:
    """The keys of the entries within a distance of a place, the nearest first; for registers of points."""
    plane = LocalProjection(lon, lat)
    east, north = radius_m / float(plane.xy(np.array([lon + 1]), np.array([lat]))[0, 0]), radius_m / 110_500
    rows = list(in_box(register, "key, lon, lat", (lon - east, lat - north, lon + east, lat + north), most))
    away = np.hypot(*plane.xy(_numbers(rows, 1), _numbers(rows, 2)).reshape(-1, 2).T)
    return list(dict.fromkeys(rows[place][0] for place in np.argsort(away, kind="stable") if away[place] <= radius_m))


def _numbers(rows: Sequence[tuple[Any, ...]], column: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([row[column] for row in rows], np.float64)


def has_place(register: str) -> bool:
    """Whether entries of a register can be asked for by place."""
    return hasattr(RECORDS[register], "cell")
