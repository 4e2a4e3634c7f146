"""What streams said last and what callers told, as columns for all causes alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.evidence import Call
from cityloom.kernel import units

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]

_RANGE = 4.0
"""Some tens of readings around an hour lie within about four of its spreads: at night a road's is less than by day."""


@dataclass(frozen=True)
class Said:
    """The last reading of each stream, with what its own past let expect, in its unit.

    `source` is as in evidence (`datastream:17`), `name` what people call it. `moved` is how far the value has come in
    `over_s`; `working` is false for sensors that are known to fail: they say nothing, for or against. Between `low` and
    `high` a stream is as usual (`recurring.Recurring` learns them); NaN where that is not known.
    """

    source: Texts
    name: Texts
    kind: Texts
    unit: Texts
    lon: Floats
    lat: Floats
    at_s: Floats
    value: Floats
    expected: Floats
    spread: Floats
    moved: Floats
    over_s: Floats
    working: NDArray[np.bool_]
    low: Floats | None = None
    high: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(len(self.source), np.nan))

    def __len__(self) -> int:
        return len(self.source)

    def only(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Said:
        """Some of the streams."""
        return Said(*(getattr(self, each.name)[rows] for each in fields(self)))

    def recent(self, at_s: float, within_s: float) -> Said:
        """What was said lately, by sensors that work and have a past."""
        late = (self.at_s > at_s - within_s) & (self.at_s <= at_s)
        return self.only(late & self.working & np.isfinite(self.value) & np.isfinite(self.expected))

    def in_spreads(self, least: float, usual: float | None, unit: str) -> Floats:
        """How many spreads each is above what is usual; `least` and `usual` are in `unit`, where there is one."""
        floor, middle = np.full(len(self), least), self.expected
        if unit:
            known = {own: units.convert(least, unit, own) - units.convert(0.0, unit, own) for own in set(self.unit)}
            floor = np.array([known[own] for own in self.unit.tolist()], dtype=np.float64)
        if usual is not None:
            middle = np.array([units.convert(usual, unit, own) for own in self.unit.tolist()], dtype=np.float64)
            return (self.value - middle) / np.where(floor > 0, floor, 1.0)
        low, high = (np.asarray(bound, dtype=np.float64) for bound in (self.low, self.high))
        return off_usual(self.value, self.expected, self.spread, low, high, floor)


def off_usual(value: Floats, expected: Floats, spread: Floats, low: Floats, high: Floats, floor: Floats) -> Floats:
    """How many spreads values are off what is usual: off what is expected and all that comes back with the hour."""
    middle = np.clip(value, np.fmin(expected, low), np.fmax(expected, high))
    width = np.maximum(np.fmin(spread, (high - low) / _RANGE), floor)
    return (value - middle) / np.where(width > 0, width, 1.0)


@dataclass(frozen=True)
class Heard:
    """Calls as columns, each caller once for a category; `source` is as in evidence (`report:...`), never a person."""

    source: Texts
    category: Texts
    lon: Floats
    lat: Floats
    at_s: Floats

    def __len__(self) -> int:
        return len(self.source)

    def recent(self, at_s: float, within_s: float) -> Heard:
        """What was told lately."""
        rows = (self.at_s > at_s - within_s) & (self.at_s <= at_s)
        return Heard(*(getattr(self, each.name)[rows] for each in fields(self)))


def heard(calls: Sequence[Call]) -> Heard:
    """The calls in order of time; a caller who calls again about the same counts once."""
    first = {(call.caller_digest, call.category): call for call in reversed(calls)}
    kept = sorted(first.values(), key=lambda call: (call.at, call.id))
    source, category = ([f"report:{call.id}" for call in kept], [call.category for call in kept])
    numbers = np.array([(call.lon, call.lat, call.at.timestamp()) for call in kept], dtype=np.float64).reshape(-1, 3)
    return Heard(np.array(source, dtype=object), np.array(category, dtype=object), *numbers.T)
