"""Lines drawn without a common list of points, joined where they meet on the ground.

Ends within `REACH_M` of a corner of another line join it, and ends within it of the middle of another line cut that
line there. Lines that merely cross are joined only where the file as a whole is drawn so (it has more bare crossings
than shared corners), and never where one of the two passes over or under.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import scipy
import shapely
from numpy.typing import NDArray

from cityloom.kernel import geometry
from cityloom.registers.domain.osm_shapes import LonLat, Piece

REACH_M = 1.0
_GRAIN_M = 0.01
Ints = NDArray[np.int64]
Cuts = dict[int, list[tuple[float, int]]]  # line -> (metres along it, key of a corner to add)


def joined(lines: Sequence[LonLat], apart: NDArray[np.bool_]) -> list[Piece]:
    """The lines with a key for each corner, equal where they meet; `apart` marks bridges and tunnels."""
    if not lines:
        return []
    plane = geometry.LocalProjection(*np.concatenate(lines).mean(axis=0))
    metric = [plane.xy(line[:, 0], line[:, 1]) for line in lines]
    corners, keys = _keyed(metric)
    shapes = shapely.linestrings(np.concatenate(metric), indices=_owners(metric))
    cuts = _cuts_by_ends(shapes, corners, keys)
    corners = _cut_at_crossings(shapes, corners, keys, cuts, apart)
    cut = [_with_cuts(metric[row], keys[row], cuts.get(row, []), corners) for row in range(len(lines))]
    return [Piece(key, plane.lonlat(xy)) for xy, key in cut]


def _owners(lines: Sequence[NDArray[np.float64]]) -> Ints:
    return np.repeat(np.arange(len(lines)), [len(line) for line in lines])


def _keyed(metric: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], list[Ints]]:
    """The distinct corners, and each line as rows of them, with the ends moved to a corner close by."""
    everything = np.concatenate(metric)
    grains = np.round(everything / _GRAIN_M).astype(np.int64)
    _, first, row = np.unique(grains, axis=0, return_index=True, return_inverse=True)
    corners = everything[first]
    bounds = np.cumsum([len(line) for line in metric])
    row = row.ravel()
    ends = np.unique(np.concatenate([row[bounds - 1], row[np.concatenate([[0], bounds[:-1]])]]))
    merged = _merged(corners, ends)
    return corners, np.split(merged[row], bounds[:-1])


def _merged(corners: NDArray[np.float64], ends: Ints) -> Ints:
    tree = scipy.spatial.cKDTree
    near = tree(corners[ends]).sparse_distance_matrix(tree(corners), REACH_M, output_type="coo_matrix")
    links = scipy.sparse.coo_array((np.ones(near.nnz), (ends[near.row], near.col)), shape=(len(corners), len(corners)))
    _, group = scipy.sparse.csgraph.connected_components(links, directed=False)
    _, leader = np.unique(group, return_index=True)
    return leader[group]


def _cuts_by_ends(shapes: NDArray[np.object_], corners: NDArray[np.float64], keys: Sequence[Ints]) -> Cuts:
    ends = np.unique([key for line in keys for key in (line[0], line[-1])])
    points = shapely.points(corners[ends])
    at, row = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=REACH_M)
    cuts: Cuts = defaultdict(list)
    for end, point, line in zip(ends[at].tolist(), points[at], row.tolist(), strict=True):
        if end not in keys[line]:
            cuts[line].append((float(shapely.line_locate_point(shapes[line], point)), end))
    return cuts


def _cut_at_crossings(
    shapes: NDArray[np.object_], corners: NDArray[np.float64], keys: Sequence[Ints], cuts: Cuts,
    apart: NDArray[np.bool_],
) -> NDArray[np.float64]:  # fmt: skip
    """Add a corner to both lines of each bare crossing, where the file is drawn so; return the corners with the new."""
    bare = _bare_crossings(shapes, corners, keys, cuts, apart)
    if len(bare) <= _shared_corners(keys):
        return corners
    new = [corners]
    for number, (one, other, point) in enumerate(bare):
        for line in (one, other):
            cuts[line].append((float(shapely.line_locate_point(shapes[line], point)), len(corners) + number))
        new.append(shapely.get_coordinates(point))
    return np.concatenate(new)


def _bare_crossings(
    shapes: NDArray[np.object_], corners: NDArray[np.float64], keys: Sequence[Ints], cuts: Cuts,
    apart: NDArray[np.bool_],
) -> list[tuple[int, int, shapely.Point]]:  # fmt: skip
    one, other = shapely.STRtree(shapes).query(shapes, predicate="crosses")
    kept = (one < other) & ~apart[one] & ~apart[other]
    found = []
    for a, b in zip(one[kept].tolist(), other[kept].tolist(), strict=True):
        met = np.union1d(np.intersect1d(keys[a], keys[b]), [key for line in (a, b) for _, key in cuts.get(line, [])])
        shared = shapely.multipoints(corners[met.astype(int)])
        points = shapely.get_parts(shapely.intersection(shapes[a], shapes[b]))
        far = (shapely.get_type_id(points) == 0) & ~shapely.dwithin(points, shared, REACH_M)
        found.extend((a, b, point) for point in points[far])
    return found


def _shared_corners(keys: Sequence[Ints]) -> int:
    _, counts = np.unique(np.concatenate([np.unique(line) for line in keys]), return_counts=True)
    return int((counts > 1).sum())


def _with_cuts(
    line: NDArray[np.float64], keys: Ints, cuts: list[tuple[float, int]], corners: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Ints]:
    if not cuts:
        return corners[keys], keys
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    order = np.argsort(np.concatenate([along, [at for at, _ in cuts]]), kind="stable")
    merged = np.concatenate([keys, [key for _, key in cuts]])[order]
    return corners[merged], merged
