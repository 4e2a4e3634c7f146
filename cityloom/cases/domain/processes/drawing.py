"""Where a process is drawn: as its file says, or in columns from left to right where the file does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot
from textwrap import wrap

from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes.process import Box, Node, Point, Process

_COLUMN, _ROW, _MARGIN = 160.0, 110.0, 30.0
_SIZES = {"Event": (36.0, 36.0), "Gateway": (50.0, 50.0)}
_TASK = (110.0, 70.0)
_SIGNS, _LINES = 16, 3


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
    def words(self) -> list[str]:
        """Its name, or its id, in lines that fit."""
        text = self.node.name or (self.node.id if self.shape == "box" else "")
        most = _SIGNS if text.isascii() else _SIGNS // 2
        lines = wrap(text, most, break_long_words=True)
        return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], f"{lines[_LINES - 1][: most - 1]}…"]


@dataclass(frozen=True)
class Line:
    """One flow, as points; `label` stands at its middle."""

    id: str
    points: tuple[Point, ...]
    label: str

    @property
    def path(self) -> str:
        """The points as SVG has them."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)

    @property
    def middle(self) -> Point:
        """Where its label stands."""
        at = (len(self.points) - 1) // 2
        (x, y), (to_x, to_y) = self.points[at], self.points[min(at + 1, len(self.points) - 1)]
        return (x + to_x) / 2, (y + to_y) / 2


@dataclass(frozen=True)
class Picture:
    """All of it, moved so that it begins at the margin."""

    nodes: tuple[Drawn, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


def picture_of(process: Process) -> Picture:
    """The picture of a process."""
    boxes = process.boxes if all(node in process.boxes for node in process.nodes) else _laid_out(process)
    ways = {flow.id: process.ways.get(flow.id) if boxes is process.boxes else None for flow in process.flows.values()}
    left = min(x for x, *_ in boxes.values()) - _MARGIN
    top = min(y for _, y, *_ in boxes.values()) - _MARGIN
    nodes = {name: _drawn(process.nodes[name], boxes[name], left, top) for name in process.nodes}
    lowest = max(node.y + node.height for node in nodes.values())
    lines = []
    for flow in process.flows.values():
        way = ways[flow.id]
        source, target = nodes[flow.source], nodes[flow.target]
        points = tuple((x - left, y - top) for x, y in way) if way else _straight(source, target, lowest)
        lines.append(Line(flow.id, points, flow.name))
    return Picture(tuple(nodes.values()), tuple(lines), max(node.x + node.width for node in nodes.values()) + _MARGIN,
                   max(node.y + node.height for node in nodes.values()) + 2 * _MARGIN)  # fmt: skip


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
