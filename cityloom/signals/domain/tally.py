"""What is always at hand of each stream: how many readings it has, and the last one; all streams are columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NEVER = np.iinfo(np.int64).min
RECORD = np.dtype([("count", np.int64), ("first_us", np.int64), ("last_us", np.int64), ("last", np.float64)])
"""A stream's part: its readings, the instants of the first and the latest (microseconds since 1970, UTC), and the
result of the latest."""


def empty(streams: int) -> NDArray[np.void]:
    """The tally of streams that have not said anything."""
    out = np.zeros(streams, RECORD)
    out["first_us"], out["last_us"], out["last"] = np.iinfo(np.int64).max, NEVER, np.nan
    return out


def order_of(slot: Ints, at_us: Ints) -> NDArray[np.intp]:
    """The order by stream and instant, the first that came first among equals."""
    if not len(slot):
        return np.zeros(0, np.intp)
    since = at_us - at_us.min()
    if since.max() < 1 << 40 and slot.max() < 1 << 22:  # twelve days and four million streams fit one number
        return np.argsort(slot << 40 | since, kind="stable")
    return np.lexsort((at_us, slot))


def repeats(slot: Ints, at_us: Ints) -> NDArray[np.bool_]:
    """Which rows, in order, have the stream and instant of the row before."""
    same = np.zeros(len(slot), np.bool_)
    same[1:] = (slot[1:] == slot[:-1]) & (at_us[1:] == at_us[:-1])
    return same


def add(tally: NDArray[np.void], slot: Ints, at_us: Ints, result: Floats) -> None:
    """Count readings that are new, in order by stream and instant; an older one never takes a later one's place."""
    if not len(slot):
        return
    last = np.flatnonzero(np.r_[slot[1:] != slot[:-1], True])
    who = slot[last]
    first = np.r_[0, last[:-1] + 1]
    tally["first_us"][who] = np.minimum(tally["first_us"][who], at_us[first])
    tally["count"][who] += np.diff(np.r_[-1, last])
    later = at_us[last] >= tally["last_us"][who]
    tally["last_us"][who[later]] = at_us[last][later]
    tally["last"][who[later]] = result[last][later]
