"""Charts as SVG, drawn on the server: colours come from the sheet's classes, so that they follow the theme.

Each picture is drawn for a width: a page shows the narrow or the wide one, so that words keep their size. Whoever
cannot see it reads the table behind it; colour is never the only sign, since lines differ in dashes and bars stand in
the legend's order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Literal

NARROW, WIDE = 340, 760
_HEIGHT, _TOP, _BELOW, _RIGHT = 240, 12, 28, 10
_DIGIT = 7.2  # pixels, at the size of the sheet's .chart text
_LEAST_SPAN = 1e-9
_KINDS = 6  # as many --series-n as the sheet has


@dataclass(frozen=True)
class Series:
    """Values of one thing, one for each label of the chart; None where nothing is known."""

    label: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """What is drawn and what stands in the table: `labels` name the points or bars, `unit` the values."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    kind: Literal["bar", "line", "stacked"] = "bar"
    unit: str = ""
    first_column: str = ""

    def rows(self) -> list[tuple[str, list[str]]]:
        """The table: a label and the values beside it, as words."""
        return [
            (label, [number(series.values[at]) for series in self.series]) for at, label in enumerate(self.labels)
        ]

    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value is not None for series in self.series for value in series.values)


@dataclass(frozen=True)
class _Frame:
    """The part of the picture in which values lie, in pixels, and the ticks of its axis."""

    left: float
    right: float
    top: float
    bottom: float
    ticks: Sequence[float]

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)

    def slot(self, count: int) -> float:
        return (self.right - self.left) / max(count, 1)


def draw(chart: Chart, *, width: int = WIDE, height: int = _HEIGHT) -> str:
    """An SVG element of that width for `figure`, `bar` charts side by side, `stacked` on each other, or a `line`."""
    frame = _frame(chart, width, height)
    shapes = {"bar": _bars, "stacked": _stacks, "line": _lines}[chart.kind](chart, frame)
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-label="{escape(chart.title)}">{_axis(frame)}{_names(chart, frame)}{"".join(shapes)}</svg>'
    )


def sparkline(values: Sequence[float | None], *, width: int = 120, height: int = 28) -> str:
    """A line without words; the last value is a dot. Empty where there are fewer than two values.

    It is hidden from screen readers: the figure beside it and its table say the same.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    frame = _Frame(2, width - 4, 4, height - 4, (low, high if high > low else low + 1))
    step = (frame.right - frame.left) / (len(values) - 1)
    points = [
        (frame.left + at * step, frame.y(value))
        for at, value in enumerate(values)
        if value is not None and math.isfinite(value)
    ]
    x, y = points[-1]
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true"'
        f' focusable="false"><polyline class="s1" points="{_points(points)}"/>'
        f'<circle class="s1" cx="{x:.1f}" cy="{y:.1f}" r="3"/></svg>'
    )


def number(value: float | None) -> str:
    """A value as words: grouped, with decimals only where they matter; a dash for what is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    words = f"{value:,.{digits}f}"
    return words.rstrip("0").rstrip(".") if "." in words else words


def ticks_for(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from at most `low` to at least `high`, evenly spaced."""
    if high - low < _LEAST_SPAN * max(1.0, abs(low)):
        high = low + max(1.0, abs(low))
    span = high - low
    step = 10.0 ** math.floor(math.log10(span / most))
    step *= next(factor for factor in (1, 2, 5, 10, 20) if span / (step * factor) <= most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [tick * step for tick in range(first, max(last, first + 1) + 1)]


def _frame(chart: Chart, width: int, height: int) -> _Frame:
    low, high = _range(chart)
    ticks = ticks_for(low, high)
    left = 8 + _DIGIT * max(len(number(tick)) for tick in ticks)
    return _Frame(left, width - _RIGHT, _TOP, height - _BELOW, ticks)


def _range(chart: Chart) -> tuple[float, float]:
    if chart.kind == "stacked":
        values = [sum(_known(column)) for column in zip(*(series.values for series in chart.series), strict=True)]
    else:
        values = [value for series in chart.series for value in _known(series.values)]
    return min(0.0, min(values, default=0.0)), max(0.0, max(values, default=1.0))


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _axis(frame: _Frame) -> str:
    return "".join(
        f'<line class="{"base" if tick == 0 else "grid"}" x1="{frame.left:.1f}" x2="{frame.right:.1f}"'
        f' y1="{frame.y(tick):.1f}" y2="{frame.y(tick):.1f}"/>'
        f'<text x="{frame.left - 6:.1f}" y="{frame.y(tick) + 4:.1f}" text-anchor="end">{number(tick)}</text>'
        for tick in frame.ticks
    )


def _names(chart: Chart, frame: _Frame) -> str:
    """Names below, as many as have room; the first always."""
    slot = frame.slot(len(chart.labels))
    widest = max((_wide(label) for label in chart.labels), default=0) + 12
    every = max(1, math.ceil(widest / slot))
    return "".join(
        f'<text x="{frame.left + (at + 0.5) * slot:.1f}" y="{frame.bottom + 18:.1f}" text-anchor="middle">'
        f"{escape(label)}</text>"
        for at, label in enumerate(chart.labels)
        if at % every == 0
    )


def _wide(label: str) -> float:
    return sum(_DIGIT if ord(letter) < 0x2E80 else 2 * _DIGIT for letter in label)


def _bars(chart: Chart, frame: _Frame) -> list[str]:
    slot, count = frame.slot(len(chart.labels)), len(chart.series)
    wide = min(slot * 0.72 / count, 48)
    return [
        _bar(frame, series, at, frame.left + (at + 0.5) * slot + (which - count / 2) * wide, wide - 1, 0.0, which)
        for which, series in enumerate(chart.series)
        for at in range(len(chart.labels))
        if series.values[at] is not None
    ]


def _stacks(chart: Chart, frame: _Frame) -> list[str]:
    slot = frame.slot(len(chart.labels))
    wide = min(slot * 0.72, 56)
    drawn = []
    for at in range(len(chart.labels)):
        below = 0.0
        for which, series in enumerate(chart.series):
            value = series.values[at]
            if value:
                drawn.append(_bar(frame, series, at, frame.left + (at + 0.5) * slot - wide / 2, wide, below, which))
                below += value
    return drawn


def _bar(frame: _Frame, series: Series, at: int, x: float, wide: float, below: float, which: int) -> str:
    value = series.values[at] or 0.0
    ends = sorted((frame.y(below), frame.y(below + value)))
    return (
        f'<rect class="s{which % _KINDS + 1}" x="{x:.1f}" y="{ends[0]:.1f}" width="{max(wide, 1):.1f}"'
        f' height="{max(ends[1] - ends[0], 0.5):.1f}"/>'
    )


def _lines(chart: Chart, frame: _Frame) -> list[str]:
    slot = frame.slot(len(chart.labels))
    drawn = []
    for which, series in enumerate(chart.series):
        for run in _runs(series.values):
            points = [(frame.left + (at + 0.5) * slot, frame.y(value)) for at, value in run]
            kind = f"s{which % _KINDS + 1}"
            if len(points) == 1:
                drawn.append(f'<circle class="{kind}" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="3"/>')
            else:
                drawn.append(f'<polyline class="{kind}" points="{_points(points)}"/>')
    return drawn


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches of known values; a gap stays a gap."""
    known = [(at, value) for at, value in enumerate(values) if value is not None and math.isfinite(value)]
    runs: list[list[tuple[int, float]]] = [[known[0]]] if known else []
    for (before, _), (at, value) in pairwise(known):
        if at == before + 1:
            runs[-1].append((at, value))
        else:
            runs.append([(at, value)])
    return runs


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
