"""Rules tried on the past: states of a trial, its bounds, and what is kept of its outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cityloom.detection.domain.firing import Fired

WAITING, RUNNING, DONE, REFUSED, CANCELLED = "waiting", "running", "done", "refused", "cancelled"
OPEN = (WAITING, RUNNING)
MOST_READINGS = 10_000_000
LONGEST = timedelta(minutes=10)
MOST_OPEN = 10
MOST_BEGUN = 3
"""A process that ended so often without an outcome is not begun again."""
MOST_KEPT = 50
_MOST_STREAMS = 20
_MOST_BARS = 62
_HOUR_S, _DAY_S = 3_600, 86_400


def summary(fired: Sequence[Fired], since_s: float, until_s: float) -> dict[str, Any]:
    """What is kept of one rule: how often it fired, the first times with their streams, and the counts of a picture.

    A bar is an hour within two days, else a day, or several where there would be too many; `from_s` is its beginning.
    """
    step = _HOUR_S if until_s - since_s <= 2 * _DAY_S else _DAY_S
    size = max(int((until_s - since_s) // (step * _MOST_BARS)) + 1, 1) * step
    count = int((until_s - since_s) // size) + 1
    by = Counter(min(int((one.at_s - since_s) // size), count - 1) for one in fired)
    return {
        "count": len(fired), "from_s": since_s, "size_s": size, "bars": [by[row] for row in range(count)],
        "times": [[one.at_s, list(one.streams[:_MOST_STREAMS])] for one in fired[:MOST_KEPT]],
    }  # fmt: skip
