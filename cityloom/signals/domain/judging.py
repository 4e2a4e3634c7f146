"""Which of many readings can be believed enough to be kept: the same rules as for single ones, over columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cityloom.signals.domain.reading import FURTHEST_AHEAD, microseconds
from cityloom.signals.domain.wire import Arrived

_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_WORD = 8
_MASKS = np.array([(1 << 8 * many) - 1 for many in range(_WORD + 1)], np.uint64)
"""What of eight bytes belongs to a text of which so many are left."""
_LIKELY_BITS = 20
_LONGEST_NUMBER = 20
EARLIEST_US = 0
"""Nothing was measured by these sensors before 1970; a clock that says so was never set."""


class Streams:
    """Every stream that may send, each in a slot: its id, the names that it goes by, range and cell; slots stay."""

    def __init__(
        self, ids: Sequence[int], names: Sequence[str], low: Sequence[float], high: Sequence[float],
        cells: Sequence[int],
    ) -> None:  # fmt: skip
        self.id = np.array(ids, np.int64)
        self.cell = np.array(cells, np.int64)
        self.low, self.high = np.array(low, np.float64), np.array(high, np.float64)
        self._called = pa.array([*names, *(str(one) for one in ids)], pa.string())
        self._longest = max((len(name.encode()) for name in names), default=0)
        self._longest = max(self._longest, _LONGEST_NUMBER)  # of an id
        hashes = _hashes(self._called, self._longest)
        self._by_hash = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._by_hash]
        self._likely = np.zeros(1 << _LIKELY_BITS, np.int64)
        self._likely[_short(hashes)[::-1]] = np.arange(len(hashes))[::-1]
        self._order = np.argsort(self.id)

    def __len__(self) -> int:
        return len(self.id)

    def slots_of(self, names: pa.Array) -> NDArray[np.int64]:
        """The slot of each name or id as text; -1 of those that nobody goes by."""
        if not len(names) or not len(self.id):
            return np.full(len(names), -1)
        hashes = _hashes(names, self._longest)
        called = self._likely[_short(hashes)]
        same = self._are_called(names, called)
        if not same.all():  # two share a place of the table, or nobody is called so
            others = np.flatnonzero(~same)
            at = np.minimum(np.searchsorted(self._hashes, hashes[others]), len(self._hashes) - 1)
            called[others] = self._by_hash[at]
            same[others] = self._are_called(names.take(pa.array(others)), called[others])
        return np.where(same, called % len(self.id), -1)

    def _are_called(self, names: pa.Array, called: NDArray[np.int64]) -> NDArray[np.bool_]:
        same = pc.equal(names, self._called.take(pa.array(called))).to_numpy(zero_copy_only=False)
        return np.array(same)

    def slots_of_ids(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The slot of each id; -1 of unknown ones."""
        if not len(self.id):
            return np.full(len(ids), -1)
        at = np.minimum(np.searchsorted(self.id, ids, sorter=self._order), len(self.id) - 1)
        slot = self._order[at]
        return np.where(self.id[slot] == ids, slot, -1)


@dataclass(frozen=True)
class Judged:
    """Readings that are believed, as columns by slot, and how many others fell to which reason.

    `impossible` are the slots of readings outside their sensors' ranges; `good` the places of the believed ones among
    those that came (None: all), `aside` the places of the others by reason.
    """

    slot: NDArray[np.int64]
    at_us: NDArray[np.int64]
    result: NDArray[np.float64]
    rejected: Counter[str]
    impossible: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    good: NDArray[np.intp] | None = None
    aside: tuple[tuple[str, NDArray[np.intp]], ...] = ()


def judge(arrived: Arrived, streams: Streams, at: datetime) -> Judged:
    """Look up, and set aside what cannot be; how old a reading is does not matter, history comes on this road too."""
    slot = streams.slots_of(arrived.datastream)
    reasons = _reasons(arrived, streams, slot, at)
    rejected = Counter(arrived.faults.values())
    good, impossible, aside = np.ones(len(slot), np.bool_), slot[:0], []
    for code, holds in reasons.items():  # the first that holds is the reason given
        if (good & holds).any():
            where = np.flatnonzero(good & holds)
            rejected[code] += len(where)
            aside.append((code, where))
            impossible = slot[where] if code == "out_of_range" else impossible
        good &= ~holds
    if good.all():
        return Judged(slot, arrived.at_us, arrived.result, rejected)
    kept = np.flatnonzero(good)
    return Judged(slot[kept], arrived.at_us[kept], arrived.result[kept], rejected, impossible, kept, tuple(aside))


def _reasons(
    arrived: Arrived, streams: Streams, slot: NDArray[np.int64], at: datetime
) -> dict[str, NDArray[np.bool_]]:  # fmt: skip
    if not len(streams):
        return {"unknown_sensor": np.ones(len(slot), np.bool_)}
    return {
        "unknown_sensor": slot < 0,
        "not_a_number": ~np.isfinite(arrived.result),
        "in_future": arrived.at_us > microseconds(at + FURTHEST_AHEAD),
        "too_old": arrived.at_us < EARLIEST_US,
        "out_of_range": (arrived.result < streams.low[slot]) | (arrived.result > streams.high[slot]),
    }


def _short(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (hashes >> np.uint64(64 - _LIKELY_BITS)).astype(np.int64)


def _hashes(names: pa.Array, longest: int) -> NDArray[np.uint64]:
    """A number of 64 bits for each text, by eight bytes at a time. Equal ones are compared, it is never trusted.

    Of texts with more than `longest` bytes only so many count: nobody goes by them.
    """
    offsets = np.frombuffer(names.buffers()[1], np.int32)[names.offset : names.offset + len(names) + 1].astype(np.int64)
    begin, end = int(offsets[0]), int(offsets[-1])
    letters = np.zeros(end - begin + _WORD, np.uint8)
    if begin < end:
        letters[:-_WORD] = np.frombuffer(names.buffers()[2], np.uint8)[begin:end]
    words = np.ndarray((end - begin + 1,), np.dtype("<u8"), letters, strides=(1,))  # at each place the eight from there
    starts, lengths = offsets[:-1] - begin, np.diff(offsets)
    out = lengths.astype(np.uint64)
    for place in range(0, min(int(lengths.max(initial=0)), longest), _WORD):
        left = np.clip(lengths - place, 0, _WORD)
        word = words[np.minimum(starts + place, end - begin)] & _MASKS[left]
        mixed = (out ^ word) * _MIX
        out = np.where(left > 0, mixed ^ mixed >> _HALF, out)  # whatever stands beside it, a text has one number
    return out * _MIX
