"""A draft of a city out of what an importer found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import shapely

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import (
    osm_buildings,
    osm_coast,
    osm_extent,
    osm_ground,
    osm_network,
    osm_places,
    osm_roads,
    osm_shapes,
    osm_words,
)
from cityloom.registers.domain.draft import (
    AreaTable,
    BuildingTable,
    Draft,
    LandTable,
    NodeTable,
    PlaceTable,
    RoadTable,
    Texts,
    shapes,
)
from cityloom.registers.domain.osm_features import Defects, Features, Line, Outline, Spot

_SETTLEMENTS = ("city", "town", "municipality", "borough", "suburb", "village", "island", "hamlet")
_INDOORS_BY_NATURE = frozenset({"school", "kindergarten", "university", "hospital", "clinic", "community_centre",
                                "sports_hall", "town_hall", "place_of_worship", "nursing_home"})  # fmt: skip
_SAME_PLACE_M = 150.0


def draft_of(features: Features, *, kind: str, name: str, attribution: str) -> Draft:
    """A draft of the city; `name` is used where the features do not name it.

    Raises: Refused `city.no_buildings`, `city.no_roads` or `city.across_date_line`.
    """
    features = osm_extent.without_strays(features)
    outlines = osm_buildings.sound(features.buildings, features.defects)
    parts = osm_buildings.sound(features.parts, Defects())
    outlines = osm_buildings.with_lone_parts(outlines, parts)
    if not outlines:
        raise Refused("city.no_buildings", "No building in this source has an outline that can be used; "
                      "give a source that has buildings as areas.")  # fmt: skip
    features = replace(features, parts=parts, grounds=_sound_grounds(features))
    nodes, roads = _roads(features.lines)
    buildings = osm_buildings.building_table(features, outlines)
    return Draft(
        kind=kind,
        name=_city_name(features, buildings) or name,
        buildings=buildings,
        nodes=nodes,
        roads=roads,
        places=_places(features, outlines, buildings),
        land=_land([*features.grounds, *_sea(features, outlines)]),
        areas=_areas(features.grounds),
        attribution=attribution,
        defects=features.defects.counts,
        defect_refs={what: tuple(refs) for what, refs in features.defects.references.items()},
    )


def _sound_grounds(features: Features) -> list[Outline]:
    kept = []
    for ground in features.grounds:
        shape = ground.shape
        if not shape.is_valid:
            shape = osm_shapes.repaired(shape)
            features.defects.note("self-crossing areas repaired", ground.ref)
        if not shape.is_empty:
            kept.append(Outline(shape, ground.tags, ground.ref))
    return kept


def _roads(lines: Sequence[Line]) -> tuple[NodeTable, RoadTable]:
    kinds = [osm_roads.kind_of(line.tags) for line in lines]
    kept = [(line, kind) for line, kind in zip(lines, kinds, strict=True) if kind]
    if not kept:
        raise _no_roads()
    apart = np.array([osm_roads.stands_apart(line.tags) for line, _ in kept], dtype=bool)
    net = osm_network.network(osm_network.with_one_key_a_place([line.course for line, _ in kept], apart))
    is_street = np.array([line.tags.get("area") != "yes" for line, _ in kept], dtype=bool)
    useful = (shapely.length(net.geometry) > 0) & osm_network.reached(net, is_street)
    row = net.line[useful]
    if not len(row):
        raise _no_roads()
    nodes, ends = np.unique(np.concatenate([net.start[useful], net.end[useful]]), return_inverse=True)
    return NodeTable(net.nodes.lon[nodes], net.nodes.lat[nodes]), RoadTable(
        start=ends[: len(row)],
        end=ends[len(row) :],
        geometry=net.geometry[useful],
        name=_column(osm_words.road_name_of(line.tags) for line, _ in kept)[row],
        name_zh=_column(osm_words.chinese_name_of(line.tags) for line, _ in kept)[row],
        kind=_column(kind for _, kind in kept)[row],
        walkable=np.array([osm_roads.is_walkable(line.tags, kind) for line, kind in kept], dtype=bool)[row],
        drivable=np.array([osm_roads.is_drivable(line.tags, kind) for line, kind in kept], dtype=bool)[row],
    )


def _no_roads() -> Refused:
    return Refused("city.no_roads", "This source has no roads, so no way to a shelter can be found; "
                   "give a source that has its streets as lines.")  # fmt: skip


def _sea(features: Features, outlines: Sequence[Outline]) -> list[Outline]:
    """The sea within the bounds of the streets, else of the buildings: there coastlines are less often cut short."""
    streets = shapely.multipoints(np.concatenate([line.course.lonlat for line in features.lines]))
    houses = shapely.GeometryCollection([outline.shape for outline in outlines])
    found = (osm_coast.sea(features.coasts, shapely.box(*shapely.bounds(part))) for part in (streets, houses))
    return [Outline(shape, {"natural": "water"}, "coastline") for shape in next(filter(None, found), [])]


def _land(grounds: Sequence[Outline]) -> LandTable:
    kept = [(ground, kind) for ground in grounds if (kind := osm_ground.land_kind_of(ground.tags))]
    return LandTable(
        _column(kind for _, kind in kept),
        _column(osm_words.name_of(ground.tags) for ground, _ in kept),
        shapes(ground.shape for ground, _ in kept),
    )


def _areas(grounds: Sequence[Outline]) -> AreaTable:
    kept = [(ground, kind) for ground in grounds if (kind := osm_ground.area_kind_of(ground.tags))]
    return AreaTable(
        _column(kind for _, kind in kept),
        _column(osm_words.name_of(ground.tags) for ground, _ in kept),
        _column(osm_words.chinese_name_of(ground.tags) for ground, _ in kept),
        shapes(ground.shape for ground, _ in kept),
    )


def _places(features: Features, outlines: Sequence[Outline], buildings: BuildingTable) -> PlaceTable:
    found = _Found(buildings)
    for ground in features.grounds:
        found.add_ground(ground)
    for row, outline in enumerate(outlines):
        found.add_building(row, outline)
    for spot in features.spots:
        found.add_spot(spot)
    return found.table()


class _Found:
    """Places so far, each once: grounds first, then buildings, then points."""

    def __init__(self, buildings: BuildingTable) -> None:
        self._footprints = buildings.footprint
        self._tree = shapely.STRtree(buildings.footprint)
        self._rows: list[tuple[str, str, float, float, int, float]] = []
        self._grounds: dict[str, list[shapely.Geometry]] = {}
        self._seen: dict[tuple[str, object], list[tuple[float, float]]] = {}

    def add_ground(self, ground: Outline) -> None:
        """A school's or a park's whole ground; indoors it stands for its largest building."""
        kind = osm_places.kind_of(ground.tags)
        if not kind:
            return
        inside = self._tree.query(ground.shape, predicate="contains") if kind in _INDOORS_BY_NATURE else []
        row = max(inside, key=lambda index: self._footprints[index].area, default=-1)
        area = np.nan if kind in _INDOORS_BY_NATURE else osm_buildings.areas_m2(np.array([ground.shape], object))[0]
        self._add(kind, ground.tags, ground.shape, int(row), float(area))
        self._grounds.setdefault(kind, []).append(ground.shape)

    def add_building(self, row: int, outline: Outline) -> None:
        """A place that fills a building."""
        kind = osm_places.kind_of(outline.tags)
        if kind and not self._is_within(kind, outline.shape):
            self._add(kind, outline.tags, outline.shape, row, np.nan)

    def add_spot(self, spot: Spot) -> None:
        """A place marked by a point: it fills the building around the point, if there is one."""
        kind = osm_places.kind_of(spot.tags)
        point = shapely.Point(spot.lon, spot.lat)
        if kind and not self._is_within(kind, point):
            around = self._tree.query(point, predicate="intersects")
            self._add(kind, spot.tags, point, int(around[0]) if len(around) else -1, np.nan)

    def table(self) -> PlaceTable:
        """The places as columns."""
        columns = list(zip(*self._rows, strict=True)) or [()] * 6
        kind, name, lon, lat, building, area = columns
        return PlaceTable(
            _column(kind), _column(name), np.array(lon, float), np.array(lat, float),
            np.array(building, np.int64), np.array(area, float), np.zeros(len(self._rows), np.int64),
        )  # fmt: skip

    def _is_within(self, kind: str, shape: shapely.Geometry) -> bool:
        middle = shapely.point_on_surface(shape)
        return any(ground.intersects(middle) for ground in self._grounds.get(kind, []))

    def _add(self, kind: str, tags: osm_words.Tags, shape: shapely.Geometry, row: int, area: float) -> None:
        name = osm_words.place_name_of(tags)
        middle = shapely.point_on_surface(shape)
        if self._is_known(kind, name, row, middle.x, middle.y):
            return
        self._rows.append((kind, name, middle.x, middle.y, row, area))
        for key in ((kind, row), (kind, name)):
            self._seen.setdefault(key, []).append((middle.x, middle.y))

    def _is_known(self, kind: str, name: str, row: int, lon: float, lat: float) -> bool:
        if row >= 0 and (kind, row) in self._seen:
            return True
        namesakes = self._seen.get((kind, name), []) if name else []
        return any(_metres(lon, lat, *other) < _SAME_PLACE_M for other in namesakes)


def _metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    return float(np.hypot((lon - other_lon) * np.cos(np.radians(lat)), lat - other_lat) * 111_195.0)


def _city_name(features: Features, buildings: BuildingTable) -> str:
    """The largest settlement marked within the buildings' bounds, else the widest named area around their middle."""
    west, south, east, north = shapely.total_bounds(buildings.footprint)
    marked = [
        (_SETTLEMENTS.index(spot.tags["place"]), -_population(spot.tags), osm_words.name_of(spot.tags))
        for spot in features.spots
        if spot.tags.get("place") in _SETTLEMENTS and west <= spot.lon <= east and south <= spot.lat <= north
    ]
    if any(name for *_, name in marked):
        return min(entry for entry in marked if entry[2])[2]
    middle = shapely.Point((west + east) / 2, (south + north) / 2)
    around = [g for g in features.grounds if osm_ground.area_kind_of(g.tags) and g.shape.intersects(middle)]
    return osm_words.name_of(max(around, key=lambda ground: ground.shape.area).tags) if around else ""


def _population(tags: osm_words.Tags) -> int:
    text = tags.get("population", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _column(values: Iterable[str]) -> Texts:
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array
