"""A table of states as a picture: states in columns by their distance from the beginning, arrows with numbers."""

from __future__ import annotations

from dataclasses import dataclass

from cityloom.cases.domain.casetypes.casetype import CaseType

WIDTH, HEIGHT = 132, 40
_ACROSS, _DOWN, _EDGE, _LIFT = 214, 92, 16, 26


@dataclass(frozen=True)
class Box:
    """A state at its place."""

    state: str
    x: int
    y: int
    ends: bool


@dataclass(frozen=True)
class Arrow:
    """One or several steps between two states; the path is SVG, the numbers stand at `x`, `y`."""

    path: str
    numbers: str
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    """Everything that is drawn, and how large it is."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int


def picture_of(casetype: CaseType) -> Picture:
    """The picture of a type; arrows have the numbers of the steps in their order, from 1."""
    places = _places(casetype)
    boxes = tuple(
        Box(name, _EDGE + column * _ACROSS, _EDGE + _LIFT + row * _DOWN, casetype.states[name].ends)
        for name, (column, row) in places.items()
    )
    at = {box.state: box for box in boxes}
    numbers: dict[tuple[str, str], list[int]] = {}
    for number, step in enumerate(casetype.steps, 1):
        for source in step.sources:
            numbers.setdefault((source, step.to), []).append(number)
    arrows = tuple(_arrow(at[one], at[other], found) for (one, other), found in numbers.items())
    width = max(box.x for box in boxes) + WIDTH + _EDGE + _LIFT
    return Picture(boxes, arrows, width, max(box.y for box in boxes) + HEIGHT + _EDGE + _LIFT)


def _places(casetype: CaseType) -> dict[str, tuple[int, int]]:
    """Column and row of each state: as far from the beginning as the fewest steps, in the order of the table."""
    depth = {casetype.first.name: 0}
    waiting = [casetype.first.name]
    while waiting:
        here = waiting.pop(0)
        for step in casetype.steps:
            if here in step.sources and step.to not in depth:
                depth[step.to] = depth[here] + 1
                waiting.append(step.to)
    rows: dict[int, int] = {}
    places = {}
    for name in casetype.states:
        column = depth.get(name, 0)
        places[name] = (column, rows.setdefault(column, 0))
        rows[column] += 1
    return places


def _arrow(one: Box, other: Box, numbers: list[int]) -> Arrow:
    words = ", ".join(map(str, numbers))
    if other.x > one.x:
        x1, y1, x2, y2 = one.x + WIDTH, one.y + HEIGHT // 2, other.x, other.y + HEIGHT // 2
        middle = (x1 + x2) // 2
        path = f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
        share = 0.32
        return Arrow(path, words, round(x1 + (x2 - x1) * share), round(y1 + (y2 - y1) * 0.22) - 5)
    if other.x < one.x:
        x1, x2 = one.x + WIDTH // 3, other.x + 2 * WIDTH // 3
        top = min(one.y, other.y) - _LIFT
        path = f"M{x1} {one.y}C{x1} {top} {x2} {top} {x2} {other.y}"
        return Arrow(path, words, (x1 + x2) // 2, top + 4)
    down = 1 if other.y > one.y else -1
    x = one.x + WIDTH // 2 + 18 * down
    y1, y2 = (one.y + HEIGHT, other.y) if down > 0 else (one.y, other.y + HEIGHT)
    bulge = x + 30 * down
    return Arrow(f"M{x} {y1}C{bulge} {y1 + 14 * down} {bulge} {y2 - 14 * down} {x} {y2}", words, bulge, (y1 + y2) // 2)
