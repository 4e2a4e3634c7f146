"""Questions about the city: what stands where, who lives there, which way leads out.

Everything spatial goes the same way: ranges of H3 cells from an ordinary index, then an exact test with shapely.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from itertools import chain, compress
from operator import itemgetter
from typing import Any

import numpy as np
import shapely
from django.db import connection
from django.db.models import Count, F, Sum
from numpy.typing import NDArray

from cityloom.accounts.queries import unit_names
from cityloom.kernel import clock, geometry, ids
from cityloom.kernel.cells import COARSE, RESOLUTION, centre_of
from cityloom.kernel.cover import ranges_around, ranges_in_box
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.kernel.timezones import zone_of
from cityloom.registers import bulk, geocoding
from cityloom.registers.domain import address_standard, address_truth, divisions, graph, survivorship
from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain import names as spoken
from cityloom.registers.domain import people as made_up_people
from cityloom.registers.domain.address import parsed
from cityloom.registers.domain.address_parts import KINDS, Address
from cityloom.registers.domain.answers import (
    Buildings,
    CityFacts,
    MapFeatures,
    PlaceFacts,
    Residents,
    RoadGraph,
    Shelters,
    ValveFacts,
)  # fmt: skip
from cityloom.registers.domain.building_addresses import UNNUMBERED, AddressLevel, known_number
from cityloom.registers.domain.draft import Flags, Floats, Ints, Shapes, Texts
from cityloom.registers.domain.fact_kinds import register_of
from cityloom.registers.domain.facts import (
    CorrectionFacts,
    DisagreementFacts,
    Fact,
    FactsAbout,
    LoadFacts,
    Origin,
    PersonFact,
    Rate,
    RulesVersion,
)
from cityloom.registers.domain.geocoder import Found
from cityloom.registers.domain.kinds import PLACED, REGISTERS, Register
from cityloom.registers.domain.linkage_config import shipped, shipped_text
from cityloom.registers.domain.mapping import schema
from cityloom.registers.domain.reviewing import PairFacts
from cityloom.registers.domain.rows import LARGE_REACH_M
from cityloom.registers.domain.rules import RULES, Rule
from cityloom.registers.domain.survivorship import Entry, Rules
from cityloom.registers.domain.zoning_answers import (
    BorderCell,
    PlanDifference,
    PlanFacts,
    SubdistrictFacts,
    ZoneFacts,
)
from cityloom.registers.models import (
    FIRST_HIDDEN,
    RECORDS,
    Building,
    City,
    CorrectionRequest,
    Dwelling,
    Load,
    Main,
    OrganisationRecord,
    Place,
    PlaceByAddress,
    RoadNode,
    RoadSegment,
    SetAside,
    Source,
)
from cityloom.registers.trust import disagreements, pairs, rules
from cityloom.registers.zones import book
from cityloom.registers.zones.cases import lake_root


def city() -> CityFacts | None:
    """The city, or None where none has been loaded."""
    row = City.objects.first()
    if row is None:
        return None
    return CityFacts(
        name=row.name, kind=row.kind, is_synthetic=row.is_synthetic, attribution=row.attribution,
        timezone=row.timezone, bounds=(row.west, row.south, row.east, row.north), data_version=row.data_version,
        seed=row.seed, counts=row.counts, reaches=row.reaches, busiest=tuple(row.busiest),
        synthesised=row.synthesised, defects=row.defects,
    )  # fmt: skip


def time_zone() -> tzinfo:
    """The zone of the city's clocks; UTC where there is no city."""
    name = City.objects.values_list("timezone", flat=True).first()
    return zone_of(name or "UTC")


def _reach(table: str) -> float:
    """The largest extent of a table's geometries; 0 where there is no city."""
    return version_and_reaches()[1].get(table, 0.0)


def version_and_reaches() -> tuple[str, dict[str, float]]:
    """The data version ("" where there is no city) and the largest extent of each table's geometries in metres."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data_version, reaches FROM registers_city")
        version, reaches = cursor.fetchone() or ("", {})
    return version, json.loads(reaches) if isinstance(reaches, str) else reaches


def loaded_city() -> CityFacts:
    """The city. Raises: Refused `city.none` where none has been loaded."""
    found = city()
    if found is None:
        raise Refused("city.none", "There is no city yet; build one with: cityloom city build.")
    return found


_BUILDING = (
    "id, lon, lat, use, levels, dwellings, first_dwelling_id, people_day, street, house_number, name, unit_id, "
    "made_up, gross_floor_m2, address_level, footprint"
)
_IS_NUMBERED = f"address_level NOT IN ({', '.join(str(int(level)) for level in UNNUMBERED)})"
_TEXTS = frozenset({"use", "street", "house_number", "name", "unit_id"})
_FLOATS = frozenset({"lon", "lat", "gross_floor_m2"})


def buildings_touching(polygon: shapely.Geometry) -> Buildings:
    """Every building whose footprint touches a polygon in WGS 84, in the order of their ids."""
    if polygon.is_empty:
        return _buildings([])
    near = _rows_near_buildings(polygon)
    shapely.prepare(polygon)
    touched = shapely.intersects(polygon, _shapes([row[-1] for row in near]))
    return _buildings(sorted(compress(near, touched.tolist()), key=itemgetter(0)))


def units_near(polygon: shapely.Geometry, within_m: float) -> list[str]:
    """The units with a building that comes within a distance of a polygon in WGS 84, measured to its circle.

    Footprints are not read, so that this can be asked about a whole city.
    """
    lon, lat, radius = _around(polygon)
    ranges = ranges_around(lon, lat, radius + within_m + _reach("building"))
    rows = _in_ranges("registers_building", "unit_id, lon, lat, reach_m", "cell", ranges, condition=_ANY_SIZE)
    if not rows:
        return []
    plane = LocalProjection(lon, lat)
    units, lons, lats, reaches = (np.array(column) for column in zip(*rows, strict=True))
    area = plane.to_metres(polygon)
    shapely.prepare(area)
    near = shapely.dwithin(area, shapely.points(plane.xy(lons, lats)), within_m + reaches)
    return np.unique(units[near]).tolist()


def _rows_near_buildings(polygon: shapely.Geometry) -> list[tuple]:
    """Candidates: in one go where no building is very large, else the large ones on their own in a wider circle."""
    circle = _around(polygon)
    widest = _reach("building")
    if widest <= _ONE_GO_REACH_M:
        return _near_buildings(circle, widest, _ANY_SIZE)
    rows = _near_buildings(circle, LARGE_REACH_M, "b.large = 0 AND ")
    rows += _near_buildings(circle, widest, "b.large = 1 AND ")
    return rows


_ONE_GO_REACH_M = 80.0
_ANY_SIZE = "b.large IN (0, 1) AND "  # lets the index be used, which begins with the size
_REACHES_IN = (
    "(b.lon - %s) * (b.lon - %s) * %s + (b.lat - %s) * (b.lat - %s) * %s <= (b.reach_m + %s) * (b.reach_m + %s) AND "
)


def _near_buildings(circle: tuple[float, float, float], reach_m: float, size: str) -> list[tuple]:
    """The buildings of a size, with at most this reach, that could touch a circle."""
    lon, lat, radius = circle
    (east, north) = LocalProjection(lon, lat).xy(np.array([lon + 1.0]), np.array([lat + 1.0]))[0].tolist()
    values = (lon, lon, east**2, lat, lat, north**2, radius, radius)
    ranges = ranges_around(lon, lat, radius + reach_m)
    return _in_ranges("registers_building", _BUILDING, "cell", ranges, condition=size + _REACHES_IN, values=values)


def _buildings(rows: list[tuple]) -> Buildings:
    columns = dict(zip(_BUILDING.split(", "), _columns(rows, _BUILDING), strict=True))
    footprint, levels = columns.pop("footprint"), columns.pop("address_level")
    columns["house_number"] = list(map(known_number, columns["house_number"], levels))
    made = [_typed(name, column) for name, column in columns.items()]
    return Buildings(*made, footprint=_shapes(footprint))


def _typed(name: str, column: Sequence[object]) -> NDArray[np.generic]:
    if name in _TEXTS:
        return _texts(column)
    return np.array(column, np.float64 if name in _FLOATS else np.int64)


def residents_of(buildings: Buildings) -> Residents:
    """Everyone registered in the buildings."""
    first, count = buildings.first_dwelling_id, buildings.dwellings
    order = np.argsort(first[count > 0], kind="stable")
    rows_of = np.flatnonzero(count > 0)[order]
    starts, ends = first[rows_of], first[rows_of] + count[rows_of] - 1
    subject, dwelling = _living_in(_joined(starts, ends))
    if (np.diff(dwelling) < 0).any():
        order = np.argsort(dwelling, kind="stable")
        subject, dwelling = subject[order], dwelling[order]
    at = np.searchsorted(starts, dwelling, side="right") - 1
    return Residents(subject, dwelling, rows_of[at] if len(at) else np.zeros(0, np.int64))


def _living_in(ranges: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    """The subjects and dwellings of the residents in ranges of dwellings.

    On SQLite the columns come as one text each, which numpy reads in half the time that rows of Python objects take.
    """
    if connection.vendor != "sqlite":
        rows = _in_ranges("registers_resident", "subject, dwelling_id", "dwelling_id", ranges, condition=_KNOWN_PEOPLE)
        table = np.fromiter(chain.from_iterable(rows), np.int64, 2 * len(rows)).reshape(-1, 2)
        return table[:, 0], table[:, 1]
    joined = "group_concat(b.subject), group_concat(b.dwelling_id)"
    found = _in_ranges("registers_resident", joined, "dwelling_id", ranges, condition=_KNOWN_PEOPLE) or [("", "")]
    subjects, dwellings = (np.fromstring(column or "", np.int64, sep=",") for column in found[0])
    return subjects, dwellings


def residents_in(dwelling_ids: Sequence[int]) -> list[int]:
    """Everyone registered in these dwellings, sorted."""
    wanted = np.unique(np.asarray(dwelling_ids, np.int64))
    return np.sort(_living_in(_joined(wanted, wanted))[0]).tolist()


def residents_by_unit() -> tuple[Ints, Ints, list[str]]:
    """Everyone registered, for each the place of the unit (community) whose building it is, and the units' ids."""
    rows = list(Building.objects.filter(dwellings__gt=0).order_by("first_dwelling_id")
                .values_list("first_dwelling_id", "dwellings", "unit_id"))  # fmt: skip
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), []
    first, count, unit = (np.array(one) for one in zip(*rows, strict=True))
    subject, dwelling = _living_in([(int(first[0]), int((first + count).max()) - 1)])
    names, place = np.unique(unit, return_inverse=True)
    at = np.searchsorted(first, dwelling, side="right") - 1
    inside = (at >= 0) & (dwelling < (first + count)[at])
    return subject[inside], place[at[inside]], names.tolist()


