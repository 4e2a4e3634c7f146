"""Street names and house numbers where a source has none."""

from __future__ import annotations

import numpy as np

from cityloom.kernel.cells import COARSE, cells_of
from cityloom.registers.domain import plane
from cityloom.registers.domain.draft import (
    BuildingTable,
    Ints,
    MadeUp,
    NodeTable,
    RoadTable,
    Synthesised,
    Texts,
)  # fmt: skip

_FEW_NAMES = 0.05
_TITLES = {
    "motorway": "Motorway", "trunk": "Trunk road", "primary": "Main road", "secondary": "Secondary road",
    "tertiary": "Connecting road", "residential": "Street", "living_street": "Street", "service": "Lane",
}  # fmt: skip
_TITLES_ZH = {
    "motorway": "高速路", "trunk": "快速路", "primary": "主干路", "secondary": "次干路", "tertiary": "支路",
    "residential": "街", "living_street": "街", "service": "巷",
}  # fmt: skip


def with_names(roads: RoadTable, nodes: NodeTable) -> tuple[dict[str, np.ndarray], dict[str, Synthesised]]:
    """Name the drivable roads of a city whose source has next to no names, by kind and number within a cell.

    Segments of one kind in one H3 cell (0.7 km2) share a name; a city that has names keeps its gaps.
    """
    missing = (roads.name == "") & roads.drivable
    if not missing.any() or (roads.name[roads.drivable] != "").mean() >= _FEW_NAMES:
        return {}, {}
    rows = np.flatnonzero(missing)
    cells = cells_of(nodes.lon[roads.start[rows]], nodes.lat[roads.start[rows]], COARSE)
    keys = np.array([f"{kind}/{cell}" for kind, cell in zip(roads.kind[rows], cells.tolist(), strict=True)])
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    name, name_zh = roads.name.copy(), roads.name_zh.copy()
    name[rows] = [f"{_TITLES.get(roads.kind[r], 'Road')} {order[g] + 1}" for r, g in zip(rows, group, strict=True)]
    name_zh[rows] = [f"{order[g] + 1}号{_TITLES_ZH.get(roads.kind[r], '路')}" for r, g in zip(rows, group, strict=True)]
    rule = "numbered by kind in each H3 cell of resolution 8"
    return {"name": name, "name_zh": name_zh}, {"names of road segments": Synthesised(len(rows), rule)}


def with_addresses(buildings: BuildingTable, roads: RoadTable) -> tuple[dict[str, np.ndarray], dict[str, Synthesised]]:
    """Give each building the nearest named street, and a number along it, where they are missing."""
    street, made_up = buildings.street.copy(), buildings.made_up.copy()
    nameless = np.flatnonzero(street == "")
    named = np.flatnonzero(roads.name != "")
    lons, lats = plane.middles(buildings.footprint[nameless])
    row = plane.nearest(roads.geometry[named], lons, lats)
    found = nameless[row >= 0]
    street[found] = roads.name[named[row[row >= 0]]]
    made_up[found] |= MadeUp.STREET
    number, numbered = _numbers(street, buildings.house_number)
    made_up[numbered] |= MadeUp.HOUSE_NUMBER
    return {"street": street, "house_number": number, "made_up": made_up}, {
        "streets of buildings": Synthesised(len(found), "the nearest road that has a name"),
        "house numbers": Synthesised(len(numbered), "counted up along each street, above the numbers that are known"),
    }


def _numbers(street: Texts, known: Texts) -> tuple[Texts, Ints]:
    """Count the buildings without a number along each street, starting above its highest known number."""
    filled = known.copy()
    rows = np.flatnonzero((known == "") & (street != ""))
    if len(rows):
        _, group = np.unique(street.astype(np.str_), return_inverse=True)
        order = np.argsort(group[rows], kind="stable")
        sorted_group = group[rows][order]
        start = np.flatnonzero(np.r_[True, np.diff(sorted_group) != 0])
        place = np.arange(len(rows)) - np.repeat(start, np.diff(np.r_[start, len(rows)]))
        highest = _highest(group, known)
        filled[rows[order]] = [str(n) for n in (highest[sorted_group] + place + 1).tolist()]
    return filled, rows


def _highest(group: Ints, known: Texts) -> Ints:
    highest = np.zeros(int(group.max()) + 1, np.int64)
    rows = np.flatnonzero(known != "")
    numbers = [int(text[:6]) if text[:6].isdecimal() else 0 for text in known[rows]]
    np.maximum.at(highest, group[rows], numbers)
    return highest
