"""Mains, valves and sensors put along a city's roads."""

from __future__ import annotations

import numpy as np
import shapely

from cityloom.kernel import ids
from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain import plane
from cityloom.registers.domain.draft import (
    Draft,
    Ints,
    MadeUp,
    MainTable,
    NodeTable,
    RoadTable,
    SensorSiteTable,
    Synthesised,
    Texts,
    ValveTable,
    texts,
)  # fmt: skip

_SPACING_M = {
    "pressure": assumed.PRESSURE_SPACING_M, "settlement": assumed.SETTLEMENT_SPACING_M,
    "traffic_speed": assumed.SPEED_SPACING_M, "camera": assumed.CAMERA_SPACING_M,
}  # fmt: skip
_UNSERVED = ("motorway", "path", "steps", "track", "footway", "cycleway", "pedestrian")


def mains_along(roads: RoadTable) -> tuple[MainTable, dict[str, Synthesised]]:
    """A water and a sewer main under every street, and gas under all but the smallest."""
    kinds, rows = [], []
    for kind in ("water", "sewer", "gas"):
        skipped = (*_UNSERVED, "service") if kind == "gas" else _UNSERVED
        served = np.flatnonzero(~np.isin(roads.kind.astype(np.str_), skipped))
        kinds.append(np.full(len(served), kind, dtype=object))
        rows.append(served)
    kind, row = np.concatenate(kinds), np.concatenate(rows)
    diameter = np.array([_diameter(k, r) for k, r in zip(kind, roads.kind[row], strict=True)], np.int64)
    made_up = np.full(len(row), int(MadeUp.EVERYTHING), np.int64)
    table = MainTable(kind, diameter, roads.geometry[row], roads.name[row], made_up)
    return table, {"mains": Synthesised(len(table), "water and sewer under every street, gas in all but service roads")}


def _diameter(kind: str, road: str) -> int:
    sizes = assumed.MAIN_DIAMETER_MM[kind]
    return sizes.get({"trunk": "primary"}.get(road, road), sizes[""])


def valves_on(mains: MainTable) -> tuple[ValveTable, dict[str, Synthesised]]:
    """A valve on each water and gas main, a few metres from the junction where it begins."""
    rows = np.flatnonzero(np.isin(mains.kind.astype(np.str_), assumed.VALVED))
    lengths = plane.lengths_m(mains.geometry[rows])
    share = np.minimum(0.5, assumed.VALVE_FROM_JUNCTION_M / np.maximum(lengths, 1e-9))
    points = shapely.line_interpolate_point(mains.geometry[rows], share, normalized=True)
    made_up = np.full(len(rows), int(MadeUp.EVERYTHING), np.int64)
    table = ValveTable(mains.kind[rows], rows, shapely.get_x(points), shapely.get_y(points), made_up)
    rule = f"one on each water and gas main, {assumed.VALVE_FROM_JUNCTION_M:.0f} m from its beginning"
    return table, {"valves": Synthesised(len(table), rule)}


def sensors_along(draft: Draft, seed: int) -> tuple[SensorSiteTable, dict[str, Synthesised]]:
    """Sensors at even distances along the watched roads, and rain gauges on a grid."""
    rows = watched(draft.roads)
    lines = draft.roads.geometry[rows]
    lengths = plane.lengths_m(lines)
    parts = [_rain(draft.nodes)]
    for kind, spacing in _SPACING_M.items():
        row, lon, lat = plane.along(lines, lengths, spacing, float(ids.seeded(seed, "sensors", kind).random()))
        parts.append((np.full(len(row), kind, dtype=object), lon, lat, draft.roads.name[rows[row]]))
    kind, lon, lat, street = (np.concatenate(column) for column in zip(*parts, strict=True))
    table = SensorSiteTable(kind, lon, lat, street, np.full(len(kind), int(MadeUp.EVERYTHING), np.int64))
    spacings = ", ".join(f"{kind} every {spacing:.0f} m" for kind, spacing in _SPACING_M.items())
    rule = f"{spacings} along the watched roads; a rain gauge every {assumed.RAIN_CELL_KM2:.0f} km2"
    return table, {"sensors": Synthesised(len(table), rule)}


def watched(roads: RoadTable) -> Ints:
    """The rows of the larger roads; of all drivable ones, else of all, where there are no larger ones."""
    for chosen in (np.isin(roads.kind.astype(np.str_), assumed.WATCHED_ROADS), roads.drivable):
        if chosen.any():
            return np.flatnonzero(chosen)
    return np.arange(len(roads))


def _rain(nodes: NodeTable) -> tuple[Texts, np.ndarray, np.ndarray, Texts]:
    """The road node nearest to the first corner of each square that has roads."""
    local = plane.around(nodes.lon, nodes.lat)
    squares = np.floor(local.xy(nodes.lon, nodes.lat) / np.sqrt(assumed.RAIN_CELL_KM2 * 1e6)).astype(np.int64)
    _, first = np.unique(squares, axis=0, return_index=True)
    return texts(["rain"] * len(first)), nodes.lon[first], nodes.lat[first], texts([""] * len(first))