def homes_by_unit() -> list[tuple[str, int, float, float]]:
    """Of each unit (community) with dwellings their number, and the mean longitude and latitude of them."""
    homes = Building.objects.filter(dwellings__gt=0).order_by("unit_id").values("unit_id").annotate(
        count=Sum("dwellings"), east=Sum(F("lon") * F("dwellings")), north=Sum(F("lat") * F("dwellings")))  # fmt: skip
    return [(row["unit_id"], row["count"], row["east"] / row["count"], row["north"] / row["count"]) for row in homes]


def whole_road_graph(most: int = graph.MOST_EDGES) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """All nodes (id, longitude, latitude) and roads (start, end, metres, kind, walkable, drivable) of the city.

    Raises: Refused `registers.graph_large`.
    """
    roads = RoadSegment.objects.order_by("id")
    _check_graph(roads.count(), graph.ROAD, most)
    nodes = RoadNode.objects.order_by("id").values_list("id", "lon", "lat")
    return list(nodes), list(roads.values_list("start_id", "end_id", "length_m", "kind", "walkable", "drivable"))


def places_with_room(kinds: Sequence[str]) -> list[tuple[str, str, str, float, float, int | None]]:
    """Key, name, kind, longitude, latitude and capacity of places of some kinds, as departments loaded them.

    Where none was loaded, those that the city was built with, whose capacity nobody knows.
    """
    told = RECORDS["places"].still_said(last_known_load()).filter(kind__in=kinds, lon__isnull=False)
    shown = ("key", "name", "kind", "lon", "lat", "capacity")
    latest = {row[0]: row for row in told.exclude(status__in=("closed", "planned")).order_by("key", "id")
              .values_list(*shown)}  # fmt: skip
    if latest:
        return list(latest.values())
    built = Place.objects.filter(kind__in=kinds).order_by("id").values_list("id", "name", "kind", "lon", "lat")
    return [(str(key), name, kind, lon, lat, None) for key, name, kind, lon, lat in built]


def homes_of(subjects: Sequence[int]) -> dict[int, int]:
    """The dwelling of each of these people; who is not registered is missing from the answer."""
    wanted = np.unique(np.asarray(subjects, np.int64))
    return dict(_in_ranges("registers_resident", "subject, dwelling_id", "subject", _joined(wanted, wanted),
                           condition=_KNOWN_PEOPLE))  # fmt: skip


_KNOWN_PEOPLE = f"+b.subject < {FIRST_HIDDEN} AND "
"""Not those who are new with a file that is being loaded; the plus keeps the key's index out of it."""


def _joined(starts: Ints, ends: Ints) -> list[tuple[int, int]]:
    """Ascending closed intervals, those that follow each other without a gap as one."""
    if not len(starts):
        return []
    breaks = np.flatnonzero(starts[1:] > ends[:-1] + 1)
    lows = starts[np.r_[0, breaks + 1]]
    highs = ends[np.r_[breaks, len(ends) - 1]]
    return list(zip(lows.tolist(), highs.tolist(), strict=True))


_ROAD = "id, start_id, end_id, length_m, name, name_zh, kind, walkable, drivable, geometry"


def road_graph(lon: float, lat: float, radius_m: float) -> RoadGraph:
    """The roads that come within a distance of a place."""
    rows = _near("registers_roadsegment", _ROAD, (lon, lat, radius_m + _reach("road")), COARSE)
    segment, start_id, end_id, length, name, name_zh, kind, walkable, drivable, wkb = _columns(rows, _ROAD)
    shapes = _shapes(wkb)
    inside = _within(shapes, lon, lat, radius_m)
    ends = np.stack([np.array(start_id, np.int64)[inside], np.array(end_id, np.int64)[inside]])
    nodes, first, row = np.unique(ends, return_index=True, return_inverse=True)
    row = row.reshape(ends.shape)
    at = _end_points(shapes[inside], ends.shape[1])[first] if len(nodes) else np.zeros((0, 2))
    return RoadGraph(
        node_id=nodes, node_lon=at[:, 0], node_lat=at[:, 1], segment_id=np.array(segment, np.int64)[inside],
        start=row[0], end=row[1], length_m=np.array(length, np.float64)[inside], name=_texts(name)[inside],
        name_zh=_texts(name_zh)[inside], kind=_texts(kind)[inside], walkable=np.array(walkable, bool)[inside],
        drivable=np.array(drivable, bool)[inside], geometry=shapes[inside],
    )  # fmt: skip


