"""The last links of the chain: what facilities carry and areas reach in every future, and the sites that are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cityloom.insight.domain.access import catchments, decay, inequality, many, pairs
from cityloom.insight.domain.siting import solving
from cityloom.insight.domain.study.tables import Table, as_column, table
from cityloom.insight.studies.siting_steps import dense
from cityloom.insight.studies.travel import Points

Floats = np.ndarray
_LEFT = 2.0
"""A person left without a place counts as so many times the longest way."""


@dataclass(frozen=True)
class Given:
    """Areas, sites (the first `existing` of them there now), minutes as pairs, capacities, prices, the catchment."""

    areas: Points
    sites: Points
    existing: int
    minutes: pairs.Sparse
    capacity: Floats
    price: Floats
    catchment: float


@dataclass(frozen=True)
class Seen:
    """What is seen with some sites open: tables of facilities and of access, and by future what is to be told."""

    facilities: Table
    access: Table
    gini: Floats
    without: Floats
    overfull: Floats
    missing: Floats


@dataclass(frozen=True)
class Chosen:
    """The sites that are open (m,), how often each was chosen when planned for other totals, and how sure it is."""

    open: Floats
    times: Floats
    plans: int
    proved: bool
    gap: float
    planned: float


def seen(given: Given, opened: Floats, demand: Floats, level: float) -> Seen:
    """Load and access in every future (areas, futures) with these sites open."""
    some = np.flatnonzero(opened)
    minutes = pairs.within(given.minutes[:, some], given.catchment)
    room = np.where(np.isfinite(given.capacity[some]), given.capacity[some], demand.sum(0).max())
    weight = many.weights(minutes, decay.binary(given.catchment), given.catchment)
    access, load = many.access_of(demand, room, weight), many.load_of(demand, weight, room)
    people = demand.mean(1)
    reached = np.diff(minutes.indptr) > 0
    low, high = _edges(level)
    facilities = table(
        "facility", facility=as_column([given.sites.code[one] for one in some]),
        name=as_column([given.sites.name[one] for one in some]), lon=given.sites.lon[some], lat=given.sites.lat[some],
        capacity=room, load=load.mean(1), low=np.quantile(load, low, 1), high=np.quantile(load, high, 1),
        short=(load > room[:, None]).mean(1), missing=np.maximum(load - room[:, None], 0).mean(1),
    )  # fmt: skip
    areas = table(
        "area", area=as_column(given.areas.code), name=as_column(given.areas.name), lon=given.areas.lon,
        lat=given.areas.lat, demand=people, minutes=catchments.nearest(minutes), access=access.mean(1),
        low=np.quantile(access, low, 1), high=np.quantile(access, high, 1), short=(access < 1).mean(1),
    )  # fmt: skip
    over, without = np.maximum(load - room[:, None], 0), demand[~reached].sum(0)
    overfull = (over > 0).sum(0).astype(float)
    return Seen(facilities, areas, many.gini_of(access, demand), without, overfull, over.sum(0) + without)


def chosen(question: Mapping[str, Any], given: Given, demand: Floats, told: Callable[[float], None]) -> Chosen:
    """The sites for the planned total, and for others, of the expected pattern of demand."""
    costs, limit = dense(given.minutes), float(question.get("limit", 60))
    costs[costs > limit] = np.inf
    pattern, totals = demand.mean(1), demand.sum(0)
    planned = float(question.get("plan_for", 0.5))
    found, times = None, np.zeros(len(given.sites.code))
    plans = [planned, *(one for one in dict.fromkeys(question.get("others", (0.1, 0.9))) if one != planned)]
    for number, share in enumerate(plans):
        people = pattern * (float(np.quantile(totals, share)) / max(float(pattern.sum()), 1e-12))
        sited = solving.p_median(
            people, costs, int(question.get("p", 5)), capacity=given.capacity, price=given.price,
            existing=np.arange(len(given.sites.code)) < given.existing, budget=question.get("budget"),
            unserved=_LEFT * limit, seconds=float(question.get("seconds", 30)),
        )  # fmt: skip
        times += sited.solution.open[-1]
        found = found or sited
        told((number + 1) / len(plans))
    solution = found.solution  # type: ignore[union-attr]
    total = float(np.quantile(totals, planned))
    return Chosen(solution.open[-1], times, len(plans), solution.proved, solution.gap, total)


def sites_table(given: Given, chosen: Chosen, after: Seen) -> Table:
    """The candidates that were chosen for any total: in the plan or not, how often, and what they carry."""
    carried = dict(zip(after.facilities["facility"].tolist(), after.facilities["load"].tolist(), strict=True))
    new = np.arange(len(given.sites.code)) >= given.existing
    some = np.flatnonzero(new & ((chosen.times > 0) | chosen.open))
    order = some[np.lexsort((some, -chosen.times[some], ~chosen.open[some]))]
    room = np.where(np.isfinite(given.capacity), given.capacity, np.nan)
    return table("site", site=as_column([given.sites.code[one] for one in order] or np.zeros(0, object)),
                 name=as_column([given.sites.name[one] for one in order] or np.zeros(0, object)),
                 lon=given.sites.lon[order], lat=given.sites.lat[order], planned=chosen.open[order].astype(np.int64),
                 times=chosen.times[order].astype(np.int64), of=np.full(len(order), chosen.plans),
                 capacity=room[order], cost=given.price[order],
                 load=np.array([carried.get(given.sites.code[one], np.nan) for one in order]))  # fmt: skip


def _edges(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def spread(values: Floats, level: float) -> tuple[float, float, float]:
    """The mean over futures and the interval."""
    known = values[np.isfinite(values)]
    if not len(known):
        return (float("nan"),) * 3
    low, high = np.quantile(known, _edges(level))
    return float(known.mean()), float(low), float(high)


def mean_way(seen_now: Seen) -> float:
    """Mean minutes to the nearest of those who have one within reach."""
    return inequality.mean(seen_now.access["minutes"], seen_now.access["demand"])
