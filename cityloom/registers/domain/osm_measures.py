"""Levels and heights as people type them: `3`, `3.5`, `2;3`, `3-4`, `12 m`, `12,5`, `40'`, and nonsense."""

from __future__ import annotations

import math
import re

MOST_LEVELS = 200
MOST_METRES = 1000.0
_METRES_OF = {"": 1.0, "m": 1.0, "metres": 1.0, "meters": 1.0, "米": 1.0, "cm": 0.01, "ft": 0.3048, "feet": 0.3048}
_NUMBER = r"\d{1,6}(?:[.,]\d{1,6})?"
_SEVERAL = re.compile(rf"[~≈]?\s*({_NUMBER})(?:\s*(?:[;/~–-]|to|bis)\s*({_NUMBER}))*\s*\+?\s*([^\W\d_]*)\.?")
_FEET = re.compile(rf"({_NUMBER})\s*['’′](?:\s*({_NUMBER})\s*(?:[\"”″]|''))?")
_ABOVE_GROUND = re.compile(r"[GgRr]\s*\+\s*(\d{1,3})")
_STOREY_WORDS = {"", "层", "floors", "floor", "levels", "level", "storeys", "stories", "fl", "etages"}


def levels(text: str) -> float:
    """Storeys above the ground, the highest where a range or a list is given; NaN where the text names none.

    `G+3` and `R+3` are a ground floor and three above it.
    """
    text = text.strip()
    above = _ABOVE_GROUND.fullmatch(text)
    if above:
        return _within(1 + float(above[1]), MOST_LEVELS)
    several = _SEVERAL.fullmatch(text)
    if not several or several[3].lower() not in _STOREY_WORDS:
        return math.nan
    return _within(_largest(text), MOST_LEVELS)


def metres(text: str) -> float:
    """A height in metres, the highest where a range or a list is given; NaN where the text names none."""
    text = text.strip()
    feet = _FEET.fullmatch(text)
    if feet:
        return _within(0.3048 * _number(feet[1]) + 0.0254 * _number(feet[2] or "0"), MOST_METRES)
    several = _SEVERAL.fullmatch(text)
    factor = _METRES_OF.get(several[3].lower()) if several else None
    return math.nan if factor is None else _within(factor * _largest(text), MOST_METRES)


def _largest(text: str) -> float:
    return max(_number(found) for found in re.findall(_NUMBER, text))


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _within(value: float, most: float) -> float:
    return value if 0 < value <= most else math.nan
