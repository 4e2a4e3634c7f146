"""What many small pieces look like from farther away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from cityloom.registers.domain.draft import Floats, Ints, Shapes, Texts

_M_A_DEGREE = 111_320.0
_EARTH_M = 40_075_016.7


@dataclass(frozen=True)
class Streets:
    """Lines with the names and the kind that their pieces share."""

    name: Texts
    name_zh: Texts
    kind: Texts
    geometry: Shapes


def streets(name: Texts, name_zh: Texts, kind: Texts, geometry: Shapes) -> Streets:
    """Pieces of one name and kind joined where they meet; pieces without a name stay as they are."""
    if not len(geometry):
        return Streets(name, name_zh, kind, geometry)
    group = _groups(name, name_zh, kind)
    _, first, group = np.unique(group, return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    together = shapely.multilinestrings(geometry[order], indices=group[order])
    lines, row = shapely.get_parts(shapely.line_merge(together), return_index=True)
    first = first[row]
    return Streets(name[first], name_zh[first], kind[first], lines)


def _groups(name: Texts, name_zh: Texts, kind: Texts) -> Ints:
    """A number for each street; below 0 where there is no name to join by."""
    known: dict[tuple[str, str, str], int] = {}
    keys = zip(name.tolist(), name_zh.tolist(), kind.tolist(), strict=True)
    return np.array([
        known.setdefault(key, len(known)) if key[0] or key[1] else -1 - row for row, key in enumerate(keys)
    ], np.int64)  # fmt: skip


def rough_m2(shapes: Shapes) -> Floats:
    """The area of each shape's bounding box, roughly."""
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    wide = (east - west) * np.cos(np.radians((south + north) / 2))
    return np.nan_to_num(wide * (north - south) * _M_A_DEGREE**2)


def metres_a_point(lat: float, zoom: int) -> float:
    """Metres of the ground in one point of a screen that shows a tile in 512 points."""
    return float(_EARTH_M * np.cos(np.radians(lat)) / 512 / (1 << zoom))
