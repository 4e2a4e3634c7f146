"""How new what a stream does is against its own past: three views of it, each measured by its own tail.

For one stream at a time and dear (about 0.1 ms a reading); `online` is the fast look at all of them. Nothing is set for
a stream but how many readings it may learn from before it speaks.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEMORY = 5_000
"""Readings back to which a stream remembers."""
WEIGHTS = {"value": 1.0, "pattern": 0.5, "course": 0.3}
"""What a view's word counts: patterns are oftener new than values are, and nothing has happened."""
_LENGTH = 8
_BLOCK = 8
_MOST = 25.0


class Novelty:
    """The views of one stream; `score` takes its readings one by one, in order of time."""

    def __init__(self, learning: int) -> None:
        self.learning = learning
        self.rest = max(learning // 5, 1)
        self.count = 0
        self.values = _Values(nth=3)
        self.patterns = _Vectors(apart=_LENGTH, nth=2)
        self.courses = _Vectors(apart=_LENGTH * _BLOCK, nth=1)
        self.tails = {name: _Tail() for name in WEIGHTS}
        self.recent: deque[float] = deque(maxlen=_LENGTH)
        self.means: deque[float] = deque(maxlen=_LENGTH * (_BLOCK - 1) + 1)
        self.envelope = 0.0

    def score(self, value: float) -> float:
        """How far beyond its own past the stream is now, in mean excesses; 0 while it learns, and where nothing is new.

        After something new it is quiet until what comes is newer still, less and less so for a fifth of its time of
        learning. A reading that is no number says nothing and teaches nothing.
        """
        if not np.isfinite(value):
            return 0.0
        views = {name: far for name, far in self._views(float(value)).items() if far is not None}
        found = max(
            (WEIGHTS[name] * min(self.tails[name].excess(far), _MOST) for name, far in views.items()), default=0
        )
        self.count += 1
        self.envelope *= 1 - 1 / self.rest
        if found <= self.envelope:
            return 0.0
        self.envelope = found
        return found if self.count > self.learning else 0.0

    def _views(self, value: float) -> dict[str, float | None]:
        """How far the value, the last 8 readings, and the last 8 means of 8 are from the nearest in the past."""
        self.recent.append(value)
        self.means.append(sum(self.recent) / len(self.recent))
        views = {"value": self.values.distance(value), "pattern": None, "course": None}
        if len(self.recent) == _LENGTH:
            views["pattern"] = self.patterns.distance(np.array(self.recent))
        if len(self.means) == self.means.maxlen:
            views["course"] = self.courses.distance(np.array(self.means)[::_BLOCK])
        return views


class _Values:
    """Values in order, and how far the nth nearest is."""

    def __init__(self, nth: int) -> None:
        self.nth = nth
        self.ordered: list[float] = []
        self.arrived: deque[float] = deque()

    def distance(self, value: float) -> float | None:
        """How far the nth nearest value of the past is, if there are so many; then remember this one."""
        place = bisect_left(self.ordered, value)
        near = self.ordered[max(place - self.nth, 0) : place + self.nth]
        far = sorted(abs(each - value) for each in near)
        insort(self.ordered, value)
        self.arrived.append(value)
        if len(self.arrived) > MEMORY:
            del self.ordered[bisect_left(self.ordered, self.arrived.popleft())]
        return far[self.nth - 1] if len(far) >= self.nth else None


class _Vectors:
    """Vectors of the past in a ring, and how far the nth nearest is among those that do not overlap."""

    def __init__(self, apart: int, nth: int) -> None:
        self.apart, self.nth = apart, nth
        self.ring = np.zeros((MEMORY, _LENGTH))
        self.waiting: deque[Floats] = deque()
        self.known = 0

    def distance(self, vector: Floats) -> float | None:
        """How far the nth nearest vector is, if there are so many; then remember one that no longer overlaps."""
        known = min(self.known, MEMORY)
        apart = self.ring[:known] - vector
        squares = np.einsum("ij,ij->i", apart, apart)
        far = float(np.sqrt(np.partition(squares, self.nth - 1)[self.nth - 1])) if known >= self.nth else None
        self.waiting.append(vector)
        if len(self.waiting) >= self.apart:
            self.ring[self.known % MEMORY] = self.waiting.popleft()
            self.known += 1
        return far


class _Tail:
    """How far beyond the highest 3 % of the past a number is, in mean excesses over them.

    Source: Pickands (1975), peaks over a threshold, with an exponential tail.
    """

    _QUANTILE, _LEAST, _EVERY = 0.97, 60, 20

    def __init__(self) -> None:
        self.ring = np.zeros(MEMORY)
        self.known = 0
        self.threshold, self.excesses = np.inf, 0.0

    def excess(self, number: float) -> float:
        """The excess of a number; then remember it."""
        over = number - self.threshold
        found = 0.0 if over <= 0 else over / self.excesses if self.excesses > 0 else _MOST
        self.ring[self.known % MEMORY] = number
        self.known += 1
        if self.known >= self._LEAST and self.known % self._EVERY == 0:
            self._measure(self.ring[: min(self.known, MEMORY)])
        return found

    def _measure(self, past: Floats) -> None:
        middle, high, self.threshold = np.quantile(past, (0.5, 0.9, self._QUANTILE)).tolist()
        beyond = past[past > self.threshold]
        mean = float((beyond - self.threshold).mean()) if len(beyond) else 0.0
        self.excesses = max(mean, 0.1 * (high - middle)) or 0.1 * float(past.std())
