"""Networks, readings and calls drawn for tests: streets every 200 m, with a sensor at some crossings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from cityloom.detection.domain.said import Said
from cityloom.detection.domain.topology import Network
from cityloom.kernel.geometry import LocalProjection

PLANE = LocalProjection(113.93, 22.53)
AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
NOW = AT.timestamp()
SIDE, STEP_M = 9, 200.0


def grid(side: int = SIDE, step_m: float = STEP_M) -> Network:
    """A pipe between all neighbouring crossings; crossing x, y is node y * side + x, called `x-y`."""
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    lonlat = PLANE.lonlat(np.column_stack([x.ravel() * step_m, y.ravel() * step_m]))
    row = np.arange(side * side).reshape(side, side)
    begin = np.r_[row[:, :-1].ravel(), row[:-1].ravel()]
    end = np.r_[row[:, 1:].ravel(), row[1:].ravel()]
    names = np.array([f"{i}-{j}" for j in range(side) for i in range(side)], object)
    edges = np.array([f"{names[a]}/{names[b]}" for a, b in zip(begin, end, strict=True)], object)
    length_m = np.full(len(begin), step_m)
    return Network(names, lonlat[:, 0], lonlat[:, 1], edges, begin, end, length_m, held=np.array([0]))


def said(*rows: tuple[str, float, float, float], kind: str = "pressure", unit: str = "kPa", usual: float = 350.0,
         spread: float = 3.0) -> Said:  # fmt: skip
    """Readings from name, metres east and north, and how many spreads above usual."""
    x, y, off = (np.array([row[at] for row in rows]) for at in (1, 2, 3))
    lonlat = PLANE.lonlat(np.column_stack([x, y]))
    count, names = len(rows), [row[0] for row in rows]
    value = usual + off * spread
    return Said(
        np.array([f"datastream:{name}" for name in names], object), np.array(names, object),
        np.full(count, kind, object), np.full(count, unit, object), lonlat[:, 0], lonlat[:, 1],
        np.full(count, NOW - 60), value, np.full(count, usual), np.full(count, spread), value - usual,
        np.full(count, 300.0), np.ones(count, bool),
    )  # fmt: skip


def all_of(*parts: Said) -> Said:
    """Several columns as one."""
    return Said(*(np.concatenate([getattr(part, name) for part in parts]) for name in Said.__dataclass_fields__))


@dataclass(frozen=True)
class Told:
    """A call, as detection knows one."""

    id: str
    category: str
    lon: float
    lat: float
    cell: int
    at: datetime
    caller_digest: str


def call(number: int, category: str, x_m: float, y_m: float, caller: str = "") -> Told:
    """A call from metres east and north, a minute ago."""
    lon, lat = PLANE.lonlat(np.array([[x_m, y_m]]))[0].tolist()
    at = datetime.fromtimestamp(NOW - 60, UTC)
    return Told(f"c{number}", category, lon, lat, 0, at, caller or f"caller-{number}")
