"""Units beside each other as a funnel: how far a share may lie from that of all by chance, for a unit of its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from cityloom.cases.domain.figures import intervals
from cityloom.cases.domain.figures.intervals import Z95, Z998, Interval

_LEFT, _RIGHT, _TOP, _BELOW, _HEIGHT = 48, 14, 12, 40, 300
_STEPS = 60
LEAST_CASES = 10
"""Units with fewer cases say nothing by themselves and are not drawn."""


@dataclass(frozen=True)
class Point:
    """A unit: how many of its cases count, of how many."""

    name: str
    counted: int
    of: int

    @property
    def share(self) -> float:
        return self.counted / self.of

    @property
    def interval(self) -> Interval:
        return intervals.wilson(self.counted, self.of) or (0.0, 1.0)


@dataclass(frozen=True)
class Judged:
    """A unit beside all: `outside` is "" within the limits of 95 %, `near` beyond them, `far` beyond 99.8 %."""

    point: Point
    outside: str
    is_above: bool


def judged(points: Sequence[Point], share: float) -> list[Judged]:
    """Each unit that is large enough, in the order of its name: no rank, since chance alone makes one."""
    return [Judged(one, _outside(one, share), one.share > share) for one in sorted(points, key=lambda one: one.name)
            if one.of >= LEAST_CASES]  # fmt: skip


def _outside(point: Point, share: float) -> str:
    for word, z in (("far", Z998), ("near", Z95)):
        low, high = intervals.limits(share, point.of, z)
        if not low <= point.share <= high:
            return word
    return ""


def draw(points: Sequence[Judged], share: float, *, width: int, title: str, axis: str) -> str:
    """The funnel as an SVG element; numbers beside points outside the limits are their places in the table."""
    most = max((one.point.of for one in points), default=1) * 1.08
    shapes = [_axes(share, most, width, axis)]
    for z, look in ((Z95, "s4"), (Z998, "s2")):
        shapes += [_limit(share, most, z, side, width, look) for side in (0, 1)]
    shapes += [_point(one, number, most, width) for number, one in enumerate(points, 1)]
    return (
        f'<svg viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}" role="img"'
        f' aria-label="{escape(title)}">{"".join(shapes)}</svg>'
    )


def _x(of: float, most: float, width: int) -> float:
    return _LEFT + of / most * (width - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BELOW - share * (_HEIGHT - _BELOW - _TOP)


def _axes(share: float, most: float, width: int, axis: str) -> str:
    lines = [
        f'<line class="{"base" if tick == 0 else "grid"}" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{_y(tick):.1f}"'
        f' y2="{_y(tick):.1f}"/><text x="{_LEFT - 6}" y="{_y(tick) + 4:.1f}" text-anchor="end">{tick:.0%}</text>'
        for tick in (0, 0.25, 0.5, 0.75, 1)
    ]
    lines.append(f'<line class="s1" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{_y(share):.1f}" y2="{_y(share):.1f}"/>')
    for of in (0, most / 2, most / 1.08):
        anchor = "start" if of == 0 else "middle"
        lines.append(f'<text x="{_x(of, most, width):.1f}" y="{_HEIGHT - _BELOW + 18}" text-anchor="{anchor}">'
                     f"{round(of):,}</text>")  # fmt: skip
    lines.append(f'<text x="{width - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">{escape(axis)}</text>')
    return "".join(lines)


def _limit(share: float, most: float, z: float, side: int, width: int, look: str) -> str:
    sizes = np.geomspace(max(most / 400, 1.0), most, _STEPS)
    points = " ".join(f"{_x(of, most, width):.1f},{_y(intervals.limits(share, of, z)[side]):.1f}" for of in sizes)
    return f'<polyline class="{look}" points="{points}"/>'


def _point(one: Judged, number: int, most: float, width: int) -> str:
    x, y = _x(one.point.of, most, width), _y(one.point.share)
    words = f"{escape(one.point.name)}: {one.point.share:.1%} ({one.point.counted:,}/{one.point.of:,})"
    mark = f'<text x="{x + 7:.1f}" y="{y + 4:.1f}">{number}</text>' if one.outside else ""
    look = "s6" if one.outside else "s1"
    radius = 5 if one.outside else 4
    return f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{words}</title></circle>{mark}'
