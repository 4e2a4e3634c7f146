"""Rolls with their gaps filled, and counts that cannot be right replaced by what was to be expected; all of it is told.

A count is doubted where a school lost a fifth of its pupils in all grades at once, far more than schools here differ
from year to year, no other school gained them, and a year later they were back (or no later year is known yet).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.schools.panel import Floats, Rolls, summed
from cityloom.insight.domain.schools.ratios import progression
from cityloom.insight.domain.study.study import Note

LEAST_FALL = 0.2
"""A fall (logarithm, mean over the grades) below which no count is doubted."""
SPREADS = 5.0
"""How many robust standard deviations of schools' changes a doubtful one is away."""
_MOST_TOLD = 8


def cleaned(rolls: Rolls) -> Rolls:
    """Rolls without gaps inside a school's years and without doubtful counts; notes say what was changed."""
    filled, gaps = _without_gaps(rolls.pupils)
    pupils, doubtful = filled, doubted(filled)
    if doubtful:
        pupils = filled.copy()
        for school, year in doubtful:
            pupils[school, :, year] = expected(filled, school, year)
    notes = list(rolls.notes)
    if gaps:
        notes.append(Note("gaps_filled", gaps, weight="doubt"))
    for school, year in doubtful[:_MOST_TOLD]:
        missing = float(np.nansum(pupils[school, :, year]) - np.nansum(filled[school, :, year]))
        notes.append(Note("count_doubted", f"{rolls.schools[school]} {rolls.years[year]}", round(missing), "doubt"))
    return replace(rolls, pupils=pupils, doubtful=tuple(doubtful), notes=tuple(notes))


def _without_gaps(pupils: Floats) -> tuple[Floats, int]:
    """Cells between a school's first and last year of a grade: from the cohort before and after, else between years."""
    known = ~np.isnan(pupils)
    before = np.maximum.accumulate(known, -1)
    after = np.maximum.accumulate(known[..., ::-1], -1)[..., ::-1]
    holes = np.argwhere(before & after & ~known)
    found = pupils.copy()
    for school, grade, year in holes:
        found[school, grade, year] = _between(pupils, school, grade, year)
    return found, len(holes)


def _between(pupils: Floats, school: int, grade: int, year: int) -> float:
    grades, years = pupils.shape[1:]
    if 0 < grade < grades - 1 and 0 < year < years - 1:
        around = pupils[school, grade - 1, year - 1] * pupils[school, grade + 1, year + 1]
        if around > 0:
            return float(np.sqrt(around))
    there = np.flatnonzero(~np.isnan(pupils[school, grade]))
    return float(np.interp(year, there, pupils[school, grade, there]))


def changes(pupils: Floats) -> tuple[Floats, Floats]:
    """For each school and year the mean over grades of how it moved beside the others, and how many pupils that is.

    [schools, years] both: logarithm (nan unless most grades are known), pupils. Entry counts as the first grade against
    itself a year before.
    """
    ratio = progression(pupils)
    with np.errstate(divide="ignore", invalid="ignore"):
        entry = np.log(pupils[:, 0, 1:] / pupils[:, 0, :-1])
    ratio[:, 0, 1:] = np.where(np.isfinite(entry), entry, np.nan)
    usual = _nanmedian(ratio, 0)
    beside = ratio - usual
    had = summed(np.isfinite(pupils[:, :, :-1]).astype(float), 1)
    enough = np.isfinite(beside).sum(1) >= np.maximum(1, np.append(np.nan, had.max(0, initial=0)) / 2)
    mean = np.where(enough, _nanmean(beside, 1), np.nan)
    size = np.where(np.isnan(beside), 0.0, pupils * (1 - np.exp(-np.where(np.isnan(beside), 0.0, beside))))
    return mean, np.nansum(size, 1)


def doubted(pupils: Floats) -> list[tuple[int, int]]:
    """Places of schools and years whose count is doubted."""
    if pupils.shape[0] < 4:
        return []  # with so few schools there is nothing to compare with
    mean, size = changes(pupils)
    known = mean[~np.isnan(mean)]
    scale = 1.4826 * float(np.median(np.abs(known - np.median(known)))) if known.size else 0.0
    found = []
    for school, year in np.argwhere(mean < -max(LEAST_FALL, SPREADS * scale)):
        others = np.delete(size[:, year], school)
        others = others[~np.isnan(others)]
        usual = 3 * 1.4826 * np.median(np.abs(others)) if others.size else 0.0
        gained = float(others[others > usual].sum()) + _opened(pupils, year)
        if gained < -0.5 * size[school, year] and _came_back(mean, school, year):
            found.append((int(school), int(year)))
    return found


def _opened(pupils: Floats, year: int) -> float:
    """Pupils of schools that are new in a year: who is missing elsewhere may be there."""
    new = np.isnan(pupils[:, :, year - 1]).all(1) & ~np.isnan(pupils[:, :, year]).all(1)
    return float(np.nansum(pupils[new][:, :, year]))


def _came_back(mean: Floats, school: int, year: int) -> bool:
    if year + 1 >= mean.shape[1]:
        return True
    return bool(mean[school, year + 1] > -0.5 * mean[school, year])


def expected(pupils: Floats, school: int, year: int) -> Floats:
    """What a school's grades were to be expected to be in a year, by the years around it and the usual ratios."""
    usual = np.exp(np.where(np.isnan(u := _nanmedian(_nanmedian(progression(pupils), 0), -1)), 0.0, u))
    years = pupils.shape[2]
    before = pupils[school, :, year - 1]
    forward = np.append(before[0], before[:-1] * usual[1:])
    if year + 1 >= years:
        return np.where(np.isnan(forward), before, forward)
    after = pupils[school, :, year + 1]
    back = np.append(after[1:] / usual[1:], after[-1])
    back[0] = after[1] / usual[1] if len(after) > 1 else after[0]
    both = np.sqrt(forward * back)
    return np.where(np.isnan(both), np.where(np.isnan(forward), back, forward), both)


def _nanmedian(values: Floats, axis: int) -> Floats:
    empty = np.isnan(values).all(axis, keepdims=True)
    return np.where(empty.squeeze(axis), np.nan, np.nanmedian(np.where(empty, 0.0, values), axis))


def _nanmean(values: Floats, axis: int) -> Floats:
    there = ~np.isnan(values)
    return np.asarray(np.where(there, values, 0.0).sum(axis) / np.maximum(there.sum(axis), 1))


def gone_and_new(rolls: Rolls) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Schools without rolls after a year (with the first without), and those that are new in one."""
    there = ~np.isnan(rolls.pupils).all(1)
    gone, new = [], []
    for place, name in enumerate(rolls.schools):
        known: NDArray[np.int64] = np.flatnonzero(there[place])
        if not len(known):  # it is to open
            continue
        if known[-1] + 1 < len(rolls.years):
            gone.append((name, rolls.years[known[-1] + 1]))
        if known[0] > 0:
            new.append((name, rolls.years[known[0]]))
    return gone, new


def regraded(rolls: Rolls) -> list[tuple[str, int, str]]:
    """Schools that changed their grades while they went on: name, year, the grades that came or went."""
    there, found = ~np.isnan(rolls.pupils), []
    for school, name in enumerate(rolls.schools):
        for year in range(1, len(rolls.years)):
            was, now = there[school, :, year - 1], there[school, :, year]
            if was.any() and now.any() and (was != now).any():
                signs = [("+" if now[g] else "-") + rolls.grades[g] for g in np.flatnonzero(was != now)]
                found.append((name, rolls.years[year], " ".join(signs)))
    return found
