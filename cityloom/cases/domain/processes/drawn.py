"""Where a BPMN file draws its elements."""

from __future__ import annotations

from typing import Any

from cityloom.cases.domain import xmltext
from cityloom.cases.domain.processes.process import Box, Point


def drawn(root: Any) -> tuple[dict[str, Box], dict[str, tuple[Point, ...]]]:
    """Where elements are drawn, by the ids of what they show; what has no sound numbers is left out."""
    boxes: dict[str, Box] = {}
    ways: dict[str, tuple[Point, ...]] = {}
    for element in root.iter():
        name = xmltext.name_of(element)[0] if isinstance(element.tag, str) else ""
        if name == "BPMNShape":
            bounds = [child for child in element if xmltext.name_of(child)[0] == "Bounds"]
            numbers = [_number(bounds[0].get(key)) for key in ("x", "y", "width", "height")] if bounds else []
            if len(numbers) == 4 and None not in numbers:
                boxes[element.get("bpmnElement", "")] = tuple(numbers)  # type: ignore[assignment]
        elif name == "BPMNEdge":
            points = [(_number(child.get("x")), _number(child.get("y"))) for child in element
                      if xmltext.name_of(child)[0] == "waypoint"]  # fmt: skip
            if points and all(None not in point for point in points):
                ways[element.get("bpmnElement", "")] = tuple(points)  # type: ignore[arg-type]
    return boxes, ways


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if abs(found) <= 100_000 else None