_MAIN = ("key", "kind", "geometry", "begin_fitting", "end_fitting", "length_m", "diameter_mm", "roughness")
_IN_USE = ("", "in-use")


def network_names() -> tuple[str, ...]:
    """The networks that can be asked for."""
    return (*graph.NETWORKS, graph.ROAD)


def has_loaded_mains(name: str) -> bool:
    """Whether an operator has loaded mains of a network; those that a city was built with are not known so well."""
    return name in graph.NETWORKS and _has_loaded_mains(network_version(name), name)


@lru_cache(maxsize=16)
def _has_loaded_mains(version: str, name: str) -> bool:
    told = RECORDS["mains"].still_said(last_known_load())
    return told.filter(network__in=graph.NETWORKS[name]).exists()


def network_version(name: str) -> str:
    """Another one once a network may have changed; asked often, so it costs little."""
    registers = ("roads",) if name == graph.ROAD else ("mains", "fittings")
    done = Load.objects.filter(state=Load.DONE, register__in=registers)
    return f"{version_and_reaches()[0]}/{done.order_by('-number').values_list('number', flat=True).first() or 0}"


def network(name: str, most: int = graph.MOST_EDGES) -> graph.Graph | None:
    """A network of mains as their operators have loaded it, else as the city was built; `road` are drivable roads.

    Where several sources speak of a main, the latest counts; None where nobody knows of any.
    Raises: Refused `registers.graph_large`.
    """
    version = network_version(name)
    if name == graph.ROAD:
        return _roads_as_graph(version, most)
    told = RECORDS["mains"].still_said(last_known_load()).filter(network__in=graph.NETWORKS[name])
    rows = told.filter(state__in=_IN_USE, geometry__isnull=False)
    _check_graph(rows.count(), name, most)
    latest = {row[0]: row for row in rows.order_by("key", "id").values_list(*_MAIN)}
    if not latest:
        return _built_mains_as_graph(version, graph.NETWORKS[name], name, most)
    columns = dict(zip(_MAIN, zip(*latest.values(), strict=True), strict=True))
    fittings = RECORDS["fittings"].still_said(last_known_load()).filter(network__in=graph.NETWORKS[name])
    known = {key: (kind, demand) for key, kind, demand in
             fittings.order_by("key", "id").values_list("key", "kind", "demand_ls")}  # fmt: skip
    return graph.of_mains(version, columns, known)


def _built_mains_as_graph(version: str, kinds: tuple[str, ...], name: str, most: int) -> graph.Graph | None:
    rows = Main.objects.filter(kind__in=kinds).order_by("id")
    _check_graph(rows.count(), name, most)
    told = list(rows.values_list("id", "street", "geometry", "diameter_mm"))
    if not told:
        return None
    number, street, geometry, diameter = zip(*told, strict=True)
    nothing, nobody = ("",) * len(told), (None,) * len(told)
    codes = [f"{where} ({one})" if where else str(one) for one, where in zip(number, street, strict=True)]
    columns = dict(zip(_MAIN, (codes, nothing, geometry, nothing, nothing, nobody, diameter, nobody), strict=True))
    return graph.of_mains(version, columns, {})


def _roads_as_graph(version: str, most: int) -> graph.Graph | None:
    rows = RoadSegment.objects.filter(drivable=True).order_by("id")
    _check_graph(rows.count(), graph.ROAD, most)
    roads = list(rows.values_list("id", "name", "start_id", "end_id", "length_m"))
    if roads:
        nodes = RoadNode.objects.values_list("id", "lon", "lat")
        return graph.of_roads(version, *(list(zip(*one, strict=True)) for one in (nodes, roads)))
    told = RECORDS["roads"].still_said(last_known_load()).filter(geometry__isnull=False)
    _check_graph(told.count(), graph.ROAD, most)
    latest = {row[0]: row for row in told.order_by("key", "id").values_list("key", "geometry")}
    nothing, nobody = ("",) * len(latest), (None,) * len(latest)
    columns = dict.fromkeys(_MAIN, nobody) | dict.fromkeys(("kind", "begin_fitting", "end_fitting"), nothing)
    columns |= {"key": tuple(latest), "geometry": tuple(row[1] for row in latest.values())}
    return graph.of_mains(version, columns, {}) if latest else None


def _check_graph(count: int, name: str, most: int) -> None:
    if count > most:
        raise Refused("registers.graph_large", "The network {value} has more than {limit} mains or roads, so nothing "
                      "is weighed along it; load the part that sensors watch.", value=name, limit=most)  # fmt: skip


def _end_points(lines: Shapes, count: int) -> Floats:
    """The first points of all lines, then the last ones, shape (2n, 2)."""
    points = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    return shapely.get_coordinates(points).reshape(2 * count, 2)


_SHELTER = "id, name, kind, lon, lat, shelter_places, indoors, building_id, made_up"


def shelters_near(lon: float, lat: float, radius_m: float) -> Shelters:
    """Places with room for people within a distance, the nearest first."""
    rows = [row for row in _near("registers_place", _SHELTER, (lon, lat, radius_m), RESOLUTION) if row[5] > 0]
    rows = _sorted_within(rows, lon, lat, radius_m, at=3)
    place, name, kind, lons, lats, places, indoors, building, made_up = _columns(rows, _SHELTER)
    return Shelters(
        np.array(place, np.int64), _texts(name), _texts(kind), np.array(lons, np.float64), np.array(lats, np.float64),
        np.array(places, np.int64), np.array(indoors, bool), np.array([b or 0 for b in building], np.int64),
        np.array(made_up, np.int64),
    )  # fmt: skip


def non_residential_largest(
    excluded: shapely.Geometry, lon: float, lat: float, radius_m: float, limit: int
) -> Buildings:
    """The largest buildings that nobody lives in, by floor area, within a distance and off the excluded polygon."""
    circle = geometry.circle(lon, lat, radius_m)
    near = buildings_touching(circle)
    away = ~shapely.intersects(excluded, near.footprint)
    lived_in = np.isin(near.use.astype(np.str_), [*assumed.HOMES, "dormitory", "shed", "parking", "nursing_home"])
    rows = np.flatnonzero(away & ~lived_in & (near.dwellings == 0))
    return near.taken(rows[np.argsort(-near.gross_floor_m2[rows], kind="stable")][:limit])


def places_in(polygon: shapely.Geometry, kinds: Sequence[str] | None = None) -> list[PlaceFacts]:
    """The places whose point lies in a polygon, or whose building touches it, by id."""
    inside = set(buildings_touching(polygon).id.tolist())
    lon, lat, radius = _around(polygon)
    wanted = "id, kind, name, lon, lat, building_id, shelter_places"
    reach = radius + _reach("building")
    found = [PlaceFacts(*row) for row in _near("registers_place", wanted, (lon, lat, reach), RESOLUTION)]
    return [
        place
        for place in sorted(found, key=lambda place: place.id)
        if (kinds is None or place.kind in kinds)
        and (place.building_id in inside or shapely.intersects_xy(polygon, place.lon, place.lat))
    ]


