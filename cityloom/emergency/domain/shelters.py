"""Households to shelters on foot: capacities kept, nobody lost, as few person-metres as can be.

This is a transportation problem with indivisible households. Its dual has one price a shelter: the metres of walk that
avoiding a full shelter is worth. Given prices, each household goes where price plus walk is least. The prices come from
linear programming (HiGHS): of the whole problem while it is small, else of a sample of it and then of the moves between
shelters that remain. One search over the whole graph finds each shelter that the prices make attractive and that was no
candidate yet, so none is overlooked. Whole households are settled last, large ones first because they fit in least
easily, and moved nearer wherever there is room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cityloom.emergency.domain import candidates, prices, routing, settling
from cityloom.emergency.domain.candidates import Groups, Shelters, Table
from cityloom.emergency.domain.settling import Seats

NO_WAY = "no-way"
"""No road on foot leads from there to any shelter."""
NO_SHELTER = "no-shelter"
"""Outside the zone there is no shelter with a free place that any road on foot leads to."""
NO_PLACE = "no-place"
"""The shelters that can be reached are full."""
_TURNS = 8
_FINE_TURNS = 2
_OVERLOOKED = 0.005
"""Below this share of the whole, candidates that were overlooked no longer spoil the prices."""
_SAME_M = 0.01


@dataclass(frozen=True)
class Placement:
    """The answer: an index into the shelters for each household, or -1 and the reason.

    `metre_persons` is the walk of all who are placed. `bound` is a figure that no placement of those who live nearest
    and fill the places could undercut, were households divisible.
    """

    shelter: NDArray[np.int64]
    walk_m: NDArray[np.float64]
    reason: NDArray[np.str_]
    metre_persons: float
    bound: float

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Which households have a shelter."""
        return self.shelter >= 0


@dataclass(frozen=True)
class _Solution:
    """Prices over a table of candidates; an entry a group or a flow a candidate where linear programming gave them."""

    table: Table
    prices: NDArray[np.float64]
    entry: NDArray[np.int64] | None = None
    flow: NDArray[np.float64] | None = None
    bound: float = 0.0


def place(
    roads: routing.Network,
    homes: routing.Access,
    persons: NDArray[np.int64],
    doors: routing.Access,
    places: NDArray[np.int64],
) -> Placement:
    """Give each household (an entry of `homes` and `persons`) a shelter, one place a person.

    Where places run short, those who live nearest to a shelter have them, and the others are returned with the reason.
    """
    open_to = np.flatnonzero((doors.node >= 0) & (places > 0))
    shelters = Shelters(doors.node[open_to], doors.leg_m[open_to], places[open_to])
    nearest = routing.cheapest(roads, shelters.node, shelters.leg_m)
    reached = np.flatnonzero((homes.node >= 0) & np.isfinite(nearest[0][homes.node]))
    seats = Seats(homes.node[reached], persons[reached], shelters)
    takes = _within_places(roads, seats, nearest[0])
    bound = _place_best(roads, seats, takes, nearest) if len(takes) else 0.0
    seats.fill_anywhere(roads, np.arange(len(reached)))
    legs = float(homes.leg_m[reached[takes]] @ persons[reached[takes]])
    return _answer(seats, reached, open_to, homes, bound + legs)


def _within_places(
    roads: routing.Network, seats: Seats, walk_m: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Households that the places suffice for, nearest first in each connected part."""
    part = roads.component[seats.node]
    order = np.lexsort((walk_m[seats.node], part))
    shelters = seats.shelters
    places = np.bincount(roads.component[shelters.node], weights=shelters.places, minlength=len(roads.xy))
    return np.sort(order[settling.fitting_prefix(part[order], seats.persons[order], places)])


def _place_best(
    roads: routing.Network,
    seats: Seats,
    takes: NDArray[np.int64],
    nearest: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> float:
    """Settle households as near to the optimum as whole households can be; return the bound."""
    nodes, group = np.unique(seats.node[takes], return_inverse=True)
    groups = Groups(nodes, np.bincount(group, weights=seats.persons[takes]).astype(np.int64))
    table = candidates.gather(roads, groups, seats.shelters, candidates.at_groups(groups, nearest))
    found = _solve(roads, groups, seats.shelters, table)
    wish, regret = settling.wishes(found.table, group, found.prices)
    if found.flow is not None:
        wish = settling.by_flow(found.flow, group, seats.persons[takes])
    elif found.entry is not None:
        wish = found.entry[group]
    work = settling.Settlement(found.table, group, seats.persons[takes], seats.room)
    work.fill(wish, regret)
    work.fill_rest(found.prices)
    work.improve()
    seats.take(takes, work)
    seats.fill_anywhere(roads, takes)
    return found.bound


def _solve(roads: routing.Network, groups: Groups, shelters: Shelters, table: Table) -> _Solution:
    found, fine = _Solution(table, np.zeros(len(shelters.node))), 0
    for _ in range(_TURNS):
        found = _with_prices(found, groups, shelters, fine=fine > 0)
        own = (found.table.metres + found.prices[found.table.shelter]).min(axis=1)
        best = candidates.priced(roads, groups, shelters, found.prices)
        overlooked = own - best.cost
        new = overlooked > _SAME_M
        bound = float(groups.persons @ best.cost - shelters.places @ found.prices)
        found = replace(found, bound=max(found.bound, bound))
        if fine == _FINE_TURNS or (found.flow is not None and not new.any()):
            break
        walk_m = np.where(new, best.cost - found.prices[best.shelter], np.inf)
        found = replace(found, table=found.table.with_columns(best.shelter, walk_m))
        fine += fine > 0 or groups.persons @ overlooked < _OVERLOOKED * bound
    return found


def _with_prices(found: _Solution, groups: Groups, shelters: Shelters, *, fine: bool) -> _Solution:
    table, persons, places = found.table, groups.persons, shelters.places
    if table.arcs <= prices.SMALL:
        worth, flow = prices.by_linear_programming(table, persons, places)
        return replace(found, prices=worth, flow=flow, entry=None)
    if not fine:
        return replace(found, prices=prices.by_sample(table, persons, places), flow=None)
    worth, entry = prices.rebalanced(table, persons, places, found.prices)
    return replace(found, prices=worth, entry=entry, flow=None)


def _answer(
    seats: Seats, reached: NDArray[np.int64], open_to: NDArray[np.int64], homes: routing.Access, bound: float
) -> Placement:
    count = len(homes.node)
    shelter, walk_m = np.full(count, -1, dtype=np.int64), np.zeros(count)
    reason = np.full(count, NO_WAY if len(open_to) else NO_SHELTER, dtype="U10")
    has = seats.shelter >= 0
    reason[reached] = np.where(has, "", NO_PLACE)
    shelter[reached[has]] = open_to[seats.shelter[has]]
    walk_m[reached[has]] = seats.metres[has] + homes.leg_m[reached[has]]
    return Placement(shelter, walk_m, reason, float(walk_m[reached] @ seats.persons), bound)
