"""Streets to close around a zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.emergency.domain.zone import touching


@dataclass(frozen=True)
class Closure:
    """A street, the segments of it to close (from junction to junction), and their course; a name may be empty."""

    name: str
    name_zh: str
    segment_ids: tuple[int, ...]
    line: shapely.Geometry


def to_close(
    zone: shapely.Geometry,
    segment_ids: NDArray[np.int64],
    names: Sequence[str],
    names_zh: Sequence[str],
    geometries: NDArray[np.object_],
    drivable: NDArray[np.bool_],
) -> list[Closure]:
    """Every street with a drivable segment that touches the zone, once each by name; the nameless ones come last."""
    hits = np.flatnonzero(touching(zone, geometries) & drivable)
    by_name: dict[tuple[str, str], list[int]] = {}
    for index in hits.tolist():
        by_name.setdefault((str(names[index] or ""), str(names_zh[index] or "")), []).append(index)
    return [_closure(name, by_name[name], segment_ids, geometries) for name in sorted(by_name, key=_nameless_last)]


def _closure(
    names: tuple[str, str], rows: list[int], ids: NDArray[np.int64], geometries: NDArray[np.object_]
) -> Closure:
    line = shapely.line_merge(shapely.multilinestrings(geometries[rows]))
    return Closure(*names, tuple(sorted(ids[rows].tolist())), line)


def _nameless_last(names: tuple[str, str]) -> tuple[bool, tuple[str, str]]:
    return not any(names), names
