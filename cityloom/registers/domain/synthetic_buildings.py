"""The buildings of a synthetic city: plots in blocks, uses, footprints, levels, addresses, and the places in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel import ids
from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain import made_up_words, plane
from cityloom.registers.domain import synthetic_ground as land
from cityloom.registers.domain.draft import (
    BuildingTable,
    Floats,
    Ints,
    MadeUp,
    PlaceTable,
    Texts,
    blank,
    texts,
    unknown,
)
from cityloom.registers.domain.synthetic_ground import Ground

PEOPLE_A_BUILDING = 20
DWELLINGS_A_PERSON = 0.7
_ACROSS, _UP = 4, 3  # plots in a block
_ROAD = 0.09  # share of a block's side that the street takes
_LOTS = _ACROSS * _UP
_LARGE = (
    ("school", "school", 8_000, "School", "学校"), ("university", "university", 300_000, "University", "大学"),
    ("hospital", "hospital", 60_000, "Hospital", "医院"), ("sports", "sports_hall", 30_000, "Sports Hall", "体育馆"),
    ("retail", "other", 40_000, "Mall", "广场"),
)  # fmt: skip
"""Use, kind of place, people for each one, and the words: these fill a block of their own."""
_SMALL = (
    ("kindergarten", "kindergarten", 4_000, "Kindergarten", "幼儿园"), ("clinic", "clinic", 10_000, "Clinic", "诊所"),
    ("civic", "community_centre", 8_000, "Community Centre", "社区中心"),
    ("nursing_home", "nursing_home", 20_000, "Nursing Home", "养老院"),
    ("worship", "place_of_worship", 20_000, "Temple", "寺"), ("civic", "town_hall", 350_000, "Town Hall", "政府"),
)  # fmt: skip
"""The same for places that stand on a plot among others."""
_USES = ("residential", "house", "retail", "office", "industrial", "warehouse", "hotel", "parking")
_INDUSTRIAL_SHARE = 0.05

_RECT = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
_ELL = np.array([[0, 0], [1, 0], [1, 0.45], [0.45, 0.45], [0.45, 1], [0, 1]], float)
_HOLE = np.array([[0.3, 0.3], [0.3, 0.7], [0.7, 0.7], [0.7, 0.3]], float)


@dataclass(frozen=True)
class Plots:
    """Chosen plots: their block, the shares of its sides that they fill (n, 2), use, place (row of the kinds, -1)."""

    block: Ints
    low: Floats
    high: Floats
    lot: Ints
    use: Texts
    service: Ints
    large: NDArray[np.bool_]


def build(ground: Ground, people: int, seed: int) -> tuple[BuildingTable, PlaceTable]:
    """The buildings, and the places in and between them."""
    plots = _plots(ground, people, seed)
    footprint = _footprints(ground, plots, ids.seeded(seed, "footprints"))
    density = ground.density.reshape(-1)[plots.block]
    levels = _levels(plots, density, plane.areas_m2(footprint), people, ids.seeded(seed, "levels"))
    street, number = _addresses(ground, plots)
    names = _service_names(plots.service)
    made_up = np.full(len(footprint), int(MadeUp.EVERYTHING), np.int64)
    buildings = BuildingTable(
        footprint, plots.use, levels, unknown(len(levels)), unknown(len(levels)), street, number, names,
        blank(len(levels)), made_up, np.zeros(len(levels), np.int64), np.zeros(len(levels)), blank(len(levels)),
    )  # fmt: skip
    return buildings, _places(ground, plots, footprint, names)


def _plots(ground: Ground, people: int, seed: int) -> Plots:
    rng = ids.seeded(seed, "plots")
    whole, whole_service = _whole_blocks(ground, people, rng)
    free = ground.is_built.reshape(-1).copy()
    free[whole] = False
    lots = np.repeat(np.flatnonzero(free), _LOTS) * _LOTS + np.tile(np.arange(_LOTS), int(free.sum()))
    count = min(len(lots), max(1, round(people / PEOPLE_A_BUILDING) - len(whole)))
    weight = np.log(ground.density.reshape(-1)[lots // _LOTS]) + rng.gumbel(size=len(lots))
    chosen = np.sort(lots[np.argpartition(-weight, count - 1)[:count]])
    service = _services(len(chosen), people, rng)
    use = _uses(ground, chosen // _LOTS, service, rng)
    low, high = _extents(chosen % _LOTS, rng)
    big_low, big_high = _large_extents(len(whole), rng)
    kinds = np.array([use for use, *_ in (*_LARGE, *_SMALL)], dtype=object)
    return Plots(
        np.concatenate([whole, chosen // _LOTS]),
        np.concatenate([big_low, low]),
        np.concatenate([big_high, high]),
        np.concatenate([np.zeros(len(whole), np.int64), chosen % _LOTS]),
        np.concatenate([kinds[whole_service], use]),
        np.concatenate([whole_service, service]),
        np.arange(len(whole) + len(chosen)) < len(whole),
    )


def _whole_blocks(ground: Ground, people: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Blocks of the schools, hospitals and the like, spread as the people are, and which of the kinds each is."""
    counts = [max(1 if people >= each / 4 else 0, round(people / each)) for _, _, each, _, _ in _LARGE]
    built = np.flatnonzero(ground.is_built)
    counts = np.minimum(counts, len(built) // 12)
    share = ground.density.reshape(-1)[built] ** 0.6
    blocks = rng.choice(built, int(counts.sum()), replace=False, p=share / share.sum())
    return blocks, np.repeat(np.arange(len(_LARGE)), counts)


def _services(plots: int, people: int, rng: np.random.Generator) -> Ints:
    """Which plots hold a small service (its row after the large ones), -1 for the others."""
    service = np.full(plots, -1)
    kinds = np.repeat(np.arange(len(_SMALL)), [max(1, round(people / each)) for _, _, each, _, _ in _SMALL])
    kinds = kinds[: plots // 4]
    service[rng.choice(plots, len(kinds), replace=False)] = kinds + len(_LARGE)
    return service


def _uses(ground: Ground, block: Ints, service: Ints, rng: np.random.Generator) -> Texts:
    density = ground.density.reshape(-1)[block]
    sparse = np.clip(1 - 3 * density, 0, 1)
    works = _in_industrial_park(ground, block, rng)
    n = len(block)
    shares = np.stack([
        np.full(n, 0.80), 0.35 * sparse, np.full(n, 0.05), 0.03 + 0.10 * density, np.where(works, 4.0, 0.005),
        np.where(works, 2.0, 0.005), 0.004 + 0.01 * density, np.full(n, 0.006),
    ], axis=1)  # fmt: skip
    edges = np.cumsum(shares, axis=1)
    throw = rng.random(n) * edges[:, -1]
    use = np.array(_USES, dtype=object)[(throw[:, None] >= edges[:, :-1]).sum(axis=1)]
    small = np.array([kind for kind, *_ in _SMALL], dtype=object)
    use[service >= 0] = small[service[service >= 0] - len(_LARGE)]
    return use


def _in_industrial_park(ground: Ground, block: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Groups of 6 x 6 blocks, away from the centres."""
    wide = ground.rows // 6 + 1
    chosen = rng.random((ground.columns // 6 + 1) * wide) < _INDUSTRIAL_SHARE
    group = (block // ground.rows // 6) * wide + block % ground.rows // 6
    return chosen[group] & (ground.density.reshape(-1)[block] < 0.35)


def _extents(lot: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    side = (1 - 2 * _ROAD) / np.array([_ACROSS, _UP])
    corner = _ROAD + np.stack([lot % _ACROSS, lot // _ACROSS], axis=1) * side
    fill = rng.uniform(0.55, 0.88, (len(lot), 2)) * side
    low = corner + (side - fill) * rng.uniform(0.2, 0.8, (len(lot), 2))
    return low, low + fill


def _large_extents(count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    low = rng.uniform(0.14, 0.28, (count, 2))
    return low, 1 - rng.uniform(0.14, 0.28, (count, 2))


def _footprints(ground: Ground, plots: Plots, rng: np.random.Generator) -> NDArray[np.object_]:
    """Rectangles, some L-shaped, and large buildings around a court; following the bend of their block."""
    shape = rng.random(len(plots.block))
    ring = plots.large & (shape < 0.6)
    ell = ~ring & (shape > 0.8)
    footprint = np.empty(len(shape), dtype=object)
    for rows, outline in ((~ring & ~ell, _RECT), (ell, _ELL)):
        footprint[rows] = shapely.polygons(_corners(ground, plots, rows, outline))
    if ring.any():
        holes = shapely.linearrings(_corners(ground, plots, ring, _HOLE))
        footprint[ring] = shapely.polygons(
            shapely.linearrings(_corners(ground, plots, ring, _RECT)), holes=holes[:, None]
        )
    return footprint


def _corners(ground: Ground, plots: Plots, rows: NDArray[np.bool_], outline: Floats) -> Floats:
    low, high = plots.low[rows][:, None, :], plots.high[rows][:, None, :]
    return land.at(ground, plots.block[rows], low + outline * (high - low))


def _levels(plots: Plots, density: Floats, ground_m2: Floats, people: int, rng: np.random.Generator) -> Floats:
    """Levels that grow with density, so that the homes hold 0.7 dwellings for each person."""
    shape = density**0.7 * rng.lognormal(0.0, 0.35, len(density))
    other = np.array([assumed.LEVELS_BY_USE[use] for use in plots.use], float)
    tall = (plots.use == "office") | (plots.use == "hotel")
    home = plots.use == "residential"
    low_rise = np.where(plots.use == "house", rng.integers(1, 4, len(density)), other)
    wanted = people * DWELLINGS_A_PERSON - float((plots.use == "house").sum()) * 2
    scale, step = 64.0, 32.0
    while step > 1 / 64:
        made = _dwellings(np.clip(np.rint(shape[home] * scale), 1, 40), ground_m2[home])
        scale += step if made < wanted else -step
        step /= 2
    return np.where(home | tall, np.clip(np.rint(shape * scale), 1, 40), low_rise)


def _dwellings(levels: Floats, ground_m2: Floats) -> float:
    return float(np.maximum(1, np.floor(levels * ground_m2 * assumed.USABLE_SHARE / assumed.DWELLING_M2)).sum())


def _addresses(ground: Ground, plots: Plots) -> tuple[Texts, Texts]:
    """The street on the plot's side of the block, and a number that no other plot on it has."""
    i, j = plots.block // ground.rows, plots.block % ground.rows
    across, up = plots.lot % _ACROSS, plots.lot // _ACROSS
    inner = (up == 1) & ~plots.large
    far = np.where(inner, across >= _ACROSS // 2, up == _UP - 1).astype(np.int64)
    number_of = land.street_number
    street = np.where(inner, number_of(ground, True, i + far, j), number_of(ground, False, j + far, i))
    along = np.where(inner, j % land.SECTION * 4 + across % 2 * 2, i % land.SECTION * 8 + across * 2)
    words = np.array([str(n) for n in range(1, land.SECTION * 8 + 2)], dtype=object)
    return ground.street_en[street], words[along + 1 - far]


def _service_names(service: Ints) -> Texts:
    names = blank(len(service))
    rows = np.flatnonzero(service >= 0)
    kinds = (*_LARGE, *_SMALL)
    for count, row in enumerate(rows.tolist()):
        english, chinese = made_up_words.place(count + 71)
        *_, word, word_zh = kinds[service[row]]
        names[row] = f"{english} {word} {chinese}{word_zh}"
    return names


def _places(ground: Ground, plots: Plots, footprint: NDArray[np.object_], names: Texts) -> PlaceTable:
    rows = np.flatnonzero(plots.service >= 0)
    kinds = np.array([kind for _, kind, *_ in (*_LARGE, *_SMALL)], dtype=object)
    parks = np.flatnonzero(ground.is_park)
    green = land.block_shape(ground, parks, np.array(0.09), np.array(0.91))
    lons, lats = plane.middles(np.concatenate([footprint[rows], green]))
    return PlaceTable(
        kind=np.concatenate([kinds[plots.service[rows]], texts(["park"] * len(parks))]),
        name=np.concatenate([names[rows], texts(land.park_name(k) for k in range(len(parks)))]),
        lon=lons,
        lat=lats,
        building=np.concatenate([rows, np.full(len(parks), -1)]),
        area_m2=np.concatenate([unknown(len(rows)), plane.areas_m2(green)]),
        made_up=np.full(len(lons), int(MadeUp.EVERYTHING), np.int64),
    )
