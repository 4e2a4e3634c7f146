"""The frame of a chart: where values lie in the picture, its axes, and names that have room."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from cityloom.ui.charts import ticks_for

DIGIT = 7.2
"""Pixels of a digit, at the size of the sheet's .chart text."""
_YEARS = (1_000, 3_000)


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` lie between two pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Frame:
    """Where the picture's values lie, in pixels."""

    x: Scale
    y: Scale
    x_ticks: Sequence[float] = ()
    y_ticks: Sequence[float] = ()


def bounds(*columns: NDArray[np.float64], zero: bool = False) -> tuple[float, float]:
    """The least and the largest of what is known; with `zero`, zero is between them."""
    known = np.concatenate([one[np.isfinite(one)] for one in columns] or [np.zeros(0)])
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    return (min(low, 0.0), max(high, 0.0)) if zero else (low, high)


def tick_words(ticks: Sequence[float]) -> list[str]:
    """Ticks with as many decimals as tell one from the next; years stand as they are."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else max(map(abs, ticks), default=1.0) or 1.0
    if max(map(abs, ticks), default=0.0) >= 1e9 or step < 1e-6:
        return [f"{tick:.4g}" for tick in ticks]
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    if not decimals and all(_YEARS[0] <= tick <= _YEARS[1] for tick in ticks):
        return [f"{tick:.0f}" for tick in ticks]
    return [f"{tick + 0.0:,.{decimals}f}" for tick in ticks]


def inner_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values between two others."""
    for count in (max(most, 2), 2 * most, 4 * most):
        found = [tick for tick in ticks_for(low, high, count) if low - 1e-9 <= tick <= high + 1e-9]
        if len(found) > 1:
            break
    return found


def wide(label: str) -> float:
    """How many pixels a word takes."""
    return sum(DIGIT if ord(letter) < 0x2E80 else 2 * DIGIT for letter in label)


def short(label: str, room: float) -> str:
    """A word, cut where it has no room."""
    if wide(label) <= room:
        return label
    while label and wide(label) + DIGIT > room:
        label = label[:-1]
    return f"{label.rstrip()}…"


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Words in the picture."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def level_lines(frame: Frame) -> str:
    """Lines across for the values of y, with their words at the left."""
    left, right = frame.x.start, frame.x.end
    return "".join(
        f'<line class="{"base" if tick == 0 else "grid"}" x1="{left:.1f}" x2="{right:.1f}" y1="{frame.y(tick):.1f}"'
        f' y2="{frame.y(tick):.1f}"/>{text(left - 6, frame.y(tick) + 4, words, "end")}'
        for tick, words in zip(frame.y_ticks, tick_words(frame.y_ticks), strict=True)
    )


def upright_lines(frame: Frame) -> str:
    """Lines down for the values of x, with their words below."""
    top, bottom = frame.y.end, frame.y.start
    return "".join(
        f'<line class="{"base" if tick == 0 else "grid"}" x1="{frame.x(tick):.1f}" x2="{frame.x(tick):.1f}"'
        f' y1="{top:.1f}" y2="{bottom:.1f}"/>{text(frame.x(tick), bottom + 18, words, "middle")}'
        for tick, words in zip(frame.x_ticks, tick_words(frame.x_ticks), strict=True)
    )
