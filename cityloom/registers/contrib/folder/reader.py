"""Read a city from a folder of GeoJSON: `buildings.geojson`, `roads.geojson` and perhaps `places.geojson`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import (
    osm_axes,
    osm_draft,
    osm_joins,
    osm_properties,
    osm_roads,
    osm_shapes,
    osm_use,
    osm_words,
)
from cityloom.registers.domain.draft import OSM_ATTRIBUTION, Draft
from cityloom.registers.domain.osm_features import Features, Line, Outline, Spot

BUILDINGS, ROADS, PLACES = "buildings.geojson", "roads.geojson", "places.geojson"
LARGEST_BYTES = 1024**3
FURTHEST_M = 50_000.0
"""Buildings and roads of one city do not lie further apart."""
_LONGITUDE_LATITUDE = re.compile(r"CRS84H?\b|(?<!\d)(4326|4979|4258|4269|4490|4612|6668|7844)(?!\d)|^\W*(WGS ?84)\W*$")
"""WGS 84 and the systems of Europe, North America, China, Japan and Australia that lie within 2 m of it."""
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"PK\x03\x04", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_OTHER_LINES = ("railway", "waterway", "power", "aeroway", "aerialway", "barrier", "boundary", "rail", "water")
_RECORD_SEPARATOR = b"\x1e"
_OSM_SIGNS = ("openstreetmap", '"osm_id"', '"osm_way_id"', '"@id"', '"highway"', '"building:levels"', '"addr:')
Progress = Callable[[str], None]


def read_folder(path: Path, progress: Progress = lambda sentence: None) -> Draft:
    """Read the files of the folder; `progress` gets a sentence for each step.

    Raises: Refused `city.folder_missing`, `city.file_missing`, `city.file_empty`, `city.file_too_large`,
    `city.file_wrong_kind`, `city.file_broken`, `city.coordinates_swapped`, `city.coordinates_wrong`,
    `city.files_far_apart`, `city.no_buildings` or `city.no_roads`.
    """
    if not path.is_dir():
        raise Refused("city.folder_missing", "There is no folder {value}; check the path.", value=path.name)
    found = Features()
    progress("Reading buildings")
    buildings = _Layer.read(path / BUILDINGS, "building")
    progress("Reading roads")
    roads = _Layer.read(path / ROADS, "highway")
    places = _Layer.read(path / PLACES, "amenity") if (path / PLACES).exists() else None
    _check_together(buildings, roads)
    _take_buildings(buildings, found)
    progress("Joining roads")
    _take_roads(roads, found)
    if places:
        _take_places(places, found)
    progress("Putting the city together")
    layers = [layer for layer in (buildings, roads, places) if layer]
    return osm_draft.draft_of(found, kind="folder", name=_name(path), attribution=_attribution(path, layers))


@dataclass(frozen=True)
class _Feature:
    """A feature with its tags; `geometry` is a GeoJSON object whose coordinates are checked."""

    geometry: dict[str, Any]
    tags: dict[str, str]
    ref: str


@dataclass(frozen=True)
class _Layer:
    """A file's features and the box around them."""

    file: str
    features: list[_Feature]
    skipped: int
    box: shapely.Geometry
    from_osm: bool

    @staticmethod
    def read(path: Path, class_key: str) -> _Layer:
        """Read and check one file."""
        raw = _content(path)
        document = _document(path, raw)
        _check_reference_system(path, document)
        features, skipped = [], 0
        for number, entry in enumerate(_entries(path, document)):
            geometry, properties = entry.get("geometry"), entry.get("properties")
            if not isinstance(geometry, dict):
                skipped += 1
                continue
            tags = osm_properties.tags_of(properties if isinstance(properties, dict) else {}, class_key)
            features.append(_Feature(geometry, tags, _reference(path, entry, properties, number)))
        pairs = [pair for feature in features for pair in _pairs(path, feature)]
        lonlat = np.concatenate(pairs) if pairs else np.zeros((0, 2))
        _check_range(path, lonlat)
        from_osm = any(sign in raw[:200_000].decode("utf-8", "ignore").lower() for sign in _OSM_SIGNS)
        return _Layer(path.name, features, skipped, shapely.box(*_bounds(lonlat)), from_osm)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise Refused("city.file_missing", "The folder has no {value}; a city needs buildings.geojson and "
                      "roads.geojson.", value=path.name)  # fmt: skip
    size = path.stat().st_size
    if size == 0:
        raise Refused("city.file_empty", "The file {value} is empty; export it again.", value=path.name)
    if size > LARGEST_BYTES:
        raise Refused("city.file_too_large", "The file {value} is larger than {limit}; cut your city out of it or "
                      "import an .osm.pbf file.", value=path.name, limit="1 GB")  # fmt: skip
    return path.read_bytes().removeprefix(b"\xef\xbb\xbf")


