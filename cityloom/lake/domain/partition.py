"""Which day and coarse place each fact belongs to, and in which order it is written."""

from __future__ import annotations

from collections.abc import Mapping

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
RESOLUTION = 5
"""About 250 km2: a city has ten or twenty, so that a day is a handful of files."""
_DAY_US = 86_400_000_000


def place_of(cell: int) -> int:
    """The coarse place of a cell; 0 of what is no cell as fine as that."""
    if cell <= 0 or not h3.is_valid_cell(cell) or h3.get_resolution(cell) < RESOLUTION:
        return 0
    return h3.cell_to_parent(cell, RESOLUTION)


def days_of(at_us: Ints) -> Ints:
    """Days since 1970, UTC, of instants in microseconds."""
    return at_us // _DAY_US


def first_days_of(at_us: Ints, each: str = "day") -> Ints:
    """The first day of the day, month or year (UTC) of instants, in days since 1970."""
    days = days_of(at_us)
    if each == "day":
        return days
    unit = {"month": "M", "year": "Y"}[each]
    return days.astype("datetime64[D]").astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64)


def order_of(thing: Ints, at_us: Ints, places: Ints, each: str = "day") -> tuple[Ints, Ints]:
    """The order in which facts are written, and the bounds in it of each part of one span and place (parts + 1).

    `places` are small numbers from 0 on, one for each place. Within a part a thing's facts stand together, in time:
    they compress well, and one thing is found in a few pages. What comes in the order of things is not sorted again.
    """
    if not len(thing):
        return np.zeros(0, np.int64), np.zeros(1, np.int64)
    order = None if _is_ordered(thing, at_us) else _sorted(thing, at_us)
    days = first_days_of(at_us, each)
    parts = (days - days.min()) * (places.max() + 1) + places
    if order is not None:
        parts = parts[order]
    if parts.max() < np.iinfo(np.int16).max:
        parts = parts.astype(np.int16)  # short numbers are sorted by counting
    by_part = np.argsort(parts, kind="stable")
    changes = np.flatnonzero(np.diff(parts[by_part])) + 1
    return by_part if order is None else order[by_part], np.r_[0, changes, len(parts)]


def _sorted(thing: Ints, at_us: Ints) -> Ints:
    """The order by thing and instant; where both fit one number, that is sorted, in a third of the time."""
    since, which = at_us - at_us.min(), thing - thing.min()
    bits = int(since.max()).bit_length()
    if which.min() < 0 or since.min() < 0 or bits + int(which.max()).bit_length() > 62:  # numbers of 64 bits wrap
        return np.lexsort((at_us, thing))
    return np.argsort(which << bits | since, kind="stable")


def _is_ordered(thing: Ints, at_us: Ints) -> bool:
    next_thing, next_at = thing[1:], at_us[1:]
    return bool(((thing[:-1] < next_thing) | ((thing[:-1] == next_thing) & (at_us[:-1] <= next_at))).all())


def counted_by_parent(counts: Mapping[int, int], resolution: int) -> dict[int, int]:
    """Counts of cells summed up by the cell of a coarser resolution; what is coarser itself is left out."""
    out: dict[int, int] = {}
    for cell, count in counts.items():
        if h3.is_valid_cell(cell) and h3.get_resolution(cell) >= resolution:
            parent = h3.cell_to_parent(cell, resolution)
            out[parent] = out.get(parent, 0) + count
    return out
