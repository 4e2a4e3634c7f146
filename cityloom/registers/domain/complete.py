"""Fill what a source leaves open, and label each thing that was made up with its count and its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import shapely

from cityloom.kernel import timezones
from cityloom.kernel.cells import cells_of
from cityloom.kernel.refused import Refused
from cityloom.registers.domain import building_addresses, homes, networks, plane, shelters, streets, units
from cityloom.registers.domain.draft import BuildingTable, Draft, PlaceTable, Synthesised

Filled = tuple[dict[str, np.ndarray], dict[str, Synthesised]]


def complete(draft: Draft, seed: int) -> Draft:
    """The city without gaps, its buildings in the order of their H3 cells.

    Raises: Refused `city.empty`, `city.no_roads`, `city.out_of_range` or `city.bad_geometry`.
    """
    check(draft)
    draft = in_cell_order(draft)
    draft = _roads(draft, lambda d: streets.with_names(d.roads, d.nodes))
    draft = _buildings(draft, lambda d: homes.with_uses(d.buildings, d.land))
    draft = _buildings(draft, lambda d: homes.with_levels(d.buildings))
    draft = _buildings(draft, lambda d: homes.with_halls(d.buildings, shelters.any_named(d.places, d.buildings)))
    draft = _buildings(draft, lambda d: homes.with_dwellings(d.buildings))
    draft = _buildings(draft, lambda d: building_addresses.with_derived(d.buildings, d.roads))
    draft = _buildings(draft, lambda d: streets.with_addresses(d.buildings, d.roads))
    return _with_timezone(_with_networks(_with_units(_with_places(draft)), seed))


def check(draft: Draft) -> None:
    """Refuse a draft that no city can be made of."""
    if not len(draft.buildings):
        raise Refused("city.empty", "The source has no buildings; give a file that has some.")
    if not len(draft.roads):
        raise Refused(
            "city.no_roads", "The source has no roads, so nobody can be led to a shelter; give a file with roads."
        )
    _check_shapes(draft.buildings.footprint)
    _check_shapes(draft.roads.geometry)
    if not (draft.roads.start < len(draft.nodes)).all() or not (draft.roads.end < len(draft.nodes)).all():
        raise Refused("city.bad_geometry", "Some road segments end at nodes that are not there; repair the source.")


def _check_shapes(shapes: np.ndarray) -> None:
    empty = int((shapely.is_missing(shapes) | shapely.is_empty(shapes)).sum())
    if empty:
        raise Refused("city.bad_geometry", "{value} buildings or roads have no shape; repair the source.", value=empty)
    coords, index = shapely.get_coordinates(shapes, return_index=True)
    with np.errstate(invalid="ignore"):
        bad = ~((np.abs(coords[:, 0]) <= 180) & (np.abs(coords[:, 1]) < 90))
    if bad.any():
        sentence = (
            "{value} buildings or roads lie outside longitude -180 to 180 and latitude -90 to 90; "
            "are the coordinates in degrees, longitude first?"
        )
        raise Refused("city.out_of_range", sentence, value=len(np.unique(index[bad])))


def in_cell_order(draft: Draft) -> Draft:
    """Sort the buildings by cell, so that what is near in the city is near in the register."""
    cells = cells_of(*plane.middles(draft.buildings.footprint))
    order = np.argsort(cells, kind="stable")
    new_row = np.empty(len(order), np.int64)
    new_row[order] = np.arange(len(order))
    building = draft.places.building
    moved = np.where(building >= 0, new_row[building], -1)
    return replace(
        draft,
        buildings=BuildingTable(**draft.buildings.taken(order)),  # type: ignore[arg-type]
        places=replace(draft.places, building=moved),
    )


def _buildings(draft: Draft, fill: Callable[[Draft], Filled]) -> Draft:
    columns, made = fill(draft)
    return _labelled(replace(draft, buildings=replace(draft.buildings, **columns)), made)  # type: ignore[arg-type]


def _roads(draft: Draft, fill: Callable[[Draft], Filled]) -> Draft:
    columns, made = fill(draft)
    return _labelled(replace(draft, roads=replace(draft.roads, **columns)), made)  # type: ignore[arg-type]


def _labelled(draft: Draft, made: dict[str, Synthesised]) -> Draft:
    return replace(draft, synthesised=draft.synthesised | {what: it for what, it in made.items() if it.count})


def _with_places(draft: Draft) -> Draft:
    places = replace(draft.places, building=shelters.linked(draft.places, draft.buildings))
    places, made = shelters.from_buildings(places, draft.buildings, draft.roads)
    places = _in_order(places)
    capacity = shelters.capacities(places, draft.buildings)
    rule = (
        "0.8 of the floor of schools, sports halls and community centres (of one floor, where the building has another "
        "use), half the ground of parks; 2 m2 a place"
    )
    made["shelter places"] = Synthesised(int(capacity.sum()), rule)
    return _labelled(replace(draft, places=places), made)


def _in_order(places: PlaceTable) -> PlaceTable:
    order = np.argsort(cells_of(places.lon, places.lat), kind="stable")
    return PlaceTable(**places.taken(order))  # type: ignore[arg-type]


def _with_units(draft: Draft) -> Draft:
    cells = cells_of(*plane.middles(draft.buildings.footprint))
    tree, rows, made = units.with_units(draft, cells)
    return _labelled(replace(draft, units=tree, unit_of_building=rows), made)


def _with_timezone(draft: Draft) -> Draft:
    """The nautical zone of the buildings' middle, where neither the source nor the person who imports names one."""
    if draft.timezone:
        return draft
    west, _, east, _ = shapely.total_bounds(draft.buildings.footprint)
    name = timezones.by_longitude(float(west + east) / 2)
    rule = f"by longitude: {name}, without borders or summer time; --timezone names the official one"
    return _labelled(replace(draft, timezone=name), {"time zone": Synthesised(1, rule)})


def _with_networks(draft: Draft, seed: int) -> Draft:
    if not len(draft.mains):
        mains, made = networks.mains_along(draft.roads)
        draft = _labelled(replace(draft, mains=mains), made)
    if not len(draft.valves):
        valves, made = networks.valves_on(draft.mains)
        draft = _labelled(replace(draft, valves=valves), made)
    if not len(draft.sensor_sites):
        sites, made = networks.sensors_along(draft, seed)
        draft = _labelled(replace(draft, sensor_sites=sites), made)
    return draft
