"""Circular windows: for each place the others in the order of their distance, as far as a window may reach.

Source: Kulldorff, M. (1997), A spatial scan statistic, Communications in Statistics, Theory and Methods 26(6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_PLACES, EARTH_M = 10_000, 6_371_000.0
_BLOCK = 256
_MANY = "{value} places are too many to be scanned at once: at most {limit}. Add small places up to larger ones first."
_FEW = "A scan compares places with each other; there is {value}, and at least {limit} are needed."
_NOWHERE = "Each place needs coordinates that are finite numbers; {value} of the places have none. Leave these out."
_SHARE = "The largest share of a window lies above 0 and at most at {limit}, not at {value}."


@dataclass(frozen=True)
class Windows:
    """`order[i, :reach[i]]` are the places of the largest window around place i, the nearest first (i itself is first).

    `ends[i, k]` says whether a window ends with the k-th: not where the next one lies as far away, since a circle has
    both or neither. `radius[i, k]` is its distance, in metres where the coordinates are metres or degrees.
    """

    order: NDArray[np.uint16]
    reach: Ints
    ends: NDArray[np.bool_]
    radius: NDArray[np.float32]

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.reach)

    @property
    def count(self) -> int:
        """How many windows there are (the same set of places around two of them counts twice)."""
        return int(self.ends.sum())


def circular_windows(xy: Floats, population: Floats, most_share: float = 0.5, most_radius: float = np.inf,
                     on_sphere: bool = False) -> Windows:  # fmt: skip
    """Windows around each place up to a share of the population and a radius; each place alone is always one.

    `xy` has shape (n, 2): metres, or degrees of longitude and latitude where `on_sphere` (distances are then of the
    great circle, in metres). `population` has shape (n,).
    Raises: Refused `insight.scan_places`, `insight.scan_few`, `insight.scan_nowhere`, `insight.scan_share`.
    """
    _check(xy, most_share)
    limit = most_share * float(population.sum()) * (1 + 1e-12)
    rows = [_near(xy, population, block, limit, most_radius, on_sphere) for block in _blocks(len(xy))]
    widest = max(order.shape[1] for order, *_ in rows)
    order, ends, radius = (np.concatenate([_widened(row[part], widest) for row in rows]) for part in (0, 1, 2))
    reach = np.concatenate([row[3] for row in rows])
    return Windows(order, reach, ends, radius)


def distances(xy: Floats, among: Ints | slice = slice(None), on_sphere: bool = False) -> Floats:
    """The distances of some places to all: shape (m, n)."""
    some = xy[among]
    if not on_sphere:
        return np.sqrt(np.square(some[:, None, 0] - xy[:, 0]) + np.square(some[:, None, 1] - xy[:, 1]))
    lon, lat = np.radians(xy).T
    at, up = np.radians(some).T
    half = np.sin((lat - up[:, None]) / 2) ** 2
    half += np.cos(lat) * np.cos(up)[:, None] * np.sin((lon - at[:, None]) / 2) ** 2
    return 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1)))


def _check(xy: Floats, most_share: float) -> None:
    if len(xy) > MOST_PLACES:
        raise Refused("insight.scan_places", _MANY, value=f"{len(xy):,}", limit=f"{MOST_PLACES:,}")
    if len(xy) < 2:
        raise Refused("insight.scan_few", _FEW, value=len(xy), limit=2)
    if lost := int((~np.isfinite(xy).all(axis=1)).sum()):
        raise Refused("insight.scan_nowhere", _NOWHERE, value=lost)
    if not 0 < most_share <= 1:
        raise Refused("insight.scan_share", _SHARE, value=most_share, limit=1)


def _blocks(places: int) -> list[Ints]:
    return [np.arange(first, min(first + _BLOCK, places)) for first in range(0, places, _BLOCK)]


def _near(xy: Floats, population: Floats, block: Ints, limit: float, most_radius: float, on_sphere: bool
          ) -> tuple[NDArray[np.uint16], NDArray[np.bool_], NDArray[np.float32], Ints]:  # fmt: skip
    far = distances(xy, block, on_sphere)
    far[np.arange(len(block)), block] = -1.0  # the place itself comes first, even before others at the same spot
    order = np.argsort(far, axis=1, kind="stable")
    far = np.maximum(np.take_along_axis(far, order, axis=1), 0)
    fits = (np.cumsum(population[order], axis=1) <= limit) & (far <= most_radius)
    fits = np.logical_and.accumulate(fits, axis=1)
    ends = np.concatenate([_apart(far), np.ones((len(block), 1), bool)], axis=1) & fits
    alone = ~ends.any(axis=1)
    ends[alone, 0] = True
    reach = ends.shape[1] - np.argmax(ends[:, ::-1], axis=1)
    widest = int(reach.max())
    return (order[:, :widest].astype(np.uint16), ends[:, :widest], far[:, :widest].astype(np.float32),
            reach.astype(np.int64))  # fmt: skip


def _apart(far: Floats) -> NDArray[np.bool_]:
    """Whether the next one is farther away than the last bits of a number can tell."""
    return far[:, 1:] > far[:, :-1] * (1 + 1e-12) + 1e-9


def _widened(part: NDArray, widest: int) -> NDArray:  # type: ignore[type-arg]
    return np.pad(part, ((0, 0), (0, widest - part.shape[1])))
