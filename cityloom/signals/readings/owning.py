"""The store of observations that come through SensorThings in bulk: the first process that needs it owns it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.judging import Streams
from cityloom.signals.readings.store import OBSERVATIONS, WEB, Store

MOST_WAITING = 1_000_000
"""So many go to the lake at once; until then they lie in memory, too."""
_turn = threading.Lock()
_owned: dict[Path, Store] = {}


def store(root: Path, ids: Sequence[int]) -> Store | None:
    """The store, ready for streams of those ids among others; None where another process owns it."""
    place = root.resolve()
    with _turn:
        if place not in _owned:
            let_go()
            try:
                _owned[place] = Store(place, _streams(sorted(ids)), who=WEB, rows=MOST_WAITING, dataset=OBSERVATIONS)
            except Refused as refusal:
                if refusal.code != "lake.appender_taken":
                    raise
                return None
        found = _owned[place]
        known = found.streams.id
        new = np.setdiff1d(np.array(ids, np.int64), known)
        if len(new):
            found.grow(_streams([*known.tolist(), *new.tolist()]))
        return found


def let_go() -> None:
    """Close what another city, or this one before, has kept open; what came is in the lake then."""
    while _owned:
        _owned.popitem()[1].close()


def _streams(ids: Sequence[int]) -> Streams:
    nothing = [0.0] * len(ids)
    return Streams(ids, [str(one) for one in ids], nothing, nothing, [0] * len(ids))
