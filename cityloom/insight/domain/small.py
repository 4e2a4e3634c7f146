"""Small counts are not told: a case that hardly any other resembles may be known to be somebody's."""

from __future__ import annotations

from typing import Any

FEWEST = 8


def told(cases: int) -> int | None:
    """A count of cases, or None for one to seven: fewer than 8."""
    return int(cases) if cases == 0 or cases >= FEWEST else None


def is_told(cases: int) -> bool:
    """Whether figures of so many cases may be shown."""
    return cases >= FEWEST


def seconds(microseconds: Any, cases: int) -> float | None:
    """A time of so many cases, in seconds; None where they are too few."""
    return round(float(microseconds) / 1e6, 1) if is_told(cases) else None


def hours(microseconds: Any, cases: int) -> float | None:
    """A sum of times of so many cases, in hours; None where they are too few."""
    return round(float(microseconds) / 3.6e9, 2) if is_told(cases) else None
