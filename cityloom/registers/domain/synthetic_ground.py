"""The ground of a synthetic city: a warped street grid with names, a river with bridges, parks, and how dense it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from cityloom.kernel import ids
from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.domain import made_up_words
from cityloom.registers.domain.draft import (
    NOT_DRIVABLE,
    NOT_WALKABLE,
    Floats,
    Ints,
    LandTable,
    NodeTable,
    RoadTable,
    Texts,
    texts,
)

PLACE = (114.05, 22.62)
PEOPLE_A_KM2 = 10_000
BLOCK_M = (120.0, 100.0)
SECTION = 24  # blocks of a street before it changes its name
BRIDGE_EVERY = 6
_PRIMARY, _SECONDARY, _TERTIARY = 12, 6, 3
_PARK_SHARE = 0.03
_BANK_M = 18.0
_VERTICAL, _HORIZONTAL = 0, 1


@dataclass(frozen=True)
class Ground:
    """A grid of `columns` x `rows` blocks; corner (i, j) is at `corner_xy[i, j]` metres from `plane`'s reference."""

    columns: int
    rows: int
    plane: LocalProjection
    corner_xy: NDArray[np.float64]
    in_river: NDArray[np.bool_]
    is_park: NDArray[np.bool_]
    is_built: NDArray[np.bool_]
    density: NDArray[np.float64]
    river: shapely.LineString
    river_half_m: float
    street_en: Texts
    street_zh: Texts


def lay_out(people: int, seed: int) -> Ground:
    """Plan the ground for so many people."""
    width = math.sqrt(people / PEOPLE_A_KM2 * 1.25) * 1000
    columns, rows = (max(8, round(side / block)) for side, block in zip((width, width / 1.25), BLOCK_M, strict=True))
    corner_xy = _warped(columns, rows, ids.seeded(seed, "grid"))
    river, half = _river(corner_xy, rows)
    shapely.prepare(river)
    in_river = shapely.dwithin(river, shapely.points(corner_xy), half)
    dry = ~shapely.dwithin(river, _quadrangles(corner_xy), half + _BANK_M)
    park = dry & (ids.seeded(seed, "parks").random((columns, rows)) < _PARK_SHARE)
    density = _density(_centres_of(corner_xy), people, ids.seeded(seed, "density"))
    english, chinese = _street_names(columns, rows)
    return Ground(
        columns, rows, LocalProjection(*PLACE), corner_xy, in_river, park, dry & ~park, density, river, half,
        english, chinese,
    )  # fmt: skip


