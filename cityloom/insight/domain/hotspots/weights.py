"""Who is whose neighbour: spatial weights by the nearest, by distance, or by a common border; islands have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_NEIGHBOURS = 5_000_000
_K = "A place can have {limit} nearest neighbours here at most, not {value}."
_CROWDED = "At this distance there are {value} pairs of neighbours, more than {limit}; choose a shorter one."


@dataclass(frozen=True, eq=False)
class Weights:
    """`matrix` of shape (n, n), row i the weights of the neighbours of i; none of itself."""

    matrix: sparse.csr_array

    @property
    def islands(self) -> Ints:
        """The places without a neighbour; figures that need one are not known for them."""
        return np.flatnonzero(np.diff(self.matrix.indptr) == 0)

    def row_standardised(self) -> Weights:
        """Each row divided by its sum."""
        sums = self.matrix.sum(axis=1)
        scale = np.divide(1.0, sums, out=np.zeros(len(sums)), where=sums > 0)
        return replace(self, matrix=sparse.csr_array(sparse.diags_array(scale) @ self.matrix))

    def with_self(self) -> Weights:
        """With each place as its own neighbour, as Gi* has it: of weight 1, or of the largest of its row."""
        largest = np.ones(self.matrix.shape[0])
        known = np.diff(self.matrix.indptr) > 0
        largest[known] = self.matrix.max(axis=1).toarray().ravel()[known]
        return replace(self, matrix=sparse.csr_array(self.matrix + sparse.diags_array(largest)))


def k_nearest(xy: Floats, k: int = 8) -> Weights:
    """The k nearest others are neighbours; ties as the tree finds them. Raises: Refused `insight.nearest`."""
    if not 1 <= k < len(xy):
        raise Refused("insight.nearest", _K, value=k, limit=len(xy) - 1)
    _, near = cKDTree(xy).query(xy, k + 1)
    rows = np.repeat(np.arange(len(xy)), k + 1)
    others = near.ravel() != rows
    others &= np.cumsum(others.reshape(near.shape), axis=1).ravel() <= k  # several places at one spot push itself out
    return _of(rows[others], near.ravel()[others], len(xy))


def distance_band(xy: Floats, metres: float) -> Weights:
    """All within a distance, that included, are neighbours. Raises: Refused `insight.crowded`."""
    tree = cKDTree(xy)
    if (pairs := int(tree.count_neighbors(tree, metres))) > MOST_NEIGHBOURS:
        raise Refused("insight.crowded", _CROWDED, value=pairs, limit=MOST_NEIGHBOURS)
    near = tree.query_pairs(metres, output_type="ndarray")
    return contiguity(near, len(xy))


def contiguity(pairs: Sequence[tuple[int, int]] | Ints, places: int) -> Weights:
    """Places with a common border, as pairs of their positions, are neighbours of each other."""
    both = np.asarray(pairs, np.int64).reshape(-1, 2)
    both = both[both[:, 0] != both[:, 1]]
    both = np.unique(np.concatenate([both, both[:, ::-1]]), axis=0)
    return _of(both[:, 0], both[:, 1], places)


def _of(rows: Ints, columns: Ints, places: int) -> Weights:
    return Weights(sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(places, places)))
