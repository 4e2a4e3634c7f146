"""How far detections are to be trusted: precision, recall, delay, false alarms, each with what it was counted from."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cityloom.detection.domain.judging import CONFIRMED, DUPLICATE, FALSE

_Z = 1.959964  # of the normal distribution, for 95 %
_WEEK_S = 7 * 86_400.0


@dataclass(frozen=True)
class Found:
    """A detection for the scorecard; `verdict` is "" and `judged_s` None where nobody has judged it yet.

    `raised_s` counts from its first sign, `judged_s` from when it was raised to its first judgement.
    """

    category: str
    verdict: str
    raised_s: float
    judged_s: float | None


@dataclass(frozen=True)
class Line:
    """One category in a period; delays are in seconds, None where there was nothing to take the median of."""

    category: str
    raised: int
    confirmed: int
    false: int
    duplicates: int
    open: int
    precision: float | None
    low: float
    high: float
    raised_after_s: float | None
    judged_after_s: float | None
    false_a_week: float
    missed: int
    recall: float | None
    recall_low: float
    recall_high: float

    @property
    def judged(self) -> int:
        """How many precision is counted from: duplicates are neither right nor wrong."""
        return self.confirmed + self.false


    @property
    def real(self) -> int:
        """How many recall is counted from: what is known to have happened, detected or not."""
        return self.confirmed + self.missed


def lines(found: Iterable[Found], seconds: float, missed: Mapping[str, int]) -> list[Line]:
    """A line for each category, in their order, for a period of so many seconds; `missed` counts by category."""
    by: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        by[one.category].append(one)
    return [line(category, by[category], seconds, missed.get(category, 0)) for category in sorted(by.keys() | missed)]


def line(category: str, found: list[Found], seconds: float, missed: int) -> Line:
    """What the detections of one category amount to, beside so many events that none was raised about."""
    counted = {verdict: sum(one.verdict == verdict for one in found) for verdict in (CONFIRMED, FALSE, DUPLICATE, "")}
    judged = counted[CONFIRMED] + counted[FALSE]
    low, high = wilson(counted[CONFIRMED], judged)
    real = counted[CONFIRMED] + missed
    return Line(
        category, len(found), counted[CONFIRMED], counted[FALSE], counted[DUPLICATE], counted[""],
        counted[CONFIRMED] / judged if judged else None, low, high, _median([one.raised_s for one in found]),
        _median([one.judged_s for one in found if one.judged_s is not None]),
        counted[FALSE] * _WEEK_S / max(seconds, 1.0), missed, counted[CONFIRMED] / real if real else None,
        *wilson(counted[CONFIRMED], real),
    )  # fmt: skip


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Between what a share lies in 95 of 100 cases, where `hits` of `of` were seen; 0 to 1 where nothing was.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if of == 0:
        return 0.0, 1.0
    share, square = hits / of, _Z * _Z / of
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(share * (1 - share) * square + square * square / 4) / (1 + square)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _median(values: list[float]) -> float | None:
    ordered, middle = sorted(values), len(values) // 2
    if not ordered:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
