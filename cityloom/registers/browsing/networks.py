"""Where a network does not hang together: pieces that lie apart, loose ends and loops, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.registers.browsing.entries import spoken
from cityloom.registers.domain.connectivity import Segments
from cityloom.registers.domain.kinds import REGISTERS

NETWORKS = ("mains", "roads")
MOST_AT_ONCE = 200_000
"""Segments that are looked through while somebody waits for a page."""
_MOST_KEYS = 8
_ENDS = ("begin_fitting", "end_fitting")


@dataclass(frozen=True)
class Piece:
    """Segments that hang together and not with the rest (`apart`), or one with a `loose_end` or in a `loop`.

    The first few `keys` in order, the length of all in metres, and a place on the first.
    """

    rule: str
    network: str
    keys: tuple[str, ...]
    segments: int
    length_m: float
    lon: float
    lat: float


def pieces(register: str, most: int = MOST_AT_ONCE) -> tuple[Piece, ...]:
    """All of them, pieces that lie apart first, the longest before the others, whatever files they came in.

    Raises: Refused `registers.network_large`.
    """
    count = spoken(register).count()
    if count > most:
        raise Refused("registers.network_large", "The register has {value} segments, too many to look through while a "
                      "page waits; ask for them with `cityloom register network {limit}`.", value=count,
                      limit=register)  # fmt: skip
    keys, networks, lines = _taken(register, segments := Segments())
    found = segments.connectivity()
    numbers = np.unique(found.piece[found.is_apart])
    apart = [np.flatnonzero(found.is_apart & (found.piece == number)) for number in numbers]
    alone = [(rule, np.array([row])) for rule, which in (("loose_end", found.is_loose), ("loop", found.is_loop))
             for row in np.flatnonzero(which)]  # fmt: skip
    out = [_piece(rule, rows, keys, networks, lines) for rule, rows in [*(("apart", rows) for rows in apart), *alone]]
    return tuple(sorted(out, key=lambda one: (("apart", "loose_end", "loop").index(one.rule), -one.length_m, one.keys)))


def _taken(register: str, segments: Segments) -> tuple[list[str], list[str], NDArray[np.object_]]:
    """Give what is said of each key to `segments`; the latest word, where several sources speak of one."""
    names = [name for name in ("network", *_ENDS) if name in REGISTERS[register].names]
    rows = {key: rest for key, *rest in
            spoken(register).order_by("key", "id").values_list("key", "geometry", *names)
            if rest[0] is not None}  # fmt: skip
    told = list(zip(*rows.values(), strict=True)) or [()] * (1 + len(names))
    columns = dict(zip(("geometry", *names), told, strict=True))
    segments.take(columns, range(len(rows)))
    lines = shapely.from_wkb(np.array([bytes(wkb) for wkb in columns["geometry"]], object))
    return list(rows), list(columns.get("network", ("",) * len(rows))), lines


def _piece(
    rule: str, rows: NDArray[np.int64], keys: list[str], networks: list[str], lines: NDArray[np.object_]
) -> Piece:  # fmt: skip
    place = shapely.get_point(shapely.get_geometry(lines[rows[0]], 0), 0)
    plane = LocalProjection(place.x, place.y)
    length = float(shapely.length(plane.to_metres(lines[rows])).sum())
    first = tuple(keys[row] for row in rows[:_MOST_KEYS])
    return Piece(rule, networks[rows[0]], first, len(rows), length, place.x, place.y)
