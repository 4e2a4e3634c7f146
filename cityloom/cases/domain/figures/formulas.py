"""The formulas of figures, each with a version: what counts, of what, and what is left out for which reason.

Each case is counted once in each formula: as counted, as not counted, or as left out for the first reason that fits. A
changed formula is another version with another number; the old one stays, so that old figures can be told again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.figures import repeats
from cityloom.cases.domain.figures.columns import NEVER, SILENT, SOLVED, Cases, Marks

Codes = NDArray[np.int64]
COUNTED, NOT_COUNTED, LEFT_OUT = 0, 1, 2
"""The code of a case in a formula; from `LEFT_OUT` on, the place of its reason."""
SATISFIED_FROM = 4.0


@dataclass(frozen=True)
class Formula:
    """One version of a formula; `reasons` are asked in their order, `counts` is asked of what none of them fits."""

    name: str
    version: int
    reasons: Sequence[tuple[str, Callable[[Cases, int], Marks]]]
    counts: Callable[[Cases, int], Marks]

    @property
    def key(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def labels(self) -> tuple[str, ...]:
        """What each code stands for."""
        return ("counted", "not-counted", *(name for name, _ in self.reasons))

    def codes(self, cases: Cases, now: int) -> Codes:
        """What each case is in this formula, at an instant."""
        found = np.where(self.counts(cases, now), COUNTED, NOT_COUNTED).astype(np.int64)
        for place, (_, fits) in reversed(list(enumerate(self.reasons, LEFT_OUT))):
            found[fits(cases, now)] = place
        return found


def is_real(cases: Cases) -> Marks:
    """Cases that figures are about."""
    return ~(cases.is_exercise | cases.is_made_up | cases.is_joined | cases.is_withdrawn)


_ALWAYS: tuple[tuple[str, Callable[[Cases, int], Marks]], ...] = (
    ("exercise", lambda cases, _now: cases.is_exercise),
    ("made-up", lambda cases, _now: cases.is_made_up),
    ("joined", lambda cases, _now: cases.is_joined),
    ("withdrawn", lambda cases, _now: cases.is_withdrawn),
)
"""What no figure is about: drills, made-up cases, duplicates that another case goes on for, what was withdrawn."""

RESPONSE = Formula(
    "response", 1,
    (*_ALWAYS, ("no-limit", lambda cases, _now: ~cases.has_first),
     ("within-time", lambda cases, _now: ~cases.first_in_time & ~cases.first_late)),
    lambda cases, _now: cases.first_in_time,
)  # fmt: skip
"""Cases with a first reaction within its limit, of those whose limit is over or was met."""

RESOLUTION = Formula(
    "resolution", 1,
    (*_ALWAYS, ("no-limit", lambda cases, _now: ~cases.has_main),
     ("within-time", lambda cases, _now: ~cases.is_done & ~cases.main_late & ~cases.is_reopened)),
    lambda cases, _now: is_claimed(cases) & np.isin(cases.verdict, (SILENT, SOLVED)),
)  # fmt: skip
"""Cases that are said to be solved and that nobody who reported them says are not, of those that are done or late.

One that was opened again and is not done counts as not solved, whatever its new limit is.
"""

SATISFACTION = Formula(
    "satisfaction", 1,
    (*_ALWAYS, ("not-done", lambda cases, _now: ~cases.is_done), ("nobody-to-ask", lambda cases, _now: ~cases.is_asked),
     ("silent", lambda cases, _now: cases.satisfaction == 0)),
    lambda cases, _now: cases.satisfaction >= SATISFIED_FROM,
)  # fmt: skip
"""Cases whose reporters give 4 or 5 of 5 in the mean, of those who said how satisfied they are."""

REPEATS = Formula(
    "repeats", 1,
    (*_ALWAYS, ("not-done", lambda cases, _now: ~cases.is_done), ("no-place", lambda cases, _now: cases.cell <= 0),
     ("too-soon", lambda cases, now: ~cases.came_again & (now - cases.done < repeats.WITHIN_S))),
    lambda cases, _now: cases.came_again,
)  # fmt: skip
"""Done cases after which one of the same category came in the same cell within 90 days, of those 90 days ago."""

FORMULAS = {one.name: one for one in (RESPONSE, RESOLUTION, SATISFACTION, REPEATS)}


def is_claimed(cases: Cases) -> Marks:
    """Whether the city says that a case is solved."""
    return cases.is_solved & (cases.done != NEVER)
