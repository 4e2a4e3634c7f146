"""Levels, dwellings and people by day, from what is known of a building."""

from __future__ import annotations

import numpy as np
import shapely

from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain.draft import BuildingTable, Floats, LandTable, MadeUp, Synthesised, Texts
from cityloom.registers.domain.plane import areas_m2, middles

_USE_OF_LAND = {"industrial": "industrial", "commercial": "office", "railway": "transport"}


def ground_m2(buildings: BuildingTable) -> Floats:
    """The area of each footprint."""
    return areas_m2(buildings.footprint)


def gross_floor_m2(buildings: BuildingTable) -> Floats:
    """Footprint times levels."""
    return ground_m2(buildings) * buildings.levels


def with_uses(buildings: BuildingTable, land: LandTable) -> tuple[dict[str, np.ndarray], dict[str, Synthesised]]:
    """Give small unknown buildings and those on land that is not for living a use."""
    use, made_up = buildings.use.copy(), buildings.made_up.copy()
    small = (use == "") & (ground_m2(buildings) < assumed.SMALL_M2)
    use[small] = "shed"
    on_land = _use_of_land(buildings, land)
    placed = (use == "") & (on_land != "")
    use[placed] = on_land[placed]
    made_up[small | placed] |= MadeUp.USE
    return {"use": use, "made_up": made_up}, {
        "uses of small buildings": Synthesised(int(small.sum()), f"below {assumed.SMALL_M2:.0f} m2 of ground: a shed"),
        "uses from the land around": Synthesised(int(placed.sum()), "industrial, commercial or railway land"),
    }


def _use_of_land(buildings: BuildingTable, land: LandTable) -> Texts:
    found = np.full(len(buildings), "", dtype=object)
    rows = np.flatnonzero(np.isin(land.kind.astype(np.str_), list(_USE_OF_LAND)))
    if len(rows):
        tree = shapely.STRtree(land.geometry[rows])
        at, on = tree.query(shapely.points(*middles(buildings.footprint)), predicate="within")
        found[at] = [_USE_OF_LAND[kind] for kind in land.kind[rows[on]]]
    return found


def with_levels(buildings: BuildingTable) -> tuple[dict[str, np.ndarray], dict[str, Synthesised]]:
    """Fill levels from the height, else from the building's use; heights stay as they were given."""
    known = np.isfinite(buildings.levels) & (buildings.levels > 0)
    high = ~known & np.isfinite(buildings.height_m) & (buildings.height_m > 0)
    typed = ~known & ~high
    levels = np.where(known, buildings.levels, 0.0)
    levels[high] = buildings.height_m[high] / assumed.STOREY_M
    levels[typed] = [assumed.LEVELS_BY_USE.get(use, 2) for use in buildings.use[typed]]
    levels = np.clip(np.rint(levels), 1, assumed.MOST_LEVELS)
    made_up = np.where(known, buildings.made_up, buildings.made_up | MadeUp.LEVELS)
    return {"levels": levels, "made_up": made_up}, {
        "levels from the height": Synthesised(int(high.sum()), f"height / {assumed.STOREY_M:.0f} m, rounded"),
        "levels from the use": Synthesised(int(typed.sum()), "a number of levels for each use"),
    }


def with_halls(buildings: BuildingTable, sheltering: bool) -> tuple[dict[str, np.ndarray], dict[str, Synthesised]]:
    """Take the broadest low buildings of unknown use for halls where a source names nothing that could shelter people.

    Otherwise a source without uses would be a city of homes alone, and nobody would have a place to go.
    """
    use, made_up = buildings.use.copy(), buildings.made_up.copy()
    ground = ground_m2(buildings)
    broad = np.flatnonzero((use == "") & (buildings.levels <= assumed.HALL_LEVELS) & (ground >= assumed.HALL_M2))
    unknown = int((use == "").sum())
    most = 0 if sheltering else int(np.ceil(unknown * assumed.HALL_SHARE))
    rows = broad[np.argsort(-ground[broad], kind="stable")][:most]
    use[rows] = "other"
    made_up[rows] |= MadeUp.USE
    rule = (
        f"the broadest {assumed.HALL_SHARE:.0%} of buildings of unknown use, at least {assumed.HALL_M2:.0f} m2 of "
        f"ground and at most {assumed.HALL_LEVELS} levels: a hall, where the source has no school, hall, centre or park"
    )
    return {"use": use, "made_up": made_up}, {"uses of broad buildings": Synthesised(len(rows), rule)}


def with_dwellings(buildings: BuildingTable) -> tuple[dict[str, np.ndarray], dict[str, Synthesised]]:
    """Fill dwellings of homes and of buildings of unknown use from their floor area."""
    known = np.isfinite(buildings.dwellings)
    home = np.isin(buildings.use.astype(np.str_), list(assumed.HOMES))
    share = gross_floor_m2(buildings) * assumed.USABLE_SHARE / assumed.DWELLING_M2
    least = np.isin(buildings.use.astype(np.str_), ["house", "residential"]) | (share >= 0.5)
    made = np.where(home, np.maximum(np.floor(share), least), 0.0)
    filled = ~known & home
    rule = f"gross floor area x {assumed.USABLE_SHARE} / {assumed.DWELLING_M2:.0f} m2 in homes and unknown uses"
    return {
        "dwellings": np.where(known, buildings.dwellings, made),
        "made_up": np.where(filled, buildings.made_up | MadeUp.DWELLINGS, buildings.made_up),
    }, {"dwellings": Synthesised(int(filled.sum()), f"{rule}, at least 1 in a house or half a dwelling's area")}


def people_by_day(buildings: BuildingTable, occupied_share: float) -> Floats:
    """How many are inside on a working day, by use and floor area."""
    each = np.array([assumed.DAY_M2_A_PERSON.get(use, np.inf) for use in buildings.use])
    residents = buildings.dwellings * occupied_share * assumed.MEAN_HOUSEHOLD
    return np.rint(gross_floor_m2(buildings) / each + residents * assumed.HOME_BY_DAY)
