"""What a place in each full shelter is worth, in metres of walk: the dual of the transportation problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from cityloom.emergency.domain.candidates import Table

SMALL = 12_000
"""Up to this many candidates linear programming is fast enough."""
SAMPLE = 1_600
"""Groups in the sample that stands for a problem too large for linear programming."""
_FAR = 4.0
_TIERS_M = np.array([5.0, 15.0, 30.0, 60.0, 120.0, 250.0, 500.0])


def by_linear_programming(
    table: Table, persons: NDArray[np.int64], places: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact prices, and persons on each candidate, (groups, width).

    Whoever finds no place among the candidates stays at home at a cost above every walk, so a solution always exists.
    """
    groups, width = table.metres.shape
    row, column = np.nonzero(np.isfinite(table.metres))
    home = _FAR * float(table.metres[row, column].max(initial=1.0)) + 1.0
    cost = np.concatenate([table.metres[row, column], np.full(groups, home)])
    index = np.arange(len(row))
    of_group = scipy.sparse.csr_array(
        (np.ones(len(cost)), (np.concatenate([row, np.arange(groups)]), np.arange(len(cost)))),
        shape=(groups, len(cost)),
    )
    of_shelter = scipy.sparse.csr_array(
        (np.ones(len(row)), (table.shelter[row, column], index)), shape=(len(places), len(cost))
    )
    answer = scipy.optimize.linprog(cost, A_ub=of_shelter, b_ub=places, A_eq=of_group, b_eq=persons, method="highs-ds")
    flow = np.zeros((groups, width))
    flow[row, column] = answer.x[: len(row)]
    return np.maximum(-answer.ineqlin.marginals, 0.0), flow


def by_sample(table: Table, persons: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Near-exact prices: linear programming on one group in several, each standing for its neighbours.

    Neighbours are groups with the same nearest shelter and a similar walk to it, so they see the others alike too.
    """
    rows = np.arange(len(persons))
    nearest = np.argmin(table.metres, axis=1)
    order = np.lexsort((table.metres[rows, nearest], table.shelter[rows, nearest]))
    step = -(-len(rows) // SAMPLE)
    bins = rows // step
    chosen = order[np.minimum(np.arange(bins[-1] + 1) * step + step // 2, len(rows) - 1)]
    weight = np.bincount(bins, weights=persons[order])
    return by_linear_programming(Table(table.shelter[chosen], table.metres[chosen]), weight, places)[0]


@dataclass(frozen=True)
class _Moves:
    """Groups that could move: row, entry in the table, and the variable of the linear program that they are part of.

    For each variable: from which shelter, to which, metres lost for a person, and persons.
    """

    row: NDArray[np.int64]
    entry: NDArray[np.int64]
    variable: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    loss: NDArray[np.float64]
    most: NDArray[np.float64]


def rebalanced(
    table: Table, persons: NDArray[np.int64], places: NDArray[np.int64], prices: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Better prices, and an entry of the table for each group that keeps to the places but for whole groups.

    Everyone first goes where it is cheapest. How many would then move from one shelter to another at about the same
    loss is one variable, so the linear program has only one row a shelter.
    """
    cost = table.metres + prices[table.shelter]
    best = np.argmin(cost, axis=1)
    asked = np.bincount(_at(table.shelter, best), weights=persons, minlength=len(places))
    moves = _moves(table, persons, cost, best, len(places))
    change, moved = _move(moves, places - asked, prices)
    order = np.lexsort((moves.row, moves.variable))
    fits = np.cumsum(persons[moves.row[order]])
    first = np.searchsorted(moves.variable[order], moves.variable[order])
    before = np.where(first > 0, fits[first - 1], 0)
    takes = order[fits - before <= moved[moves.variable[order]] + 0.5]
    entry = best.copy()
    entry[moves.row[takes]] = moves.entry[takes]
    return np.maximum(prices + change, 0.0), entry


def _moves(
    table: Table, persons: NDArray[np.int64], cost: NDArray[np.float64], best: NDArray[np.int64], count: int
) -> _Moves:
    source = _at(table.shelter, best)
    regret = cost - _at(cost, best)[:, None]
    row, entry = np.nonzero((regret <= _TIERS_M[-1]) & (table.shelter != source[:, None]))
    key = (source[row] * count + table.shelter[row, entry]) * len(_TIERS_M)
    keys, variable = np.unique(key + np.searchsorted(_TIERS_M, regret[row, entry]), return_inverse=True)
    most = np.bincount(variable, weights=persons[row])
    loss = np.bincount(variable, weights=persons[row] * regret[row, entry]) / np.maximum(most, 1.0)
    pair = keys // len(_TIERS_M)
    return _Moves(row, entry, variable, pair // count, pair % count, loss, most)


def _move(
    moves: _Moves, room: NDArray[np.float64], prices: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How prices change, and persons of each variable that move, so that every shelter is within its room.

    A place left empty loses its price; who can move nowhere within the tiers stays at a loss above all of them, so a
    price rises by no more than that at a time.
    """
    count, shelter = len(room), np.arange(len(room))
    variable, empty = np.arange(len(moves.loss)), len(moves.loss) + np.arange(len(room))
    balance = scipy.sparse.csr_array(
        (
            np.repeat([1.0, -1.0, 1.0, -1.0], [len(variable), len(variable), count, count]),
            (np.concatenate([moves.target, moves.source, shelter, shelter]),
             np.concatenate([variable, variable, empty, empty + count])),
        ),
        shape=(count, len(variable) + 2 * count),
    )  # fmt: skip
    most = np.concatenate([moves.most, np.full(2 * count, np.inf)])
    costs = np.concatenate([moves.loss, prices, np.full(count, 2 * _TIERS_M[-1])])
    bounds = np.column_stack([np.zeros(len(most)), most])
    answer = scipy.optimize.linprog(costs, A_eq=balance, b_eq=room, bounds=bounds, method="highs-ds")
    return -answer.eqlin.marginals, answer.x[: len(variable)]


def _at(values: NDArray[Any], entry: NDArray[np.int64]) -> NDArray[Any]:
    return values[np.arange(len(entry)), entry]
