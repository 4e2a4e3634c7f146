"""Mains or roads as a graph: which end meets which, and what is known of what lies between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.domain.draft import Flags, Floats, Ints, Shapes, Texts

NETWORKS = {"water": ("water",), "gas": ("gas",), "sewer": ("sewer", "storm"), "heat": ("heat",)}
"""By the name of a network the kinds of mains that are in it; `road` is one besides."""
ROAD = "road"
MOST_EDGES = 400_000
SOURCES = ("reservoir", "tank")
"""Fittings whose pressure something else decides."""
_GRID, _ROW = 1e5, 4 * 10**7
"""Places that agree to five decimals of a degree, about a metre, are one."""
_OFF = 2 * 10**7


@dataclass(frozen=True)
class Graph:
    """Nodes and edges as columns, `begin` and `end` are rows of nodes; numbers that nobody knows are NaN.

    `node` and `edge` are the codes that their operator gives them; an edge that others meet on its way is several of
    one code. `kind` is pipe, valve, regulator or pump, `held` marks reservoirs and tanks. `roughness` is that of Hazen
    and Williams. `version` is another one once the registers have changed.
    """

    version: str
    node: Texts
    lon: Floats
    lat: Floats
    held: Flags
    demand_ls: Floats
    edge: Texts
    begin: Ints
    end: Ints
    length_m: Floats
    diameter_mm: Floats
    roughness: Floats
    kind: Texts

    def __len__(self) -> int:
        return len(self.begin)


def of_roads(version: str, nodes: Sequence[Sequence[Any]], roads: Sequence[Sequence[Any]]) -> Graph:
    """The graph of columns: of nodes id, longitude, latitude; of roads id, name, first node, last node and metres."""
    number, lon, lat = (np.array(column, kind) for column, kind in zip(nodes, (np.int64, float, float), strict=True))
    key, name, first, last, length = roads
    used = np.unique(np.r_[np.array(first, np.int64), np.array(last, np.int64)])
    order = np.argsort(number)
    row = order[np.searchsorted(number, used, sorter=order)]
    number, lon, lat = used, lon[row], lat[row]
    ends = [np.searchsorted(used, np.array(one, np.int64)) for one in (first, last)]
    edge = _texts([f"{called} ({one})" if called else str(one) for one, called in zip(key, name, strict=True)])
    unknown, nodes_unknown = np.full(len(edge), np.nan), np.full(len(number), np.nan)
    return Graph(
        version, _texts(number.astype(str).tolist()), lon, lat, np.zeros(len(number), np.bool_), nodes_unknown, edge,
        *ends, np.array(length, np.float64), unknown, unknown, _texts(["pipe"] * len(edge)),
    )  # fmt: skip


def of_mains(version: str, mains: Mapping[str, Sequence[Any]], fittings: Mapping[str, tuple[Any, ...]]) -> Graph:
    """The graph of mains as columns key, geometry and what `Graph` keeps of an edge; `fittings` say kind and demand.

    A main that names both its fittings meets others there alone. All others meet where their corners lie at one place.
    """
    lines, main = _lines(mains["geometry"])
    named = _texts(sorted({one for end in ("begin_fitting", "end_fitting") for one in mains[end] if one}))
    corner = _Corners.of(lines, _fitting(mains["begin_fitting"], named)[main],
                         _fitting(mains["end_fitting"], named)[main])  # fmt: skip
    first, last = corner.stretches()
    keys, where = np.unique(np.r_[corner.key[first], corner.key[last]], return_index=True)
    lonlat = corner.lonlat[np.r_[first, last][where]]
    begin, end = np.searchsorted(keys, corner.key[first]), np.searchsorted(keys, corner.key[last])
    kept = begin != end
    line = corner.line[first]
    node = _texts([str(named[-1 - key]) if key < 0 else f"{lon:.5f},{lat:.5f}"
                   for key, (lon, lat) in zip(keys.tolist(), lonlat.tolist(), strict=True)])  # fmt: skip
    told = [fittings.get(name, ("", None)) if key < 0 else ("", None)
            for key, name in zip(keys.tolist(), node.tolist(), strict=True)]  # fmt: skip
    row = main[line[kept]]
    return Graph(
        version, node, lonlat[:, 0], lonlat[:, 1], np.array([kind in SOURCES for kind, _ in told], np.bool_),
        _numbers([demand for _, demand in told]), _texts(mains["key"])[row], begin[kept], end[kept],
        _lengths(corner, lines, main, mains["length_m"], (first, last))[kept], _numbers(mains["diameter_mm"])[row],
        _numbers(mains["roughness"])[row], _texts([kind or "pipe" for kind in mains["kind"]])[row],
    )  # fmt: skip


@dataclass(frozen=True)
class _Corners:
    """Corners of all lines, one line after the other: its line, its place and the key of what it meets."""

    line: Ints
    lonlat: Floats
    key: Ints
    joins: Flags

    @classmethod
    def of(cls, lines: Shapes, begin: Ints, end: Ints) -> _Corners:
        """The corners of lines that begin and end at a fitting (below 0), or nowhere in particular (0)."""
        lonlat, line = shapely.get_coordinates(lines, return_index=True)
        first = np.r_[True, line[1:] != line[:-1]][: len(line)]
        last = np.r_[first[1:], True][: len(line)]
        place = _keys(lonlat)
        fitting = np.zeros(len(line), np.int64)
        fitting[first], fitting[last] = begin, end
        there, at = np.unique(place[fitting < 0], return_index=True)
        known = fitting[fitting < 0][at]
        row = np.minimum(np.searchsorted(there, place), max(len(there) - 1, 0))
        met = (there[row] == place) if len(there) else np.zeros(len(line), np.bool_)
        key = np.where(fitting < 0, fitting, np.where(met, known[row], place) if len(there) else place)
        is_end = first | last
        return cls(line, lonlat, key, is_end | ~((begin < 0) & (end < 0))[line])

    def stretches(self) -> tuple[Ints, Ints]:
        """The first and the last corner of each stretch between two meetings."""
        rows = np.flatnonzero(self.joins)
        _, which, times = np.unique(self.key[rows], return_inverse=True, return_counts=True)
        change = np.flatnonzero(self.line[1:] != self.line[:-1])
        is_end = np.zeros(len(self.line), np.bool_)
        is_end[:1] = is_end[-1:] = True
        is_end[change] = is_end[change + 1] = True
        cuts = rows[(times[which] > 1) | is_end[rows]]
        same = self.line[cuts[:-1]] == self.line[cuts[1:]]
        return cuts[:-1][same], cuts[1:][same]


def _lines(geometry: Sequence[bytes]) -> tuple[Shapes, Ints]:
    """The lines, and the main that each is of; of several one after the other, each is one."""
    shapes = shapely.from_wkb(np.array([bytes(one) for one in geometry], object))
    parts, main = shapely.get_parts(shapes, return_index=True)
    drawn = shapely.get_num_coordinates(parts) > 1
    return parts[drawn], main[drawn]


def _keys(lonlat: Floats) -> Ints:
    x, y = np.round(lonlat * _GRID).astype(np.int64).T
    return (x + _OFF) * _ROW + y + _OFF


def _fitting(names: Sequence[str], known: Texts) -> Ints:
    """A key below 0 for each fitting that is named, 0 where none is."""
    number = {name: -1 - at for at, name in enumerate(known.tolist())}
    return np.array([number.get(name, 0) for name in names], np.int64)


def _lengths(corner: _Corners, lines: Shapes, main: Ints, told: Sequence[float | None], at: tuple[Ints, Ints]
             ) -> Floats:  # fmt: skip
    """Metres of each stretch as it is drawn, or its share of what the main is said to have."""
    first, last = at
    if not len(first):
        return np.zeros(0)
    plane = LocalProjection(*np.median(corner.lonlat, axis=0).tolist())
    xy = plane.xy(corner.lonlat[:, 0], corner.lonlat[:, 1])
    step = np.hypot(*np.diff(xy, axis=0).T)
    along = np.r_[0.0, np.cumsum(np.where(np.diff(corner.line) == 0, step, 0.0))]
    drawn = along[last] - along[first]
    whole = np.bincount(main[corner.line[first]], drawn, len(told))
    said = _numbers(told)
    share = np.divide(drawn, whole[main[corner.line[first]]], out=np.ones(len(drawn)), where=drawn > 0)
    there = said[main[corner.line[first]]]
    return np.where(np.isfinite(there) & (there > 0), there * share, drawn)


def _numbers(column: Sequence[float | None]) -> Floats:
    return np.array([np.nan if one is None else one for one in column], np.float64)


def _texts(column: Sequence[str]) -> Texts:
    array = np.empty(len(column), dtype=object)
    array[:] = column
    return array
