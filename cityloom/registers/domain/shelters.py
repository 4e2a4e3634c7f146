"""Places that shelter people, and the buildings that places fill."""

from __future__ import annotations

import numpy as np
import shapely

from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain import plane
from cityloom.registers.domain.draft import (
    BuildingTable,
    Flags,
    Floats,
    Ints,
    MadeUp,
    PlaceTable,
    RoadTable,
    Synthesised,
    Texts,
    blank,
    texts,
)  # fmt: skip
from cityloom.registers.domain.homes import gross_floor_m2, ground_m2
from cityloom.registers.domain.osm_words import has_ideographs

INDOORS = ("school", "sports_hall", "community_centre")
OUTDOORS = ("park",)
KIND_OF_USE = {
    "school": "school", "kindergarten": "kindergarten", "university": "university", "hospital": "hospital",
    "clinic": "clinic", "nursing_home": "nursing_home", "sports": "sports_hall", "worship": "place_of_worship",
}  # fmt: skip
_TITLES = {
    "school": "School", "kindergarten": "Kindergarten", "university": "University building", "hospital": "Hospital",
    "clinic": "Clinic", "nursing_home": "Nursing home", "sports_hall": "Sports hall",
    "place_of_worship": "Place of worship", "community_centre": "Community centre", "park": "Park",
    "town_hall": "Town hall", "other": "Place",
}  # fmt: skip
_TITLES_ZH = {
    "school": "学校", "kindergarten": "幼儿园", "university": "大学楼", "hospital": "医院", "clinic": "诊所",
    "nursing_home": "养老院", "sports_hall": "体育馆", "place_of_worship": "宗教场所", "community_centre": "社区中心",
    "park": "公园", "town_hall": "政务楼", "other": "场所",
}  # fmt: skip
_NEAR_M = 60.0
_FILLED = ("school", "kindergarten", "university", "civic", "sports", "worship", "other")
"""Uses of a building that a school, hall or centre may fill from top to bottom."""


def any_named(places: PlaceTable, buildings: BuildingTable) -> bool:
    """Whether the source knows of anything that could shelter people."""
    named = np.isin(places.kind.astype(np.str_), [*INDOORS, *OUTDOORS]).any()
    return bool(named or np.isin(buildings.use.astype(np.str_), ["school", "sports", "civic"]).any())


def linked(places: PlaceTable, buildings: BuildingTable) -> Ints:
    """The building of each place: the one that the source names, else for a place indoors the one at its point."""
    found = places.building.copy()
    rows = np.flatnonzero((found < 0) & (places.kind != "park"))
    if len(rows) and len(buildings):
        tree = shapely.STRtree(buildings.footprint)
        at, building = tree.query(shapely.points(places.lon[rows], places.lat[rows]), predicate="intersects")
        found[rows[at]] = building
        _link_near(places, buildings, found)
    return found


def _link_near(places: PlaceTable, buildings: BuildingTable, found: Ints) -> None:
    """A school drawn as a yard belongs to the nearest building of the same use within 60 m."""
    lons, lats = plane.middles(buildings.footprint)
    for use, kind in KIND_OF_USE.items():
        rows = np.flatnonzero((found < 0) & (places.kind == kind))
        candidates = np.flatnonzero(buildings.use == use)
        if not len(rows) or not len(candidates):
            continue
        local = plane.around(lons, lats)
        tree = shapely.STRtree(local.to_metres(buildings.footprint[candidates]))
        points = shapely.points(local.xy(places.lon[rows], places.lat[rows]))
        at, near = tree.query_nearest(points, max_distance=_NEAR_M, all_matches=False)
        found[rows[at]] = candidates[near]


def from_buildings(
    places: PlaceTable, buildings: BuildingTable, roads: RoadTable
) -> tuple[PlaceTable, dict[str, Synthesised]]:
    """Add a place for each school, hospital and the like that the source draws as a building only; name all."""
    kind = np.array([KIND_OF_USE.get(use, "") for use in buildings.use], dtype=object)
    kind[places.building[places.building >= 0]] = ""
    rows = np.flatnonzero(kind != "")
    lons, lats = plane.middles(buildings.footprint[rows])
    made = np.full(len(rows), int(MadeUp.CAPACITY), np.int64)
    more = (kind[rows], buildings.name[rows], lons, lats, rows, np.full(len(rows), np.nan), made)
    columns = (places.kind, places.name, places.lon, places.lat, places.building, places.area_m2, places.made_up)
    table = PlaceTable(*(np.concatenate(pair) for pair in zip(columns, more, strict=True)))
    return _named(table, buildings, roads)


def _named(
    places: PlaceTable, buildings: BuildingTable, roads: RoadTable
) -> tuple[PlaceTable, dict[str, Synthesised]]:
    name, made_up = places.name.copy(), places.made_up.copy()
    nameless = np.flatnonzero(name == "")
    street = np.where(places.building >= 0, _at(buildings.street, places.building), "")
    open_air = nameless[street[nameless] == ""]
    street[open_air] = _nearest_streets(places, roads, open_air)
    name[nameless] = texts(_title(places.kind[row], street[row]) for row in nameless)
    made_up[nameless] |= MadeUp.NAME
    rule = "the kind of place and its street"
    table = PlaceTable(places.kind, name, places.lon, places.lat, places.building, places.area_m2, made_up)
    return table, {"names of places": Synthesised(len(nameless), rule)}


def _nearest_streets(places: PlaceTable, roads: RoadTable, rows: Ints) -> Texts:
    named = np.flatnonzero(roads.name != "")
    road = plane.nearest(roads.geometry[named], places.lon[rows], places.lat[rows])
    return texts(roads.name[named[at]] if at >= 0 else "" for at in road.tolist())


def _title(kind: str, street: str) -> str:
    if has_ideographs(street):  # one name in one language, so that each can say it or say where it is
        return f"{street}{_TITLES_ZH.get(kind, _TITLES_ZH['other'])}"
    title = _TITLES.get(kind, _TITLES["other"])
    return f"{title}, {street}" if street else title


def _at(column: np.ndarray, rows: Ints) -> np.ndarray:
    """`column[rows]` where row -1 may be anything."""
    return column[rows] if len(column) else blank(len(rows))


def capacities(places: PlaceTable, buildings: BuildingTable) -> Ints:
    """Shelter places: usable floor of schools, halls and community centres, usable ground of parks, 2 m2 for each.

    In a building of another use, such as flats or offices, a school or hall has one floor; of two in one building the
    first has it all.
    """
    filled = np.isin(buildings.use.astype(np.str_), _FILLED)
    floors = np.where(filled, gross_floor_m2(buildings), ground_m2(buildings))
    floor = np.where(places.building >= 0, _at(floors, places.building), np.nan)
    indoors = np.isin(places.kind.astype(np.str_), INDOORS)
    indoors[indoors] &= _first_of_each(places.building[indoors])
    outdoors = np.isin(places.kind.astype(np.str_), OUTDOORS)
    usable: Floats = np.where(indoors, floor * assumed.USABLE_SHARE, 0.0)
    usable = np.where(outdoors, places.area_m2 * assumed.PARK_USABLE_SHARE, usable)
    return np.floor(np.nan_to_num(usable) / assumed.SHELTER_M2_A_PLACE).astype(np.int64)


def _first_of_each(buildings: Ints) -> Flags:
    """Which rows name their building first; those without a building (-1) all do."""
    first = buildings < 0
    first[np.unique(buildings, return_index=True)[1]] = True
    return first
