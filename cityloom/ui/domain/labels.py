"""Names on a map: along their street, beside their mark, never on top of each other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from cityloom.ui.domain.paths import Shapes

_MOST_STREETS = 45
_STRAIGHT = 0.96  # chord over arc below which a name would stand beside its street instead of on it
_TRIES = (0.5, 0.35, 0.65, 0.2, 0.8)


@dataclass(frozen=True)
class Label:
    """A text with its anchor in pixels, turned by `angle` degrees; `middle` or `start` of the text is at the anchor."""

    text: str
    x: float
    y: float
    size: float
    angle: float = 0.0
    anchor: str = "middle"


@dataclass
class Board:
    """The places on the picture that are taken, and the streets that have their name."""

    width: int
    height: int
    named: set[str] = field(default_factory=set)
    _taken: list[shapely.Geometry] = field(default_factory=list)

    def take(self, place: shapely.Geometry) -> bool:
        """Take a place if it is free and wholly inside the picture."""
        west, south, east, north = place.bounds
        inside = west >= 4 and south >= 4 and east <= self.width - 4 and north <= self.height - 4
        if not inside or (self._taken and shapely.intersects(np.array(self._taken), place).any()):
            return False
        self._taken.append(place)
        return True

    def block(self, west: float, north: float, east: float, south: float) -> None:
        """Keep a rectangle free of names."""
        self._taken.append(shapely.box(west, north, east, south))


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a text is: wide characters count for one em, others for a little over half."""
    narrow = 0.66 if bold else 0.58
    return size * sum(1.0 if ord(character) > 0x2E7F else narrow for character in text)


def street_names(lines: Shapes, names: Sequence[str], size: float, board: Board) -> list[Label]:
    """One name for each street, the longest streets first."""
    parts: dict[str, list[shapely.Geometry]] = defaultdict(list)
    for line, name in zip(lines, names, strict=True):
        if name and name not in board.named and not line.is_empty:
            parts[name].append(line)
    streets = [(_longest(pieces), name) for name, pieces in parts.items()]
    streets.sort(key=lambda street: (-street[0].length, street[1]))
    found = (_along(line, name, size, board) for line, name in streets[:_MOST_STREETS])
    labels = [label for label in found if label]
    board.named.update(label.text for label in labels)
    return labels


def mark_names(points: Shapes, names: Sequence[str], size: float, offset: float, board: Board) -> list[Label]:
    """Names to the right of their marks, else to the left, below or above; left out where there is no room."""
    labels: list[Label] = []
    for point, name in zip(points, names, strict=True):
        if name and not point.is_empty:
            found = _beside(point.centroid, name, size, offset, board)
            labels += [found] if found else []
    return labels


def _longest(pieces: Sequence[shapely.Geometry]) -> shapely.LineString:
    merged = shapely.line_merge(shapely.union_all(np.array(pieces)))
    lines = [part for part in shapely.get_parts(merged) if part.geom_type == "LineString"]
    return max(lines, key=lambda line: line.length, default=shapely.LineString())


def _along(line: shapely.LineString, name: str, size: float, board: Board) -> Label | None:
    wide = text_width(name, size)
    if line.length < wide * 1.1:
        return None
    for share in _TRIES:
        middle = min(max(line.length * share, wide / 2), line.length - wide / 2)
        start, end = line.interpolate(middle - wide / 2), line.interpolate(middle + wide / 2)
        if start.distance(end) < wide * _STRAIGHT:
            continue
        if start.x > end.x:
            start, end = end, start
        if board.take(shapely.LineString([start, end]).buffer(size * 0.62, cap_style="flat")):
            angle = math.degrees(math.atan2(end.y - start.y, end.x - start.x))
            return Label(name, (start.x + end.x) / 2, (start.y + end.y) / 2, size, angle)
    return None


def _beside(point: shapely.Point, name: str, size: float, offset: float, board: Board) -> Label | None:
    wide, tall, x, y = text_width(name, size, bold=True), size * 0.6, point.x, point.y
    spots = (
        (x + offset, y, "start", x + offset), (x - offset, y, "end", x - offset - wide),
        (x, y + offset + tall, "middle", x - wide / 2), (x, y - offset - tall, "middle", x - wide / 2),
    )  # fmt: skip
    for at_x, at_y, anchor, west in spots:
        if board.take(shapely.box(west - 2, at_y - tall, west + wide + 2, at_y + tall)):
            return Label(name, at_x, at_y, size, anchor=anchor)
    return None
