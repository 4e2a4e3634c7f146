"""Which open matter a new report belongs to, if any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.duplicates.features import compared
from cityloom.cases.domain.duplicates.forest import Forest
from cityloom.cases.domain.duplicates.pairs import Floats, Others, Report, rows_of

RESOLUTION = 10
"""Cells of about 0.015 km2, in which open reports are looked up."""
_MARGIN = 0.95
"""Sides of cells nearby are a little shorter than those that are measured."""
_DISTRICT = 6
JOINS = 0.85
"""From this probability on a report joins a matter."""
AT_ONCE_S = 600.0
"""Reports within so many seconds of each other may not have been compared yet."""
ASKS = 0.2
"""From this probability on whoever reports is asked whether it is the same."""
MOST_MEMBERS = 500
"""A matter with more reports than this is looked at by a person before it grows."""


def cells_around(cell: int, radius_m: float) -> list[int]:
    """The cells of `RESOLUTION` in which a report within `radius_m` of any place of `cell` may be."""
    side_m = _MARGIN * _side_m(h3.cell_to_parent(cell, _DISTRICT))
    return h3.grid_disk(cell, math.ceil((radius_m / side_m + 0.5) / 1.5))


@lru_cache(maxsize=4096)
def _side_m(district: int) -> float:
    """The shortest side of cells of `RESOLUTION` in a large cell: 60 m in Peking, 80 m in Los Angeles."""
    around = h3.cell_to_boundary(h3.cell_to_center_child(district, RESOLUTION))
    sides = zip(around, (*around[1:], around[0]), strict=True)
    return min(h3.great_circle_distance(one, other, "m") for one, other in sides)


@dataclass(frozen=True)
class Match:
    """A matter that a report may belong to, how likely that is, and the row of the report that is most alike."""

    matter: Any
    chance: float
    at: int


def matches(report: Report, others: Others, matters: Sequence[Any], fitted: Floats, trees: Forest) -> list[Match]:
    """The matters of these reports, the likeliest first; what is likely for two of them is sure for neither."""
    if not len(matters):
        return []
    names = list(dict.fromkeys(matters))
    number = {name: at for at, name in enumerate(names)}
    found = compared(report, others, np.array([number[name] for name in matters]), fitted)
    odds = np.exp(np.clip(trees.log_odds(found.features), -30, 30))
    chances = odds / (1 + odds.sum())
    columns = (found.numbers.tolist(), chances.tolist(), found.best.tolist())
    best = [Match(names[one], chance, at) for one, chance, at in zip(*columns, strict=True)]
    return sorted(best, key=lambda match: -match.chance)


def sure_of(known: Sequence[Match], report: Report, others: Others, matters: Sequence[Any], fitted: Floats,
            trees: Forest) -> Match | None:  # fmt: skip
    """The matter that a report surely belongs to, of those that are known to be likely; None where there is none.

    Reports of one thing that come at one moment have not been joined yet, so they are no rivals of each other: of
    those that stand alone the first one is looked at, the others are looked at by themselves.
    """
    if known and known[0].chance >= JOINS:
        return known[0]
    alone = [at for at, matter in enumerate(matters)
             if abs(report.at_s - others.at_s[at]) <= AT_ONCE_S and matters.count(matter) == 1]  # fmt: skip
    rest = [at for at in range(len(matters)) if at not in set(alone)]
    first = sorted(alone, key=lambda at: (float(others.at_s[at]), str(matters[at])))[:1]
    for rows in (rest, sorted(rest + first)) if alone else ():
        found = matches(report, rows_of(others, rows), [matters[at] for at in rows], fitted, trees)
        if found and found[0].chance >= JOINS:
            return replace(found[0], at=rows[found[0].at])
    return None


def best_matter(report: Report, others: Others, matters: NDArray[np.int64], fitted: Floats, trees: Forest
                ) -> tuple[int, float]:  # fmt: skip
    """The likeliest matter and its probability; -1 and 0 where there is none."""
    found = matches(report, others, matters.tolist(), fitted, trees)
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
