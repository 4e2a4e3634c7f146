"""Numbers that are added up in part already: by the database for a span of time, or not at all, each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cityloom.signals.readings.earlier import Rows

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """Columns: of which stream, an instant of the span that it lies in, how many numbers, sum, least and greatest."""

    thing: Ints
    at_us: Ints
    count: Ints
    total: Floats
    least: Floats
    most: Floats

    @classmethod
    def of_rows(cls, rows: Rows) -> Parts:
        """Each number for itself."""
        ones = np.ones(len(rows.thing), np.int64)
        return cls(rows.thing, rows.at_us, ones, rows.result, rows.result, rows.result)

    @classmethod
    def of_stream(cls, stream: int, found: Sequence[tuple[Any, ...]]) -> Parts:
        """What the database has added up: instant, how many, sum, least, greatest."""
        at_us, count, *figures = zip(*found, strict=True) if found else [()] * 5
        thing = np.full(len(at_us), stream, np.int64)
        return cls(thing, np.array(at_us, np.int64), np.array(count, np.int64),
                   *(np.array(one, np.float64) for one in figures))  # fmt: skip

    def and_(self, other: Parts) -> Parts:
        """Both, one behind the other."""
        names = [one.name for one in fields(self)]
        return Parts(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def in_(self, order: NDArray[np.intp]) -> Parts:
        """The parts in those places."""
        return Parts(*(getattr(self, one.name)[order] for one in fields(self)))
