"""Where the time of cases goes: waiting for an office, work, and waiting for somebody outside.

The time of a case is cut at its completions; each piece belongs to the step that ends it. Rules, each of them said on
the page: (1) a piece that follows upon a step after which others must act (`outside`) is theirs; (2) where the log says
when a step was begun, what lies before is queue, and the rest work; (3) where it does not, a piece of at most
`short` counts as work, since somebody was at it, and a longer one as queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import HOUR, UNKNOWN, EventLog, Instants

SHORT = HOUR // 2
PARTS = ("queue", "work", "outside")


@dataclass(frozen=True)
class Waiting:
    """For each event the microseconds that belong to it, by part; `known` says for which the log has a start."""

    queue: Instants
    work: Instants
    outside: Instants
    known: NDArray[np.bool_]

    @property
    def elapsed(self) -> Instants:
        """All three together."""
        return self.queue + self.work + self.outside


def waiting(log: EventLog, outside: Iterable[int] = (), short: int = SHORT) -> Waiting:
    """Split the time of every case; the piece of a first step begins when it was begun, if that is known."""
    before, after = _before(log), log.at
    known = log.started_at != UNKNOWN
    begun = np.where(known, np.maximum(log.started_at, before), before)
    piece = after - before
    is_outside = np.r_[False, log.follows & np.isin(log.activity[:-1], list(outside))] if len(log) else known
    by_length = np.where(piece <= short, piece, 0)
    work = np.where(known, after - np.minimum(begun, after), by_length)
    work = np.where(is_outside & ~known, 0, work)
    rest = piece - work
    return Waiting(np.where(is_outside, 0, rest), work, np.where(is_outside, rest, 0), known)


def _before(log: EventLog) -> Instants:
    """When the piece of each event begins: at the completion before, or with the start of a first step."""
    if not len(log):
        return log.at
    before = np.r_[log.at[:1], log.at[:-1]]
    first = log.starts[:-1]
    before[first] = log.first_at
    return before
