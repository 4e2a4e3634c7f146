"""How uncertain rates are taken to be: fitted to the city's past where it is there, else as the question says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.people.cells import Base, at_ages, sexes, whole_ages
from cityloom.insight.domain.people.futures import Spread
from cityloom.insight.domain.people.varying import lee_carter, persisting, random_walk
from cityloom.insight.domain.study.tables import Table
from cityloom.kernel.refused import Refused

_GAPS = "The past wants one row for each year without a gap; years here are {value}."
_CELLS = "Past death rates want every age of both sexes in every year; {value} cells are missing."


@dataclass(frozen=True)
class Fitted:
    """`spread`, and for each parameter where it is from (given, assumed or fitted) and the years used.

    `drifts`: what the past changed by a year, in logs, where it was fitted; the projection goes by its question alone.
    """

    spread: Spread
    sources: Mapping[str, tuple[str, int]]
    drifts: Mapping[str, float]


def spread_of(given: Mapping[str, Any], base: Base, past: Table | None, past_mortality: Table | None) -> Fitted:
    """The spread of a question, with what its past tables say instead.

    `past`: year, and tfr, or people and net_migration, where known. `past_mortality`: year, sex, age, rate.

    Raises: Refused `insight.past_has_gaps`, `insight.past_cells`, and as `varying`.
    """
    names = ("fertility", "mortality", "migration", "persistence", "correlation")
    sources = {name: ("given" if name in given else "assumed", 0) for name in names}
    drifts: dict[str, float] = {}
    found = Spread(**{name: float(given[name]) for name in names if name in given})
    if past is not None:
        rows = _in_order(past)
        years = past.rows
        if "tfr" in past.columns:
            births = random_walk(np.log(np.asarray(past["tfr"], float)[rows]))
            found, drifts["fertility_past_change"] = replace(found, fertility=births.spread), births.drift
            sources["fertility"] = ("fitted", years)
        if "net_migration" in past.columns and "people" in past.columns:
            share = np.asarray(past["net_migration"], float) / np.asarray(past["people"], float)
            walk = persisting(share[rows])
            found = replace(found, migration=walk.spread, persistence=walk.persistence)
            sources |= {"migration": ("fitted", years), "persistence": ("fitted", years)}
    if past_mortality is not None:
        found, years, drifts["mortality_past_change"] = _with_mortality(found, base, past_mortality)
        sources["mortality"] = ("fitted", years)
    return Fitted(found, sources, drifts)


def _with_mortality(spread: Spread, base: Base, past: Table) -> tuple[Spread, int, float]:
    year, age, sex = np.asarray(past["year"], np.int64), whole_ages(past), sexes(past)
    years, starts = np.unique(year), np.unique(age)
    rates = np.full((len(years), 2, len(starts)), np.nan)
    rates[np.searchsorted(years, year), sex, np.searchsorted(starts, age)] = np.asarray(past["rate"], float)
    if np.isnan(rates).any():
        raise Refused("insight.past_cells", _CELLS, value=int(np.isnan(rates).sum()))
    if (np.diff(years) != 1).any():
        raise Refused("insight.past_has_gaps", _GAPS, value=", ".join(map(str, years.tolist()))[:200])
    fit = lee_carter(rates.reshape(len(years), -1))
    weights = fit.b.reshape(2, len(starts)) * fit.b.size  # with mean 1, so that the index is one of log rates
    by_age: NDArray[np.float64] = at_ages(weights, starts, base.ages, base.width)
    size = fit.b.size
    return replace(spread, mortality=fit.walk.spread / size, by_age=by_age), len(years), fit.walk.drift / size


def _in_order(past: Table) -> NDArray[np.int64]:
    years = np.asarray(past["year"], np.int64)
    order = np.argsort(years)
    if (np.diff(years[order]) != 1).any():
        raise Refused("insight.past_has_gaps", _GAPS, value=", ".join(map(str, years[order].tolist()))[:200])
    return order
