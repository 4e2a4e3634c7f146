"""What was learnt from readings, kept over a restart: one file, whole or not there."""

from __future__ import annotations

import io
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.moment import Floats, Ints
from cityloom.detection.domain.online import Baseline
from cityloom.kernel.refused import Refused

NAME = "learnt"
_RULES = "rules:"
_BROKEN = "What was learnt from readings is damaged, so it cannot be used; it is learnt anew from what is kept."


@dataclass
class Learnt:
    """Columns by stream, and what was learnt beside them.

    `expected` and `spread` are what was usual when the stream was last ordinary for a while; `odd_s` is when it was
    not, `impossible_s` when it last said what its sensor cannot. `rules` is what the rules of packs remember.
    """

    ids: Ints
    baseline: Baseline
    expected: Floats
    spread: Floats
    odd_s: Floats
    impossible_s: Floats
    rules: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.is_known = (self.expected != 0) | (self.spread != 0)

    @classmethod
    def nothing(cls, calendar: Calendar | None = None) -> Learnt:
        """Of no stream."""
        empty = [np.zeros(0) for _ in range(4)]
        return cls(np.zeros(0, np.int64), Baseline(0, calendar), *empty)

    def grow(self, ids: Ints) -> None:
        """Make room for more streams, behind those that are there."""
        many = len(ids)
        self.ids = np.concatenate([self.ids, ids])
        self.baseline.grow(len(self.ids))
        self.expected, self.spread = (np.append(each, np.zeros(many)) for each in (self.expected, self.spread))
        self.is_known = np.append(self.is_known, np.zeros(many, np.bool_))
        self.odd_s, self.impossible_s = (
            np.append(each, np.full(many, -np.inf)) for each in (self.odd_s, self.impossible_s)
        )

    def copy(self) -> Learnt:
        """The same, apart: it can be kept while this goes on."""
        baseline = Baseline(0, self.baseline.calendar)
        for name in ("rows", "shape", "first", "low", "high"):
            setattr(baseline, name, getattr(self.baseline, name).copy())
        columns = (each.copy() for each in (self.expected, self.spread, self.odd_s, self.impossible_s))
        return Learnt(self.ids.copy(), baseline, *columns, {name: each.copy() for name, each in self.rules.items()})


def keep(folder: Path, learnt: Learnt) -> None:
    """Put it on the disk; what was there before stays until it is."""
    body = io.BytesIO()
    np.savez(body, ids=learnt.ids, expected=learnt.expected, spread=learnt.spread, odd_s=learnt.odd_s,
             impossible_s=learnt.impossible_s, baseline=np.frombuffer(learnt.baseline.to_bytes(), np.uint8),
             **{f"{_RULES}{name}": each for name, each in learnt.rules.items()})  # fmt: skip
    fresh = folder / f".{NAME}"
    with fresh.open("wb") as stream:
        stream.write(body.getbuffer())
        stream.write(zlib.crc32(body.getbuffer()).to_bytes(4, "little"))
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(folder / NAME)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(folder: Path, calendar: Calendar | None = None) -> Learnt:
    """What is there, or nothing.

    Raises: Refused `detection.baseline_unreadable`.
    """
    path = folder / NAME
    if not path.exists():
        return Learnt.nothing(calendar)
    kept = path.read_bytes()
    if zlib.crc32(kept[:-4]).to_bytes(4, "little") != kept[-4:]:
        raise Refused("detection.baseline_unreadable", _BROKEN)
    with np.load(io.BytesIO(kept[:-4]), allow_pickle=False) as found:
        columns = (found[name] for name in ("expected", "spread", "odd_s", "impossible_s"))
        baseline = Baseline.from_bytes(found["baseline"].tobytes(), calendar)
        rules = {name.removeprefix(_RULES): found[name] for name in found.files if name.startswith(_RULES)}
        return Learnt(found["ids"], baseline, *columns, rules)
