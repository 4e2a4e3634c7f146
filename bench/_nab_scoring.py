"""Score detections as the Numenta Anomaly Benchmark does.

Source: Lavin and Ahmad (2015), Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark, with
the constants of NAB 1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Floats = np.ndarray
_PROBATION, _LONGEST = 0.15, 5_000


@dataclass(frozen=True)
class Profile:
    """What a hit, a miss and a false alarm weigh."""

    name: str
    hit: float
    miss: float
    false: float


PROFILES = (
    Profile("standard", 1.0, 1.0, 0.11),
    Profile("low FP", 1.0, 1.0, 0.22),
    Profile("low FN", 1.0, 2.0, 0.11),
)


@dataclass(frozen=True)
class Scored:
    """The scores of one series, with its labelled windows as first and last row, both included."""

    scores: Floats
    windows: Sequence[tuple[int, int]]


def probation(rows: int) -> int:
    """How many rows at the beginning are for learning only."""
    return int(_PROBATION * min(rows, _LONGEST))


def sigmoid(place: Floats) -> Floats:
    """What a detection is worth by its place: -1 the beginning of a window, 0 its end, beyond it a false alarm."""
    return np.where(place > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(place, 3.0))) - 1.0)


def worth(series: Scored, profile: Profile) -> tuple[Floats, np.ndarray]:
    """What a detection at each row adds, and the number of its window (-1 outside)."""
    rows = np.arange(len(series.scores))
    value, window = np.full(len(rows), -profile.false), np.full(len(rows), -1)
    for first, last in series.windows:  # what follows a window is measured by the window before it
        past = rows > last
        value[past] = sigmoid(np.abs(last - rows[past]) / max(last - first, 1)) * profile.false
    for number, (first, last) in enumerate(series.windows):
        inside = (rows >= first) & (rows <= last)
        place = -(last - rows[inside] + 1) / (last - first + 1)
        value[inside] = sigmoid(place) * profile.hit / float(sigmoid(np.array(-1.0)))
        window[inside] = number
    return value, window


def raw(series: Scored, threshold: float, profile: Profile) -> float:
    """The score of one series: its earliest hits, its misses, its false alarms."""
    value, window = worth(series, profile)
    found = series.scores >= threshold
    found[: probation(len(found))] = False
    total = float(value[found & (window < 0)].sum())
    for number in range(len(series.windows)):
        hits = value[found & (window == number)]
        total += float(max(hits.max(), -profile.miss)) if len(hits) else -profile.miss
    return total


def best(many: Sequence[Scored], profile: Profile) -> tuple[float, float]:
    """The threshold at which all series together score most, and the normalised score there."""
    values, steps, null, perfect = [], [], 0.0, 0.0
    for series in many:
        value, window = worth(series, profile)
        start = probation(len(value))
        null -= profile.miss * len(series.windows)
        perfect += profile.hit * len(series.windows)
        scores, value, window = series.scores[start:], value[start:], window[start:]
        values.append(scores[window < 0])
        steps.append(value[window < 0])
        for number in range(len(series.windows)):
            mine, gains = scores[window == number], value[window == number]
            order = np.argsort(-mine, kind="stable")
            top = np.maximum.accumulate(np.append(-profile.miss, gains[order]))
            values.append(mine[order])
            steps.append(np.diff(top))
    all_values, all_steps = np.concatenate(values), np.concatenate(steps)
    order = np.argsort(-all_values, kind="stable")
    ordered, total = all_values[order], null + np.cumsum(all_steps[order])
    ends = np.append(ordered[1:] != ordered[:-1], True)  # equal scores are all above a threshold or all below
    candidates = np.append(total[ends], null)
    at = np.append(ordered[ends], np.inf)
    place = int(np.argmax(candidates))
    return float(at[place]), normalised(float(candidates[place]), null, perfect)


def normalised(score: float, null: float, perfect: float) -> float:
    """100 for a perfect detector, 0 for one that never says anything."""
    return 100.0 * (score - null) / (perfect - null) if perfect > null else float("nan")
