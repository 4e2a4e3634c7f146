"""Whole households to places: from prices or flows to an assignment that keeps every capacity."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cityloom.emergency.domain import routing
from cityloom.emergency.domain.candidates import Shelters, Table

_ROUNDS = 12
_SAME_M = 1e-6


@dataclass
class Seats:
    """Where households (node and persons of each) sit: `shelter` -1 without a place; `room` is what is left."""

    node: NDArray[np.int64]
    persons: NDArray[np.int64]
    shelters: Shelters
    room: NDArray[np.int64] = field(init=False)
    shelter: NDArray[np.int64] = field(init=False)
    metres: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.room = self.shelters.places.copy()
        self.shelter = np.full(len(self.node), -1, dtype=np.int64)
        self.metres = np.zeros(len(self.node))

    def fill_anywhere(self, roads: routing.Network, rows: NDArray[np.int64]) -> None:
        """Seat who is left among some households, each time at the nearest shelters that take the largest of them."""
        for size in np.unique(self.persons[rows[self.shelter[rows] < 0]])[::-1].tolist():
            seated = True
            while seated:
                roomy = np.flatnonzero(self.room >= size)
                left = rows[(self.shelter[rows] < 0) & (self.persons[rows] <= size)]
                seated = len(roomy) > 0 and len(left) > 0 and self._seat_nearest(roads, left, roomy)

    def take(self, rows: NDArray[np.int64], work: Settlement) -> None:
        """Write down what a settlement of these rows has come to."""
        settled = work.shelter >= 0
        self.shelter[rows[settled]], self.metres[rows[settled]] = work.shelter[settled], work.metres[settled]
        self.room = work.room.copy()

    def _seat_nearest(self, roads: routing.Network, left: NDArray[np.int64], roomy: NDArray[np.int64]) -> bool:
        metres, nearest = routing.cheapest(roads, self.shelters.node[roomy], self.shelters.leg_m[roomy])
        metres, nearest = metres[self.node[left]], nearest[self.node[left]]
        order = np.argsort(metres, kind="stable")
        seated = False
        for row in order[np.isfinite(metres[order])].tolist():
            household, shelter = left[row], roomy[nearest[row]]
            if self.room[shelter] >= self.persons[household]:
                self.shelter[household], self.metres[household] = shelter, metres[row]
                self.room[shelter] -= self.persons[household]
                seated = True
        return seated


@dataclass
class Settlement:
    """Households (group and persons of each) on their way: `shelter` -1 and infinite `metres` while unsettled."""

    table: Table
    group: NDArray[np.int64]
    persons: NDArray[np.int64]
    room: NDArray[np.int64]
    shelter: NDArray[np.int64] = field(init=False)
    metres: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.room = self.room.copy()
        self.shelter = np.full(len(self.group), -1, dtype=np.int64)
        self.metres = np.full(len(self.group), np.inf)

    def fill(self, wish: NDArray[np.int64], regret: NDArray[np.float64]) -> None:
        """Let households have the candidate they wish (-1: none), large ones first, then those with most to lose."""
        asking = np.flatnonzero(wish >= 0)
        asking = asking[np.lexsort((asking, -regret[asking], -self.persons[asking]))]
        shelter = self.table.shelter[self.group[asking], wish[asking]]
        order = np.argsort(shelter, kind="stable")
        asking, shelter = asking[order], shelter[order]
        fits = fitting_prefix(shelter, self.persons[asking], self.room)
        self._settle(asking[fits], wish[asking[fits]])

    def fill_rest(self, prices: NDArray[np.float64]) -> None:
        """Settle who is left at the cheapest candidate with room, until nobody moves."""
        for _ in range(_ROUNDS * 4):
            rest = np.flatnonzero(self.shelter < 0)
            wish, regret, some = self._best_with_room(rest, prices)
            if not some.any():
                return
            full_wish = np.full(len(self.group), -1, dtype=np.int64)
            full_regret = np.zeros(len(self.group))
            full_wish[rest[some]], full_regret[rest[some]] = wish[some], regret[some]
            self.fill(full_wish, full_regret)

    def improve(self) -> None:
        """Move households nearer wherever there is room, the greatest gains first, until none is left."""
        household, entry = np.nonzero(self.table.metres[self.group] < self.metres[:, None] - _SAME_M)
        settled = self.shelter[household] >= 0
        household, entry = household[settled], entry[settled]
        target = self.table.shelter[self.group[household], entry]
        metres = self.table.metres[self.group[household], entry]
        for _ in range(_ROUNDS):
            gain = (self.metres[household] - metres) * self.persons[household]
            movers = np.flatnonzero((gain > _SAME_M) & (self.room[target] >= self.persons[household]))
            if not len(movers):
                return
            for row in movers[np.argsort(-gain[movers], kind="stable")].tolist():
                self._move_nearer(int(household[row]), int(target[row]), float(metres[row]))

    def _move_nearer(self, household: int, target: int, metres: float) -> None:
        if metres < self.metres[household] - _SAME_M and self.room[target] >= self.persons[household]:
            self.room[self.shelter[household]] += self.persons[household]
            self.room[target] -= self.persons[household]
            self.shelter[household], self.metres[household] = target, metres

    def _best_with_room(
        self, rows: NDArray[np.int64], prices: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        others = self.table.shelter[self.group[rows]]
        cost = self.table.metres[self.group[rows]] + prices[others]
        cost = np.where(self.room[others] >= self.persons[rows, None], cost, np.inf)
        if cost.shape[1] == 1:
            cost = np.column_stack([cost, np.full(len(cost), np.inf)])
        two = np.partition(cost, 1, axis=1)[:, :2] if len(cost) else np.empty((0, 2))
        some = np.isfinite(two[:, 0]) if len(cost) else np.zeros(0, dtype=bool)
        regret = np.where(np.isfinite(two[:, 1]), two[:, 1] - np.where(some, two[:, 0], 0.0), np.inf)
        wish = np.argmin(cost, axis=1) if len(cost) else np.zeros(0, dtype=np.int64)
        return wish, regret, some

    def _settle(self, households: NDArray[np.int64], entry: NDArray[np.int64]) -> None:
        self.shelter[households] = self.table.shelter[self.group[households], entry]
        self.metres[households] = self.table.metres[self.group[households], entry]
        np.subtract.at(self.room, self.shelter[households], self.persons[households])


def wishes(
    table: Table, group: NDArray[np.int64], prices: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The cheapest candidate of each household under prices, and what it would lose with the second."""
    cost = table.metres + prices[table.shelter]
    best = np.argmin(cost, axis=1)
    rows = np.arange(len(cost))
    least = cost[rows, best]
    cost[rows, best] = np.inf
    same = table.shelter == table.shelter[rows, best][:, None]
    second = np.where(same, np.inf, cost).min(axis=1)
    return best[group], (second - least)[group]


def by_flow(
    flow: NDArray[np.float64], group: NDArray[np.int64], persons: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A candidate for each household (-1: none): groups keep to their flows as nearly as whole households allow."""
    wish = np.where(flow.max(axis=1) > 0.5, np.argmax(flow, axis=1), -1)[group]
    split = np.flatnonzero((flow > 0.5).sum(axis=1) > 1)
    for one in split.tolist():
        quota = flow[one].copy()
        members = np.flatnonzero(group == one)
        for household in members[np.argsort(-persons[members], kind="stable")].tolist():
            target = int(np.argmax(quota))
            wish[household] = target
            quota[target] -= persons[household]
    return wish


def fitting_prefix(
    shelter: NDArray[np.int64], persons: NDArray[np.int64], room: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of the households, ordered by shelter and then by right, fit before their shelter's room runs out."""
    total = np.cumsum(persons)
    starts = np.searchsorted(shelter, shelter, side="left")
    before = np.where(starts > 0, total[starts - 1], 0)
    return total - before <= room[shelter]