def valves_for(polygon: shapely.Geometry, reach_m: float) -> list[ValveFacts]:
    """The valves within a distance of a polygon, the nearest first."""
    lon, lat, radius = _around(polygon)
    wanted = "id, kind, main_id, lon, lat, street"
    rows = _near("registers_valve", wanted, (lon, lat, radius + reach_m), COARSE)
    if not rows:
        return []
    plane = LocalProjection(lon, lat)
    points = shapely.points(plane.xy(np.array([row[3] for row in rows]), np.array([row[4] for row in rows])))
    away = shapely.distance(plane.to_metres(polygon), points)
    return [ValveFacts(*rows[i], float(away[i])) for i in np.lexsort((away,)).tolist() if away[i] <= reach_m]


def unit_of_dwelling(dwelling: int) -> str:
    """The unit, mostly a community, in which a dwelling lies; "" where it is not registered."""
    building = Dwelling.objects.filter(id=dwelling).values("building_id")[:1]
    return Building.objects.filter(id__in=building).values_list("unit_id", flat=True).first() or ""


def addresses(dwelling_ids: Sequence[int] | Ints) -> dict[int, str]:
    """Each dwelling's address in words; a dwelling that is not registered is missing from the answer."""
    wanted = np.unique(np.asarray(dwelling_ids, np.int64))
    rows = _in_ranges("registers_dwelling", "id, building_id, label", "id", _joined(wanted, wanted))
    homes = np.unique(np.array([row[1] for row in rows], np.int64))
    told = "id, street, house_number, name, dwellings, address_level"
    of_building = {row[0]: row[1:] for row in _in_ranges("registers_building", told, "id", _joined(homes, homes))}
    return {dwelling: _address(label, building, *of_building[building]) for dwelling, building, label in rows}


def dwellings_at(street: str, house_number: str) -> dict[int, str]:
    """The dwellings of the buildings with that street and number, each with its address; empty where there is none.

    A number that was made up, since no source knows one, leads nowhere.
    Reads all buildings: it is asked by a person who looks for one address.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT first_dwelling_id, dwellings FROM registers_building WHERE LOWER(street) = LOWER(%s)"  # noqa: S608
            f" AND LOWER(house_number) = LOWER(%s) AND dwellings > 0 AND {_IS_NUMBERED} ORDER BY id LIMIT 20",
            [street, house_number],
        )
        found = cursor.fetchall()
    return addresses([first + place for first, count in found for place in range(count)])


def place_of(street: str, house_number: str) -> tuple[float, float] | None:
    """Where the building with that street and number stands (longitude, latitude), as people write them.

    Reads all buildings: it is asked by a person who writes down one address.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lon, lat FROM registers_building WHERE LOWER(street) = LOWER(%s)"  # noqa: S608
            f" AND LOWER(house_number) = LOWER(%s) AND {_IS_NUMBERED} ORDER BY id LIMIT 1",
            [street.strip(), house_number.strip()],
        )
        row = cursor.fetchone()
    return (float(row[0]), float(row[1])) if row else None


def geocoded(text: str, home: str = "") -> Found:
    """Where an address is, with how sure that is; the first one reads the index. Never fails."""
    return geocoding.index().find(text, home or home_division())


def home_division() -> str:
    """The code of the city that most of the registers' entries lie in; empty where they say none, or several alike."""
    found: Counter[str] = Counter()
    for register in PLACED:
        said = RECORDS[register].still_said(last_known_load()).order_by("-id").values_list("division", flat=True)
        found.update(code[:4] for code in said[:_DIVISIONS_ASKED] if code)
    code, times = next(iter(found.most_common(1)), ("", 0))
    return f"{code}00" if times * 2 > found.total() else ""


_DIVISIONS_ASKED = 1_000


def geocoded_many(addresses: Iterable[str], home: str = "") -> Iterator[Found]:
    """Where each of many addresses is, in their order; each is looked up once."""
    held, known, home = geocoding.index(), dict[str, Found](), home or home_division()
    for text in addresses:
        found = known.get(text)
        if found is None:
            found = held.find(text, home)
            if len(known) < _ADDRESSES_KEPT:
                known[text] = found
        yield found


_ADDRESSES_KEPT = 1_000_000


def places_by_address(records: Collection[int]) -> dict[int, Found]:
    """Where records without coordinates are by their address; who was not looked for is missing from the answer."""
    rows = PlaceByAddress.objects.filter(id__in=list(records))
    return {row.id: Found(row.level, row.lon, row.lat, row.within_m, row.building_id, row.reason) for row in rows}


def address_coverage() -> dict[AddressLevel, int]:
    """How many buildings have an address of each level. Raises: Refused `city.none`."""
    loaded_city()
    return geocoding.coverage()


def street_names() -> list[str]:
    """Every street in which a building is registered, by name; read once for each version of the city's data."""
    found = city()
    return _street_names(found.data_version) if found else []


