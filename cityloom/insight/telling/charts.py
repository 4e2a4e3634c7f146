"""Charts of studies as SVG: lines with a band and what was measured, bars, intervals, scatter.

On a page, colours come from the sheet's classes; on paper from a sheet inside the picture. Lines differ in dashes and
points in shapes, too, and a table behind each chart says the same.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise

import numpy as np
from django.utils.translation import gettext

from cityloom.insight.telling.frames import (
    DIGIT,
    Frame,
    Scale,
    bounds,
    inner_ticks,
    level_lines,
    short,
    text,
    tick_words,
    upright_lines,
    wide,
)  # fmt: skip
from cityloom.insight.telling.parts import Drawing, Group
from cityloom.ui.charts import NARROW, WIDE, ticks_for
from cityloom.ui.domain.styles import FONT

__all__ = ["NARROW", "WIDE", "draw"]

_HEIGHT, _TOP, _RIGHT, _ROW = 260, 14, 14, 24
_COLOURS = ("#0b5d8c", "#b3541e", "#5b4b8a", "#0b6e4f", "#8a5a00", "#52606d")
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "12 5", "4 4")
PAPER = (
    "text{fill:#52606d;font-size:12px}.grid{stroke:#d9d2c5}.base{stroke:#8a8376}polyline,.whisker{fill:none;"
    "stroke-width:2.25}.band{fill-opacity:.16;stroke:none}.measured{fill:#fff;stroke-width:1.6}.edge{fill:none;"
    "stroke:#8a8376}.name{fill:#1f2933}"
    + "".join(f".s{at}{{fill:{one};stroke:{one}}}polyline.s{at}{{fill:none;stroke-dasharray:{dash or 'none'}}}"
              f".measured.s{at}{{fill:#fff}}.band.s{at}{{stroke:none}}"
              for at, (one, dash) in enumerate(zip(_COLOURS, _DASHES, strict=True), 1))
    + "".join(f".v{at}{{fill:{one};stroke:#1f2933;stroke-width:.6}}"
              for at, one in enumerate(("#e4eef5", "#b3d0e3", "#77aacb", "#3b7fab", "#0b4f78"), 1))
)  # fmt: skip
"""The sheet of a picture on paper."""


def draw(one: Drawing, *, width: int = WIDE, paper: bool = False) -> str:
    """An SVG element of that width."""
    shape = {"line": _line, "scatter": _scatter, "bar": _bars, "intervals": _bars}[one.form]
    inner, height = shape(one, width)
    return framed(one.title, inner, width, height, paper=paper)


def framed(title: str, inner: str, width: int, height: float, *, paper: bool) -> str:
    """A picture around what was drawn."""
    how = f' xmlns="http://www.w3.org/2000/svg" font-family="{FONT}"' if paper else ""
    sheet = f"<style>{PAPER}</style>" if paper else ""
    return (f'<svg{how} viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" role="img"'
            f' aria-label="{escape(title)}">{sheet}{inner}</svg>')  # fmt: skip


def _plane(one: Drawing, width: int, *, zero: bool) -> tuple[Frame, str]:
    """The frame of a chart with two axes, and what is drawn of them."""
    low, high = bounds(*(column for group in one.groups for column in (group.y, group.low, group.high, group.measured)),
                       zero=zero)  # fmt: skip
    y_ticks = ticks_for(low, high)
    left = 10 + DIGIT * max(len(words) for words in tick_words(y_ticks))
    below = 30 + (18 if one.x_title else 0)
    y = Scale(y_ticks[0], y_ticks[-1], _HEIGHT - below, _TOP + (16 if one.y_title else 0))
    if one.names:
        x = Scale(-0.5, max(len(one.names) - 0.5, 0.5), left, width - _RIGHT)
        frame = Frame(x, y, (), y_ticks)
        below_words = _names_below(one, frame)
    else:
        first, last = bounds(*(group.x for group in one.groups))
        last = last if last > first else first + 1
        room = (last - first) * 0.02
        x = Scale(first - room, last + room, left, width - _RIGHT)
        ticks = inner_ticks(first, last, width // 90)
        if all(np.all(group.x == np.rint(group.x)) for group in one.groups) and last - first >= 1:
            ticks = [tick for tick in ticks if tick == round(tick)]
        frame = Frame(x, y, ticks, y_ticks)
        below_words = upright_lines(frame)
    titles = text(left, _TOP - 2, one.y_title) if one.y_title else ""
    titles += text((left + width - _RIGHT) / 2, _HEIGHT - 6, one.x_title, "middle") if one.x_title else ""
    return frame, level_lines(frame) + below_words + titles


def _names_below(one: Drawing, frame: Frame) -> str:
    slot = (frame.x.end - frame.x.start) / max(len(one.names), 1)
    every = max(1, int(np.ceil((max(map(wide, one.names), default=0.0) + 12) / slot)))
    return "".join(text(frame.x(at), frame.y.start + 18, name, "middle")
                   for at, name in enumerate(one.names) if at % every == 0)  # fmt: skip


def _line(one: Drawing, width: int) -> tuple[str, float]:
    frame, drawn = _plane(one, width, zero=False)
    for which, group in enumerate(one.groups, 1):
        for run in _runs(group.low + group.high):
            above = [(frame.x(group.x[at]), frame.y(group.high[at])) for at in run]
            below = [(frame.x(group.x[at]), frame.y(group.low[at])) for at in reversed(run)]
            drawn += f'<polygon class="s{which} band" points="{_points(above + below)}"/>' if len(run) > 1 else ""
    for which, group in enumerate(one.groups, 1):
        for run in _runs(group.y):
            points = [(frame.x(group.x[at]), frame.y(group.y[at])) for at in run]
            drawn += f'<polyline class="s{which}" points="{_points(points)}"/>' if len(run) > 1 else _dot(
                *points[0], which)  # fmt: skip
        for at in np.flatnonzero(np.isfinite(group.measured)):
            drawn += _mark(frame.x(group.x[at]), frame.y(group.measured[at]), which)
    return drawn, _HEIGHT


def _scatter(one: Drawing, width: int) -> tuple[str, float]:
    frame, drawn = _plane(one, width, zero=False)
    for which, group in enumerate(one.groups, 1):
        for at in np.flatnonzero(np.isfinite(group.x) & np.isfinite(group.y)):
            x, y = frame.x(group.x[at]), frame.y(group.y[at])
            if np.isfinite(group.low[at] + group.high[at]):
                drawn += (f'<line class="s{which} whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.y(group.low[at]):.1f}"'
                          f' y2="{frame.y(group.high[at]):.1f}"/>')  # fmt: skip
            drawn += _dot(x, y, which)
    return drawn, _HEIGHT


def _bars(one: Drawing, width: int) -> tuple[str, float]:
    """Rows from the top: a bar from zero, or a point with its interval."""
    is_bar, many = one.form == "bar", len(one.groups)
    row = _ROW if many == 1 else 8 + 14 * many
    height = _TOP + row * max(len(one.names), 1) + 30 + (18 if one.y_title else 0)
    low, high = bounds(*(column for group in one.groups for column in (group.y, group.low, group.high, group.measured)),
                       zero=is_bar)  # fmt: skip
    room = min(max(map(wide, one.names), default=0.0) + 4, width * 0.4)
    ticks = ticks_for(low, high, max(width // 110, 2))
    bottom = _TOP + row * max(len(one.names), 1)
    edge = wide(tick_words(ticks)[-1]) / 2
    frame = Frame(Scale(ticks[0], ticks[-1], room + 10, width - max(_RIGHT, edge)), Scale(0, 1, bottom, _TOP), ticks)
    drawn = upright_lines(frame)
    drawn += text((frame.x.start + frame.x.end) / 2, height - 6, one.y_title, "middle") if one.y_title else ""
    for at, name in enumerate(one.names):
        drawn += text(room + 2, _TOP + (at + 0.5) * row + 4, short(name, room), "end")
    for which, group in enumerate(one.groups, 1):
        thick = row * 0.66 / many
        for at, place in enumerate(group.x):
            middle = _TOP + (place + 0.5) * row + (which - (many + 1) / 2) * thick
            drawn += _bar(group, at, frame, middle, thick, which, is_bar=is_bar)
    return drawn, height


def _bar(group: Group, at: int, frame: Frame, middle: float, thick: float, which: int, *, is_bar: bool) -> str:
    y, low, high = group.y[at], group.low[at], group.high[at]
    drawn = ""
    if is_bar and np.isfinite(y):
        ends = sorted((frame.x(max(0.0, frame.x.low)), frame.x(y)))
        drawn += (f'<rect class="s{which}" x="{ends[0]:.1f}" y="{middle - thick / 2:.1f}"'
                  f' width="{max(ends[1] - ends[0], 0.5):.1f}" height="{thick:.1f}"/>')  # fmt: skip
    if np.isfinite(low + high):
        kind = "edge" if is_bar else f"s{which} whisker"
        drawn += (f'<line class="{kind}" x1="{frame.x(low):.1f}" x2="{frame.x(high):.1f}" y1="{middle:.1f}"'
                  f' y2="{middle:.1f}"/>')  # fmt: skip
    if not is_bar and np.isfinite(y):
        drawn += _dot(frame.x(y), middle, which)
    if np.isfinite(group.measured[at]):
        drawn += _mark(frame.x(group.measured[at]), middle, which)
    return drawn


def _dot(x: float, y: float, which: int) -> str:
    """A disc, square, or tip, so that groups differ in their shapes, too."""
    if which % 3 == 2:
        return f'<rect class="s{which}" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    if which % 3 == 0:
        return f'<polygon class="s{which}" points="{_points([(x, y - 5), (x + 5, y + 4), (x - 5, y + 4)])}"/>'
    return f'<circle class="s{which}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'


def _mark(x: float, y: float, which: int) -> str:
    """What was measured: an open ring."""
    return f'<circle class="s{which} measured" cx="{x:.1f}" cy="{y:.1f}" r="3.4"/>'


def sign(form: str, which: int) -> str:
    """What stands for a group in a legend, in a picture of 28 by 12."""
    return f'<line class="s{which}" x1="0" y1="6" x2="28" y2="6"/>' if form == "line" else (
        f'<rect class="s{which}" x="8" width="12" height="12"/>' if form == "bar" else _dot(14, 6, which))


def legend(one: Drawing) -> list[tuple[str, str]]:
    """The signs of a chart, each 28 by 12 pixels, with their words."""
    found = [(sign(one.form, which), group.label) for which, group in enumerate(one.groups, 1) if len(one.groups) > 1]
    if any(np.isfinite(group.measured).any() for group in one.groups):
        found.append((_mark(14, 6, 1), one.measured_title or gettext("measured")))
    if any(np.isfinite(group.low + group.high).any() for group in one.groups):
        is_band = one.form == "line"
        found.append(('<rect class="s1 band" width="28" height="12"/>' if is_band else
                      f'<line class="{"edge" if one.form == "bar" else "s1 whisker"}" x1="0" y1="6" x2="28" y2="6"/>',
                      gettext("interval")))  # fmt: skip
    return found


def _runs(values: np.ndarray) -> list[list[int]]:
    """Stretches of known values; a gap stays a gap."""
    known = np.flatnonzero(np.isfinite(values)).tolist()
    runs = [[known[0]]] if known else []
    for before, at in pairwise(known):
        if at == before + 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
