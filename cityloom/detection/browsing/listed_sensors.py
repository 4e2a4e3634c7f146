"""The sensors of the city as a list that can be narrowed, and asked for piece by piece however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cityloom.detection import queries
from cityloom.detection.domain.health import STATES
from cityloom.signals import queries as signals
from cityloom.signals.queries import Narrowed, SensorFacts

OUT = "out"


@dataclass(frozen=True)
class Listed:
    """What a list of sensors is narrowed to; "" leaves nothing out."""

    kind: str = ""
    state: str = ""
    unit: str = ""

    @classmethod
    def read(cls, words: dict[str, str]) -> Listed:
        """From an address; a state that there is not asks nothing."""
        state = words.get("state", "")
        known = state in {*STATES, OUT} - {"unknown"}
        return cls(words.get("kind", "")[:20], state if known else "", words.get("unit", "")[:80])


def states_of() -> dict[int, str]:
    """How sensors fail that do, by stream."""
    return {one.datastream_id: one.state for one in queries.failed_sensors()}


def counts(asked: Listed) -> dict[str, int]:
    """How many sensors of a kind and a branch of units are in each state, in the order of `STATES`; those that are."""
    failed = states_of()
    wanted = {state for state in STATES if state in failed.values()} | {"in_service", OUT}
    by = {
        state: signals.sensors_wanted(_narrowed(Listed(asked.kind, state, asked.unit), failed))
        for state in (*STATES, OUT) if state in wanted
    }  # fmt: skip
    return {state: count for state, count in by.items() if count}


class Sensors(Sequence[SensorFacts]):
    """All that are asked for; only what is looked at is read."""

    def __init__(self, asked: Listed) -> None:
        self._wanted = _narrowed(asked, states_of() if asked.state else {})

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north of all of them."""
        return signals.bounds_wanted(self._wanted)

    @cached_property
    def _count(self) -> int:
        return signals.sensors_wanted(self._wanted)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at):  # type: ignore[no-untyped-def]
        if isinstance(at, slice):
            first, end, _step = at.indices(self._count)
            return signals.sensors_listed(self._wanted, first, end - first)
        return signals.sensors_listed(self._wanted, at, 1)[0]


def _narrowed(asked: Listed, failed: dict[int, str]) -> Narrowed:
    if not asked.state:
        return Narrowed(asked.kind, asked.unit)
    if asked.state == OUT:
        return Narrowed(asked.kind, asked.unit, in_service=False)
    if asked.state == "in_service":
        return Narrowed(asked.kind, asked.unit, without=tuple(failed), in_service=True)
    chosen = tuple(key for key, state in failed.items() if state == asked.state)
    return Narrowed(asked.kind, asked.unit, only=chosen, in_service=True)
