"""The structure of an index as rings around a middle: each item as wide as its share, beside a nested list."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import cos, pi, sin
from typing import Any

from cityloom.insight.domain.study.blocks import Shown
from cityloom.insight.indexing.looking import Look
from cityloom.insight.telling import words

SIZE, _COLOURS = 560, 6
_LEAST_ARC = 1e-4
_ROOM = 13.0
"""Pixels of an arc's outer edge that a line of words needs."""


def draw(look: Look, label: str) -> str:
    """An SVG element: rings of links, each to its entry of the list (`#item-CODE`)."""
    tree, depth = look.base.tree, _depths(look)
    rings = max(depth)
    width = (SIZE / 2 - 4) / (rings + 0.8)
    drawn = [_arc(look, at, start, end, depth[at], branch, width) for at, start, end, branch in _arcs(look)]
    name = escape(_short(look.base.codes[-1], width * 1.4))
    middle = f'<text class="name" x="0" y="5" text-anchor="middle">{name}</text>'
    half = SIZE / 2
    share = words.said(1.0, Shown("", "", "percent", 0))
    centre = (f'<a href="#item-{escape(look.base.codes[-1])}" aria-label="{escape(f"{look.titles[-1]}: {share}")}">'
              f'<circle class="ring" r="{width * 0.8:.1f}"/>{middle}</a>')  # fmt: skip
    return (f'<svg class="sunburst" viewBox="{-half:.0f} {-half:.0f} {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}"'
            f' role="group" aria-label="{escape(label)}">{centre}{"".join(drawn)}</svg>') if tree.items > 1 else ""


def nested(look: Look) -> dict[str, Any]:
    """The index with its parts in it, each with its title and share."""
    tree, colours = look.base.tree, {at: branch for at, _start, _end, branch in _arcs(look)}

    def of(at: int) -> dict[str, Any]:
        below = tree.children[at - tree.indicators] if at >= tree.indicators else ()
        item = look.base.framework.by_code[look.base.codes[at]]
        return {
            "code": item.code, "title": look.titles[at], "colour": colours.get(at, 0), "unit": item.unit,
            "share": words.said(float(tree.effective[at]), Shown("", "", "percent", 1)),
            "way": look.base.framework.ways[at - tree.indicators] if at >= tree.indicators else "",
            "down": at < tree.indicators and item.direction < 0, "parts": [of(int(one)) for one in below],
        }  # fmt: skip

    return of(tree.items - 1)


def _depths(look: Look) -> list[int]:
    depth = [0] * look.base.tree.items
    for at in range(look.base.tree.items - 2, -1, -1):
        depth[at] = depth[int(look.base.tree.parent[at])] + 1
    return depth


def _arcs(look: Look) -> Iterator[tuple[int, float, float, int]]:
    """Each item but the index: its place, begin and end (shares of the circle), and the branch that colours it."""
    tree = look.base.tree
    waiting = [(tree.items - 1, 0.0, 0)]
    while waiting:
        at, start, branch = waiting.pop()
        if at < tree.items - 1:
            yield at, start, start + float(tree.effective[at]), branch
        for number, below in enumerate(tree.children[at - tree.indicators] if at >= tree.indicators else ()):
            waiting.append((int(below), start, branch or number % _COLOURS + 1))
            start += float(tree.effective[below])


def _arc(look: Look, at: int, start: float, end: float, depth: int, branch: int, width: float) -> str:
    if end - start < _LEAST_ARC:
        return ""
    code, title = look.base.codes[at], look.titles[at]
    share = words.said(float(look.base.tree.effective[at]), Shown("", "", "percent", 1))
    inner, outer = (depth - 0.2) * width, (depth + 0.8) * width - 1.5
    words_ = f"{title}: {share}"
    return (f'<a href="#item-{escape(code)}" aria-label="{escape(words_)}"><title>{escape(words_)}</title>'
            f'<path class="s{branch} ring ring-{depth}" d="{_path(start, end, inner, outer)}"/>'
            f"{_label(code, start, end, inner, outer, deep=depth > 2)}</a>")  # fmt: skip


def _path(start: float, end: float, inner: float, outer: float) -> str:
    if end - start > 1 - 1e-6:
        end = start + 1 - 1e-4
    large = int(end - start > 0.5)
    points = [_point(turn, radius) for turn, radius in ((start, inner), (start, outer), (end, outer), (end, inner))]
    a, b, c, d = (f"{x:.2f} {y:.2f}" for x, y in points)
    return (f"M{a}L{b}A{outer:.2f} {outer:.2f} 0 {large} 1 {c}L{d}A{inner:.2f} {inner:.2f} 0 {large} 0 {a}Z")


def _label(code: str, start: float, end: float, inner: float, outer: float, *, deep: bool) -> str:
    """The item's code along the radius, where there is room for it."""
    middle = (inner + outer) / 2
    if (end - start) * 2 * pi * middle < _ROOM:
        return ""
    turn = (start + end) / 2
    x, y = _point(turn, middle)
    degrees = turn * 360 - 90
    if turn > 0.5:
        degrees += 180
    kind = "name deep" if deep else "name"
    where = f"translate({x:.1f} {y:.1f}) rotate({degrees:.1f})"
    return (f'<text class="{kind}" text-anchor="middle" dominant-baseline="central" transform="{where}">'
            f"{escape(_short(code, outer - inner - 4))}</text>")  # fmt: skip


def _point(turn: float, radius: float) -> tuple[float, float]:
    return radius * sin(2 * pi * turn), -radius * cos(2 * pi * turn)


def _short(code: str, room: float) -> str:
    most = max(2, int(room / 7))
    return code if len(code) <= most else code[: most - 1] + "…"
