"""Which events may be told in order, where transactions end in another order than their positions were given out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LEAST_WAIT_S = 0.1
MOST_WAIT_S = 5.0


@dataclass(frozen=True)
class Horizon:
    """What a database says of its transactions: the oldest that still runs, and the next that will begin."""

    oldest: int
    next: int


@dataclass
class _Gap:
    since: float
    next: int


class Gaps:
    """Holds back what lies behind a missing position until nobody can fill it any more.

    A position is missing for good once every transaction that ran when it was first missed has ended. Where one runs
    on for longer than `MOST_WAIT_S` the rest is told without it: a page that is late for one event is better than
    pages that stand still.
    """

    def __init__(self) -> None:
        self._missed: dict[int, _Gap] = {}

    def told(self, last: int, positions: Sequence[int], horizon: Horizon, now: float) -> int:
        """How many of the positions behind `last` may be told now."""
        before = last
        for count, position in enumerate(positions):
            missing = range(before + 1, position)
            if missing and not self._is_final(missing[-1], horizon, now):
                return count
            before = position
        self._missed = {place: gap for place, gap in self._missed.items() if place > before}
        return len(positions)

    def _is_final(self, place: int, horizon: Horizon, now: float) -> bool:
        gap = self._missed.setdefault(place, _Gap(now, horizon.next))
        waited = now - gap.since
        return waited >= MOST_WAIT_S or (waited >= LEAST_WAIT_S and horizon.oldest >= gap.next)


def unbroken(positions: Sequence[int]) -> int:
    """The last of some positions (the newest first) below which none of them is missing; 0 where there is none."""
    safe = positions[0] if positions else 0
    for newer, older in pairwise(positions):
        if newer - older > 1:
            safe = older
    return safe
