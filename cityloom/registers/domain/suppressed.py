"""Counts of people as they may be told: few of them are not told apart, many are rounded."""

from __future__ import annotations

FEW = 7
_STEP = 5


def told_count(count: int) -> str:
    """Seven or fewer are not told apart, and more are rounded to five: the rule of the gate's statistics."""
    return f"≤ {FEW}" if count <= FEW else f"≈ {_STEP * round(count / _STEP)}"
