"""How much each sensor of a water network feels a litre that is lost in each pipe: a linear picture of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csc_array, eye_array
from scipy.sparse.linalg import SuperLU, splu

from cityloom.detection.domain.topology import PUMP, REGULATOR, Floats, Ints, Network

_USUAL_ROUGHNESS, _USUAL_DIAMETER_MM = 120.0, 150.0
_LEAST_FLOW = 5e-5  # m3/s; pipes that stand still would have no resistance at all
_EXPONENT = 1.852
_ROUNDS = 40
_LEAST_LENGTH_M = 0.5


@dataclass(frozen=True)
class Solved:
    """The linear picture: `conductance` of each pipe (m3/s a metre of head) around the usual flows."""

    network: Network
    pipes: Ints
    conductance: Floats
    _lu: SuperLU
    _drawn_at: csc_array

    def pressure(self, nodes: Ints) -> Floats:
        """Metres of head that a litre a second, drawn in the middle of each edge, adds at each node (below 0)."""
        wanted = coo_array((np.ones(len(nodes)), (nodes, np.arange(len(nodes)))), shape=(self._size, len(nodes)))
        return self._felt(wanted.toarray())

    def flow(self, edges: Ints) -> Floats:
        """Litres a second more in these edges for one drawn in the middle of each edge; 0 in what is no pipe."""
        row = np.full(len(self.network.begin), -1, np.int64)
        row[self.pipes] = np.arange(len(self.pipes))
        through = np.where(row[edges] >= 0, self.conductance[row[edges]], 0.0)
        wanted = np.zeros((self._size, len(edges)))
        place = np.arange(len(edges))
        wanted[self.network.begin[edges], place] += through
        wanted[self.network.end[edges], place] -= through
        return self._felt(wanted) * 1000

    @property
    def _size(self) -> int:
        return len(self.network.node)

    def _felt(self, wanted: Floats) -> Floats:
        at_node = -(self._drawn_at.T @ self._lu.solve(wanted, trans="T")) / 1000
        return np.asarray((at_node[self.network.begin] + at_node[self.network.end]).T / 2)


def solved(network: Network) -> Solved:
    """The network around its usual flows, by demands where they are known, else equal ones at all nodes.

    Losses are those of Hazen and Williams; regulators and reservoirs hold their pressure, pumps are left out.
    Source: Wood and Charles (1972), Hydraulic network analysis using linear theory.
    """
    pipes = np.flatnonzero(_passed(network) != PUMP)
    pipes = pipes[_passed(network)[pipes] != REGULATOR]
    resistance = _resistance(network, pipes)
    demand = network.demand_ls if network.demand_ls is not None else np.ones(len(network.node))
    demand = np.maximum(demand, 0.0) / 1000
    flow = np.full(len(pipes), 1e-3)
    for _ in range(_ROUNDS):
        lu, drawn_at = _system(network, pipes, _conductance(resistance, flow))
        head = lu.solve(-(drawn_at @ demand))
        new = _conductance(resistance, flow) * (head[network.begin[pipes]] - head[network.end[pipes]])
        flow = (flow + new) / 2
    conductance = _conductance(resistance, flow) / _EXPONENT
    return Solved(network, pipes, conductance, *_system(network, pipes, conductance))


def _passed(network: Network) -> np.ndarray:
    return network.passed if network.passed is not None else np.full(len(network.begin), "pipe", dtype=object)


def _resistance(network: Network, pipes: Ints) -> Floats:
    """Metres of head for the 1.852th power of m3/s."""
    diameter = _known(network.diameter_mm, pipes, _USUAL_DIAMETER_MM) / 1000
    roughness = _known(network.roughness, pipes, _USUAL_ROUGHNESS)
    length = np.maximum(network.length_m[pipes], _LEAST_LENGTH_M)
    return 10.667 * length * roughness**-_EXPONENT * diameter**-4.871


def _known(column: Floats | None, rows: Ints, usual: float) -> Floats:
    values = np.full(len(rows), usual) if column is None else column[rows]
    return np.where(np.isfinite(values) & (values > 0), values, usual)


def _conductance(resistance: Floats, flow: Floats) -> Floats:
    return 1 / (resistance * np.maximum(np.abs(flow), _LEAST_FLOW) ** (_EXPONENT - 1))


def _system(network: Network, pipes: Ints, conductance: Floats) -> tuple[SuperLU, csc_array]:
    """Balance at each node, and the matrix that says whose balance a demand enters.

    What is drawn behind a regulator is drawn through it, and so enters the balance of the node before it.
    """
    size = len(network.node)
    begin, end = network.begin[pipes], network.end[pipes]
    rows, columns = np.r_[begin, end, begin, end], np.r_[begin, end, end, begin]
    balance = coo_array((np.r_[conductance, conductance, -conductance, -conductance], (rows, columns)), (size, size))
    regulators = np.flatnonzero(_passed(network) == REGULATOR)
    before, behind = network.begin[regulators], network.end[regulators]
    through = eye_array(size, format="csr") + coo_array((np.ones(len(before)), (before, behind)), (size, size)).tocsr()
    held = np.zeros(size, bool)
    held[np.r_[_held(network, pipes), behind]] = True
    free = coo_array((np.where(held, 0.0, 1.0), (np.arange(size), np.arange(size))), (size, size)).tocsr()
    fixed = coo_array((held.astype(np.float64), (np.arange(size), np.arange(size))), (size, size)).tocsr()
    drawn_at = csc_array(free @ through)
    return splu(csc_array(drawn_at @ balance.tocsr() + fixed)), drawn_at


def _held(network: Network, pipes: Ints) -> Ints:
    """Nodes whose pressure is held; of each part of the network that has none, the one where most pipes meet."""
    from scipy.sparse.csgraph import connected_components

    size = len(network.node)
    links = coo_array((np.ones(len(pipes)), (network.begin[pipes], network.end[pipes])), (size, size))
    part = connected_components(links, directed=False)[1]
    known = np.r_[network.held, network.end[_passed(network) == REGULATOR]].astype(np.int64)
    meets = np.bincount(np.r_[network.begin[pipes], network.end[pipes]], minlength=size)
    order = np.lexsort((-meets, part))
    first = order[np.append(True, np.diff(part[order]) > 0)]
    lone = first[~np.isin(part[first], part[known])]
    return np.r_[network.held, lone].astype(np.int64)
