"""A city on its way into the register: tables of equally long arrays, with what is unknown left open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Texts = NDArray[np.object_]  # Python strings; "" is unknown
Shapes = NDArray[np.object_]  # shapely geometries in WGS 84, longitude first
Floats = NDArray[np.float64]  # NaN is unknown
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

USES = (
    "residential", "house", "dormitory", "retail", "office", "hotel", "industrial", "warehouse", "school",
    "kindergarten", "university", "hospital", "clinic", "nursing_home", "civic", "sports", "worship", "transport",
    "parking", "shed", "other",
)  # fmt: skip
"""What a building is for; "" is unknown, `residential` holds flats, `shed` is anything small that nobody lives in."""
PLACE_KINDS = (
    "school", "kindergarten", "university", "hospital", "clinic", "community_centre", "sports_hall", "park",
    "town_hall", "place_of_worship", "nursing_home", "other",
)  # fmt: skip
ROAD_KINDS = (
    "motorway", "trunk", "primary", "secondary", "tertiary", "residential", "living_street", "unclassified", "service",
    "pedestrian", "footway", "cycleway", "path", "steps", "track",
)  # fmt: skip
"""OpenStreetMap's highway classes; links count as the road that they lead to, all else as `unclassified`."""
NOT_WALKABLE = frozenset({"motorway", "trunk"})
NOT_DRIVABLE = frozenset({"pedestrian", "footway", "cycleway", "path", "steps"})
LAND_KINDS = ("water", "green", "residential", "commercial", "industrial", "railway", "other")
OSM_ATTRIBUTION = "(c) OpenStreetMap contributors"


class MadeUp(IntFlag):
    """Which attributes of a row did not come from a source."""

    FOOTPRINT = 1
    USE = 2
    LEVELS = 4
    DWELLINGS = 8
    STREET = 16
    HOUSE_NUMBER = 32
    NAME = 64
    CAPACITY = 128
    EVERYTHING = 255


def texts(values: Iterable[str]) -> Texts:
    """An array of Python strings."""
    return shapes(values)


def blank(count: int) -> Texts:
    """`count` unknown texts."""
    return np.full(count, "", dtype=object)


def unknown(count: int) -> Floats:
    """`count` unknown numbers."""
    return np.full(count, np.nan)


