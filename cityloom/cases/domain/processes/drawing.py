"""Where a process is drawn: as its file says, or in columns from left to right where the file does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import dist, hypot
from textwrap import wrap

from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes.marks import marks_of
from cityloom.cases.domain.processes.process import Box, Flow, Node, Point, Process

_COLUMN, _ROW, _MARGIN = 172.0, 116.0, 30.0
_SIZES = {"Event": (36.0, 36.0), "Gateway": (50.0, 50.0)}
_BESIDE = (2.0, 40.0)
_TASK = (120.0, 76.0)
_BETWEEN = (model.CATCH, model.BOUNDARY, "intermediateThrowEvent")
_SIGN_WIDE, _LINE_HIGH, _NAMED_WIDE = 6.3, 14.0, 110.0
"""A sign and a line of the words in a picture, at 12 pixels; how wide the name of an event or a gateway may be."""


@dataclass(frozen=True)
class Drawn:
    """One node: its box, the shape that BPMN has for it, and its name in lines."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    shape: str  # circle, diamond, box

    @property
    def middle(self) -> Point:
        """The middle of it."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def corners(self) -> str:
        """The corners of a box or a diamond, as SVG has them."""
        (x, y), right, bottom = self.middle, self.x + self.width, self.y + self.height
        if self.shape == "diamond":
            return f"{x:g},{self.y:g} {right:g},{y:g} {x:g},{bottom:g} {self.x:g},{y:g}"
        return f"{self.x:g},{self.y:g} {right:g},{self.y:g} {right:g},{bottom:g} {self.x:g},{bottom:g}"

    def edge_toward(self, point: Point) -> Point:
        """Where a line from its middle to a point leaves it."""
        x, y = self.middle
        dx, dy = point[0] - x, point[1] - y
        across, down = abs(dx) / (self.width / 2 or 1), abs(dy) / (self.height / 2 or 1)
        reach = {"box": max(across, down), "diamond": across + down, "circle": hypot(across, down)}[self.shape] or 1
        return x + dx / reach, y + dy / reach

    @property
    def radius(self) -> float:
        """The radius of a circle."""
        return min(self.width, self.height) / 2

    @property
    def marks(self) -> str:
        """The signs that BPMN has for its kind, as one SVG path."""
        return marks_of(self.node, self.x, self.y, self.width, self.height)

    @property
    def inner(self) -> float:
        """The radius of the second circle of an event in between; 0 for all others."""
        return self.radius - 3 if self.node.kind in _BETWEEN else 0

    def lines(self, text: str) -> list[tuple[float, float, str]]:
        """Where each line of its name stands: within a task, under an event or a gateway."""
        within = self.shape == "box"
        wide = self.width - 8 if within else _NAMED_WIDE
        most = max(4, int(wide / most_wide(text)))
        words = wrap(text, most, break_long_words=True)
        fits = max(1, int((self.height - 4) / _LINE_HIGH)) if within else 3
        if len(words) > fits:
            words = [*words[: fits - 1], f"{words[fits - 1][: most - 1]}…"]
        x, y = self.middle
        if self.node.kind == model.BOUNDARY:  # what leaves it goes down
            x += self.width / 2 + 4 + max(map(len, words), default=0) * most_wide(text) / 2
        top = y + 4 - (len(words) - 1) * _LINE_HIGH / 2 if within else self.y + self.height + _LINE_HIGH
        return [(x, top + at * _LINE_HIGH, line) for at, line in enumerate(words)]


def most_wide(text: str) -> float:
    """How wide a sign of a text may be, in pixels."""
    return _SIGN_WIDE if text.isascii() else 2 * _SIGN_WIDE


@dataclass(frozen=True)
class Line:
    """One flow, as points; its name stands at the middle of its longest stretch."""

    id: str
    points: tuple[Point, ...]
    flow: Flow

    @property
    def path(self) -> str:
        """The points as SVG has them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)

    @property
    def middle(self) -> Point:
        """Where its label stands."""
        (x, y), (to_x, to_y) = max(pairwise(self.points), key=lambda two: dist(*two))
        return (x + to_x) / 2, (y + to_y) / 2 - 4


