"""What each stream said last, beside what was expected of it: causes are weighed from it, live and on recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.moment import LATE, LEARNING, UNREADABLE, Floats, Ints, Scores
from cityloom.detection.domain.recurring import Recurring

KEPT = ("at_s", "value", "expected", "spread", "moved", "over_s")
MOST_FOLLOWED = 5_000
"""Of so many streams at most what comes back with the hour is remembered: 6 kB of each."""


@dataclass
class Lately:
    """Columns by stream; a stream that has said nothing, or has no past yet, is expected to say NaN.

    Between `low` and `high` a stream has lain around this time on its last days, as `see` found it; NaN where that is
    not followed. `place` is where a stream is in `recurring`, -1 for nowhere.
    """

    columns: dict[str, Floats] = field(default_factory=lambda: {name: np.zeros(0) for name in KEPT})
    recurring: Recurring = field(default_factory=lambda: Recurring(0))
    place: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        self.low, self.high = np.full(len(self), np.nan), np.full(len(self), np.nan)
        self.place = np.append(self.place, np.full(len(self) - len(self.place), -1, np.int64))

    def __len__(self) -> int:
        return len(self.columns["at_s"])

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name]

    def grow(self, streams: int) -> None:
        """Make room for more streams."""
        more = max(streams - len(self), 0)
        if more:
            self.columns = {name: np.append(each, np.full(more, -np.inf if name == "at_s" else np.nan))
                            for name, each in self.columns.items()}  # fmt: skip
            self.low, self.high = (np.append(each, np.full(more, np.nan)) for each in (self.low, self.high))
            self.place = np.append(self.place, np.full(more, -1, np.int64))

    def follow(self, recurs: NDArray[np.bool_], calendar: Calendar) -> None:
        """Remember of these streams, too, what comes back with the hour."""
        self.recurring.calendar = calendar
        fresh = np.flatnonzero(recurs & (self.place < 0))[: MOST_FOLLOWED - self.recurring.streams]
        self.place[fresh] = self.recurring.streams + np.arange(len(fresh))
        self.recurring.grow(self.recurring.streams + len(fresh))

    def see(self, at_s: float) -> Lately:
        """Look at what is usual at this time of the day; return itself."""
        followed = np.flatnonzero(self.place >= 0)
        if len(followed):
            low, high = self.recurring.usual(at_s)
            self.low[followed], self.high[followed] = low[self.place[followed]], high[self.place[followed]]
        return self

    def note(self, stream: Ints, at_s: Floats, value: Floats, scores: Scores, wanted: NDArray[np.bool_]) -> bool:
        """Take up readings that were judged, of the streams that are wanted; return whether there was any.

        Of several of one stream the last in order counts; those that came late or were unreadable do not.
        """
        reason = scores.reason
        rows = np.flatnonzero(wanted[stream] & (reason != LATE) & (reason != UNREADABLE))
        if not len(rows):
            return False
        who = stream[rows]
        followed = rows[self.place[who] >= 0]
        if len(followed):
            self.recurring.take(self.place[stream[followed]], at_s[followed], value[followed])
        if (who[1:] < who[:-1]).any():
            order = np.argsort(who, kind="stable")
            rows, who = rows[order], who[order]
        rows = rows[np.append(who[1:] != who[:-1], True)]
        who = stream[rows]
        has_past = (reason[rows] != LEARNING) & ((scores.spread[rows] > 0) | (scores.expected[rows] != 0))
        told = {"at_s": at_s[rows], "value": value[rows], "spread": scores.spread[rows], "moved": scores.moved[rows],
                "over_s": scores.over_s[rows], "expected": np.where(has_past, scores.expected[rows], np.nan)}
        for name, values in told.items():
            self.columns[name][who] = values
        return True

    def still(self) -> Lately:
        """What was said last and what is usual now, apart from what goes on."""
        apart = Lately({name: each.copy() for name, each in self.columns.items()})
        apart.low, apart.high = self.low.copy(), self.high.copy()
        return apart

    def save(self) -> dict[str, NDArray[np.generic]]:
        """All of it, for `load`."""
        past = {name: getattr(self.recurring, name).copy() for name in _PAST} if self.recurring.streams else {}
        return {name: each.copy() for name, each in self.columns.items()} | past | {"place": self.place.copy()}

    @classmethod
    def load(cls, kept: Mapping[str, NDArray[np.generic]]) -> Lately:
        """Go on with what was saved; with nothing where a column is missing."""
        if not set(KEPT) <= kept.keys():
            return cls()
        columns = {name: np.asarray(kept[name], np.float64) for name in KEPT}
        if not {*_PAST, "place"} <= kept.keys():
            return cls(columns)
        recurring = Recurring(kept["low"].shape[-1])
        recurring.low, recurring.high, recurring.number = (kept[name].copy() for name in _PAST)
        return cls(columns, recurring, np.asarray(kept["place"], np.int64))


_PAST = ("low", "high", "number")