def shapes(values: Iterable[object] = ()) -> Shapes:
    """An array of shapely geometries."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


@dataclass(frozen=True)
class Table:
    """Columns of one length.

    Raises: Refused `draft.uneven` when a column is longer or shorter than the others.
    """

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, column.name)) for column in fields(self)}
        if len(lengths) > 1:
            raise Refused("draft.uneven", "The columns of a table of the draft differ in length: {value}.",
                          value=sorted(lengths))  # fmt: skip

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def taken(self, rows: Ints | Flags) -> dict[str, NDArray[np.generic]]:
        """The columns at `rows`, by name."""
        return {column.name: getattr(self, column.name)[rows] for column in fields(self)}


@dataclass(frozen=True)
class BuildingTable(Table):
    """Buildings; `footprint` holds valid polygons or multipolygons.

    `address_level` says where street and number come from (`building_addresses.AddressLevel`), `address_m` how far the
    thing is that they were taken from, `address_ref` what it is called in the source (`node/123`).
    """

    footprint: Shapes
    use: Texts
    levels: Floats
    height_m: Floats
    dwellings: Floats
    street: Texts
    house_number: Texts
    name: Texts
    source_ref: Texts
    made_up: Ints
    address_level: Ints
    address_m: Floats
    address_ref: Texts

    @staticmethod
    def of(footprint: Shapes, **known: NDArray[np.generic]) -> BuildingTable:
        """Buildings of which only the footprint and the `known` columns are known."""
        n = len(footprint)
        columns = {
            "use": blank(n), "levels": unknown(n), "height_m": unknown(n), "dwellings": unknown(n),
            "street": blank(n), "house_number": blank(n), "name": blank(n), "source_ref": blank(n),
            "made_up": np.zeros(n, np.int64), "address_level": np.zeros(n, np.int64), "address_m": np.zeros(n),
            "address_ref": blank(n),
        }  # fmt: skip
        return BuildingTable(footprint, **(columns | known))  # type: ignore[arg-type]


@dataclass(frozen=True)
class PlaceTable(Table):
    """Schools, hospitals, parks and other places; `building` is the row of the building that it fills, or -1.

    `area_m2` is the ground area of a place outdoors, and for one indoors the floor area where a source gives it.
    """

    kind: Texts
    name: Texts
    lon: Floats
    lat: Floats
    building: Ints
    area_m2: Floats
    made_up: Ints


@dataclass(frozen=True)
class NodeTable(Table):
    """Where road segments meet or end."""

    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class RoadTable(Table):
    """Road segments between two rows of the node table; `geometry` runs from `start` to `end`."""

    start: Ints
    end: Ints
    geometry: Shapes
    name: Texts
    name_zh: Texts
    kind: Texts
    walkable: Flags
    drivable: Flags

    @staticmethod
    def of(start: Ints, end: Ints, geometry: Shapes, name: Texts, kind: Texts) -> RoadTable:
        """Segments that may be walked and driven as their kind allows."""
        walkable = ~np.isin(kind.astype(np.str_), list(NOT_WALKABLE))
        drivable = ~np.isin(kind.astype(np.str_), list(NOT_DRIVABLE))
        return RoadTable(start, end, geometry, name, blank(len(start)), kind, walkable, drivable)


@dataclass(frozen=True)
class LandTable(Table):
    """What the ground is: water, green, how it is used."""

    kind: Texts
    name: Texts
    geometry: Shapes


@dataclass(frozen=True)
class AreaTable(Table):
    """Named areas; `kind` is `district`, `subdistrict` or `neighbourhood`."""

    kind: Texts
    name: Texts
    name_zh: Texts
    geometry: Shapes


@dataclass(frozen=True)
class MainTable(Table):
    """Mains; `kind` is `water`, `sewer` or `gas`."""

    kind: Texts
    diameter_mm: Ints
    geometry: Shapes
    street: Texts
    made_up: Ints


@dataclass(frozen=True)
class ValveTable(Table):
    """Valves; `main` is a row of the main table."""

    kind: Texts
    main: Ints
    lon: Floats
    lat: Floats
    made_up: Ints


@dataclass(frozen=True)
class SensorSiteTable(Table):
    """Where sensors stand, and on or beside which street.

    `kind` is `pressure`, `settlement`, `traffic_speed`, `camera` or `rain`.
    """

    kind: Texts
    lon: Floats
    lat: Floats
    street: Texts
    made_up: Ints


@dataclass(frozen=True)
class UnitDraft:
    """A branch of the administration: `id` is the path from the top, as in `city/d02/s01/c03`."""

    id: str
    name_en: str
    name_zh: str
    kind: str


@dataclass(frozen=True)
class Synthesised:
    """How many values were made up, and by which rule."""

    count: int
    rule: str


def no_places() -> PlaceTable:
    """An empty table."""
    return PlaceTable(*(blank(0), blank(0), unknown(0), unknown(0), _ints(), unknown(0), _ints()))


def no_land() -> LandTable:
    """An empty table."""
    return LandTable(blank(0), blank(0), shapes())


def no_areas() -> AreaTable:
    """An empty table."""
    return AreaTable(blank(0), blank(0), blank(0), shapes())


def no_mains() -> MainTable:
    """An empty table."""
    return MainTable(blank(0), _ints(), shapes(), blank(0), _ints())


def no_valves() -> ValveTable:
    """An empty table."""
    return ValveTable(blank(0), _ints(), unknown(0), unknown(0), _ints())


def no_sensor_sites() -> SensorSiteTable:
    """An empty table."""
    return SensorSiteTable(blank(0), unknown(0), unknown(0), blank(0), _ints())


def _ints() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Draft:
    """A city as its source tells it; `complete` fills what is missing, `load` writes it.

    `kind` is `synthetic`, `osm` or `folder`.
    `defects` counts what a source had wrong, by what was done about it ("polygons repaired": 3);
    `defect_refs` names the first few of each in the source (`way/123`).
    `timezone` is a name that `kernel.timezones` knows; "" is unknown.
    `people` is how many to make up in all; without it the dwellings decide.
    `unit_of_building` is filled by `complete`: rows of `units`.
    """

    kind: str
    name: str
    buildings: BuildingTable
    nodes: NodeTable
    roads: RoadTable
    places: PlaceTable = field(default_factory=no_places)
    land: LandTable = field(default_factory=no_land)
    areas: AreaTable = field(default_factory=no_areas)
    mains: MainTable = field(default_factory=no_mains)
    valves: ValveTable = field(default_factory=no_valves)
    sensor_sites: SensorSiteTable = field(default_factory=no_sensor_sites)
    units: tuple[UnitDraft, ...] = ()
    unit_of_building: Ints = field(default_factory=_ints)
    attribution: str = ""
    timezone: str = ""
    people: int | None = None
    defects: dict[str, int] = field(default_factory=dict)
    synthesised: dict[str, Synthesised] = field(default_factory=dict)
    defect_refs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_synthetic(self) -> bool:
        """Whether the buildings themselves are made up."""
        return self.kind == "synthetic"
