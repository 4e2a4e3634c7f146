"""The map of a process as SVG: boxes for steps, arrows as wide as they are frequent, words on each of them.

Colours come from the page's sheet by class; what is marked by colour is also said in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import sqrt
from textwrap import wrap

import numpy as np

from cityloom.insight.domain.follows import END, START
from cityloom.insight.domain.layers import Layered, layered
from cityloom.insight.domain.placing import Placed, placed, rising

BOX, LINE, EDGE, LETTER = 184.0, 16.0, 12.0, 6.4
_SIGNS, _LINES, _CIRCLE = 26, 3, 30.0
_SPACE_BOX, _SPACE_WORDS, _LOOP = 18.0, 34.0, 30.0
_THINNEST, _WIDEST, _PORT = 1.3, 7.0, 18.0


@dataclass(frozen=True)
class Node:
    """A step with its name and a line below it, as how often it was done."""

    name: str
    note: str = ""


@dataclass(frozen=True)
class Arrow:
    """How often, and what is written on it; `is_slow` where much of all time is spent."""

    count: int
    words: str
    is_slow: bool = False


def draw(nodes: Mapping[int, Node], arrows: Mapping[tuple[int, int], Arrow], title: str) -> str:
    """The picture; `START` and `END` are nodes, too, and are drawn as circles."""
    found = layered(sorted(nodes, key=lambda node: (node == END, node)),
                    {edge: float(one.count) for edge, one in arrows.items()})  # fmt: skip
    lines = {node: _lines(one.name) for node, one in nodes.items()}
    wide = {node: _wide(node, nodes, arrows) for layer in found.layers for node in layer}
    for edge, way in found.ways.items():
        wide[_word_node(way)] = max(10.0, LETTER * _length(arrows[edge].words) + 8)
    where = placed(found, wide, _heights(found, nodes, lines), {edge: float(one.count) for edge, one in arrows.items()})
    most = max((one.count for one in arrows.values()), default=1)
    ports = _ports(found, where)
    drawn = [_arrow(edge, arrows, found, where, most, _reach(nodes, lines), ports) for edge in found.ways]
    loops = [_loop(node, arrows[node, node], where, most) for node in nodes if (node, node) in arrows]
    boxes = [_box(node, one, lines[node], where) for node, one in nodes.items()]
    width, height = where.width + 2 * EDGE, where.height + 2 * EDGE
    return (
        f'<svg class="process-map" viewBox="{-EDGE:g} {-EDGE:g} {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}" role="img" aria-label="{escape(title)}">{_HEADS}'
        f'{"".join(path for path, _ in drawn + loops)}{"".join(boxes)}'
        f'{"".join(words for _, words in drawn + loops)}</svg>'
    )


_HEADS = "<defs>" + "".join(
    f'<marker id="head-{kind}" class="{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" markerHeight="11"'
    ' markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5L0 10z"/></marker>'
    for kind in ("on", "back", "slow")
) + "</defs>"  # fmt: skip


def _wide(node: int, nodes: Mapping[int, Node], arrows: Mapping[tuple[int, int], Arrow]) -> float:
    if node in (START, END):
        return _CIRCLE
    if node not in nodes:
        return 10.0
    loop = arrows.get((node, node))
    return BOX + (2 * (_LOOP + LETTER * _length(loop.words)) if loop else 0)


def _word_node(way: Sequence[int]) -> int:
    """The bend at which the words of an edge stand: the upper one, where it is furthest from others."""
    bends = way[1:-1]
    return bends[0] if len(bends) < 4 else bends[len(bends) // 2 - (len(bends) // 2) % 2]


def _heights(found: Layered, nodes: Mapping[int, Node], lines: Mapping[int, Sequence[str]]) -> list[float]:
    high = []
    for at, layer in enumerate(found.layers):
        boxes = [_tall(node, lines) for node in layer if node in nodes]
        high.append(max(boxes, default=_CIRCLE) + _SPACE_BOX if at % 2 == 0 else _SPACE_WORDS)
    return high


def _tall(node: int, lines: Mapping[int, Sequence[str]]) -> float:
    return _CIRCLE if node in (START, END) else LINE * (len(lines[node]) + 1) + 12


def _reach(nodes: Mapping[int, Node], lines: Mapping[int, Sequence[str]]) -> Callable[[int], float]:
    return lambda node: _tall(node, lines) / 2 if node in nodes else 0.0


def _arrow(
    edge: tuple[int, int], arrows: Mapping[tuple[int, int], Arrow], found: Layered, where: Placed, most: int,
    reach: Callable[[int], float], ports: Mapping[tuple[tuple[int, int], int], float],
) -> tuple[str, str]:  # fmt: skip
    way, one = found.ways[edge], arrows[edge]
    points = [(ports[edge, 0], where.y[way[0]] + reach(way[0])),
              *((where.x[bend], where.y[bend]) for bend in way[1:-1]),
              (ports[edge, 1], where.y[way[-1]] - reach(way[-1]))]  # fmt: skip
    is_back = edge in found.turned
    kind = "slow" if one.is_slow else "back" if is_back else "on"
    path = _curve(points[::-1] if is_back else points)
    word = _word_node(way)
    return (_line(path, kind, is_back, one.count, most), _words(one.words, where.x[word], where.y[word], kind))


def _ports(found: Layered, where: Placed) -> dict[tuple[tuple[int, int], int], float]:
    """Where each edge leaves its upper node (0) and meets its lower one (1): side by side, below what it comes from."""
    sides: dict[tuple[int, int], list[tuple[float, tuple[int, int]]]] = {}
    for edge, way in found.ways.items():
        sides.setdefault((way[0], 0), []).append((where.x[way[1]], edge))
        sides.setdefault((way[-1], 1), []).append((where.x[way[-2]], edge))
    found_at = {}
    for (node, side), ends in sides.items():
        ends.sort()
        half = 0.0 if node in (START, END) else BOX * 0.42
        apart = min(_PORT, 2 * half / max(len(ends) - 1, 1))
        low = where.x[node] - half
        places = np.arange(len(ends)) * apart
        most = 2 * half - places[-1]
        wished = np.clip(np.array([x for x, _ in ends]) - low - places, 0, most)
        for at, (_, edge) in zip(rising(wished, np.ones(len(ends))) + places + low, ends, strict=True):
            found_at[edge, side] = float(at)
    return found_at


def _curve(points: Sequence[tuple[float, float]]) -> str:
    drawn = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (y + to_y) / 2
        drawn += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
    return drawn


def _line(path: str, kind: str, is_back: bool, count: int, most: int) -> str:
    wide = _THINNEST + (_WIDEST - _THINNEST) * sqrt(count / max(most, 1))
    look = f"way {kind}{' turned' if is_back else ''}"
    return f'<path class="{look}" d="{path}" stroke-width="{wide:.1f}" marker-end="url(#head-{kind})"/>'


def _words(words: str, x: float, y: float, kind: str) -> str:
    return f'<text class="on-way {kind}" x="{x:.1f}" y="{y + 4:.1f}">{escape(words)}</text>' if words else ""


def _loop(node: int, one: Arrow, where: Placed, most: int) -> tuple[str, str]:
    x, y, kind = where.x[node] + BOX / 2, where.y[node], "slow" if one.is_slow else "back"
    path = f"M{x:.1f} {y - 9:.1f}C{x + _LOOP:.1f} {y - 16:.1f} {x + _LOOP:.1f} {y + 16:.1f} {x:.1f} {y + 9:.1f}"
    words = f'<text class="on-way beside {kind}" x="{x + _LOOP - 4:.1f}" y="{y + 4:.1f}">{escape(one.words)}</text>'
    return _line(path, kind, True, one.count, most), words


def _box(node: int, one: Node, lines: Sequence[str], where: Placed) -> str:
    x, y = where.x[node], where.y[node]
    if node in (START, END):
        inner = f'<circle class="inner" cx="{x:.1f}" cy="{y:.1f}" r="{_CIRCLE / 2 - 5:g}"/>' if node == END else ""
        return (f'<g class="mark"><title>{escape(one.name)}</title><circle cx="{x:.1f}" cy="{y:.1f}"'
                f' r="{_CIRCLE / 2 - 1:g}"/>{inner}</g>')  # fmt: skip
    tall = LINE * (len(lines) + 1) + 12
    top = y - tall / 2
    words = "".join(f'<text x="{x:.1f}" y="{top + 6 + LINE * (at + 0.8):.1f}">{escape(text)}</text>'
                    for at, text in enumerate(lines))  # fmt: skip
    note = f'<text class="note" x="{x:.1f}" y="{top + 6 + LINE * (len(lines) + 0.8):.1f}">{escape(one.note)}</text>'
    rect = f'<rect x="{x - BOX / 2:.1f}" y="{top:.1f}" width="{BOX:g}" height="{tall:g}" rx="6"/>'
    return f'<g class="step"><title>{escape(one.name)}</title>{rect}{words}{note}</g>'


def _lines(name: str) -> list[str]:
    """A name in lines that fit; what does not fit ends with dots, and is whole in the title of the box."""
    signs = _SIGNS if name.isascii() else _SIGNS // 2
    found = wrap(name, signs) or ["–"]
    return found if len(found) <= _LINES else [*found[: _LINES - 1], found[_LINES - 1][: signs - 1] + "…"]


def _length(words: str) -> float:
    return sum(1 if ord(letter) < 0x2E80 else 2 for letter in words)
