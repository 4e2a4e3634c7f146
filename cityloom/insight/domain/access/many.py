"""Access and load in many futures at once: the two steps over columns of demand, as sparse products."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from cityloom.insight.domain.access.decay import Decay
from cityloom.insight.domain.access.pairs import Floats, Sparse, like, rows_of, within

_COLUMNS = 64


def weights(costs: Sparse | Floats, decay: Decay, catchment: float) -> Sparse:
    """The weight of each pair within the catchment, (places, facilities)."""
    held = within(costs, catchment)
    return like(held, decay(held.data))


def access_of(demand: Floats, supply: Floats, weight: Sparse) -> Floats:
    """2SFCA for each column of demand (places, futures): access for each head (places, futures)."""
    found = np.empty(demand.shape, np.float64)
    for part in _parts(demand.shape[1]):
        load = weight.T @ demand[:, part]
        service = np.divide(supply[:, None], load, out=np.zeros(load.shape), where=load > 0)
        found[:, part] = weight @ service
    return found


def load_of(demand: Floats, weight: Sparse, supply: Floats) -> Floats:
    """Demand on each facility (facilities, futures) when people divide themselves by weight and capacity.

    A place's people go to the facilities within their reach in proportion to weight times capacity (the pull of a
    facility in D. Huff's model, J. Marketing 28, 1964); those of places that reach none go nowhere.
    """
    pull = like(weight, weight.data * supply[weight.indices])
    whole = pull @ np.ones(pull.shape[1])
    shares = like(pull, np.divide(pull.data, whole[rows_of(pull)], out=np.zeros(len(pull.data)),
                                  where=whole[rows_of(pull)] > 0))  # fmt: skip
    turned = scipy.sparse.csr_array(shares.T)
    return np.hstack([turned @ demand[:, part] for part in _parts(demand.shape[1])])


def gini_of(values: Floats, people: Floats) -> Floats:
    """The Gini of each column (places, futures), over the people of the same column; nan where there is none."""
    order = np.argsort(values, axis=0, kind="stable")
    held, count = (np.take_along_axis(one, order, 0) for one in (values, people))
    share = count / np.maximum(count.sum(0), 1e-300)
    amount = np.cumsum(held * count, 0)
    total = amount[-1]
    before = amount - held * count
    area = ((amount + before) * share).sum(0)
    return np.where(total > 0, 1 - area / np.where(total > 0, total, 1.0), np.nan)


def _parts(columns: int) -> list[slice]:
    return [slice(first, first + _COLUMNS) for first in range(0, columns, _COLUMNS)]