@lru_cache(maxsize=2)
def _street_names(version: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT street FROM registers_building WHERE street <> '' ORDER BY street")
        return [row[0] for row in cursor.fetchall()]


def _address(label: int, building: int, street: str, number: str, name: str, dwellings: int, level: int) -> str:
    number = known_number(number, level) or (name or f"building {building}" if level in UNNUMBERED else "")
    house = " ".join(part for part in (street, number) if part) or name or "address unknown"
    return f"{house}, {label // 100}-{label % 100:02d}" if dwellings > 1 else house


def made_up_identities(subjects: Sequence[int]) -> list[tuple[str, str]]:
    """Name and national id of made-up people, by the city's seed; the register is not opened for it.

    Slots follow the order in which people were made (`gate.actions.sealing`). Empty where the city's people are real.
    """
    found = city()
    if found is None or not found.is_synthetic:
        return []
    made_up = found.kind == "synthetic"
    sizes = made_up_people.household_sizes(
        found.counts["dwellings"], seed=found.seed, occupied_share=assumed.OCCUPIED_SHARE[found.kind],
        people=found.counts["people"] if made_up else None,
    )  # fmt: skip
    places = np.array(subjects, np.int64) >> 32
    today = City.objects.values_list("built_at", flat=True).get().date()
    return made_up_people.identities_of(places, sizes, seed=found.seed, today=today, chinese=made_up)


def area_words(lon: float, lat: float) -> dict[str, str]:
    """Words for a place that people know: the nearest named street and the community, in each language."""
    street = _nearest_street(lon, lat)
    unit = _unit_words(lon, lat)
    if street and unit["en"].endswith(f" {street[0]}"):  # a community called after this street says nothing more
        unit = {"en": "", "zh-Hans": ""}
    english = ", ".join(part for part in (f"{street[0]} and its surroundings" if street else "", unit["en"]) if part)
    chinese = unit["zh-Hans"] + (f"{street[1]}周边" if street else "")
    return {"en": english, "zh-Hans": chinese}


def _nearest_street(lon: float, lat: float) -> tuple[str, str] | None:
    """The name in both languages, from wider and wider circles."""
    for radius in (150.0, 600.0, 3000.0):
        graph = road_graph(lon, lat, radius)
        named = np.flatnonzero(graph.name != "")
        if len(named):
            plane = LocalProjection(lon, lat)
            away = shapely.distance(plane.to_metres(graph.geometry[named]), shapely.Point(0, 0))
            row = named[int(np.argmin(away))]
            return graph.name[row], graph.name_zh[row] or graph.name[row]
    return None


def unit_at(lon: float, lat: float) -> str:
    """The unit of the building that is nearest to a place, within 2 km; "" where there is none."""
    for radius in (100.0, 400.0, 2000.0):
        near = buildings_touching(geometry.circle(lon, lat, radius, corners=16))
        if len(near):
            away = np.hypot((near.lon - lon) * np.cos(np.radians(lat)), near.lat - lat)
            return str(near.unit_id[int(np.argmin(away))])
    return ""


def _unit_words(lon: float, lat: float) -> dict[str, str]:
    if unit := unit_at(lon, lat):
        return unit_names(unit)
    name = loaded_city().name
    return {"en": name, "zh-Hans": name}


def busiest_place(radius_m: float, seed: int) -> tuple[float, float]:
    """The point on a larger road with most dwellings around it; among equals (1 %) the seed decides.

    Raises: Refused `city.none`, `city.no_homes`.
    """
    spots, crowds = zip(*(_crowds(cell, radius_m) for cell in loaded_city().busiest), strict=True)
    spot, crowd = np.concatenate(spots), np.concatenate(crowds)
    if not crowd.max(initial=0.0):
        raise Refused("city.no_homes", "Nobody lives within {value} m of a street of this city, so it has no busiest "
                      "place; name one in the scenario, or import a source with homes.",
                      value=f"{radius_m:g}")  # fmt: skip
    best = np.flatnonzero(crowd >= 0.99 * crowd.max())
    lon, lat = spot[best[int(ids.seeded(seed, "busiest").integers(len(best)))]]
    return float(lon), float(lat)


def _crowds(cell: int, radius_m: float) -> tuple[Floats, Floats]:
    """The middles (n, 2) of the larger roads in and around a cell, and the dwellings within the radius of each."""
    lon, lat = centre_of(cell)
    graph = road_graph(lon, lat, _CELL_M)
    chosen = np.isin(graph.kind.astype(np.str_), assumed.WATCHED_ROADS)
    lines = graph.geometry[chosen if chosen.any() else slice(None)]
    middles = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    rows = _near("registers_building", "lon, lat, dwellings", (lon, lat, _CELL_M + radius_m), RESOLUTION, _ANY_SIZE)
    home_lon, home_lat, dwellings = np.array(rows, np.float64).reshape(-1, 3).T
    plane = LocalProjection(lon, lat)
    spots, homes = plane.xy(middles[:, 0], middles[:, 1]), plane.xy(home_lon, home_lat)
    close = np.hypot(*(spots[:, None, :] - homes[None, :, :]).transpose(2, 0, 1)) <= radius_m
    return middles, close @ dwellings


_CELL_M = 230.0  # from the centre of a cell of resolution 9 to its corners


def map_features(west: float, south: float, east: float, north: float) -> MapFeatures:
    """Everything that a map of a rectangle shows."""
    box = shapely.box(west, south, east, north)
    lon, lat, radius = _around(box)
    near = buildings_touching(box)
    graph = road_graph(lon, lat, radius)
    seen = shapely.intersects(box, graph.geometry)
    rows = _near("registers_land", "kind, name, geometry", (lon, lat, radius + _reach("land")), COARSE)
    kind, name, wkb = _columns(rows, "kind, name, geometry")
    shapes = _shapes(wkb)
    shown = shapely.intersects(box, shapes)
    water, green = (shown & (_texts(kind) == which) for which in ("water", "green"))
    return MapFeatures(
        building=near.footprint, building_id=near.id, road=graph.geometry[seen], road_name=graph.name[seen],
        road_kind=graph.kind[seen], water=shapes[water], water_name=_texts(name)[water], green=shapes[green],
        green_name=_texts(name)[green],
    )  # fmt: skip


def _around(polygon: shapely.Geometry) -> tuple[float, float, float]:
    """A circle that holds a polygon: longitude, latitude, radius in metres, with room for the bend of the earth."""
    lon, lat = geometry.centre(polygon)
    corners = shapely.get_coordinates(polygon)
    xy = LocalProjection(lon, lat).xy(corners[:, 0], corners[:, 1])
    radius = float(np.hypot(xy[:, 0], xy[:, 1]).max())
    return lon, lat, radius * (1.002 + radius * abs(np.tan(np.radians(lat))) / _EARTH_M)


_EARTH_M = 6.3e6


def _within(shapes: Shapes, lon: float, lat: float, radius_m: float) -> Flags:
    plane = LocalProjection(lon, lat)
    return shapely.dwithin(plane.to_metres(shapes), shapely.Point(0, 0), radius_m)


def _sorted_within(rows: list[tuple], lon: float, lat: float, radius_m: float, *, at: int) -> list[tuple]:
    """The rows within a distance, nearest first; longitude and latitude stand at columns `at` and `at + 1`."""
    if not rows:
        return []
    plane = LocalProjection(lon, lat)
    xy = plane.xy(np.array([row[at] for row in rows]), np.array([row[at + 1] for row in rows]))
    away = np.hypot(xy[:, 0], xy[:, 1])
    return [rows[i] for i in np.lexsort((away,)).tolist() if away[i] <= radius_m]


def _near(
    table: str, columns: str, circle: tuple[float, float, float], resolution: int, condition: str = ""
) -> list[tuple]:
    """The rows whose cell could hold a point of a circle; the exact test is the caller's."""
    return _in_ranges(table, columns, "cell", ranges_around(*circle, resolution), condition=condition)


def rows_in_box(
    table: str, columns: str, box: tuple[float, float, float, float], *, margin_m: float, most: int,
    resolution: int = COARSE, indexed: str = "", condition: str = "", values: tuple = (),
) -> list[Sequence[object]]:
    """Columns of the rows whose cell could hold a point within a margin of a rectangle; for this capability's rooms.

    Where there are more than `most` of them, only every second, third ... is read, by its id. `indexed` is a condition
    that the table's index answers, `condition` one that needs the row.
    """  # fmt: skip
    ranges = ranges_in_box(*box, margin_m, resolution)
    found = _in_ranges(table, "count(*)", "cell", ranges, condition=indexed)[0][0] if ranges else 0
    step = -(-found // most)
    thinned = f"{indexed}{condition}" + (f"b.id %% {int(step)} = 0 AND " if step > 1 else "")
    return _columns(_in_ranges(table, columns, "cell", ranges, condition=thinned, values=values), columns)


def _in_ranges(
    table: str, columns: str, key: str, ranges: list[tuple[int, int]], *, condition: str = "", values: tuple = ()
) -> list[tuple]:
    """The rows whose `key` lies in one of the closed intervals; one statement whatever their number."""
    if not ranges:
        return []
    statement = _statement(table, columns, key, condition, connection.vendor)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(statement, [json.dumps(ranges), *values])
        else:
            cursor.execute(statement, [[low for low, _ in ranges], [high for _, high in ranges], *values])
        return cursor.fetchall()


@lru_cache(maxsize=64)
def _statement(table: str, columns: str, key: str, condition: str, vendor: str) -> str:
    """SQL of constants alone: names of tables and columns of this module."""
    wanted = columns if "(" in columns else ", ".join(f"b.{column}" for column in columns.split(", "))
    if vendor == "sqlite":
        source = f"json_each(%s) AS r CROSS JOIN {table} AS b"
        between = f"b.{key} BETWEEN json_extract(r.value, '$[0]') AND json_extract(r.value, '$[1]')"
    else:
        source = f"unnest(%s::bigint[], %s::bigint[]) AS r(low, high) JOIN {table} AS b ON TRUE"
        between = f"b.{key} BETWEEN r.low AND r.high"
    return f"SELECT {wanted} FROM {source} WHERE {condition}{between}"  # noqa: S608


def _columns(rows: list[tuple], names: str) -> list[Sequence[object]]:
    return list(zip(*rows, strict=True)) if rows else [()] * len(names.split(", "))


def _texts(column: Sequence[object]) -> Texts:
    array = np.empty(len(column), dtype=object)
    array[:] = column
    return array


def _shapes(column: Sequence[object]) -> Shapes:
    return shapely.from_wkb(_texts([bytes(wkb) for wkb in column]))


def today() -> date:
    """The day that it is on the city's clocks."""
    return clock.now().astimezone(time_zone()).date()


def zone_plans() -> list[PlanFacts]:
    """Every plan of zones, the newest first."""
    return book.plans(today())


def zone_plan(plan_id: str) -> PlanFacts:
    """One plan. Raises: Refused `zones.no_plan`."""
    return book.facts_of(book.find(plan_id), today())


def zone_plan_on(day: date) -> PlanFacts | None:
    """The plan in force on a day."""
    row = book.in_force(day)
    return book.facts_of(row, day) if row else None


def last_zone_plan() -> PlanFacts | None:
    """The published plan that begins last, perhaps on a day to come."""
    row = book.last_published()
    return book.facts_of(row, today()) if row else None


def zone_at(lon: float, lat: float, day: date) -> ZoneFacts | None:
    """The work zone that a place is in on a day."""
    return book.zone_at(lon, lat, day)


def zones_of(plan_id: str, subdistrict: str = "") -> list[ZoneFacts]:
    """The zones of a plan, or of a subdistrict in it, by identifier."""
    return book.zones_of(plan_id, subdistrict)


def uneven_zones_of(plan_id: str) -> list[ZoneFacts]:
    """The zones of a plan that are not within a tenth of their subdistrict's mean, each with its reason."""
    return book.zones_of(plan_id, only_uneven=True)


def history_of_zone(code: str) -> list[tuple[PlanFacts, ZoneFacts]]:
    """A zone in every published plan that has it, the oldest first."""
    return book.history_of(code)


def zone_of_plan(plan_id: str, code: str) -> ZoneFacts:
    """One zone. Raises: Refused `zones.no_zone`."""
    return book.zone_with(plan_id, code)


def subdistricts_of(plan_id: str) -> list[SubdistrictFacts]:
    """The subdistricts of a plan and how even their zones are."""
    return book.subdistricts_of(plan_id)


def border_cells(plan_id: str, code: str) -> list[BorderCell]:
    """What could leave a zone, and what that would do. Raises: Refused `zones.no_plan`, `zones.no_zone`."""
    return book.border_cells(book.find(plan_id), book.zone_with(plan_id, code))


def compared_zone_plans(before: str, after: str) -> PlanDifference:
    """One plan beside another. Raises: Refused `zones.no_plan`."""
    return book.compared(book.find(before), book.find(after), today())


# What departments' files say (decision 0021).


def last_known_load(at: datetime | None = None) -> int:
    """The number of the last load that was known at an instant, now by default; 0 where none was."""
    done = Load.objects.filter(state=Load.DONE)
    if at is not None:
        done = done.filter(finished_at__lte=at)
    return done.order_by("-number").values_list("number", flat=True).first() or 0


def facts_of(register: str, key: str, *, known_at: datetime | None = None, every: bool = True) -> list[Fact]:
    """What each source said of an entry, as it was known at an instant: the last word first, with `every` all of them.

    A word that another has followed by then has `is_current` false.
    """
    table, shown = RECORDS[register], _shown(register)
    until = "AND finished_at <= %s" if known_at is not None else ""
    columns = ", ".join(f"r.{name}" for name in shown)
    moment = [] if known_at is None else [connection.ops.adapt_datetimefield_value(known_at)]
    asked = [Load.DONE, *moment, key]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns}, s.name, l.file_name, l.number, l.finished_at, k.last"  # noqa: S608
            f" FROM (SELECT coalesce(max(number), 0) AS last FROM registers_load WHERE state = %s {until}) k"
            f" JOIN {table._meta.db_table} r ON r.key = %s AND r.id < (CAST(k.last AS BIGINT) + 1) << 32"
            " JOIN registers_load l ON l.number = r.id >> 32 JOIN registers_source s ON s.id = r.source_id"
            " ORDER BY r.id DESC",
            asked,
        )
        facts = [_fact(register, shown, row) for row in cursor.fetchall()]
    return [fact for fact in facts if every or fact.is_current]


