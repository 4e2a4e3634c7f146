"""A small drawn town that stands in for the registers: a street grid, houses along it, two schools and a park."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.gate.queries import NeedCounts
from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.queries import Buildings, PlaceFacts, Residents, RoadGraph, Shelters, ValveFacts

LON, LAT = 114.05, 22.54
PLANE = LocalProjection(LON, LAT)
BLOCK_M = 60.0
SIDE = 13  # crossings each way; the middle one is at LON, LAT


def lonlat(x: float, y: float) -> tuple[float, float]:
    """Degrees of metres east and north of the middle."""
    lon, lat = PLANE.lonlat(np.array([[x, y]]))[0]
    return float(lon), float(lat)


def square(x: float, y: float, half_m: float) -> shapely.Polygon:
    """A house."""
    return PLANE.to_degrees(shapely.box(x - half_m, y - half_m, x + half_m, y + half_m))


@dataclass
class Town:
    """What the registers answer; `homes` is persons by household for each house."""

    shelter_places: tuple[int, ...] = (400, 400, 200)
    helped: frozenset[int] = frozenset()
    homes: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        steps = np.arange(SIDE - 1) - (SIDE - 1) / 2 + 0.5
        self.centres = [(x * BLOCK_M, y * BLOCK_M) for x in steps for y in steps]
        if not self.homes:
            rows = range(len(self.centres))
            self.homes = {row: [1 + (row + number) % 4 for number in range(row % 3)] for row in rows}

    def buildings(self) -> Buildings:
        count = len(self.centres)
        places = np.array([lonlat(*centre) for centre in self.centres])
        zero = np.zeros(count, dtype=np.int64)
        text = np.full(count, "", dtype=object)
        dwellings = np.full(count, 4, dtype=np.int64)
        return Buildings(
            id=np.arange(100, 100 + count), lon=places[:, 0], lat=places[:, 1], use=text, levels=zero + 2,
            dwellings=dwellings, first_dwelling_id=np.arange(count) * 4 + 1_000, people_day=zero + 3, street=text,
            house_number=text, name=text, unit_id=text, made_up=zero, gross_floor_m2=zero + 1_000.0,
            footprint=np.array([square(x, y, 12.0) for x, y in self.centres], dtype=object),
        )  # fmt: skip

    def buildings_touching(self, polygon: shapely.Geometry) -> Buildings:
        found = self.buildings()
        return found.taken(shapely.intersects(polygon, found.footprint))

    def residents_of(self, buildings: Buildings) -> Residents:
        rows = [
            (building * 100 + number * 10 + person, 1_000 + (building - 100) * 4 + number, index)
            for index, building in enumerate(buildings.id.tolist())
            for number, persons in enumerate(self.homes.get(building - 100, []))
            for person in range(persons)
        ]
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        return Residents(table[:, 0], table[:, 1], table[:, 2])

    def road_graph(self, lon: float, lat: float, radius_m: float) -> RoadGraph:
        number = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
        xy = (np.stack(np.divmod(number.ravel(), SIDE), axis=1) - (SIDE - 1) / 2) * BLOCK_M
        start = np.concatenate([number[:-1].ravel(), number[:, :-1].ravel()])
        end = np.concatenate([number[1:].ravel(), number[:, 1:].ravel()])
        nodes = PLANE.lonlat(xy)
        count = len(start)
        names = np.array(
            [f"Row {b % SIDE}" if a // SIDE != b // SIDE else f"Column {a // SIDE}"
             for a, b in zip(start, end, strict=True)], dtype=object,
        )  # fmt: skip
        return RoadGraph(
            node_id=number.ravel(), node_lon=nodes[:, 0], node_lat=nodes[:, 1], segment_id=np.arange(count) + 5_000,
            start=start, end=end, length_m=np.full(count, BLOCK_M), name=names,
            name_zh=np.array([name.replace("Row ", "横街").replace("Column ", "纵街") for name in names], dtype=object),
            kind=np.full(count, "residential", dtype=object), walkable=np.ones(count, dtype=bool),
            drivable=np.ones(count, dtype=bool),
            geometry=shapely.linestrings(np.stack([nodes[start], nodes[end]], axis=1)),
        )  # fmt: skip

    def shelters_near(self, lon: float, lat: float, radius_m: float) -> Shelters:
        at = np.array([lonlat(-350, -350), lonlat(350, 350), lonlat(0, 20)])
        return Shelters(
            id=np.array([1, 2, 3]), name=np.array(["North School 北学校", "南学校", "Middle Park"], dtype=object),
            kind=np.array(["school", "school", "park"], dtype=object), lon=at[:, 0], lat=at[:, 1],
            places=np.array(self.shelter_places, dtype=np.int64), indoors=np.array([True, True, False]),
            building_id=np.zeros(3, dtype=np.int64), made_up=np.zeros(3, dtype=np.int64),
        )  # fmt: skip

    def non_residential_largest(self, *_: object) -> Buildings:
        return self.buildings().taken(np.zeros(0, dtype=np.int64))

    def places_in(self, *_: object) -> list[PlaceFacts]:
        return [PlaceFacts(7, "kindergarten", "Little Kites", *lonlat(40, 40), None, 0)]

    def valves_for(self, *_: object) -> list[ValveFacts]:
        return [ValveFacts(8, "water", 1, *lonlat(10, 10), "Row 6", 5.0), ValveFacts(9, "gas", 2, LON, LAT, "", 6.0)]

    def area_words(self, *_: object) -> dict[str, str]:
        return {"en": "Row 6 and its surroundings", "zh-Hans": "横街6周边"}

    def count_needs(self, subjects: NDArray[np.int64], *_: object, **__: object) -> NeedCounts:
        needing = int(np.isin(subjects, list(self.helped)).sum())
        one = np.zeros(1, dtype=np.int64)
        return NeedCounts(one, one + len(subjects), one + needing, {"mobility": one + needing}, {}, 0, True)
