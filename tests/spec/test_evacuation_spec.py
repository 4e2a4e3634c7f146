"""Who leaves, in which phase, and where to, as a manual of drawn cases.

Zones: a row of houses to the east of a hazard, each `[from-to]` in metres from its centre. Streets: letters are
crossings 100 m apart on a line, `X` is the hazard, which no route enters; numbers are households of so many persons.
"""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from cityloom.emergency.domain import routing, shelters, zone
from cityloom.emergency.domain.zone import Parameters
from cityloom.kernel.geometry import LocalProjection, circle

LON, LAT = 114.05, 22.54
PLANE = LocalProjection(LON, LAT)

ZONES = [
    # hazard, buffer, rings        house        phase (0: stays)
    (30, 70, (0.5, 1.0), "[10-20]", 1),  # beside the hole
    (30, 70, (0.5, 1.0), "[40-60]", 1),  # touches both rings: the inner one counts
    (30, 70, (0.5, 1.0), "[60-80]", 2),
    (30, 70, (0.5, 1.0), "[99-140]", 2),  # one metre inside: the whole building goes
    (30, 70, (0.5, 1.0), "[101-140]", 0),  # one metre outside: it stays
    (30, 0, (1.0,), "[31-50]", 0),  # no buffer: only the hazard itself
    (30, 71, (1.0,), "[101-140]", 1),  # a wider buffer takes it in
]


@pytest.mark.parametrize(("hazard_m", "buffer_m", "rings", "house", "phase"), ZONES)
def test_zone(hazard_m: float, buffer_m: float, rings: tuple[float, ...], house: str, phase: int) -> None:
    near, far = (float(edge) for edge in house.strip("[]").split("-"))
    footprint = PLANE.to_degrees(shapely.box(near, -5, far, 5))
    drawn = zone.draw(LON, LAT, Parameters(hazard_m, buffer_m, rings), np.array([footprint], dtype=object))
    assert drawn.ring[0] + 1 == phase


WALKS = [
    # street    homes              shelters           who goes where
    ("A-B-C", {"A": [3]}, {"C": 5}, "A3>C"),
    ("A-B-C", {"B": [3]}, {"A": 5, "C": 2}, "B3>A"),  # C is as near but too small
    ("A-B-C", {"A": [2, 2]}, {"B": 2, "C": 2}, "A2>B A2>C"),  # a household stays together; the second walks on
    ("A-B-C", {"A": [2], "C": [2]}, {"B": 2}, "A2>B C2>no-place"),  # too few places: somebody is listed, not lost
    ("A-B-C", {"A": [4]}, {"B": 2, "C": 2}, "A4>no-place"),  # four places, but not for four together
    ("A-B C-D", {"A": [1]}, {"D": 9}, "A1>no-way"),  # no road leads there
    ("A-X-C", {"A": [1]}, {"C": 9}, "A1>no-way"),  # only through the hazard
    ("A-X-C-D", {"C": [1], "A": [1]}, {"A": 1, "D": 1}, "A1>A C1>D"),  # each to its own side
    ("A-B-C-D", {"B": [1], "C": [1]}, {"A": 1, "D": 1}, "B1>A C1>D"),  # least walk in all
    ("A-B-C-D", {"A": [1], "B": [1]}, {"B": 1, "D": 1}, "A1>B B1>D"),  # as far in all as the other way round
]


@pytest.mark.parametrize(("street", "homes", "places", "expected"), WALKS)
def test_walk(street: str, homes: dict[str, list[int]], places: dict[str, int], expected: str) -> None:
    crossings = [letter for letter in street if letter.isalpha()]
    roads = _roads(street, crossings)
    where = [(letter, persons) for letter in sorted(homes) for persons in homes[letter]]
    persons = np.array([size for _, size in where], dtype=np.int64)
    answer = shelters.place(
        roads, _at([letter for letter, _ in where], crossings), persons, _at(list(places), crossings),
        np.array(list(places.values()), dtype=np.int64),
    )  # fmt: skip
    goes = [list(places)[target] if target >= 0 else reason
            for target, reason in zip(answer.shelter, answer.reason, strict=True)]  # fmt: skip
    said = sorted(f"{letter}{size}>{target}" for (letter, size), target in zip(where, goes, strict=True))
    total = {"A1>B B1>D": {"A1>B B1>D", "A1>D B1>B"}}.get(expected, {expected})
    assert " ".join(said) in total


def _roads(street: str, crossings: list[str]) -> routing.Network:
    at = {letter: number for number, letter in enumerate(crossings)}
    middle = at.get("X", -10)
    xy = np.array([[(number - middle) * 100.0, 0.0] for number in range(len(crossings))])
    pairs = [(at[a], at[b]) for part in street.split() for a, b in zip(part[::2], part[2::2], strict=False)]
    start, end = np.array(pairs, dtype=np.int64).T
    nodes = PLANE.lonlat(xy)
    return routing.network(
        nodes[:, 0], nodes[:, 1], start=start, end=end, length_m=np.full(len(pairs), 100.0),
        geometries=shapely.linestrings(np.stack([nodes[start], nodes[end]], axis=1)),
        walkable=np.ones(len(pairs), dtype=bool), hazard=circle(LON, LAT, 30.0),
    )  # fmt: skip


def _at(letters: list[str], crossings: list[str]) -> routing.Access:
    node = np.array([crossings.index(letter) for letter in letters], dtype=np.int64)
    return routing.Access(node, np.zeros(len(node)), np.zeros(len(node), dtype=bool))
