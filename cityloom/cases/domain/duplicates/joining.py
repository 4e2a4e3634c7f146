"""Which open matter a new report belongs to, if any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.duplicates.pairs import Floats, Others, Report, log_odds, probability

RESOLUTION = 10
"""Cells of about 0.015 km2, in which open reports are looked up."""
_EDGE_M = 65.0  # shorter than any side of such a cell
JOINS = 0.8
"""From this probability on a report joins a matter."""
ASKS = 0.2
"""From this probability on whoever reports is asked whether it is the same."""
MOST_MEMBERS = 500
"""A matter with more reports than this is looked at by a person before it grows."""
LONGEST_CHAIN = 8
"""A new report is compared with this many of a matter's at most, the nearest ones."""


def cells_around(cell: int, radius_m: float) -> list[int]:
    """The cells of `RESOLUTION` in which a report within `radius_m` of any place of `cell` may be."""
    return h3.grid_disk(cell, math.ceil((radius_m / _EDGE_M + 0.5) / 1.5))


@dataclass(frozen=True)
class Match:
    """A matter that a report may belong to, how likely that is, and the row of the report that is most alike."""

    matter: Any
    chance: float
    at: int


def matter_odds(odds: Floats, matters: NDArray[np.int64]) -> dict[int, float]:
    """The logarithm of the odds for each matter: between its best report and the mean of its best ones.

    A chain of reports that are each like the next but not like the first does not grow: the mean falls.
    """
    found = {}
    for matter in np.unique(matters).tolist():
        best = np.sort(odds[matters == matter])[::-1][:LONGEST_CHAIN]
        found[matter] = float(0.5 * best[0] + 0.5 * best.mean())
    return found


def matches(report: Report, others: Others, matters: Sequence[Any], fitted: Floats) -> list[Match]:
    """The matters of these reports, the likeliest first."""
    if not len(matters):
        return []
    each = log_odds(report, others, fitted)
    names = list(dict.fromkeys(matters))
    number = {name: at for at, name in enumerate(names)}
    of = np.array([number[name] for name in matters])
    odds = matter_odds(each, of)
    found = [Match(names[one], float(probability(np.array([said]))[0]),
                   int(np.where(of == one, each, -np.inf).argmax())) for one, said in odds.items()]  # fmt: skip
    return sorted(found, key=lambda match: -match.chance)


def best_matter(report: Report, others: Others, matters: NDArray[np.int64], fitted: Floats) -> tuple[int, float]:
    """The likeliest matter and its probability; -1 and 0 where there is none."""
    found = matches(report, others, matters.tolist(), fitted)
    return (found[0].matter, found[0].chance) if found else (-1, 0.0)


def pairs_judged(found: Sequence[int], true: Sequence[int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of "these two are one matter" over all pairs of reports."""
    both, ours, theirs = ({}, {}, {})
    for one, other in zip(found, true, strict=True):
        both[one, other] = both.get((one, other), 0) + 1
        ours[one] = ours.get(one, 0) + 1
        theirs[other] = theirs.get(other, 0) + 1
    right, said, are = (sum(n * (n - 1) // 2 for n in counted.values()) for counted in (both, ours, theirs))
    precision, recall = right / said if said else 1.0, right / are if are else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0
