"""Travel costs between demand and supply as sparse pairs: what is stored can be reached, all else cannot.

Costs may come dense, shape (demand, supply), with infinity or nan where there is no way, or as a scipy.sparse array
whose stored entries (a stored 0 too) are the pairs with a way. Work is done on the pairs within the catchment alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Sparse = Any
"""A scipy.sparse.csr_array of float64; scipy has no types of its own."""
MOST_PAIRS = 50_000_000
_NEGATIVE = ("A travel cost or an amount of demand or supply is negative ({value}); correct it, or leave the row out: "
             "nobody travels less than no time, and no place has fewer than no people.")  # fmt: skip
_UNKNOWN = "An amount of demand or supply is not a finite number; state it, or leave the row out ({value} of {limit})."
_SHAPE = "The travel costs are of {value} places, and there are {limit}; give one row and one column for each."
_PAIRS = ("Within the catchment there are {value} pairs of demand and supply, more than the {limit} that fit; take a "
          "smaller catchment, or add places up to areas.")  # fmt: skip


def within(costs: Sparse | Floats, catchment: float = np.inf) -> Sparse:
    """The pairs with a finite cost of at most `catchment`, as a csr_array of shape (demand, supply).

    Raises: Refused `insight.negative`, `insight.many_pairs`.
    """
    if _is_ready(costs, catchment):
        return costs
    if scipy.sparse.issparse(costs):
        coo = scipy.sparse.coo_array(costs)
        row, column, data = coo.row, coo.col, np.asarray(coo.data, np.float64)
        keep = np.isfinite(data) & (data <= catchment)
        row, column, data = row[keep], column[keep], data[keep]
    else:
        dense = np.asarray(costs, np.float64)
        row, column = np.nonzero(np.isfinite(dense) & (dense <= catchment))
        data = dense[row, column]
    if len(data) > MOST_PAIRS:
        raise Refused("insight.many_pairs", _PAIRS, value=len(data), limit=MOST_PAIRS)
    if (data < 0).any():
        raise Refused("insight.negative", _NEGATIVE, value=float(data.min()))
    return of_pairs(row, column, data, costs.shape)


def _is_ready(costs: Sparse | Floats, catchment: float) -> bool:
    """Whether nothing of these pairs is to be left out or put in order."""
    if not (scipy.sparse.issparse(costs) and costs.format == "csr" and costs.dtype == np.float64
            and costs.has_canonical_format):
        return False
    data = costs.data
    return len(data) <= MOST_PAIRS and (not len(data) or bool((data >= 0).all() and (data <= catchment).all()
                                                              and np.isfinite(data).all()))  # fmt: skip


def of_pairs(row: NDArray[Any], column: NDArray[Any], data: Floats, shape: tuple[int, ...]) -> Sparse:
    """A csr_array of pairs, one entry each; entries of 0 stay stored."""
    order = np.lexsort((column, row))
    row, column, data = row[order], column[order], data[order]
    first = np.ones(len(row), np.bool_)
    first[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
    if not first.all():  # the least of several costs of one pair
        data, row, column = np.minimum.reduceat(data, np.flatnonzero(first)), row[first], column[first]
    begin = np.searchsorted(row, np.arange(shape[0] + 1))
    return scipy.sparse.csr_array((data, column.astype(np.int32), begin.astype(np.int32)), shape=tuple(shape))


def rows_of(pairs: Sparse) -> NDArray[np.int64]:
    """The row of each stored entry."""
    return np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))


def like(pairs: Sparse, data: Floats) -> Sparse:
    """The same pairs with other values."""
    return scipy.sparse.csr_array((data, pairs.indices, pairs.indptr), shape=pairs.shape)


def checked(demand: Floats, supply: Floats, costs: Sparse | Floats) -> tuple[Floats, Floats]:
    """Demand (n,) and supply (m,) as finite numbers that are not negative, for costs of shape (n, m).

    Raises: Refused `insight.unknown_amount`, `insight.negative`, `insight.costs_shape`.
    """
    demand, supply = np.asarray(demand, np.float64), np.asarray(supply, np.float64)
    if costs.shape != (len(demand), len(supply)):
        shape, wanted = (" x ".join(map(str, one)) for one in (costs.shape, (len(demand), len(supply))))
        raise Refused("insight.costs_shape", _SHAPE, value=shape, limit=wanted)
    both = np.concatenate([demand, supply])
    if not np.isfinite(both).all():
        raise Refused("insight.unknown_amount", _UNKNOWN, value=int((~np.isfinite(both)).sum()), limit=len(both))
    if (both < 0).any():
        raise Refused("insight.negative", _NEGATIVE, value=float(both.min()))
    return demand, supply


def ratio(top: Floats, bottom: Floats) -> Floats:
    """`top` over `bottom`, 0 where there is nothing below the line."""
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=bottom > 0)
