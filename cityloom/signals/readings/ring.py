"""The last quarter of an hour of each stream, in a file that other processes map: who judges what happens now asks it.

Of each half minute a stream has two places: its lowest and its highest reading. A stream that speaks once in that time
has all its readings here; of a faster one what is most out of the ordinary is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cityloom.lake import log
from cityloom.signals.readings.earlier import Floats, Ints, Rows

NAME = "last.minutes"
MINUTES = 15
_SPAN_US = 30_000_000
_SPANS = MINUTES * 60_000_000 // _SPAN_US
_MOST_LOOKS = 20


class Ring:
    """Keeps what streams said last; one process writes, slots are those of the store.

    What was said since `since_us` is given to it by its owner.
    """

    def __init__(self, folder: Path, ids: Ints, since_us: int) -> None:
        log.make_folder(folder)
        fresh = folder / f".{NAME}"
        with fresh.open("wb") as stream:
            stream.write(np.array([len(ids), since_us], np.int64).tobytes() + ids.astype(np.int64).tobytes())
            stream.truncate(16 + 8 * len(ids) + 32 * _SPANS * len(ids))
        fresh.replace(folder / NAME)
        self._file = _File.of(folder / NAME, "r+")

    def add(self, slot: Ints, at_us: Ints, result: Floats) -> None:
        """Take readings in, in order by stream and instant."""
        if not len(slot):
            return
        span = at_us // _SPAN_US
        first = np.flatnonzero(np.r_[True, (slot[1:] != slot[:-1]) | (span[1:] != span[:-1])])
        place = slot[first] * _SPANS + span[first] % _SPANS
        before_us, before = self._file.at_us[place], self._file.result[place]
        is_new = span[first] > before_us[:, 0] // _SPAN_US
        if len(first) == len(slot) and is_new.all():  # the usual case: one reading each, of another half minute
            self._file.result[place] = result[:, None]
            self._file.at_us[place] = at_us[:, None]
            return
        for end, sign in ((0, 1.0), (1, -1.0)):
            row = first if len(first) == len(slot) else _extreme(first, sign * result)
            known = before_us[:, end] // _SPAN_US
            better = (span[row] > known) | ((span[row] == known) & (sign * result[row] < sign * before[:, end]))
            self._file.result[place[better], end] = result[row[better]]
            self._file.at_us[place[better], end] = at_us[row[better]]


@dataclass(frozen=True)
class _File:
    """The parts of the file: places are rows, the lowest and the highest columns."""

    ids: Ints
    since_us: int
    at_us: Ints
    result: Floats

    @classmethod
    def of(cls, path: Path, mode: str) -> _File:
        streams, since_us = np.fromfile(path, np.int64, 2).tolist()
        shape, begin = (streams * _SPANS, 2), 16 + 8 * streams
        if not streams:
            return cls(np.zeros(0, np.int64), since_us, np.zeros(shape, np.int64), np.zeros(shape))
        ids = np.memmap(path, np.int64, "r", 16, (streams,))
        at_us = np.asarray(np.memmap(path, np.int64, mode, begin, shape))  # an array as others are is asked faster
        result = np.asarray(np.memmap(path, np.float64, mode, begin + at_us.nbytes, shape))
        return cls(ids, since_us, at_us, result)


def lately(folder: Path, ids: Ints, since_us: int, until_us: int) -> tuple[Rows, Ints]:
    """The readings of streams from an instant until before another, and those streams of which not all is here."""
    path = folder / NAME
    file = _File.of(path, "r") if path.exists() else None
    if file is None or not len(file.ids) or since_us < file.since_us:
        return _none(), ids
    order = np.argsort(file.ids)
    slot = order[np.minimum(np.searchsorted(file.ids, ids, sorter=order), len(order) - 1)]
    slot = slot[file.ids[slot] == ids]
    at_us, result = _steady(file, slot)
    whole = since_us >= (at_us.max(axis=(1, 2), initial=0) // _SPAN_US - _SPANS + 1) * _SPAN_US
    wanted = (at_us >= since_us) & (at_us < until_us) & (at_us > 0) & whole[:, None, None]
    wanted[:, :, 1] &= at_us[:, :, 1] != at_us[:, :, 0]  # one reading alone is both
    who = np.broadcast_to(file.ids[slot][:, None, None], at_us.shape)[wanted]
    return Rows(who, at_us[wanted], result[wanted]), ids[np.isin(ids, file.ids[slot[~whole]])]


def _extreme(first: Ints, result: Floats) -> Ints:
    """The row of each group's lowest result, the earliest among equals."""
    group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(result))))
    return np.asarray(np.lexsort((result, group))[first])


def _steady(file: _File, slot: Ints) -> tuple[Ints, Floats]:
    """The places of streams: two looks that say the same."""
    place = (slot[:, None] * _SPANS + np.arange(_SPANS)).reshape(-1)
    shape = (len(slot), _SPANS, 2)
    before = file.at_us[place], file.result[place]
    for _ in range(_MOST_LOOKS):
        now = file.at_us[place], file.result[place]
        if all(one.tobytes() == other.tobytes() for one, other in zip(before, now, strict=True)):
            break
        before = now
    return before[0].reshape(shape), before[1].reshape(shape)


def _none() -> Rows:
    return Rows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
