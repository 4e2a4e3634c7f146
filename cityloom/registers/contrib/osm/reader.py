"""Read a city from OpenStreetMap data, in PBF form or as XML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import osmium

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import osm_draft, osm_ground, osm_places, osm_roads, osm_shapes, osm_use, osm_words
from cityloom.registers.domain.draft import OSM_ATTRIBUTION, Draft
from cityloom.registers.domain.osm_features import Features, Line, Outline, Spot
from cityloom.registers.domain.osm_shapes import Piece

LARGEST_BYTES = 4 * 1024**3
_BEGINS = {".pbf": b"OSMHeader", ".osm": b"<osm", ".osm.gz": b"\x1f\x8b", ".osm.bz2": b"BZh"}
"""What the first bytes of a file with each ending hold."""
_HEAD_BYTES = 512
_GROUND_KEYS = (*osm_ground.KEYS, *osm_places.KEYS, "place")
_SPOT_KEYS = (*osm_places.KEYS, "place", "addr:housenumber", "addr:conscriptionnumber", "addr:streetnumber", "building")
Progress = Callable[[str], None]


def read_osm(path: Path, progress: Progress = lambda sentence: None) -> Draft:
    """Read what is whole in the file and count what is not; `progress` gets a sentence for each step.

    Raises: Refused `city.file_missing`, `city.file_empty`, `city.file_too_large`, `city.file_wrong_kind`,
    `city.file_broken`, `city.file_entities`, `city.file_history`, and what `osm_draft.draft_of` refuses.
    """
    _check_file(path)
    try:
        _check_history(path)
        features = _Reading(path, progress).features()
    except (RuntimeError, ValueError, SystemError, MemoryError) as broken:  # libosmium says all that is wrong so
        raise _broken(path, broken) from broken
    progress("Putting the city together")
    name = path.name.split(".")[0].replace("-", " ").replace("_", " ").title()
    return osm_draft.draft_of(features, kind="osm", name=name, attribution=OSM_ATTRIBUTION)


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise Refused("city.file_missing", "There is no file {value}; check the path.", value=path.name)
    size = path.stat().st_size
    if size == 0:
        raise Refused("city.file_empty", "The file {value} is empty; download it again.", value=path.name)
    if size > LARGEST_BYTES:
        raise Refused("city.file_too_large", "The file {value} is larger than {limit}; cut your city out of it, "
                      "for example with: osmium extract.", value=path.name, limit="4 GB")  # fmt: skip
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    begins = _BEGINS.get(_ending(path))
    if begins is None or (len(head) >= 16 and begins not in head):
        raise Refused("city.file_wrong_kind", "The file {value} does not hold the OpenStreetMap data that its name "
                      "promises; give one that ends in .osm.pbf, .osm, .osm.gz or .osm.bz2.",
                      value=path.name)  # fmt: skip


def _ending(path: Path) -> str:
    return next((ending for ending in _BEGINS if path.name.lower().endswith(ending)), "")


def _check_history(path: Path) -> None:
    with osmium.io.Reader(str(path), osmium.osm.NOTHING) as reader:
        has_history = reader.header().has_multiple_object_versions
    if has_history:
        raise Refused("city.file_history", "The file {value} holds the history of the map, not one state of it; take "
                      "one out of it, for example with: osmium time-filter.", value=path.name)  # fmt: skip


def _broken(path: Path, error: Exception) -> Refused:
    if "entities" in str(error):
        return Refused("city.file_entities", "The file {value} declares XML entities, which OpenStreetMap data never "
                       "need and which can be used to read files of this machine; download it again.",
                       value=path.name)  # fmt: skip
    return Refused("city.file_broken", "The file {value} is damaged or incomplete; download it again.",
                   value=path.name)  # fmt: skip


class _Way:
    """A way with the corners that the file has; `whole` if it has all of them."""

    __slots__ = ("id", "keys", "lonlat", "present", "tags")

    def __init__(self, way: osmium.osm.Way, tags: dict[str, str]) -> None:
        self.id, self.tags = way.id, tags
        corners = [(n.ref, n.lon, n.lat) if n.location.valid() else (n.ref, np.nan, np.nan) for n in way.nodes]
        self.keys = np.array([ref for ref, _, _ in corners], dtype=np.int64)
        self.lonlat = np.array([(lon, lat) for _, lon, lat in corners], dtype=np.float64).reshape(-1, 2)
        self.present = ~np.isnan(self.lonlat[:, 0])

    @property
    def ref(self) -> str:
        return f"way/{self.id}"

    def missing(self) -> list[int]:
        """The points that were not there when the way was read."""
        return self.keys[~self.present].tolist()

    def complete(self, places: Mapping[int, tuple[float, float]]) -> None:
        """Put in the points that turned up elsewhere in the file."""
        for row in np.flatnonzero(~self.present).tolist():
            self.lonlat[row] = places.get(int(self.keys[row]), self.lonlat[row])
        self.present = ~np.isnan(self.lonlat[:, 0])

    @property
    def is_whole(self) -> bool:
        return bool(self.present.all()) and len(self.keys) > 1

    @property
    def is_closed(self) -> bool:
        return len(self.keys) > 3 and self.keys[0] == self.keys[-1]

    def piece(self) -> Piece:
        return Piece(self.keys, self.lonlat)

    def runs(self) -> Iterator[Piece]:
        """The stretches between corners that the file lacks."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], self.present, [False]]).astype(np.int8)))
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if last - first > 1:
                yield Piece(self.keys[first:last], self.lonlat[first:last])