def believed(
    register: str, key: str, *, known_at: datetime | None = None, joined: Sequence[str] = ()
) -> Entry | None:  # fmt: skip
    """What is believed of an entry: for each field the value, the source that is right, why, and who says otherwise.

    With an instant, what was known, what the rules were and what stewards had decided then. None for an unknown key.
    `joined` are the keys of entries that are one with it: what sources say of them counts, too.
    """
    facts = [fact for one in (key, *joined) for fact in facts_of(register, one, known_at=known_at)]
    facts.sort(key=lambda fact: -fact.record)
    if not facts:
        return None
    decided = disagreements.settled(register, [key, *joined], known_at)
    return survivorship.believed(REGISTERS[register], key, rules.in_force(known_at), facts, decided)


def disagreements_of(register: str, key: str, joined: Sequence[str] = ()) -> list[DisagreementFacts]:
    """What sources disagree on of an entry, and of those that are one with it, decided or not, by field."""
    return disagreements.of_entry(register, [key, *joined])


def disagreement(number: int) -> DisagreementFacts:
    """One disagreement. Raises: Refused `registers.no_disagreement`."""
    return disagreements.one(number)


def disagreements_listed(
    *, register: str = "", field: str = "", state: str = "open", source: str = "", other: str = "", load: int = 0,
    before: int = 0, limit: int = 50,
) -> list[DisagreementFacts]:  # fmt: skip
    """Disagreements, the newest first; `before` is the number that the last page ended with."""
    return disagreements.listed(register=register, field=field, state=state, source=source, other=other, load=load,
                                before=before, limit=limit)  # fmt: skip


def said_in(register: str, record: int, field: str) -> Any:
    """What a record says of a field; None for a sealed one. A place (`lon`) is both numbers in one text."""
    return disagreements.value_of(register, record, field)


def disagreements_counted(state: str = "open") -> list[tuple[str, str, str, str, int]]:
    """Register, field, the two sources and how many disagreements are in a state, the most first."""
    return disagreements.counted(state)


def disagreement_rates(loads: int = 20) -> list[Rate]:
    """How often the sources of the latest loads disagree with others, by field."""
    return disagreements.rates(loads)


def correctable() -> dict[str, list[str]]:
    """By register, the fields that can be corrected at somebody's request; `people` is the asker's own entry."""
    found = {survivorship.PEOPLE: list(survivorship.PEOPLE_FIELDS)}
    for name, register in REGISTERS.items():
        if name in RECORDS and name != survivorship.PEOPLE:
            found[name] = [each.name for each in survivorship.correctable_fields(register)]
    return found


