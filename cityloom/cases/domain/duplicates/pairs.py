"""How likely two reports are about one matter: by place, time, category, words and the numbers in them.

A sum of weights, one for each place of each measure on its scale, so that each measure's part can be shown.
Source: Fellegi, Sunter, A theory for record linkage, JASA 64 (1969), with a logistic fit in place of counted odds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.duplicates.sketch import Sketch, likeness
from cityloom.cases.domain.routing.categories import apart, shipped

Floats = NDArray[np.float64]
SHIPPED = Path(__file__).parent / "made_up_weights.json"
SCALES: Mapping[str, Sequence[float]] = {
    "spread": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0),
    "metres": (0.0, 8.0, 16.0, 25.0, 40.0, 70.0, 150.0, 400.0),
    "days": (0.0, 0.25, 1.0, 3.0, 7.0, 21.0, 60.0),
    "words": (-0.1, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0),
    "category": (0.0, 1.0, 2.0, 3.0),
    "numbers": (0.0, 1.0, 2.0, 3.0, 4.0),
    "crowd": (0.0, 1.0, 2.0, 3.0, 4.0),
}
"""Measures and the places on their scales. `spread` is metres over what the places' errors and the reach make likely;
`numbers` 0 none to compare, 1 all differ, 3 a small one is shared, 4 a large one (2, nearly the same, is hidden by the
key); `crowd` is the logarithm of how many open reports of the category are as near."""
FARTHEST_M = 450.0
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Report:
    """A report as it is compared: place with its error in metres, time in seconds, category and sketch."""

    lon: float
    lat: float
    error_m: float
    at_s: float
    category: str
    sketch: Sketch


@dataclass(frozen=True)
class Others:
    """Reports as columns, one row each; `x`, `y` are metres from the report that they are compared with."""

    x: Floats
    y: Floats
    error_m: Floats
    at_s: Floats
    category: Sequence[str]
    words: NDArray[np.int8]
    numbers: NDArray[np.int32]
    script: NDArray[np.int64]


def rows_of(others: Others, rows: Sequence[int]) -> Others:
    """Some of some reports."""
    at = np.array(rows, np.int64)
    categories = [others.category[one] for one in rows]
    return Others(others.x[at], others.y[at], others.error_m[at], others.at_s[at], categories, others.words[at],
                  others.numbers[at], others.script[at])  # fmt: skip


@cache
def weights() -> Floats:
    """The weights that come with the program, fitted on made-up reports."""
    return np.array(json.loads(SHIPPED.read_text())["weights"])


def reach_m(category: str) -> float:
    """How far from a thing its reporters stand, in metres."""
    found = shipped().get(category)
    return found.reach_m if found else 10.0


def search_m(report: Report) -> float:
    """How far another report of the matter may be: more is not looked for."""
    return min(FARTHEST_M, 60.0 + 2.0 * report.error_m + 2.0 * reach_m(report.category))


def measures(report: Report, others: Others) -> dict[str, Floats]:
    """Each measure of a report with each other one."""
    metres = np.hypot(others.x, others.y)
    likely = np.sqrt(report.error_m**2 + others.error_m**2 + 2 * reach_m(report.category) ** 2)
    far = np.array([apart(report.category, other) for other in others.category], dtype=float)
    like = likeness(report.sketch.words, others.words)
    is_read = (others.script == report.sketch.script) & (report.sketch.script > 0)
    near = np.where(far == 0, metres, np.inf)
    return {
        "spread": metres / np.maximum(likely, 1.0), "metres": metres,
        "days": np.abs(report.at_s - others.at_s) / _DAY_S, "words": np.where(is_read, like, np.nan),
        "category": far, "numbers": _numbers(report.sketch, others.numbers),
        "crowd": np.log1p((near[None, :] < metres[:, None]).sum(axis=1)),
    }  # fmt: skip


def _numbers(mine: Sketch, others: NDArray[np.int32]) -> Floats:
    if not mine.numbers.any():
        return np.zeros(len(others))
    is_same = (others > 0) & np.isin(others, mine.numbers)
    is_large = is_same & (others & 1 == 1)
    found = np.select([is_large.any(axis=1), is_same.any(axis=1)], [4.0, 3.0], 1.0)
    return np.where((others > 0).any(axis=1), found, 0.0)


def places(measured: Mapping[str, Floats]) -> Floats:
    """Each measure as weights of the places next to it on its scale, shape (n, places); unknown has none."""
    return np.hstack([_hats(measured[name], np.asarray(scale)) for name, scale in SCALES.items()])


def _hats(values: Floats, scale: Floats) -> Floats:
    known = np.isfinite(values)
    held = np.clip(np.where(known, values, scale[0]), scale[0], scale[-1])
    above = np.clip(np.searchsorted(scale, held, side="right"), 1, len(scale) - 1)
    share = (held - scale[above - 1]) / (scale[above] - scale[above - 1])
    found = np.zeros((len(values), len(scale)))
    rows = np.arange(len(values))
    found[rows, above - 1] = 1 - share
    found[rows, above] = share
    return found * known[:, None]


def log_odds(report: Report, others: Others, fitted: Floats) -> Floats:
    """The logarithm of the odds that each other report is about the same matter; the last weight is the constant."""
    return np.asarray(places(measures(report, others)) @ fitted[:-1] + fitted[-1], dtype=float)


def probability(odds: Floats) -> Floats:
    """The probability of the logarithm of odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30, 30))), dtype=float)


def parts(report: Report, others: Others, fitted: Floats) -> list[dict[str, float]]:
    """What each measure adds to the logarithm of the odds, for people who decide."""
    measured, begun, found = measures(report, others), 0, [dict[str, float]() for _ in others.category]
    for name, scale in SCALES.items():
        added = _hats(measured[name], np.asarray(scale)) @ fitted[begun : begun + len(scale)]
        for row, value in zip(found, added.tolist(), strict=True):
            row[name] = value
        begun += len(scale)
    return found
