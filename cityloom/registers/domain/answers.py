"""What the register answers with: columns of equal length, and facts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityloom.registers.domain.draft import Flags, Floats, Ints, Shapes, Texts


@dataclass(frozen=True)
class CityFacts:
    """The city as a whole; `synthesised` maps what was made up to its `count` and `rule`.

    `is_synthetic`: its people are made up, wherever its buildings come from; `kind` says the latter.
    """

    name: str
    kind: str
    is_synthetic: bool
    attribution: str
    timezone: str
    bounds: tuple[float, float, float, float]
    data_version: str
    seed: int
    counts: dict[str, int]
    reaches: dict[str, float]
    busiest: tuple[int, ...]
    synthesised: dict[str, dict[str, object]]
    defects: dict[str, int]


@dataclass(frozen=True)
class Buildings:
    """Buildings, one row each; `footprint` in WGS 84, `people_day` on a working day."""

    id: Ints
    lon: Floats
    lat: Floats
    use: Texts
    levels: Ints
    dwellings: Ints
    first_dwelling_id: Ints
    people_day: Ints
    street: Texts
    house_number: Texts
    name: Texts
    unit_id: Texts
    made_up: Ints
    gross_floor_m2: Floats
    footprint: Shapes

    def __len__(self) -> int:
        return len(self.id)

    def taken(self, rows: Ints | Flags) -> Buildings:
        """The same columns at some rows."""
        return Buildings(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Residents:
    """People, in the order of their dwellings; `building_index` is the row of the buildings that were asked about."""

    subject: Ints
    dwelling_id: Ints
    building_index: Ints

    def __len__(self) -> int:
        return len(self.subject)

    @property
    def households(self) -> Ints:
        """The dwellings that somebody lives in."""
        return self.dwelling_id[np.diff(self.dwelling_id, prepend=-1) != 0]


@dataclass(frozen=True)
class RoadGraph:
    """Roads as a graph: `start` and `end` are rows of the node columns, the segment columns go together."""

    node_id: Ints
    node_lon: Floats
    node_lat: Floats
    segment_id: Ints
    start: Ints
    end: Ints
    length_m: Floats
    name: Texts
    name_zh: Texts
    kind: Texts
    walkable: Flags
    drivable: Flags
    geometry: Shapes

    def __len__(self) -> int:
        return len(self.segment_id)


@dataclass(frozen=True)
class Shelters:
    """Places that can shelter people; those outdoors are a last resort."""

    id: Ints
    name: Texts
    kind: Texts
    lon: Floats
    lat: Floats
    places: Ints
    indoors: Flags
    building_id: Ints
    made_up: Ints

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True)
class PlaceFacts:
    """A place; `building_id` is None outdoors."""

    id: int
    kind: str
    name: str
    lon: float
    lat: float
    building_id: int | None
    shelter_places: int


@dataclass(frozen=True)
class ValveFacts:
    """A valve, how far it is from the area and the main that it closes."""

    id: int
    kind: str
    main_id: int
    lon: float
    lat: float
    street: str
    distance_m: float


@dataclass(frozen=True)
class MapFeatures:
    """What a map shows, in WGS 84; names go with the shapes."""

    building: Shapes
    building_id: Ints
    road: Shapes
    road_name: Texts
    road_kind: Texts
    water: Shapes
    water_name: Texts
    green: Shapes
    green_name: Texts