def _warped(columns: int, rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    i, j = np.meshgrid(np.arange(columns + 1), np.arange(rows + 1), indexing="ij")
    x, y = (i - columns / 2) * BLOCK_M[0], (j - rows / 2) * BLOCK_M[1]
    phase = rng.random(4) * 2 * math.pi
    east = 40 * np.sin(y / 520 + phase[0]) + 25 * np.sin(x / 380 + phase[1])
    north = 35 * np.sin(x / 610 + phase[2]) + 20 * np.sin(y / 340 + phase[3])
    return np.stack([x + east, y + north], axis=-1)


def _river(corner_xy: NDArray[np.float64], rows: int) -> tuple[shapely.LineString, float]:
    """A bent line from west to east through the southern third."""
    height = rows * BLOCK_M[1]
    x = np.linspace(corner_xy[..., 0].min() - 200, corner_xy[..., 0].max() + 200, 400)
    y = -0.2 * height + 0.06 * height * np.sin(x / (0.25 * height) + 1.0)
    return shapely.LineString(np.column_stack([x, y])), float(np.clip(height * 0.006, 18.0, 110.0))


def _quadrangles(corner_xy: NDArray[np.float64]) -> NDArray[np.object_]:
    corners = (corner_xy[:-1, :-1], corner_xy[1:, :-1], corner_xy[1:, 1:], corner_xy[:-1, 1:])
    return shapely.polygons(np.stack(corners, axis=2))


def _centres_of(corner_xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return (corner_xy[:-1, :-1] + corner_xy[1:, :-1] + corner_xy[:-1, 1:] + corner_xy[1:, 1:]) / 4


def _density(block_xy: NDArray[np.float64], people: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How built-up each block is, 1 in the densest: one main centre and others that fall off around them."""
    count = max(1, round(60 * math.sqrt(people / 20e6)))
    extent = np.abs(block_xy).max(axis=(0, 1))
    where = rng.uniform(-0.85, 0.85, (count, 2)) * extent
    spread = np.minimum(rng.uniform(500, 2600, count), extent.min() / 2.5)
    weight = rng.uniform(0.35, 0.8, count)
    where[0], weight[0] = (0.05, 0.15) * extent, 1.0
    total = np.full(block_xy.shape[:2], 0.08)
    for centre, sigma, peak in zip(where, spread, weight, strict=True):
        total += peak * np.exp(-((block_xy - centre) ** 2).sum(axis=-1) / (2 * sigma**2))
    return total / total.max()


def street_number(ground: Ground, vertical: bool, line: Ints, along: Ints) -> Ints:
    """The row of the street's name, for the line and the block along it."""
    if vertical:
        return line * _sections(ground.rows) + along // SECTION
    before = (ground.columns + 1) * _sections(ground.rows)
    return before + line * _sections(ground.columns) + along // SECTION


def _sections(blocks: int) -> int:
    return -(-blocks // SECTION)


def _kind_of_line(line: int) -> str:
    steps = ((_PRIMARY, "primary"), (_SECONDARY, "secondary"), (_TERTIARY, "tertiary"))
    return next((kind for step, kind in steps if line % step == 0), "residential")


def _street_names(columns: int, rows: int) -> tuple[Texts, Texts]:
    kinds = [_kind_of_line(line) for line in range(columns + 1) for _ in range(_sections(rows))]
    kinds += [_kind_of_line(line) for line in range(rows + 1) for _ in range(_sections(columns))]
    names = [made_up_words.street(number, kind) for number, kind in enumerate(kinds)]
    return texts(english for english, _ in names), texts(chinese for _, chinese in names)


def roads_of(ground: Ground) -> tuple[NodeTable, RoadTable]:
    """The street graph, in one piece: streets end at the river, and every sixth one crosses it."""
    node = np.arange((ground.columns + 1) * (ground.rows + 1)).reshape(ground.columns + 1, ground.rows + 1)
    start, end, number, line = (
        np.concatenate(pair) for pair in zip(_segments(ground, node, True), _segments(ground, node, False), strict=True)
    )
    start, end, number, line = (column[_in_one_piece(start, end, node.size)] for column in (start, end, number, line))
    used, ends = np.unique(np.concatenate([start, end]), return_inverse=True)
    lonlat = ground.plane.lonlat(ground.corner_xy.reshape(-1, 2)[used])
    start, end = ends[: len(start)], ends[len(start) :]
    kind = np.array([_kind_of_line(k) for k in range(line.max() + 1)], dtype=object)[line]
    geometry = shapely.linestrings(np.stack([lonlat[start], lonlat[end]], axis=1))
    walkable, drivable = (~np.isin(kind.astype(np.str_), list(no)) for no in (NOT_WALKABLE, NOT_DRIVABLE))
    names = ground.street_en[number], ground.street_zh[number]
    return NodeTable(lonlat[:, 0], lonlat[:, 1]), RoadTable(start, end, geometry, *names, kind, walkable, drivable)


def _segments(ground: Ground, node: Ints, vertical: bool) -> tuple[Ints, Ints, Ints, Ints]:
    """Start, end, street and line of every segment of one direction that is not lost to the river."""
    one, two = (node[:, :-1], node[:, 1:]) if vertical else (node[:-1, :], node[1:, :])
    i, j = np.meshgrid(np.arange(one.shape[0]), np.arange(one.shape[1]), indexing="ij")
    line, along = (i, j) if vertical else (j, i)
    wet = ground.in_river.reshape(-1)
    bridge = (line % BRIDGE_EVERY == 0) & vertical
    kept = ~(wet[one] | wet[two]) | bridge
    kept &= ~_crosses(ground, one, two) | bridge
    return one[kept], two[kept], street_number(ground, vertical, line[kept], along[kept]), line[kept]


def _crosses(ground: Ground, one: Ints, two: Ints) -> NDArray[np.bool_]:
    middle = (ground.corner_xy.reshape(-1, 2)[one] + ground.corner_xy.reshape(-1, 2)[two]) / 2
    return shapely.dwithin(ground.river, shapely.points(middle), ground.river_half_m)


def _in_one_piece(start: Ints, end: Ints, nodes: int) -> NDArray[np.bool_]:
    graph = scipy.sparse.coo_array((np.ones(len(start), np.int8), (start, end)), shape=(nodes, nodes))
    _, piece = scipy.sparse.csgraph.connected_components(graph, directed=False)
    return piece[start] == np.bincount(piece[start]).argmax()


def block_shape(ground: Ground, blocks: Ints, low: Floats, high: Floats) -> NDArray[np.object_]:
    """A quadrangle inside each block between the shares `low` and `high` (0 to 1) of its sides."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    return shapely.polygons(at(ground, blocks, low + corners * (high - low)))


def at(ground: Ground, blocks: Ints, uv: Floats) -> Floats:
    """Longitude and latitude of points (n, k, 2) or (k, 2) given in shares of their block's sides."""
    i, j = blocks // ground.rows, blocks % ground.rows
    xy = ground.corner_xy
    sw, se, nw, ne = (xy[i + di, j + dj][:, None, :] for di, dj in ((0, 0), (1, 0), (0, 1), (1, 1)))
    u, v = uv[..., 0:1], uv[..., 1:2]
    metres = sw * (1 - u) * (1 - v) + se * u * (1 - v) + nw * (1 - u) * v + ne * u * v
    return ground.plane.lonlat(metres.reshape(-1, 2)).reshape(metres.shape)


def land_of(ground: Ground) -> LandTable:
    """The river in pieces, and the parks."""
    parks = np.flatnonzero(ground.is_park)
    edges = np.linspace(0, ground.river.length, max(2, round(ground.river.length / 2000)))
    reaches = [substring(ground.river, a, b) for a, b in pairwise(edges)]
    water = ground.plane.to_degrees(shapely.buffer(np.array(reaches, dtype=object), ground.river_half_m, quad_segs=4))
    green = block_shape(ground, parks, np.array(0.09), np.array(0.91))
    kinds = texts(["water"] * len(water) + ["green"] * len(green))
    names = texts(["Lan River 澜江"] * len(water) + [park_name(k) for k in range(len(green))])
    return LandTable(kinds, names, np.concatenate([water, green]))


def park_name(number: int) -> str:
    """A park's name in both languages."""
    english, chinese = made_up_words.place(number + 211)
    return f"{english} Park {chinese}公园"
