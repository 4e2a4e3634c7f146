"""What each place can reach of a service, with the competition for it: the floating-catchment family.

All functions take demand (n,), supply (m,), and travel costs (n, m), dense or sparse (`pairs`), and a decay (`decay`).
A place from which nothing is within reach has access 0; a facility that nobody reaches gives its supply to nobody, and
its ratio is nan. Sources stand with each function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cityloom.insight.domain.access.decay import LUO_QI, Decay, binary, zones
from cityloom.insight.domain.access.pairs import Floats, Sparse, checked, like, ratio, rows_of, within


@dataclass(frozen=True)
class Access:
    """What was found.

    `per_head` (n,): supply for each unit of demand at a place. `total` (n,): supply that falls to the place, where the
    measure says so, which is `per_head` times demand. `load` (m,): demand that falls on a facility. `ratio` (m,):
    supply of a facility for each unit of that demand (its level of service), nan where none falls on it.
    """

    per_head: Floats
    total: Floats
    load: Floats
    ratio: Floats


def two_step(demand: Floats, supply: Floats, costs: Sparse | Floats, catchment: float) -> Access:
    """2SFCA: one catchment, all within it alike. Source: W. Luo and F. Wang, Environ. Plan. B 30, 2003."""
    return weighted_two_step(demand, supply, costs, binary(catchment), catchment)


def enhanced_two_step(demand: Floats, supply: Floats, costs: Sparse | Floats,
                      bounds: Sequence[float] = LUO_QI[0], weights: Sequence[float] = LUO_QI[1]) -> Access:  # fmt: skip
    """E2SFCA: zones within the catchment, each with its weight. Source: W. Luo and Y. Qi, Health & Place 15, 2009."""
    return weighted_two_step(demand, supply, costs, zones(bounds, weights), bounds[-1])


def weighted_two_step(demand: Floats, supply: Floats, costs: Sparse | Floats, decay: Decay,
                      catchment: float = np.inf) -> Access:  # fmt: skip
    """2SFCA with any decay in both steps (Gaussian: Dai 2010; kernel: Dai and Wang 2011; gravity: Shen 1998).

    R_j = S_j / sum_i P_i f_ij, A_i = sum_j R_j f_ij; the supply of all facilities within reach is shared out whole:
    sum_i P_i A_i = sum_j S_j.
    """
    demand, supply, weight = _weighted(demand, supply, costs, decay, catchment)
    load = weight.T @ demand
    per_head = weight @ ratio(supply, load)
    return _access(per_head, demand, supply, load)


def modified_two_step(demand: Floats, supply: Floats, costs: Sparse | Floats, decay: Decay,
                      catchment: float = np.inf) -> Access:  # fmt: skip
    """M2SFCA: A_i = sum_j R_j f_ij^2, so that supply far from everybody is not used up. It does not share out all.

    Source: P. Delamater, Health & Place 24, 2013.
    """
    demand, supply, weight = _weighted(demand, supply, costs, decay, catchment)
    load = weight.T @ demand
    per_head = like(weight, weight.data**2) @ ratio(supply, load)
    return _access(per_head, demand, supply, load)


def three_step(demand: Floats, supply: Floats, costs: Sparse | Floats, decay: Decay,
               catchment: float = np.inf) -> Access:  # fmt: skip
    """3SFCA: a place's demand is first divided among the facilities within its reach, G_ij = f_ij / sum_k f_ik.

    R_j = S_j / sum_i P_i G_ij f_ij, A_i = sum_j G_ij R_j f_ij. Source: N. Wan, B. Zou and T. Sternberg, Int. J.
    Geogr. Inf. Sci. 26, 2012.
    """
    demand, supply, weight = _weighted(demand, supply, costs, decay, catchment)
    share = ratio(weight.data, (weight @ np.ones(weight.shape[1]))[rows_of(weight)])
    both = like(weight, share * weight.data)
    load = both.T @ demand
    per_head = both @ ratio(supply, load)
    return _access(per_head, demand, supply, load)


def balanced(demand: Floats, supply: Floats, costs: Sparse | Floats, decay: Decay,
             catchment: float = np.inf) -> Access:  # fmt: skip
    """Balanced FCA: weights are shares, by place in the first step and by facility in the second.

    The demand that falls on facilities adds up to that of all places within reach of one, and the level of service of
    places (`per_head`) to that of all facilities that are reached. `total` is nan: the measure does not share supply
    out by head. Source: A. Páez, C. Higgins and S. Vivona, PLoS ONE 14(6), 2019.
    """
    demand, supply, weight = _weighted(demand, supply, costs, decay, catchment)
    by_place = like(weight, ratio(weight.data, (weight @ np.ones(weight.shape[1]))[rows_of(weight)]))
    by_facility = like(weight, ratio(weight.data, (weight.T @ np.ones(weight.shape[0]))[weight.indices]))
    load = by_place.T @ demand
    per_head = by_facility @ ratio(supply, load)
    found = _access(per_head, demand, supply, load)
    return Access(found.per_head, np.full(len(demand), np.nan), found.load, found.ratio)


def spatial_availability(demand: Floats, supply: Floats, costs: Sparse | Floats, decay: Decay,
                         catchment: float = np.inf, alpha: float = 1.0) -> Access:  # fmt: skip
    """Spatial availability: each facility's supply is shared out in proportion to demand^alpha and to impedance.

    `total` is V_i = sum_j S_j F_ij with F the combined balancing factor, and adds up to the supply within reach.
    `load` counts each place's demand by its share of F, so that it adds up to the demand within reach. With alpha 1
    `per_head` is that of 2SFCA with the same decay. Source: A. Soukhov, A. Páez, C. Higgins and M. Mohamed, PLoS ONE
    18(1), 2023.
    """
    demand, supply, weight = _weighted(demand, supply, costs, decay, catchment)
    row = rows_of(weight)
    raw = like(weight, weight.data * (demand**alpha)[row] * (demand > 0)[row])
    factor = like(weight, ratio(raw.data, (raw.T @ np.ones(len(demand)))[raw.indices]))
    total = factor @ supply
    share = ratio(factor.data * supply[factor.indices], total[row])
    load = like(weight, share * demand[row]).T @ np.ones(len(demand))
    found = _access(ratio(total, demand), demand, supply, load)
    return Access(found.per_head, total, found.load, found.ratio)


def cumulative(supply: Floats, costs: Sparse | Floats, catchment: float) -> Floats:
    """How much supply is within reach of each place (n,), whoever else reaches it: cumulative opportunities."""
    return gravity(supply, costs, binary(catchment), catchment)


def gravity(supply: Floats, costs: Sparse | Floats, decay: Decay, catchment: float = np.inf) -> Floats:
    """Supply within reach, weighted by the way to it (n,), without competition. Source: W. Hansen, 1959."""
    _, supply, weight = _weighted(np.zeros(costs.shape[0]), supply, costs, decay, catchment)
    return weight @ supply


def nearest(costs: Sparse | Floats) -> Floats:
    """The cost to the nearest facility (n,); nan where none can be reached."""
    held = within(costs)
    least = np.full(held.shape[0], np.nan)
    has = np.diff(held.indptr) > 0
    if has.any():
        least[has] = np.minimum.reduceat(held.data, held.indptr[:-1][has])
    return least


def _weighted(demand: Floats, supply: Floats, costs: Sparse | Floats, decay: Decay, catchment: float
              ) -> tuple[Floats, Floats, Sparse]:  # fmt: skip
    demand, supply = checked(demand, supply, costs)
    held = within(costs, catchment)
    return demand, supply, like(held, decay(held.data))


def _access(per_head: Floats, demand: Floats, supply: Floats, load: Floats) -> Access:
    return Access(per_head, per_head * demand, load, np.where(load > 0, ratio(supply, load), np.nan))
