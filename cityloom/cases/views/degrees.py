"""Places as numbers that somebody typed."""

from __future__ import annotations

from cityloom.kernel.refused import Refused


def degrees(text: str, most: int) -> float | None:
    """A coordinate; None for an empty one. Raises: Refused `cases.place`."""
    if not text.strip():
        return None
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not -most <= found <= most:
        raise Refused("cases.place", "{value} is no coordinate; give degrees between {limit}, as in 114.0579.",
                      value=text.strip()[:24], limit=f"-{most}, {most}")  # fmt: skip
    return found


def share(text: str) -> float | None:
    """A part of one, as 0.95; None for an empty one. Raises: Refused `cases.threshold`."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError as error:
        raise Refused("cases.threshold", "{value} is no threshold; it lies between {limit}.",
                      value=text.strip()[:24], limit="0.5, 1.0") from error  # fmt: skip
