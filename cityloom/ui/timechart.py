"""Readings over time as SVG, with the band of what is usual and the moments that matter; a table says the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import pairwise

from django.utils.formats import date_format
from django.utils.timezone import localtime

from cityloom.ui.charts import ticks_for

_HEIGHT, _TOP, _BELOW, _RIGHT = 220, 22, 28, 12
_DIGIT = 7.2
_STEPS_S = (60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600)
_DAY_S = 86_400
_GAP = 4.0
"""Times the usual distance of two readings, from where on the line is broken."""
_MOST_ROWS = 48
Pair = tuple[float, float]


@dataclass(frozen=True)
class TimeChart:
    """Readings by instant, oldest first.

    `spread` is the lowest and highest of what a point stands for, `usual` what was expected then, from and to; both
    may be empty, and a pair of NaN is not known. `moments` are marked with a word each.
    """

    title: str
    unit: str
    since: datetime
    until: datetime
    at: Sequence[datetime]
    value: Sequence[float]
    spread: Sequence[Pair] = ()
    usual: Sequence[Pair] = ()
    moments: Sequence[tuple[datetime, str]] = ()

    def rows(self) -> list[tuple[datetime, list[str], list[str]]]:
        """The table in words, in at most 48 stretches: since when; lowest, mean, highest; what was usual at first."""
        ticks = _ticks(self)
        return [(at, [_words(value, ticks) for value in values], [_words(value, ticks) for value in usual])
                for at, values, usual in self._stretches()]  # fmt: skip

    def _stretches(self) -> list[tuple[datetime, tuple[float, ...], Pair | tuple[()]]]:
        size = max(-(-len(self.at) // _MOST_ROWS), 1)
        return [self._row(start, min(start + size, len(self.at))) for start in range(0, len(self.at), size)]

    def _row(self, start: int, end: int) -> tuple[datetime, tuple[float, ...], Pair | tuple[()]]:
        spread = self.spread[start:end] or [(value, value) for value in self.value[start:end]]
        usual = self.usual[start] if self.usual and math.isfinite(self.usual[start][0]) else ()
        mean = sum(self.value[start:end]) / (end - start)
        return self.at[start], (min(low for low, _ in spread), mean, max(high for _, high in spread)), usual


@dataclass(frozen=True)
class _Frame:
    left: float
    right: float
    top: float
    bottom: float
    ticks: Sequence[float]
    since: float
    until: float

    def x(self, at: datetime) -> float:
        share = (at.timestamp() - self.since) / max(self.until - self.since, 1e-6)
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return self.bottom - min(max((value - low) / (high - low), 0.0), 1.0) * (self.bottom - self.top)


def draw(chart: TimeChart, *, width: int, height: int = _HEIGHT) -> str:
    """An SVG element of that width."""
    frame = _frame(chart, width, height)
    shapes = [*_areas("usual", chart.at, chart.usual, frame), *_areas("spread", chart.at, chart.spread, frame),
              *_lines(chart, frame), *_moments(chart, frame)]  # fmt: skip
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-label="{escape(chart.title)}">{_values(frame)}{_times(frame)}{"".join(shapes)}</svg>'
    )


def _frame(chart: TimeChart, width: int, height: int) -> _Frame:
    ticks = _ticks(chart)
    left = 8 + _DIGIT * max(len(_tick(tick, ticks)) for tick in ticks)
    return _Frame(left, width - _RIGHT, _TOP, height - _BELOW, ticks, chart.since.timestamp(), chart.until.timestamp())


def _ticks(chart: TimeChart) -> list[float]:
    every = [*chart.value, *(value for pair in (*chart.spread, *chart.usual) for value in pair)]
    known = [value for value in every if math.isfinite(value) and abs(value) < 1e100]
    return ticks_for(min(known, default=0.0), max(known, default=1.0))


def _words(value: float, ticks: Sequence[float]) -> str:
    """A value of the table, one decimal finer than the ticks."""
    return _tick(value, (0.0, (ticks[1] - ticks[0]) / 10))


def _tick(value: float, ticks: Sequence[float]) -> str:
    """A value with as many decimals as tell it from the next."""
    step = ticks[1] - ticks[0]
    if max(abs(value), step) >= 1e9 or step < 1e-6:
        return f"{value:.6g}"
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    return f"{value + 0.0:,.{decimals}f}"


def _values(frame: _Frame) -> str:
    return "".join(
        f'<line class="grid" x1="{frame.left:.1f}" x2="{frame.right:.1f}" y1="{frame.y(tick):.1f}"'
        f' y2="{frame.y(tick):.1f}"/><text x="{frame.left - 6:.1f}" y="{frame.y(tick) + 4:.1f}" text-anchor="end">'
        f"{_tick(tick, frame.ticks)}</text>"
        for tick in frame.ticks
    )


def _times(frame: _Frame) -> str:
    """Round times of the city's zone below, as many as have room."""
    room = max(int((frame.right - frame.left) // 64), 1)
    span = frame.until - frame.since
    step = next((one for one in _STEPS_S if span / one <= room), _STEPS_S[-1])
    first = localtime(datetime.fromtimestamp(frame.since, tz=UTC))
    at = first.replace(hour=0, minute=0, second=0, microsecond=0)
    drawn = []
    while at.timestamp() <= frame.until and len(drawn) < 2 * room:
        if at.timestamp() >= frame.since:
            words = date_format(at, "m-d" if step >= _DAY_S or (at.hour == 0 and at.minute == 0) else "H:i")
            drawn.append(f'<text x="{frame.x(at):.1f}" y="{frame.bottom + 18:.1f}" text-anchor="middle">{words}</text>')
        at = localtime(at + timedelta(seconds=step))
    return "".join(drawn)


def _areas(kind: str, at: Sequence[datetime], pairs: Sequence[Pair], frame: _Frame) -> list[str]:
    """What lies between two lines, in stretches without a gap."""
    drawn = []
    for run in _runs(at, [pair[0] + pair[1] for pair in pairs] if pairs else []):
        above = [(frame.x(at[row]), frame.y(pairs[row][1])) for row in run]
        below = [(frame.x(at[row]), frame.y(pairs[row][0])) for row in reversed(run)]
        drawn.append(f'<polygon class="{kind}" points="{_points([*above, *below])}"/>' if len(run) > 1 else "")
    return drawn


def _lines(chart: TimeChart, frame: _Frame) -> list[str]:
    drawn = []
    for run in _runs(chart.at, chart.value):
        points = [(frame.x(chart.at[row]), frame.y(chart.value[row])) for row in run]
        if len(points) == 1:
            drawn.append(f'<circle class="s1" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2.5"/>')
        else:
            drawn.append(f'<polyline class="s1" points="{_points(points)}"/>')
    return drawn


def _moments(chart: TimeChart, frame: _Frame) -> list[str]:
    drawn = []
    for at, words in chart.moments:
        x = frame.x(at)
        side = "end" if x > (frame.left + frame.right) / 2 else "start"
        drawn.append(
            f'<line class="moment" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top:.1f}" y2="{frame.bottom:.1f}"/>'
            f'<text class="moment" x="{x:.1f}" y="{frame.top - 7:.1f}" text-anchor="{side}">{escape(words)}</text>'
        )
    return drawn


def _runs(at: Sequence[datetime], values: Sequence[float]) -> list[list[int]]:
    """Rows of known values that follow each other without a gap."""
    known = [row for row, value in enumerate(values) if math.isfinite(value)]
    steps = sorted((at[after] - at[before]).total_seconds() for before, after in pairwise(known))
    most = _GAP * steps[len(steps) // 2] if steps else 0.0
    runs = [[known[0]]] if known else []
    for before, after in pairwise(known):
        if (at[after] - at[before]).total_seconds() <= most:
            runs[-1].append(after)
        else:
            runs.append([after])
    return runs


def _points(points: Sequence[Pair]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
