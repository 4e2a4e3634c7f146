"""The last minutes of each stream, in a file that other processes map: who judges what happens now asks no journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.lake import log
from cityloom.signals.readings.earlier import Floats, Ints, Rows

NAME = "last.minutes"
MINUTES = 15
_LEAST, _MOST = 16, 1_024
_MOST_PLACES = 8_000_000
_SPARE = 4
_STREAM = np.dtype([("id", np.int64), ("first", np.int64), ("size", np.int64), ("count", np.int64),
                    ("lost_us", np.int64)])  # fmt: skip
"""Where a stream's places begin, how many there are, how many readings came, and the latest that is here no more."""
_LONG_AGO = np.iinfo(np.int64).min
_MOST_LOOKS = 20


class Ring:
    """Keeps what streams said last; one process writes, slots are those of the store."""

    def __init__(self, folder: Path, ids: Ints, cadence_s: Ints) -> None:
        log.make_folder(folder)
        size = _sizes(cadence_s)
        heads = np.zeros(len(ids), _STREAM)
        heads["id"], heads["size"], heads["first"] = ids, size, np.cumsum(size) - size
        heads["lost_us"] = _LONG_AGO
        fresh = folder / f".{NAME}"
        with fresh.open("wb") as stream:
            stream.write(np.array([len(ids), size.sum()], np.int64).tobytes() + heads.tobytes())
            stream.truncate(16 + heads.nbytes + 16 * int(size.sum()))
        fresh.replace(folder / NAME)
        self._file = _File.of(folder / NAME, "r+")

    def add(self, slot: Ints, at_us: Ints, result: Floats) -> None:
        """Take readings in, in order by stream and instant; the oldest places are written over."""
        if not len(slot):
            return
        heads, last = self._file.heads, np.flatnonzero(np.r_[slot[1:] != slot[:-1], True])
        many = np.diff(np.r_[-1, last])
        who = slot[last]
        before = heads["count"][who]
        turn = np.arange(len(slot)) - np.repeat(last + 1 - many, many) + np.repeat(before, many)
        place = heads["first"][slot] + turn % heads["size"][slot]
        self._lose(slot, turn, place)
        self._file.result[place] = result
        self._file.at_us[place] = at_us
        heads["count"][who] = before + many

    def _lose(self, slot: Ints, turn: Ints, place: Ints) -> None:
        """Note the latest instant of what is written over."""
        over = np.flatnonzero(turn >= self._file.heads["size"][slot])
        if len(over):
            np.maximum.at(self._file.heads["lost_us"], slot[over], self._file.at_us[place[over]])


@dataclass(frozen=True)
class _File:
    """The parts of the file."""

    heads: NDArray[np.void]
    at_us: Ints
    result: Floats

    @classmethod
    def of(cls, path: Path, mode: str) -> _File:
        streams, places = np.fromfile(path, np.int64, 2).tolist()
        begin = 16 + streams * _STREAM.itemsize
        if not places:
            return cls(np.zeros(0, _STREAM), np.zeros(0, np.int64), np.zeros(0))
        heads = np.memmap(path, _STREAM, mode, 16, (streams,))
        at_us = np.memmap(path, np.int64, mode, begin, (places,))
        return cls(heads, at_us, np.memmap(path, np.float64, mode, begin + 8 * places, (places,)))


def lately(folder: Path, ids: Ints, since_us: int, until_us: int) -> tuple[Rows, Ints]:
    """The readings of streams from an instant until before another, and those streams whose ring does not say all."""
    path = folder / NAME
    if not path.exists():
        return _none(), ids
    file = _File.of(path, "r")
    order = np.argsort(file.heads["id"])
    at = np.minimum(np.searchsorted(file.heads["id"], ids, sorter=order), max(len(order) - 1, 0))
    slots = order[at] if len(order) else at
    known = file.heads["id"][slots] == ids if len(order) else np.zeros(len(ids), np.bool_)
    heads = _steady(file, slots[known])
    whole = heads["lost_us"] < since_us
    found = _rows(file, heads[whole])
    wanted = (found.at_us >= since_us) & (found.at_us < until_us)
    return Rows(found.thing[wanted], found.at_us[wanted], found.result[wanted]), ids[known][~whole]


def _steady(file: _File, slots: Ints) -> NDArray[np.void]:
    """The heads of streams: two looks that say the same."""
    before = file.heads[slots]
    for _ in range(_MOST_LOOKS):
        now = file.heads[slots]
        if now.tobytes() == before.tobytes():
            break
        before = now
    return np.asarray(before)


def _rows(file: _File, heads: NDArray[np.void]) -> Rows:
    many = np.minimum(heads["count"], heads["size"])
    place = np.repeat(heads["first"] - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
    return Rows(np.repeat(heads["id"], many), file.at_us[place], file.result[place])


def _sizes(cadence_s: Ints) -> Ints:
    """Places for what a stream says in the last minutes, fewer where they would be too many in all."""
    size = np.clip(MINUTES * 60 // np.maximum(cadence_s, 1) + _SPARE, _LEAST, _MOST)
    if size.sum() > _MOST_PLACES:
        size = np.maximum(size * _MOST_PLACES // int(size.sum()), _LEAST)
    return np.asarray(size, np.int64)


def _none() -> Rows:
    return Rows(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