def _document(path: Path, raw: bytes) -> dict[str, Any]:
    if raw.startswith(_COMPRESSED):
        raise Refused("city.file_wrong_kind", "The file {value} is compressed; unpack it first.",
                      value=path.name)  # fmt: skip
    try:
        document = _decoded(raw)
    except RecursionError as deep:
        raise Refused("city.file_broken", "The file {value} is nested too deeply to be GeoJSON; export it again.",
                      value=path.name) from deep  # fmt: skip
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        raise Refused("city.file_broken", "The file {value} is not complete JSON, or holds something that JSON does "
                      "not know, such as NaN; export it again.", value=path.name) from broken  # fmt: skip
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise _wrong_kind(path)
    return document


def _decoded(raw: bytes) -> object:
    """A document, or a sequence of features, one a line or one a record, as a collection. Source: RFC 8142."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        entries = msgspec.json.Decoder().decode_lines(raw.replace(_RECORD_SEPARATOR, b""))
        if not entries or not all(isinstance(entry, dict) and entry.get("type") == "Feature" for entry in entries):
            raise
        return {"type": "FeatureCollection", "features": entries}


def _wrong_kind(path: Path) -> Refused:
    return Refused("city.file_wrong_kind", "The file {value} is not GeoJSON with a list of features; export it as a "
                   "GeoJSON FeatureCollection.", value=path.name)  # fmt: skip


def _entries(path: Path, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    entries = document.get("features")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _wrong_kind(path)
    return iter(entries)


def _check_reference_system(path: Path, document: dict[str, Any]) -> None:
    stated = document.get("crs")
    named = stated.get("properties") if isinstance(stated, dict) else stated
    texts = [str(text).upper() for text in (named.values() if isinstance(named, dict) else [named])]
    if stated and not any(_LONGITUDE_LATITUDE.search(text) for text in texts):
        raise Refused("city.coordinates_wrong", "The file {value} states a reference system other than WGS 84; "
                      "export it in longitude and latitude (EPSG:4326).", value=path.name)  # fmt: skip


def _reference(path: Path, entry: dict[str, Any], properties: object, number: int) -> str:
    own = properties if isinstance(properties, dict) else {}
    named = own.get("id") or own.get("@id") or own.get("osm_id") or entry.get("id") or number + 1
    return f"{path.stem}/{osm_words.tidy(str(named))[:60]}"


def _pairs(path: Path, feature: _Feature) -> Iterator[NDArray[np.float64]]:
    """The corners of each ring, line or point."""
    for ring in _rings(feature.geometry):
        try:
            yield _corners(ring)
        except (TypeError, ValueError, IndexError, KeyError) as odd:
            raise Refused(
                "city.coordinates_wrong",
                "In {value} the feature {limit} has coordinates that are not pairs of numbers; export the file again.",
                value=path.name,
                limit=feature.ref,
            ) from odd


def _corners(ring: list[Any]) -> NDArray[np.float64]:
    pairs = [(corner[0], corner[1]) for corner in ring]
    if any(isinstance(value, (str, bool)) for pair in pairs for value in pair):
        raise TypeError("a coordinate is not a number")
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _rings(geometry: dict[str, Any]) -> list[list[Any]]:
    """The lists of corners in a geometry of any type; of a collection, those of its members."""
    nested = geometry.get("coordinates")
    match geometry.get("type"):
        case "GeometryCollection":
            return [ring for part in _members(geometry) for ring in _rings(part)]
        case "Point" if nested:
            return [[nested]]
        case "MultiPoint" | "LineString" if nested:
            return [nested]
        case "Polygon" | "MultiLineString":
            return _listed(nested)
        case "MultiPolygon":
            return [ring for rings in _listed(nested) for ring in _listed(rings)]
    return []


def _members(geometry: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of a collection; collections in collections are none, as RFC 7946 (section 3.1.8) advises."""
    members = [part for part in _listed(geometry.get("geometries")) if isinstance(part, dict)]
    return [part for part in members if part.get("type") != "GeometryCollection"]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_range(path: Path, lonlat: NDArray[np.float64]) -> None:
    if osm_axes.are_proven_swapped(lonlat):
        raise _swapped(path.name)
    if not osm_axes.are_in_range(lonlat):
        raise Refused("city.coordinates_wrong", "The file {value} has coordinates that are not on the globe; export it "
                      "in longitude and latitude (EPSG:4326).", value=path.name)  # fmt: skip


def _swapped(file: str) -> Refused:
    return Refused("city.coordinates_swapped", "The coordinates in {value} have latitude first; GeoJSON wants "
                   "longitude first, so swap them and import again.", value=file)  # fmt: skip