def corrections_of(account: str, limit: int = 100) -> list[CorrectionFacts]:
    """The corrections that a resident asked for, the newest first."""
    rows = CorrectionRequest.objects.filter(asked_by=account).order_by("-asked_at")[:limit]
    return [_correction(row) for row in rows]


def corrections(state: str = "asked", limit: int = 200) -> list[CorrectionFacts]:
    """The corrections that were asked for in a state, the oldest first."""
    rows = CorrectionRequest.objects.filter(state=state).order_by("asked_at")[:limit]
    return [_correction(row) for row in rows]


def correction(request_id: str) -> CorrectionFacts:
    """One of them. Raises: Refused `registers.no_correction`."""
    row = CorrectionRequest.objects.filter(id=request_id).first()
    if row is None:
        raise Refused("registers.no_correction", "There is no such request; look it up in the list.")
    return _correction(row)


def _correction(row: CorrectionRequest) -> CorrectionFacts:
    return CorrectionFacts(row.id, row.register, row.key, row.field, row.state, row.asked_at, row.decided_at,
                           row.reason, row.load, row.packet is not None)  # fmt: skip


def register_names() -> list[str]:
    """The registers that files are loaded into."""
    return list(REGISTERS)


def source_rules(at: datetime | None = None) -> Rules:
    """The rules on sources that hold now, or held at an instant."""
    return rules.in_force(at)


def source_rules_versions() -> list[RulesVersion]:
    """Every version of the rules on sources, the newest first."""
    return [RulesVersion(row.number, row.text, row.reason, row.set_by, row.set_at) for row in rules.versions()]


def source_rules_schema() -> dict[str, object]:
    """The JSON Schema of rules on sources."""
    return survivorship.schema()


_ALWAYS = ("id", "key", "closed_by", "valid_from", "is_gone")


@lru_cache(maxsize=16)
def _shown(register: str) -> tuple[str, ...]:
    """The columns that a fact is made of, those of every register first."""
    fields = [field.name for field in REGISTERS[register].fields if not field.personal]
    told = [name for name in fields if name != REGISTERS[register].key]
    sealed = [field.name for field in RECORDS[register]._meta.get_fields() if field.name == "packet"]
    return (*_ALWAYS, *told, *sealed)


def _fact(register: str, shown: tuple[str, ...], row: tuple[Any, ...]) -> Fact:
    values = dict(zip(shown, row, strict=False))
    source, file, load, finished_at, last = row[len(shown) :]
    told = {name: value for name in shown[len(_ALWAYS) :]
            if name != "packet" and (value := values[name]) not in ("", None)}  # fmt: skip
    since = values["valid_from"]
    since = since if isinstance(since, date) else date.fromisoformat(since)
    days = {field.name for field in REGISTERS[register].fields if field.kind == "date"}
    if "geometry" in told:
        told["geometry"] = shapely.from_wkb(bytes(told["geometry"])).wkt
    told |= {name: date.fromisoformat(value) for name in days & told.keys() if isinstance(value := told[name], str)}
    return Fact(
        values["key"], told, since, bool(values["is_gone"]), values["closed_by"] > last,
        values.get("packet") is not None, values["id"] & 0xFFFFFFFF,
        Origin(source, file, load, _instant(finished_at)), values["id"],
    )  # fmt: skip


def _instant(kept: datetime | str | None) -> datetime | None:
    """An instant as the database gives it: SQLite keeps the UTC without saying so."""
    moment = datetime.fromisoformat(kept) if isinstance(kept, str) else kept
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def said_on(facts: Sequence[Fact], day: date) -> list[Fact]:
    """For each source the fact that was true on a day: the one that began last before it, of several the last known."""
    best: dict[str, Fact] = {}
    for fact in facts:
        held = best.get(fact.origin.source)
        is_later = held is None or (fact.valid_from, fact.origin.load) > (held.valid_from, held.origin.load)
        if fact.valid_from <= day and is_later:
            best[fact.origin.source] = fact
    return list(best.values())


def keys_unknown(register: str, keys: Collection[str]) -> set[str]:
    """Which of these keys no source knows; none where the register is empty, since then nothing can be told."""
    below = (last_known_load() + 1) << 32
    if not keys or not RECORDS[register]._default_manager.filter(id__lt=below).exists():
        return set()
    return bulk.missing(RECORDS[register], "key", sorted(keys), "id < %s", [below])


def owners_of(
    register: str, source: str, keys: Collection[str], are_here: Callable[[Collection[str]], set[str]]
) -> dict[str, set[str]]:  # fmt: skip
    """By key the owners that sources have for it; not those of `source` for keys that its file has, and so replaces."""
    name = REGISTERS[register].owner
    said_now, wanted, found = RECORDS[register].still_said(last_known_load()), sorted(keys), dict[str, set[str]]()
    own = Source.objects.filter(name=source).values_list("id", flat=True).first()
    for first in range(0, len(wanted), _KEYS_AT_ONCE):
        some = wanted[first : first + _KEYS_AT_ONCE]
        said = list(said_now.filter(key__in=some).exclude(**{name: ""}).values_list("key", name, "source_id"))
        replaced = are_here([key for key, _owner, number in said if number == own])
        for key, owner, number in said:
            if number != own or key not in replaced:
                found.setdefault(key, set()).add(owner)
    return found


_KEYS_AT_ONCE = 5_000


# Facts about entries, in the lake (decision 0024).


def datasets() -> dict[str, Register]:
    """The lake's datasets as registers that files of facts are checked against, by name."""
    root = lake_root()
    if not root.is_dir():
        return {}
    from cityloom.lake import catalogue  # takes a while to import

    return {one.name: register_of(one) for one in catalogue.datasets(root)}


