"""Rolls to come: the expected ones, and paths drawn around them that add up in the district, in grades and in schools.

A path draws the district's years (residuals of past years as they came together over the grades, smoothed), the
uncertainty of its means, births that are not known, and each school's own years; schools are then scaled, grade by
grade, to the district of the path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.schools import births as born
from cityloom.insight.domain.schools.fitting import Model
from cityloom.insight.domain.schools.panel import Floats

_SMOOTH = 0.5
"""Standard deviation of what is added to a drawn residual, in units of its own spread (Silverman's smoothed
bootstrap).
"""
Moves = Mapping[int, Floats]
"""By year: [grades, schools, schools], which share of the pupils of a school (row) is at which one (column) from then
on.
"""


@dataclass(frozen=True)
class Draws:
    """What is drawn for some paths: noise of the district [paths, grades, years], of its level, births,
    schools [years, paths, schools, grades]."""

    district: Floats
    level: Floats
    births: Floats
    cells: NDArray[np.float32]
    cell_level: Floats


def drawn(model: Model, horizon: int, paths: int, rng: np.random.Generator) -> Draws:
    """Draw the noise of `paths` futures of `horizon` years."""
    district, schools = model.district, model.schools
    size, grades = model.last.shape
    left = district.left
    picked = left[:, rng.integers(left.shape[1], size=(paths, horizon))].transpose(1, 0, 2)
    spread = np.sqrt((left**2).mean(1))[:, None]
    noise = (picked + _SMOOTH * spread * rng.standard_normal(picked.shape)) / np.sqrt(1 + _SMOOTH**2)
    level = np.sqrt(district.variance)[:, None] * rng.standard_normal((paths, grades, 1))
    unknown = model.births_spread * rng.standard_normal((paths, horizon))
    cells = rng.standard_normal((horizon, paths, size, grades), np.float32)
    cells *= np.float32(np.sqrt(1 - schools.together))
    cells += np.float32(np.sqrt(schools.together)) * rng.standard_normal((horizon, paths, size, 1), np.float32)
    cell_level = np.sqrt(schools.variance) * rng.standard_normal((paths, size, grades), np.float32)
    return Draws(noise, level, unknown, cells, cell_level)


def projected(model: Model, horizon: int, draws: Draws | None = None, births: Mapping[int, float] | None = None,
              moves: Moves | None = None, arrivals: Floats | None = None) -> Floats:  # fmt: skip
    """Rolls of the next `horizon` years [paths, schools, grades, years]; one path, the expected one, without draws.

    `births` are all that are known now, projected ones of years to come among them. `arrivals` [schools, grades, years]
    are pupils who come with new dwellings and move on afterwards.
    """
    entry = _entries(model, horizon, model.births if births is None else births, draws)
    ratio = _ratios(model, horizon, draws)
    state = _State(model, draws)
    found = np.zeros((len(entry), *model.last.shape, horizon))
    for step in range(horizon):
        here = (moves or {}).get(model.year + step + 1)
        coming = None if arrivals is None else arrivals[:, :, step]
        found[..., step] = state.next(entry[:, step] + ratio[:, 0, step], ratio[:, 1:, step], step, here, coming)
    return found


def _entries(model: Model, horizon: int, births: Mapping[int, float], draws: Draws | None) -> Floats:
    """Logarithm of what the entries of the years to come are measured by [paths, years]."""
    years = [model.year + step + 1 for step in range(horizon)]
    lags = model.settings.lags
    driver, carried = born.behind(births, years, lags, max(births, default=0)) if lags and births else (None, None)
    if driver is None or carried is None or np.isnan(driver).any():
        driver, carried = np.ones(horizon), np.zeros(horizon, bool)
    known = np.log(driver)[None, :]
    if draws is None:
        return known
    return np.asarray(known + np.cumsum(draws.births * carried, 1))


def _ratios(model: Model, horizon: int, draws: Draws | None) -> Floats:
    """Logarithm of the district's ratios [paths, grades, years], drifts damped, levels moving with what was drawn."""
    district = model.district
    ahead = np.cumsum(model.settings.damping ** np.arange(1, horizon + 1))
    ratio = (district.ratio[:, None] + district.slope[:, None] * ahead)[None]
    if draws is None:
        return ratio
    moved = np.cumsum(draws.district, -1) - draws.district
    return np.asarray(ratio + draws.level + draws.district + district.drift_share * moved)


