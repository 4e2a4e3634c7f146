"""A water network as EPANET writes it: what is in the ground, without the simulation's settings.

Source: Rossman et al. (2020), EPANET 2.2 User Manual, appendix C.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cityloom.kernel.refused import Refused

LARGEST_BYTES = 64 << 20
MOST_PARTS = 500_000
LONGEST_ID = 40
_LONGEST_LINE = 4_096
_FOOT_M, _INCH_MM = 0.3048, 25.4
_LITRES = {
    "CFS": 28.316846592, "GPM": 0.0630901964, "MGD": 43.812636389, "IMGD": 52.616782407, "AFD": 14.276410157,
    "LPS": 1.0, "LPM": 1 / 60, "MLD": 11.574074074, "CMH": 1 / 3.6, "CMD": 1 / 86.4, "CMS": 1000.0,
}  # fmt: skip
"""Litres a second in one of each unit of flow; the first five come with feet and inches."""
_ENGLISH = ("CFS", "GPM", "MGD", "IMGD", "AFD")
_SECTIONS = (
    "TITLE", "JUNCTIONS", "RESERVOIRS", "TANKS", "PIPES", "PUMPS", "VALVES", "DEMANDS", "EMITTERS", "STATUS",
    "PATTERNS", "CURVES", "CONTROLS", "RULES", "SOURCES", "QUALITY", "REACTIONS", "MIXING", "ENERGY", "TIMES",
    "REPORT", "OPTIONS", "COORDINATES", "VERTICES", "LABELS", "TAGS", "BACKDROP", "LEAKAGE", "END",
)  # fmt: skip
_LINE = "Line {limit} of the EPANET file does not fit: {value}. Correct it there, or export the network again."
_LARGE = "The EPANET file has more than {limit} {value}; cut the network into parts."
_EMPTY = "The EPANET file has no pipe, so there is no network in it; export it again from the model."


@dataclass(frozen=True)
class Node:
    """`kind` is junction, reservoir or tank; x and y are the drawing's own; `demand_ls` is drawn there on average."""

    code: str
    kind: str
    elevation_m: float
    line: int
    demand_ls: float = 0.0
    x: float = math.nan
    y: float = math.nan


@dataclass(frozen=True)
class Link:
    """`kind` is pipe, pump or valve; `corners` are the drawing's own between its ends."""

    code: str
    kind: str
    begin: str
    end: str
    line: int
    length_m: float = 0.0
    diameter_mm: float = 0.0
    roughness: float = 0.0
    valve: str = ""
    is_open: bool = True
    corners: tuple[tuple[float, float], ...] = ()


Part = TypeVar("Part", Node, Link)


@dataclass
class WaterNetwork:
    """Nodes and links by code, in the file's order."""

    nodes: dict[str, Node] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)


def read(text: str) -> WaterNetwork:
    """The network that is written.

    Raises: Refused `registers.epanet_line` with the line and what is wrong, `registers.epanet_large`,
    `registers.epanet_empty`.
    """
    found = _Reading(dict(_rows(text)))
    return found.network()


def _rows(text: str) -> Iterator[tuple[str, list[tuple[int, list[str]]]]]:
    """The rows of each section, as line numbers and words; a section that comes twice is one."""
    rows: dict[str, list[tuple[int, list[str]]]] = {name: [] for name in _SECTIONS}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _LONGEST_LINE:
            raise _unfit(number, f"it has more than {_LONGEST_LINE} signs")
        words = line.split(";", 1)[0].split()
        if not words:
            continue
        if words[0].startswith("["):
            section = _section(words[0], number)
            if section == "END":
                break
        elif not section:
            raise _unfit(number, "it stands before the first section, as in [JUNCTIONS]")
        else:
            rows[section].append((number, words))
    yield from rows.items()


def _section(word: str, line: int) -> str:
    name = word.strip("[]").upper()
    fits = [known for known in _SECTIONS if known == name or (len(name) >= 4 and known.startswith(name[:4]))]
    if not fits:
        raise _unfit(line, f"there is no section {word[:40]}")
    return fits[0]


