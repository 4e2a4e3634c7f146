"""Pairs of entries that may be one: what is known of each pair, and which entries are one on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

CERTAIN, REVIEW, SAME, DIFFERENT, UNDONE = "certain", "review", "same", "different", "undone"
STATES = (CERTAIN, REVIEW, SAME, DIFFERENT, UNDONE)
JOINED = frozenset({CERTAIN, SAME})
"""States in which both entries are one."""


@dataclass(frozen=True)
class Step:
    """What was decided of a pair, when and by whom; the first one is the engine's."""

    state: str
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class PairFacts:
    """A pair of entries; `parts` are comparison, what held and bits, the start first; no value of any record."""

    number: int
    register: str
    keys: tuple[str, str]
    records: tuple[int, int]
    sources: tuple[str, str]
    weight: float
    probability: float
    parts: tuple[tuple[str, str, float], ...]
    state: str
    found_at: datetime
    steps: tuple[Step, ...] = ()

    @property
    def is_joined(self) -> bool:
        """Whether both entries are one."""
        return self.state in JOINED

    def state_at(self, instant: datetime | None) -> str:
        """The state as it was known at an instant; empty before the pair was found."""
        if instant is None:
            return self.state
        return next((step.state for step in reversed(self.steps) if step.at <= instant), "")


def one_with(key: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    """The keys that are one entry with a key, over joined pairs, without itself."""
    return sorted(reached(key, neighbours(pairs)) - {key})


def neighbours(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """By key, with which keys it is joined."""
    near: dict[str, set[str]] = {}
    for one, other in pairs:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    return near


def reached(key: str, near: Mapping[str, set[str]]) -> set[str]:
    """The keys that are one with a key over any number of joins, itself included."""
    found, new = {key}, [key]
    while new:
        further = near.get(new.pop(), set()) - found
        found |= further
        new += further
    return found


@dataclass(frozen=True)
class Bar:
    """A bar of the picture of a weight: from and to in pixels, the words beside it and its bits."""

    label: str
    held: str
    bits: float
    left: float
    width: float
    total: float


def waterfall(parts: Sequence[tuple[str, str, float]], width: float) -> list[Bar]:
    """Each part as a bar that begins where the one before ended, on a scale that holds all of them and zero."""
    ends, sums = [0.0], 0.0
    for _name, _held, bits in parts:
        sums += bits
        ends.append(sums)
    low, high = min(ends), max(ends)
    scale = width / max(high - low, 1e-9)
    bars = []
    for (name, held, bits), before, after in zip(parts, ends, ends[1:], strict=False):
        left = (min(before, after) - low) * scale
        bars.append(Bar(name, held, bits, left, max(abs(bits) * scale, 1.0), after))
    return bars