@dataclass(frozen=True)
class Picture:
    """All of it, moved so that it begins at the margin."""

    nodes: tuple[Drawn, ...]
    lines: tuple[Line, ...]
    lanes: tuple[tuple[float, float, float, float, str], ...]
    width: float
    height: float


def picture_of(process: Process) -> Picture:
    """The picture of a process."""
    boxes = process.boxes if all(node in process.boxes for node in process.nodes) else _laid_out(process)
    ways = {flow.id: process.ways.get(flow.id) if boxes is process.boxes else None for flow in process.flows.values()}
    lanes = [(process.boxes[key], name) for key, name in process.shown_lanes if key in process.boxes]
    lanes = lanes if boxes is process.boxes else []
    every = [*boxes.values(), *(box for box, _ in lanes), *_corners(ways)]
    left, top = min(x for x, *_ in every) - _MARGIN, min(y for _, y, *_ in every) - _MARGIN
    upper_last = sorted(process.nodes, key=lambda name: process.nodes[name].kind == model.BOUNDARY)
    nodes = {name: _drawn(process.nodes[name], boxes[name], left, top) for name in upper_last}
    lowest = max(node.y + node.height for node in nodes.values())
    lines = []
    for flow in process.flows.values():
        way = ways[flow.id]
        source, target = nodes[flow.source], nodes[flow.target]
        drawn = way and len(way) > 1
        points = tuple((x - left, y - top) for x, y in way) if way and drawn else _straight(source, target, lowest)
        points = _reaching(points, source, target)
        lines.append(Line(flow.id, points, flow))
    shown = tuple((x - left, y - top, width, height, name) for (x, y, width, height), name in lanes)
    right, bottom = max(x + width for x, _, width, _ in every), max(y + height for _, y, _, height in every)
    return Picture(tuple(nodes.values()), tuple(lines), shown, right - left + _MARGIN, bottom - top + 2 * _MARGIN)


def _corners(ways: Mapping[str, tuple[Point, ...] | None]) -> list[Box]:
    """The points of all ways, as boxes of no size."""
    return [(x, y, 0.0, 0.0) for way in ways.values() for x, y in way or ()]


def _drawn(node: Node, box: Box, left: float, top: float) -> Drawn:
    shape = "circle" if node.kind.endswith("Event") else "diamond" if node.kind.endswith("Gateway") else "box"
    return Drawn(node, box[0] - left, box[1] - top, box[2], box[3], shape)


def _straight(source: Drawn, target: Drawn, lowest: float) -> tuple[Point, ...]:
    """From one node to another; what goes back goes under all of them."""
    if target.x > source.x:
        return source.edge_toward(target.middle), target.edge_toward(source.middle)
    (x, _), (to_x, _) = source.middle, target.middle
    under = lowest + _MARGIN / 2
    return (x, source.y + source.height), (x, under), (to_x, under), (to_x, target.y + target.height)


def _reaching(points: tuple[Point, ...], source: Drawn, target: Drawn) -> tuple[Point, ...]:
    """A way that ends beside what it leads to goes on to its edge."""
    first, last = source.edge_toward(points[0]), target.edge_toward(points[-1])
    before = [first] if _BESIDE[0] < dist(first, points[0]) < _BESIDE[1] else []
    after = [last] if _BESIDE[0] < dist(last, points[-1]) < _BESIDE[1] else []
    return (*before, *points, *after)


def _laid_out(process: Process) -> Mapping[str, Box]:
    """A column for each distance from the start."""
    column = {node.id: 0 for node in process.nodes.values() if node.kind == model.START}
    left = list(column)
    for node in left:
        attached = [other.id for other in process.nodes.values() if other.attached_to == node]
        for target in [flow.target for flow in process.outgoing(node)] + attached:
            if target not in column:
                column[target] = column[node] + 1
                left.append(target)
    rows: dict[int, int] = {}
    boxes = {}
    for node in left:
        at = column[node]
        row = rows[at] = rows.get(at, -1) + 1
        width, height = next((size for end, size in _SIZES.items() if process.nodes[node].kind.endswith(end)), _TASK)
        boxes[node] = (at * _COLUMN - width / 2, row * _ROW - height / 2, width, height)
    return boxes
