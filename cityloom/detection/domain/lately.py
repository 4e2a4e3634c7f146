"""What each stream said last, beside what was expected of it: causes are weighed from it, live and on recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.moment import LATE, LEARNING, UNREADABLE, Floats, Ints, Scores

KEPT = ("at_s", "value", "expected", "spread", "moved", "over_s")


@dataclass
class Lately:
    """Columns by stream; a stream that has said nothing, or has no past yet, is expected to say NaN."""

    columns: dict[str, Floats] = field(default_factory=lambda: {name: np.zeros(0) for name in KEPT})

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

    def note(self, stream: Ints, at_s: Floats, value: Floats, scores: Scores, wanted: NDArray[np.bool_]) -> bool:
        """Take up readings that were judged, of the streams that are wanted; return whether there was any.

        Of several of one stream the last in order counts; those that came late or were unreadable do not.
        """
        reason = scores.reason
        rows = np.flatnonzero(wanted[stream] & (reason != LATE) & (reason != UNREADABLE))
        if not len(rows):
            return False
        who = stream[rows]
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

    def save(self) -> dict[str, Floats]:
        """All of it, for `load`."""
        return {name: each.copy() for name, each in self.columns.items()}

    @classmethod
    def load(cls, kept: Mapping[str, NDArray[np.generic]]) -> Lately:
        """Go on with what was saved; with nothing where a column is missing."""
        if not set(KEPT) <= kept.keys():
            return cls()
        return cls({name: np.asarray(kept[name], np.float64) for name in KEPT})