class _State:
    """The rolls of paths as they move on year by year."""

    def __init__(self, model: Model, draws: Draws | None) -> None:
        schools = model.schools
        self.model, self.draws = model, draws
        self.there, self.starts = schools.there.copy(), schools.starts.copy()
        paths = 1 if draws is None else len(draws.district)
        last = np.where(schools.there, model.last, 0.0)
        self.now = np.repeat(last[None], paths, 0)
        self.shock = np.repeat(schools.shock[None], paths, 0)
        self.share = np.repeat(np.where(schools.there & ~np.isnan(schools.share), schools.share, 0.0)[None], paths, 0)

    def next(self, entry: Floats, ratio: Floats, step: int, moves: Floats | None, coming: Floats | None) -> Floats:
        """The next year's rolls [paths, schools, grades]."""
        total = self.now.sum(1)
        district = np.concatenate([np.exp(entry)[:, None], total[:, :-1] * np.exp(ratio)], 1)
        on = np.zeros(self.now.shape)
        back = self.model.schools.back * self.shock[:, :, :-1]
        on[:, :, 1:] = self.now[:, :, :-1] * np.exp(self.model.schools.deviation[:, 1:] + back)
        share = self.share if self.draws is None else self._drawn_shares(step)
        on = np.where(self.starts, share * district[:, None], on * self.there)
        on = self._noisy(on, step)
        if moves is not None:
            on = self._moved(on, moves)
        summed = on.sum(1, keepdims=True)
        on = on * np.where(summed > 0, district[:, None] / np.where(summed > 0, summed, 1.0), 0.0)
        self.now = on if coming is None else np.maximum(on + coming, 0.0)
        return self.now

    def _noisy(self, on: Floats, step: int) -> Floats:
        draws, schools = self.draws, self.model.schools
        if draws is None:
            self.shock = np.zeros(on.shape)
            return on
        size = np.maximum(on, 1.0)
        per_pupil = np.where(self.starts, schools.noise[1], schools.noise[0])
        self.shock = np.minimum(np.sqrt(per_pupil / size), 1.0) * draws.cells[step]
        return np.asarray(on * np.exp(self.shock + np.where(self.starts, 0.0, draws.cell_level)))

    def _drawn_shares(self, step: int) -> Floats:
        """Shares whose levels move with what was drawn the year before."""
        draws, schools = self.draws, self.model.schools
        if draws is not None and step > 0:
            spread = np.minimum(np.sqrt(schools.noise[1] / np.maximum(self.now, 1.0)), 1.0)
            self.share = np.where(
                self.starts, self.share * np.exp(schools.share_step * spread * draws.cells[step - 1]), self.share
            )
        return self.share

    def _moved(self, on: Floats, moves: Floats) -> Floats:
        """Pupils and shares of a year are where the changes say; grades begin and end with them."""
        moved = np.einsum("psg,gst->ptg", on, moves)
        self.share = np.einsum("psg,gst->ptg", self.share, moves)
        had = self.there.any(1)
        self.there = (moves * self.there.T[:, :, None]).sum(1).T > 0
        grown = np.maximum.accumulate(self.there, 1)  # a school that opens with some grades keeps its pupils
        self.there = np.where(had[:, None], self.there, grown)
        self.starts = self.there.copy()
        self.starts[:, 1:] &= ~self.there[:, :-1]
        return np.asarray(moved)