class _Reading:
    """The parts of one file, as they are put together."""

    def __init__(self, rows: dict[str, list[tuple[int, list[str]]]]) -> None:
        self.rows = rows
        unit, unit_line = "GPM", 0
        for line, words in rows["OPTIONS"]:
            if words[0].upper() == "UNITS" and len(words) > 1:
                unit, unit_line = words[1].upper(), line
        if unit not in _LITRES:
            raise _unfit(unit_line, f"{unit[:40]} is no unit of flow; EPANET has {', '.join(_LITRES)}")
        self.litres = _LITRES[unit]
        self.is_hazen_williams = all(
            " ".join(words[1:2]).upper() == "H-W" for _, words in rows["OPTIONS"] if words[0].upper() == "HEADLOSS"
        )
        self.metres, self.millimetres = (_FOOT_M, _INCH_MM) if unit in _ENGLISH else (1.0, 1.0)
        self.nodes: dict[str, Node] = {}
        self.links: dict[str, Link] = {}

    def network(self) -> WaterNetwork:
        """All of it: what the sections say of each other is checked."""
        for section, kind in (("JUNCTIONS", "junction"), ("RESERVOIRS", "reservoir"), ("TANKS", "tank")):
            self._take(section, lambda line, words, kind=kind: self._node(line, words, kind))
        for section, take in (("PIPES", self._pipe), ("PUMPS", self._pump), ("VALVES", self._valve),
                              ("STATUS", self._status), ("COORDINATES", self._coordinates),
                              ("VERTICES", self._vertex)):  # fmt: skip
            self._take(section, take)
        self._demands()
        if not any(link.kind == "pipe" for link in self.links.values()):
            raise Refused("registers.epanet_empty", _EMPTY)
        for node in self.nodes.values():
            if math.isnan(node.x):
                raise _unfit(node.line, f"{node.code} has no place under [COORDINATES]")
        return WaterNetwork(self.nodes, self.links)

    def _take(self, section: str, take: Callable[[int, list[str]], None]) -> None:
        if len(self.rows[section]) > MOST_PARTS:
            raise Refused("registers.epanet_large", _LARGE, value=section.lower(), limit=MOST_PARTS)
        for line, words in self.rows[section]:
            take(line, words)

    def _node(self, line: int, words: list[str], kind: str) -> None:
        code = self._new(line, words, self.nodes)
        height = _number(line, words, 1, "elevation") * self.metres
        demand = _number(line, words, 2, "demand") if kind == "junction" and len(words) > 2 else 0.0
        self.nodes[code] = Node(code, kind, height, line, demand * self.litres)

    def _pipe(self, line: int, words: list[str]) -> None:
        code, begin, end = self._ends(line, words)
        length = _positive(line, words, 3, "length") * self.metres
        diameter = _positive(line, words, 4, "diameter") * self.millimetres
        is_open = words[-1].upper() != "CLOSED"
        roughness = _positive(line, words, 5, "roughness")
        self.links[code] = Link(code, "pipe", begin, end, line, length, diameter,
                                roughness if self.is_hazen_williams else 0.0, is_open=is_open)  # fmt: skip

    def _pump(self, line: int, words: list[str]) -> None:
        code, begin, end = self._ends(line, words)
        self.links[code] = Link(code, "pump", begin, end, line)

    def _valve(self, line: int, words: list[str]) -> None:
        code, begin, end = self._ends(line, words)
        diameter = _positive(line, words, 3, "diameter") * self.millimetres
        kind = words[4].upper() if len(words) > 4 else ""
        if kind not in ("PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV"):
            raise _unfit(line, f"{kind[:40] or 'nothing'} is no kind of valve")
        self.links[code] = Link(code, "valve", begin, end, line, diameter_mm=diameter, valve=kind)

    def _status(self, line: int, words: list[str]) -> None:
        link = self._known(line, words, self.links, "link")
        if len(words) > 1 and words[1].upper() in ("OPEN", "CLOSED"):
            self.links[link.code] = replace(link, is_open=words[1].upper() == "OPEN")

    def _coordinates(self, line: int, words: list[str]) -> None:
        node = self._known(line, words, self.nodes, "node")
        x, y = _number(line, words, 1, "x"), _number(line, words, 2, "y")
        self.nodes[node.code] = replace(node, x=x, y=y)

    def _vertex(self, line: int, words: list[str]) -> None:
        link = self._known(line, words, self.links, "link")
        corner = (_number(line, words, 1, "x"), _number(line, words, 2, "y"))
        self.links[link.code] = replace(link, corners=(*link.corners, corner))

    def _demands(self) -> None:
        """What stands under [DEMANDS] takes the place of what the junction itself says."""
        total: dict[str, float] = {}
        for line, words in self.rows["DEMANDS"]:
            if words[0].upper() != "MULTIPLY":
                code = self._known(line, words, self.nodes, "node").code
                total[code] = total.get(code, 0.0) + _number(line, words, 1, "demand") * self.litres
        for code, demand in total.items():
            self.nodes[code] = replace(self.nodes[code], demand_ls=demand)

    def _ends(self, line: int, words: list[str]) -> tuple[str, str, str]:
        code = self._new(line, words, self.links)
        if len(words) < 3:
            raise _unfit(line, f"{code} does not say from which node to which it leads")
        for end in words[1:3]:
            if end not in self.nodes:
                raise _unfit(line, f"there is no node {end[:LONGEST_ID]}")
        if words[1] == words[2]:
            raise _unfit(line, f"{code} leads from a node to itself")
        return code, words[1], words[2]

    def _new(self, line: int, words: list[str], known: dict[str, Node] | dict[str, Link]) -> str:
        code = words[0]
        if len(code) > LONGEST_ID or not code.isprintable():
            raise _unfit(line, f"an id has at most {LONGEST_ID} printable signs")
        if code in known:
            raise _unfit(line, f"{code} stands there already, in line {known[code].line}")
        return code

    def _known(self, line: int, words: list[str], known: dict[str, Part], what: str) -> Part:
        if words[0] not in known:
            raise _unfit(line, f"there is no {what} {words[0][:LONGEST_ID]}")
        return known[words[0]]


def _number(line: int, words: list[str], place: int, name: str) -> float:
    if len(words) <= place:
        raise _unfit(line, f"the {name} is missing")
    try:
        value = float(words[place])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _unfit(line, f"the {name} {words[place][:40]} is no number")
    return value


def _positive(line: int, words: list[str], place: int, name: str) -> float:
    value = _number(line, words, place, name)
    if value <= 0:
        raise _unfit(line, f"the {name} {words[place][:40]} is not above 0")
    return value


def _unfit(line: int, what: str) -> Refused:
    return Refused("registers.epanet_line", _LINE, value=what, limit=line)