def _bounds(lonlat: NDArray[np.float64]) -> tuple[float, float, float, float]:
    if not len(lonlat):
        return 0.0, 0.0, 0.0, 0.0
    (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _check_together(buildings: _Layer, roads: _Layer) -> None:
    """Both files must show one place, the right way round."""
    if not buildings.features or not roads.features:
        return
    rings = [_corners(ring) for feature in buildings.features for ring in _rings(feature.geometry)]
    swapped = osm_axes.look_swapped(rings)
    if osm_axes.far_apart_m(buildings.box, roads.box) > FURTHEST_M:
        turned = shapely.transform(roads.box, lambda corners: corners[:, ::-1])
        if osm_axes.far_apart_m(buildings.box, turned) <= FURTHEST_M:
            raise _swapped(buildings.file if swapped else roads.file)
        raise Refused("city.files_far_apart", "The buildings and the roads lie more than {limit} apart; give files of "
                      "the same city.", limit="50 km")  # fmt: skip
    if swapped:
        raise _swapped(f"{buildings.file} and {roads.file}")


def _take_buildings(layer: _Layer, found: Features) -> None:
    _note_skipped(layer, found)
    for feature in layer.features:
        if feature.tags.get("building") in osm_use.NOT_BUILDINGS:
            continue
        shape = _area(feature.geometry)
        if shape.is_empty:
            found.defects.note("buildings without an outline left out", feature.ref)
            continue
        tags = feature.tags if "building" in feature.tags else {**feature.tags, "building": "yes"}
        found.buildings.append(Outline(shape, tags, feature.ref))


def _take_roads(layer: _Layer, found: Features) -> None:
    _note_skipped(layer, found)
    lines: list[tuple[NDArray[np.float64], _Feature]] = []
    for feature in layer.features:
        if _is_other_line(feature.tags):
            found.defects.note("railways, waterways and other lines among the roads left out", feature.ref)
            continue
        courses = [line for line in map(_corners, _rings(feature.geometry)) if len(np.unique(line, axis=0)) > 1]
        if not courses:
            found.defects.note("roads that are not lines left out", feature.ref)
        lines.extend((line, feature) for line in courses)
    lines = [(line, feature) for line, feature in lines if osm_roads.kind_of(_road_tags(feature))]
    apart = np.array([osm_roads.stands_apart(feature.tags) for _, feature in lines], dtype=bool)
    courses = osm_joins.joined([line for line, _ in lines], apart)
    for course, (_, feature) in zip(courses, lines, strict=True):
        found.lines.append(Line(course, _road_tags(feature), feature.ref))


def _is_other_line(tags: dict[str, str]) -> bool:
    """Whether a layer of roads holds something else, as an export of all lines does."""
    if osm_roads.kind_of({"highway": tags.get("highway", "")}) and tags.get("subtype") not in _OTHER_LINES:
        return False
    return any(tags.get(key, "no") != "no" for key in _OTHER_LINES) or tags.get("subtype") in _OTHER_LINES


def _road_tags(feature: _Feature) -> dict[str, str]:
    return feature.tags if feature.tags.get("highway") else {**feature.tags, "highway": "road"}


def _take_places(layer: _Layer, found: Features) -> None:
    _note_skipped(layer, found)
    for feature in layer.features:
        shape = _area(feature.geometry)
        if not shape.is_empty:
            found.grounds.append(Outline(shape, feature.tags, feature.ref))
        elif feature.geometry.get("type") == "Point" and (corners := _rings(feature.geometry)):
            (lon, lat), *_ = _corners(corners[0]).tolist()
            found.spots.append(Spot(lon, lat, feature.tags, feature.ref))
        else:
            found.defects.note("places that are neither points nor areas left out", feature.ref)


def _note_skipped(layer: _Layer, found: Features) -> None:
    for number in range(layer.skipped):
        found.defects.note("features without a geometry left out", f"{layer.file}/{number + 1}")


def _area(geometry: dict[str, Any]) -> shapely.Geometry:
    """The polygons of a geometry as one shape, valid or not; empty where it has none."""
    if geometry.get("type") == "GeometryCollection":
        parts = [_area(part) for part in _members(geometry)]
    elif geometry.get("type") == "Polygon":
        parts = [_polygon(geometry.get("coordinates"))]
    elif geometry.get("type") == "MultiPolygon":
        parts = [_polygon(rings) for rings in _listed(geometry.get("coordinates"))]
    else:
        return shapely.Polygon()
    solid = [polygon for part in parts for polygon in shapely.get_parts(part) if not polygon.is_empty]
    return solid[0] if len(solid) == 1 else shapely.MultiPolygon(solid)


def _polygon(rings: object) -> shapely.Geometry:
    corners = [_corners(ring) for ring in _listed(rings)]
    return osm_shapes.polygon(corners[0], corners[1:]) if corners else shapely.Polygon()


def _name(path: Path) -> str:
    return osm_words.tidy(path.resolve().name.replace("-", " ").replace("_", " ").title())


def _attribution(path: Path, layers: list[_Layer]) -> str:
    """What the folder itself states in `ATTRIBUTION.txt`, else OpenStreetMap's where a file shows its marks."""
    stated = path / "ATTRIBUTION.txt"
    if stated.is_file() and os.access(stated, os.R_OK):
        return osm_words.tidy(stated.read_bytes()[:800].decode("utf-8", "ignore"))
    return OSM_ATTRIBUTION if any(layer.from_osm for layer in layers) else ""


class Folder:
    """Folders of GeoJSON files."""

    describes = "a folder with buildings.geojson and roads.geojson"

    def recognises(self, path: Path) -> bool:
        return path.is_dir()

    def read(self, path: Path, progress: Progress) -> Draft:
        return read_folder(path, progress)
