"""Places against pupils: how likely they are short, by how much, and which cohort it is that makes them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.schools.panel import Floats, Rolls


@dataclass(frozen=True)
class Gap:
    """Pupils and places of a group (a school, an area, the district; a phase) some years ahead.

    `short` is the probability that pupils are more than places; `missing` is what is then missing, times that
    probability (the expected number of pupils without a place). `cohort` is the grade that adds most beside the grade
    it replaces, with the pupils it `adds`; "" where none does.
    """

    group: str
    kind: str
    phase: str
    ahead: int
    pupils: float
    low: float
    high: float
    places: float
    short: float
    missing: float
    cohort: str
    adds: float


def widened(paths: Floats, point: Floats, width: float) -> Floats:
    """Paths [paths, ...] spread around the expected value [...] by so much more; none below 0."""
    return np.maximum(point + width * (paths - point), 0.0)


def gap(group: tuple[str, str, str], ahead: int, paths: Floats, point: float, places: float, level: float,
        cohort: tuple[str, float]) -> Gap:  # fmt: skip
    """What widened paths [paths] of a group say beside its places."""
    low, high = np.quantile(paths, ((1 - level) / 2, (1 + level) / 2))
    over = np.maximum(paths - places, 0.0)
    return Gap(
        *group, ahead, point, float(low), float(high), places, float((over > 0).mean()), float(over.mean()), *cohort
    )


def growing(now: Floats, then: Floats, grades: Sequence[str]) -> tuple[str, float]:
    """The grade that has most pupils more than it has now [grades], and how many more; "" where none has."""
    more = np.where(np.isnan(then), 0.0, then) - np.where(np.isnan(now), 0.0, now)
    most = int(more.argmax())
    return (grades[most], float(more[most])) if more[most] > 0 else ("", 0.0)


def groups(rolls: Rolls) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """What places are counted by: each school, each planning area, the district; with the schools in it."""
    each = np.eye(len(rolls.schools), dtype=bool)
    found = [(name, "school", each[place]) for place, name in enumerate(rolls.schools)]
    areas = sorted(set(filter(None, rolls.areas)))
    found += [(area, "area", np.array([one == area for one in rolls.areas])) for area in areas]
    return [*found, ("", "district", np.ones(len(rolls.schools), bool))]