def places_of(register: str, keys: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Longitude and latitude of entries, where a source says them."""
    table = RECORDS.get(register)
    if table is None or not {"lon", "lat"} <= {field.name for field in table._meta.get_fields()}:
        return {}
    placed = table.still_said(last_known_load()).exclude(lon=None)
    out = {}
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        rows = placed.filter(key__in=keys[first : first + _KEYS_AT_ONCE]).order_by("id")
        points = rows.values_list("key", "lon", "lat")
        out.update({key: (lon, lat) for key, lon, lat in points if lat is not None})
    return out


def facts_about(register: str, key: str, limit: int = 20) -> list[FactsAbout]:
    """The latest facts about an entry, of each dataset that is about its register; those that have none are left out.

    Columns about people are left out, whatever they hold.
    """
    root = lake_root()
    if not root.is_dir():
        return []
    from cityloom.lake import catalogue, engines
    from cityloom.lake.domain.things import thing_of

    out = []
    for table in catalogue.tables(root):
        if table.dataset.register == register:
            shown = [one for one in table.dataset.columns if not one.is_personal and one.name not in _OF_A_FILE]
            rows = engines.latest_of(table, thing_of(register, key), ["at", *(one.name for one in shown)], limit)
            if rows:
                units = {one.name: one.unit for one in shown}
                out.append(FactsAbout(table.dataset.name, table.dataset.title, units, rows))
    return out


_OF_A_FILE = ("key", "load", "row")


def organisations_called(text: str, limit: int) -> list[tuple[str, str, str]]:
    """Code, name and address of organisations whose name begins so, or whose code this is."""
    shown = ("key", "name", "address")
    known = OrganisationRecord.still_said(last_known_load())
    by_code = list(known.filter(key=text.strip().upper()[:64]).values_list(*shown)[:limit])
    start = spoken.folded(text)[: spoken.LONGEST].encode(errors="replace")
    if by_code or not start:
        return by_code
    begin_so = known.filter(folded__gte=start, folded__lt=start + b"\xff").order_by("folded", "id")
    return list({row[0]: row for row in begin_so.values_list(*shown)[: limit * 2]}.values())[:limit]


def loads(limit: int = 50) -> list[LoadFacts]:
    """The latest loads, unfinished ones too."""
    return _load_facts(list(Load.objects.order_by("-number")[:limit]))


def looked_up(load: LoadFacts) -> int | None:
    """The row of a load up to which its addresses were looked up; None where it has none that are."""
    if load.register not in PLACED:
        return None
    first = load.number << 32
    last = PlaceByAddress.objects.filter(id__gte=first, id__lt=first + (1 << 32)).order_by("-id").first()
    return last.id & 0xFFFFFFFF if last else 0


def source_names() -> list[str]:
    """What the sources are called, in order."""
    return list(Source.objects.order_by("name").values_list("name", flat=True))


def load_facts(number: int) -> LoadFacts:
    """A load. Raises: Refused `registers.no_load`."""
    found = _load_facts(list(Load.objects.filter(number=number)))
    if not found:
        raise Refused("registers.no_load", "There is no load {value}; `cityloom register loads` lists them.",
                      value=number)  # fmt: skip
    return found[0]


def _load_facts(rows: list[Load]) -> list[LoadFacts]:
    sources = dict(Source.objects.values_list("id", "name"))
    waiting = SetAside.objects.filter(load__in=[row.number for row in rows], back_in=None).values_list("load")
    counts = dict(waiting.annotate(Count("id")))
    return [
        LoadFacts(
            row.number, sources[row.source_id], row.register, row.file_name, row.file_digest, row.as_of, row.state,
            row.rows, row.counts, row.notes, counts.get(row.number, 0), row.started_at, row.finished_at, row.mapping,
            row.returns,
        )
        for row in rows
    ]  # fmt: skip


def rows_set_aside(load: int) -> list[tuple[int, list[list[str]], list[str] | None]]:
    """Number, findings and, where the file tells nothing about people, texts of the rows that wait for a correction."""
    waiting = SetAside.objects.filter(load=load, back_in=None).order_by("row")
    return list(waiting.values_list("row", "findings", "texts"))


def rule(name: str) -> Rule:
    """A rule with its dimension and sentence."""
    return RULES[name]


def mapping_schema() -> dict[str, object]:
    """The JSON Schema of a mapping."""
    return schema()


# Addresses (decision 0025).

ADDRESS_KINDS = KINDS


def address(text: str, home: str = "") -> Address:
    """An address cut into parts. Never fails."""
    return parsed(text, home)


def standardised_address(text: str, home: str = "") -> str:
    """An address written in one way."""
    return address_standard.standardised(text, home)


def division_name(code: str) -> str:
    """The name of the division with a code of GB/T 2260; "" where there is none."""
    return divisions.coded(code)


def address_score(lines: Iterable[str], home: str = "") -> address_truth.Score:
    """How much of a file labelled by hand is found. Raises: Refused `address.truth_form`."""
    return address_truth.measured(lines, home)


def linkage_config(register: str) -> str:
    """The configuration by which records of a register are linked, as it is written.

    Raises: Refused `linkage.register_unknown`.
    """
    shipped(register)
    return shipped_text(register)


# People in departments' files (decision 0026).

_PERSON = "r.subject, r.dwelling_id, r.valid_from, r.is_gone, r.closed_by, r.id"


def person_facts(
    *, subject: int = 0, source: str = "", token: int = 0, known_at: datetime | None = None
) -> list[PersonFact]:  # fmt: skip
    """What sources said of a person, as it was known at an instant: the last word first, and when; never what.

    By subject all sources; by a source and its key token (`actions.person_token`) what this one said.
    """
    if subject:
        return _person_facts("r.subject = %s", [subject], known_at)
    return _person_facts("r.key = %s AND s.name = %s", [token, source], known_at)


def household_facts(dwelling: int, *, known_at: datetime | None = None) -> list[PersonFact]:
    """Who shared a dwelling, as it was known at an instant: for each person the word that was in force then."""
    subjects = {fact.subject for fact in _person_facts("r.dwelling_id = %s", [dwelling], known_at)}
    facts = [fact for subject in sorted(subjects) for fact in person_facts(subject=subject, known_at=known_at)]
    return [fact for fact in facts if fact.holds and fact.dwelling == dwelling]


def _person_facts(condition: str, values: list[object], known_at: datetime | None) -> list[PersonFact]:
    until = "AND finished_at <= %s" if known_at is not None else ""
    moment = [] if known_at is None else [connection.ops.adapt_datetimefield_value(known_at)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_PERSON}, s.name, l.file_name, l.number, l.finished_at, k.last"  # noqa: S608
            f" FROM (SELECT coalesce(max(number), 0) AS last FROM registers_load WHERE state = %s {until}) k"
            f" JOIN registers_personrecord r ON r.id < (CAST(k.last AS BIGINT) + 1) << 32"
            " JOIN registers_load l ON l.number = r.id >> 32 JOIN registers_source s ON s.id = r.source_id"
            f" WHERE {condition} ORDER BY r.id DESC",
            [Load.DONE, *moment, *values],
        )
        facts = [_person_fact(row) for row in cursor.fetchall()]
    return _with_holding(facts)


def _person_fact(row: tuple[Any, ...]) -> PersonFact:
    subject, dwelling, since, is_gone, closed_by, record, source, file, load, finished_at, last = row
    since = since if isinstance(since, date) else date.fromisoformat(since)
    return PersonFact(subject, dwelling, since, bool(is_gone), closed_by > last, False, record & 0xFFFFFFFF,
                      Origin(source, file, load, _instant(finished_at)), record)  # fmt: skip


def _with_holding(facts: list[PersonFact]) -> list[PersonFact]:
    """The same, with the word marked that is in force of each person: true since the latest day, then known last."""
    best: dict[int, PersonFact] = {}
    for fact in facts:
        held = best.get(fact.subject)
        is_later = held is None or (fact.valid_from, fact.record) > (held.valid_from, held.record)
        if fact.is_current and not fact.is_gone and is_later:
            best[fact.subject] = fact
    in_force = {fact.record for fact in best.values()}
    return [replace(fact, holds=fact.record in in_force) for fact in facts]


def pairs_waiting(register: str = "", limit: int = 100) -> list[PairFacts]:
    """Pairs of entries that a steward is to look at: those that wait longest first, and of these the least certain."""
    return pairs.waiting(register, limit)


def pairs_joined_lately(limit: int = 20) -> list[PairFacts]:
    """The pairs of entries that were joined last."""
    return pairs.lately_joined(limit)


def pairs_counted(register: str = "") -> dict[str, int]:
    """How many pairs of entries are in each state."""
    return pairs.counts(register)


def pair(number: int) -> PairFacts:
    """A pair of entries and what was decided of it. Raises: Refused `linkage.no_pair`."""
    return pairs.one(number)


def pair_after(number: int) -> int:
    """The pair that comes next in the queue; 0 where none waits."""
    return pairs.next_after(number)


def linked_with(register: str, key: str, known_at: datetime | None = None) -> tuple[list[str], list[PairFacts]]:
    """The keys that are one entry with a key, and the pairs that say so, as it was known at an instant."""
    return pairs.of_entry(register, key, known_at)
