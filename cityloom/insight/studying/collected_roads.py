"""The road graph, districts and facilities of the registers, as the tables that studies of access and sites read.

People come by district as the gate gives them; where a count is withheld the cell is empty. Places of a city that was
built from a map have no capacity that anybody knows: the cell is empty, and a study asks for it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityloom.insight.studying import collected_people
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

MODES = ("walk", "cycle", "drive")
_NO_ROADS = "The registers hold no roads that can be used to {value}; build the city with its roads, or give a table."


@dataclass(frozen=True)
class CollectedRoads:
    """What was written, how much of it, how many districts are withheld, and how many capacities nobody knows."""

    files: Sequence[Path]
    nodes: int
    edges: int
    districts: int
    withheld: int
    facilities: int
    without_capacity: int


def collect(folder: Path, kinds: Sequence[str], mode: str, *, by: Actor) -> CollectedRoads:
    """Write `nodes.csv`, `edges.csv`, `demand.csv`, `areas.csv` and `supply.csv` into a folder.

    Raises: Refused `city.none`, `insight.no_roads`, `registers.graph_large`, and as `collected_people.by_district`.
    """
    registers.loaded_city()
    nodes, roads = registers.whole_road_graph()
    usable = [road for road in roads if road[5 if mode == "drive" else 4]]
    if not usable:
        raise Refused("insight.no_roads", _NO_ROADS, value=mode)
    met = {end for road in usable for end in road[:2]}
    names, people = collected_people.by_district(by=by)
    at = _middles()
    counts = [(name, *at.get(name, ("", "")), "" if count < 0 else int(count))
              for name, count in zip(names, people.tolist(), strict=True)]  # fmt: skip
    places = registers.places_with_room(kinds)
    folder.mkdir(parents=True, exist_ok=True)
    files = (
        _write(folder / "nodes.csv", ("node", "lon", "lat"), (one for one in nodes if one[0] in met)),
        _write(folder / "edges.csv", ("from", "to", "length_m", "kind"), (one[:4] for one in usable)),
        _write(folder / "demand.csv", ("area", "lon", "lat", "people"), counts),
        _write(folder / "areas.csv", ("area", "lon", "lat"), (one[:3] for one in counts)),
        _write(folder / "supply.csv", ("facility", "name", "class", "lon", "lat", "capacity"),
               ((*one[:5], "" if one[5] is None else one[5]) for one in places)),
    )  # fmt: skip
    return CollectedRoads(files, len(met), len(usable), len(names), sum(one[3] == "" for one in counts), len(places),
                          sum(one[5] is None for one in places))  # fmt: skip


def _middles() -> dict[str, tuple[float, float]]:
    """Of each district the mean place of its dwellings."""
    homes = registers.homes_by_unit()
    sums: dict[str, list[float]] = {}
    for name, (_unit, count, lon, lat) in zip(collected_people.district_names([one[0] for one in homes]), homes,
                                              strict=True):  # fmt: skip
        held = sums.setdefault(name, [0.0, 0.0, 0.0])
        for place, value in enumerate((count, count * lon, count * lat)):
            held[place] += value
    return {name: (round(east / count, 6), round(north / count, 6)) for name, (count, east, north) in sums.items()}


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path
