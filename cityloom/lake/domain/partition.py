"""Which day and coarse place each fact belongs to, and in which order it is written."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
RESOLUTION = 5
"""About 250 km2: a city has ten or twenty, so that a day is a handful of files."""
_DAY_US = 86_400_000_000


def places_of(cells: Ints) -> Ints:
    """The coarse place of each cell; 0 stays 0."""
    unique, inverse = np.unique(cells, return_inverse=True)
    return np.array([place_of(cell) for cell in unique.tolist()], np.int64)[inverse]


def place_of(cell: int) -> int:
    """The coarse place of a cell; 0 of what is no cell as fine as that."""
    if cell <= 0 or not h3.is_valid_cell(cell) or h3.get_resolution(cell) < RESOLUTION:
        return 0
    return h3.cell_to_parent(cell, RESOLUTION)


def days_of(at_us: Ints) -> Ints:
    """Days since 1970, UTC, of instants in microseconds."""
    return at_us // _DAY_US


def order_of(thing: Ints, at_us: Ints, cells: Ints) -> tuple[Ints, Ints]:
    """The order in which facts are written, and the bounds in it of each part of one day and place (parts + 1).

    Within a part a thing's facts stand together, in time: they compress well, and one thing is found in a few pages.
    """
    days, places = days_of(at_us), places_of(cells)
    order = np.lexsort((at_us, thing, places, days))
    days, places = days[order], places[order]
    changes = np.flatnonzero((np.diff(days) != 0) | (np.diff(places) != 0)) + 1
    return order, np.r_[0, changes, len(order)] if len(order) else np.zeros(1, np.int64)
