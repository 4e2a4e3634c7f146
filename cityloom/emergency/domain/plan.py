"""An evacuation, worked out from what stands around a hazard: zone, closures, households to shelters, routes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.emergency.domain import dossier, routing, shelters, streets
from cityloom.emergency.domain.dossier import Dossier
from cityloom.emergency.domain.streets import Closure
from cityloom.emergency.domain.zone import Zone, touching

MOST_ROUTES = 400
"""Routes kept in the plan and drawn on the map, those with most people; everyone's walk is counted all the same."""
_DECIMALS = 6


@dataclass(frozen=True)
class Buildings:
    """The buildings of the zone: centres and footprints in WGS 84, people by day."""

    id: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    footprint: NDArray[np.object_]
    dwellings: NDArray[np.int64]
    people_day: NDArray[np.int64]


@dataclass(frozen=True)
class Households:
    """The households of the zone: index of the building, and persons."""

    building: NDArray[np.int64]
    persons: NDArray[np.int64]


@dataclass(frozen=True)
class Roads:
    """The road graph around: nodes, and segments with start and end as indices of nodes, drawn from start to end."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    length_m: NDArray[np.float64]
    segment_id: NDArray[np.int64]
    name: Sequence[str]
    name_zh: Sequence[str]
    geometry: NDArray[np.object_]
    walkable: NDArray[np.bool_]
    drivable: NDArray[np.bool_]


@dataclass(frozen=True)
class Shelters:
    """Shelters around, with the places that are still free; those inside the zone are passed by."""

    id: NDArray[np.int64]
    name: Sequence[str]
    kind: Sequence[str]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    places: NDArray[np.int64]
    building_id: NDArray[np.int64]


@dataclass(frozen=True)
class Site:
    """A school, a hospital or a valve."""

    id: int
    kind: str
    name: str
    lon: float
    lat: float


@dataclass(frozen=True)
class Surroundings:
    """Everything that the registers and the keeper's counts say about the zone; nobody in it can be told apart."""

    zone: Zone
    buildings: Buildings
    households: Households
    needing_help: int
    by_need: dict[str, int]
    roads: Roads
    shelters: Shelters
    sites: Sequence[Site]
    valves: Sequence[Site]


@dataclass(frozen=True)
class Plan:
    """An evacuation, ready to be put into words."""

    around: Surroundings
    dossier: Dossier
    closures: tuple[Closure, ...]
    placement: shelters.Placement
    homes: routing.Access
    routes: tuple[routing.Route, ...]
    in_hazard: NDArray[np.bool_]

    def people_at(self) -> NDArray[np.int64]:
        """Persons placed at each shelter."""
        placed, persons = self.placement.placed, self.around.households.persons
        count = np.bincount(
            self.placement.shelter[placed], weights=persons[placed], minlength=len(self.around.shelters.id)
        )
        return count.astype(np.int64)