class _Relation:
    """An area put together from ways: their ids by role."""

    __slots__ = ("id", "inner", "outer", "tags")

    def __init__(self, relation: osmium.osm.Relation, tags: dict[str, str]) -> None:
        self.id, self.tags = relation.id, tags
        ways = [(member.ref, member.role) for member in relation.members if member.type == "w"]
        self.outer = [ref for ref, role in ways if role in {"outer", "", "outline"}]
        self.inner = [ref for ref, role in ways if role == "inner"]

    @property
    def ref(self) -> str:
        return f"relation/{self.id}"


class _Reading:
    """One reading of a file: relations first, since they say which ways without tags are needed."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path, self._progress = str(path), progress
        self._relations: dict[int, _Relation] = {}
        self._members: dict[int, _Way | None] = {}
        self._streets: dict[str, str] = {}
        self._ways: dict[int, _Way] = {}
        self._found = Features(street_of_ref=self._streets)

    def features(self) -> Features:
        """Read the file twice and sort what is in it."""
        self._progress("Reading relations")
        for relation in osmium.FileProcessor(self._path, osmium.osm.RELATION):
            self._take_relation(relation)
        self._progress("Reading points and ways")
        self._read_points_and_ways()
        self._look_for_missing_points()
        self._progress("Putting outlines together")
        taken = {way for relation in self._relations.values() for way in self._take_area(relation)}
        for way in self._ways.values():
            if way.id not in taken:
                self._sort_way(way)
        return self._found

    def _take_relation(self, relation: osmium.osm.Relation) -> None:
        if relation.deleted:
            return
        tags = dict(relation.tags)
        kind = tags.get("type")
        if kind in {"associatedStreet", "street"}:
            self._note_street(relation, tags)
        elif kind == "multipolygon" or (kind == "building" and osm_use.is_building(tags)) or (
            kind == "boundary" and osm_ground.area_kind_of(tags)
        ):
            area = _Relation(relation, tags)
            self._relations[relation.id] = area
            self._members.update(dict.fromkeys(area.outer + area.inner))

    def _note_street(self, relation: osmium.osm.Relation, tags: dict[str, str]) -> None:
        name = osm_words.name_of(tags) or osm_words.street_of(tags)
        words = {"n": "node", "w": "way", "r": "relation"}
        for member in relation.members:
            if name and member.role in {"house", "address", ""}:
                self._streets[f"{words[member.type]}/{member.ref}"] = name

    def _read_points_and_ways(self) -> None:
        tagged_points = osmium.filter.EmptyTagFilter().enable_for(osmium.osm.NODE)
        both = osmium.osm.NODE | osmium.osm.WAY
        for item in osmium.FileProcessor(self._path, both).with_locations().with_filter(tagged_points):
            if item.deleted:
                continue
            if item.is_way():
                self._take_way(item)
            else:
                self._take_node(item)

    def _look_for_missing_points(self) -> None:
        """Read the points once more where ways lack some: they come after the ways, or editors gave them ids below 0.

        Extracts are usually cut, so most of what is missing is not in the file at all.
        """
        missing = {point for way in self._ways.values() for point in way.missing()}
        if not missing:
            return
        points = osmium.FileProcessor(self._path, osmium.osm.NODE)
        if min(missing) > 0:  # the filter is fast but knows no others
            points = points.with_filter(osmium.filter.IdFilter(sorted(missing)))
        found = {n.id: (n.lon, n.lat) for n in points if n.id in missing and n.location.valid()}
        for way in self._ways.values() if found else ():
            way.complete(found)

    def _take_node(self, node: osmium.osm.Node) -> None:
        tags = dict(node.tags)
        if not any(key in tags for key in _SPOT_KEYS) or not node.location.valid():
            return
        if osm_use.is_building(tags):
            self._found.defects.note("buildings marked by a point only left out", f"node/{node.id}")
        self._found.spots.append(Spot(node.lon, node.lat, tags, f"node/{node.id}"))

    def _take_way(self, way: osmium.osm.Way) -> None:
        tags = dict(way.tags) if len(way.tags) else {}
        is_member = way.id in self._members
        if not is_member and not (_is_road(tags) or _is_area(tags) or _is_coast(tags)):
            return
        read = _Way(way, tags)
        if way.id in self._ways:
            self._found.defects.note("ways listed more than once, the last one kept", read.ref)
        if is_member:
            self._members[way.id] = read
        self._ways[way.id] = read

    def _take_area(self, relation: _Relation) -> list[int]:
        """Put an area together; return the ways whose place it takes."""
        tags = self._tags_of(relation)
        if osm_roads.kind_of(tags):
            self._take_square(relation, tags)
        if not (_is_area(tags) or osm_ground.area_kind_of(tags)):
            return []
        outer, inner = ([self._members.get(way) for way in ways] for ways in (relation.outer, relation.inner))
        if any(way is None or not way.is_whole for way in outer + inner):
            self._found.defects.note(f"{_what(tags)} made of ways that are not all here left out", relation.ref)
            return []
        shape = osm_shapes.assembled([way.piece() for way in outer if way], [way.piece() for way in inner if way])
        if shape.is_empty:
            self._found.defects.note(f"{_what(tags)} whose ways do not close left out", relation.ref)
            return []
        self._sort_area(Outline(shape, tags, relation.ref))
        return [way.id for way in outer if way and _what(way.tags) == _what(tags) and _is_area(way.tags)]

    def _tags_of(self, relation: _Relation) -> dict[str, str]:
        """The relation's tags; where it has none of its own, those of its one outer way."""
        outer = [way for ref in relation.outer if (way := self._members.get(ref))]
        bare = set(relation.tags) <= {"type", "source", "note", "fixme"}
        return outer[0].tags if bare and len(outer) == 1 else relation.tags

    def _take_square(self, relation: _Relation, tags: dict[str, str]) -> None:
        for ref in relation.outer:
            way = self._members.get(ref)
            if way and not _is_road(way.tags):
                self._add_road(way, tags)

    def _sort_way(self, way: _Way) -> None:
        if _is_road(way.tags):
            self._add_road(way, way.tags)
        if _is_coast(way.tags):
            self._found.coasts.extend(run.lonlat for run in way.runs())
        if not _is_area(way.tags):
            return
        if way.is_closed and way.is_whole:
            self._sort_area(Outline(osm_shapes.polygon(way.lonlat), way.tags, way.ref))
        elif not way.is_whole:
            self._found.defects.note(f"{_what(way.tags)} with corners that are not here left out", way.ref)
        elif _what(way.tags) == "buildings":
            self._found.defects.note("buildings whose outline does not close left out", way.ref)

    def _add_road(self, way: _Way, tags: dict[str, str]) -> None:
        if not way.is_whole:
            self._found.defects.note("roads cut where corners are not here", way.ref)
        self._found.lines.extend(Line(run, tags, way.ref) for run in way.runs())

    def _sort_area(self, outline: Outline) -> None:
        if osm_use.is_building(outline.tags):
            self._found.buildings.append(outline)
        elif "building:part" in outline.tags:
            self._found.parts.append(outline)
        else:
            self._found.grounds.append(outline)


def _is_road(tags: dict[str, str]) -> bool:
    return bool(osm_roads.kind_of(tags))


def _is_coast(tags: dict[str, str]) -> bool:
    return tags.get("natural") == "coastline"


def _is_area(tags: dict[str, str]) -> bool:
    if osm_use.is_building(tags) or "building:part" in tags:
        return True
    readings = (osm_ground.land_kind_of, osm_places.kind_of, osm_use.use_below, osm_ground.area_kind_of)
    return tags.get("area") != "no" and any(read(tags) for read in readings)


def _what(tags: dict[str, str]) -> str:
    return "buildings" if osm_use.is_building(tags) else "building parts" if "building:part" in tags else "areas"


class OpenStreetMap:
    """OpenStreetMap extracts."""

    describes = "OpenStreetMap data (.osm.pbf, .osm, .osm.gz, .osm.bz2)"

    def recognises(self, path: Path) -> bool:
        return path.is_file() and bool(_ending(path))

    def read(self, path: Path, progress: Progress) -> Draft:
        return read_osm(path, progress)