def make(around: Surroundings) -> Plan:
    """Work the evacuation out; the same surroundings always give the same plan."""
    zone, roads = around.zone, around.roads
    in_hazard = touching(zone.hazard, around.buildings.footprint)
    network = routing.network(
        roads.lon, roads.lat, roads.start, roads.end, roads.length_m, roads.geometry, roads.walkable, zone.hazard
    )
    doors = _doors(network, around)
    homes = _homes(network, around, in_hazard, doors)
    own = routing.Access(*(part[around.households.building] for part in (homes.node, homes.leg_m, homes.guided)))
    placement = shelters.place(network, own, around.households.persons, doors, around.shelters.places)
    closures = streets.to_close(
        zone.polygon, roads.segment_id, names=roads.name, names_zh=roads.name_zh, geometries=roads.geometry,
        drivable=roads.drivable,
    )  # fmt: skip
    routes = _routes(network, around, homes, doors, placement)
    return Plan(around, _dossier(around, len(closures)), tuple(closures), placement, homes, routes, in_hazard)


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan as plain values: what is stored, shown and compared; coordinates have six decimals."""
    zone = plan.around.zone
    return {
        "counts": plan.dossier.as_json() | _outcome(plan),
        "zone": _geojson(zone.polygon),
        "hazard": _geojson(zone.hazard),
        "rings": [_ring(plan, index) for index in range(len(zone.outlines))],
        "streets": [{"names": {"en": c.name, "zh-Hans": c.name_zh or c.name}, "segment_ids": list(c.segment_ids),
                     "line": _geojson(c.line)} for c in plan.closures],
        "sites": [_site(site) for site in plan.around.sites],
        "valves": [_site(valve) for valve in plan.around.valves],
        "shelters": _shelters(plan),
        "allocation": _allocation(plan),
        "unplaced": _unplaced(plan),
        "routes": [_route(plan, route) for route in plan.routes],
    }  # fmt: skip


def _doors(network: routing.Network, around: Surroundings) -> routing.Access:
    found = around.shelters
    xy = network.plane.xy(found.lon, found.lat)
    access = routing.access(network, xy, np.zeros(len(xy), dtype=bool), routing.main_parts(network))
    inside = shapely.intersects_xy(around.zone.polygon, found.lon, found.lat)
    inside |= np.isin(found.building_id, around.buildings.id)
    return routing.Access(np.where(inside, -1, access.node), access.leg_m, access.guided)


def _homes(
    network: routing.Network, around: Surroundings, in_hazard: NDArray[np.bool_], doors: routing.Access
) -> routing.Access:
    served = np.unique(network.component[doors.node[doors.node >= 0]])
    preferred = np.isin(network.component, served) & network.usable
    xy = network.plane.xy(around.buildings.lon, around.buildings.lat)
    return routing.access(network, xy, in_hazard, preferred)


def _routes(
    network: routing.Network,
    around: Surroundings,
    homes: routing.Access,
    doors: routing.Access,
    placement: shelters.Placement,
) -> tuple[routing.Route, ...]:
    """One route for each node where households enter the network and each shelter that they walk to."""
    placed = np.flatnonzero(placement.placed)
    origin = homes.node[around.households.building[placed]]
    pairs, back = np.unique(np.column_stack([origin, placement.shelter[placed]]), axis=0, return_inverse=True)
    people = np.bincount(back.ravel(), weights=around.households.persons[placed], minlength=len(pairs))
    chosen = pairs[np.sort(np.argsort(-people, kind="stable")[:MOST_ROUTES])]
    return tuple(routing.routes(network, chosen, doors.node, around.roads.geometry))


def _dossier(around: Surroundings, closures: int) -> Dossier:
    return dossier.compile_dossier(
        dwellings=around.buildings.dwellings, people_day=around.buildings.people_day,
        households=len(around.households.persons), people=int(around.households.persons.sum()),
        needing_help=around.needing_help, by_need=around.by_need, kinds=[site.kind for site in around.sites],
        valves=len(around.valves), streets=closures,
    )  # fmt: skip


def _outcome(plan: Plan) -> dict[str, Any]:
    placed, persons = plan.placement.placed, plan.around.households.persons
    walked = float(plan.placement.metre_persons)
    return {
        "placed_households": int(placed.sum()), "placed_people": int(persons[placed].sum()),
        "unplaced_households": int((~placed).sum()), "unplaced_people": int(persons[~placed].sum()),
        "shelters_used": int((plan.people_at() > 0).sum()), "in_hazard": int(plan.in_hazard.sum()),
        "mean_walk_m": round(walked / max(int(persons[placed].sum()), 1)),
        "longest_walk_m": round(float(plan.placement.walk_m.max(initial=0.0))),
    }  # fmt: skip


def _ring(plan: Plan, index: int) -> dict[str, Any]:
    rows = np.flatnonzero(plan.around.zone.ring == index)
    own = np.isin(plan.around.households.building, rows)
    return {
        "phase": index + 1,
        "building_ids": sorted(plan.around.buildings.id[rows].tolist()),
        "households": int(own.sum()),
        "people": int(plan.around.households.persons[own].sum()),
        "outline": _geojson(plan.around.zone.outlines[index]),
    }


def _shelters(plan: Plan) -> list[dict[str, Any]]:
    found, people = plan.around.shelters, plan.people_at()
    rows = np.flatnonzero(people > 0)
    rows = rows[np.lexsort((found.id[rows], -people[rows]))]
    return [
        {"id": int(found.id[row]), "name": str(found.name[row]), "kind": str(found.kind[row]),
         "lon": round(float(found.lon[row]), _DECIMALS), "lat": round(float(found.lat[row]), _DECIMALS),
         "places": int(found.places[row]), "people": int(people[row])}
        for row in rows.tolist()
    ]  # fmt: skip


def _allocation(plan: Plan) -> list[dict[str, int]]:
    """Households and people of each building by shelter, with the longest walk among them."""
    placed = np.flatnonzero(plan.placement.placed)
    pairs = np.column_stack([plan.around.households.building[placed], plan.placement.shelter[placed]])
    keys, back = np.unique(pairs, axis=0, return_inverse=True)
    back = back.ravel()
    households = np.bincount(back, minlength=len(keys))
    people = np.bincount(back, weights=plan.around.households.persons[placed], minlength=len(keys))
    walk = np.zeros(len(keys))
    np.maximum.at(walk, back, plan.placement.walk_m[placed])
    return [
        {"building_id": int(plan.around.buildings.id[building]), "shelter_id": int(plan.around.shelters.id[shelter]),
         "households": int(households[row]), "people": int(people[row]), "walk_m": round(float(walk[row])),
         "guided": bool(plan.homes.guided[building])}
        for row, (building, shelter) in enumerate(keys.tolist())
    ]  # fmt: skip


def _unplaced(plan: Plan) -> list[dict[str, Any]]:
    rows = np.flatnonzero(~plan.placement.placed)
    found: dict[tuple[int, str], list[int]] = {}
    for row in rows.tolist():
        key = (int(plan.around.households.building[row]), str(plan.placement.reason[row]))
        found.setdefault(key, []).append(int(plan.around.households.persons[row]))
    return [
        {"building_id": int(plan.around.buildings.id[building]), "households": len(persons), "people": sum(persons),
         "reason": reason}
        for (building, reason), persons in sorted(found.items())
    ]  # fmt: skip


def _route(plan: Plan, route: routing.Route) -> dict[str, Any]:
    own = np.flatnonzero(plan.homes.node == route.origin)
    return {
        "shelter_id": int(plan.around.shelters.id[route.target]),
        "building_ids": sorted(plan.around.buildings.id[own].tolist()),
        "length_m": round(route.length_m),
        "guided": bool(plan.homes.guided[own].any()),
        "line": np.round(shapely.get_coordinates(route.line), _DECIMALS).tolist(),
    }


def _site(site: Site) -> dict[str, Any]:
    return {"id": site.id, "kind": site.kind, "name": site.name, "lon": round(site.lon, _DECIMALS),
            "lat": round(site.lat, _DECIMALS)}  # fmt: skip


def _geojson(shape: shapely.Geometry) -> dict[str, Any]:
    rounded = shapely.transform(shape, lambda corners: np.round(corners, _DECIMALS))
    return dict(json.loads(shapely.to_geojson(rounded)))
