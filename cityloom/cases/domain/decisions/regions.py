"""Which values of one ordered type a cell allows: a set of intervals, exact under and, or and not.

A cut is a place between values: before or after one, or at an end of the line. An interval lies between two cuts, so
that open and closed ends are one thing. Values of discrete types (days, true and false) are whole numbers, cut before
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

Cut = tuple[Any, ...]
Interval = tuple[Cut, Cut]
Region = tuple[Interval, ...]
"""Sorted; no two intervals touch."""
BEFORE, AT, AFTER = -1, 0, 1
LEAST: Cut = (-1,)
MOST: Cut = (1,)
EVERYTHING: Region = ((LEAST, MOST),)
NOTHING: Region = ()


def cut(value: Any, side: int, *, discrete: bool) -> Cut:
    """The place before or after a value."""
    return (0, value + 1, BEFORE) if discrete and side == AFTER else (0, value, side)


def between(low: Cut, high: Cut) -> Region:
    """The values between two cuts."""
    return ((low, high),) if low < high else NOTHING


def union(regions: Iterable[Region]) -> Region:
    """What is in any of them."""
    joined: list[Interval] = []
    for low, high in sorted(interval for region in regions for interval in region):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def complement(region: Region) -> Region:
    """What is not in it."""
    edges = [LEAST, *(edge for interval in region for edge in interval), MOST]
    return tuple((low, high) for low, high in zip(edges[::2], edges[1::2], strict=True) if low < high)


def intersection(one: Region, other: Region) -> Region:
    """What is in both."""
    pieces = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple(sorted(piece for piece in pieces if piece[0] < piece[1]))


def contains(region: Region, value: Any) -> bool:
    """Whether a value is in it."""
    at = (0, value, AT)
    return any(low < at < high for low, high in region)


def pieces_of(regions: Iterable[Region], universe: Region) -> list[Interval]:
    """The line of the universe, in the pieces that none of the regions divides."""
    edges = sorted({edge for region in (universe, *regions) for interval in region for edge in interval})
    return [cell for cell in pairwise(edges) if intersection((cell,), universe)]


def mask_of(region: Region, pieces: list[Interval]) -> int:
    """Which of the pieces lie in it, as bits."""
    bits, at = 0, 0
    for number, (low, high) in enumerate(pieces):
        while at < len(region) and region[at][1] <= low:
            at += 1
        if at < len(region) and region[at][0] <= low and high <= region[at][1]:
            bits |= 1 << number
    return bits


def words(region: Region, literal: Callable[[Any], str], *, discrete: bool) -> str:
    """The region as unary tests of S-FEEL."""
    if region == EVERYTHING:
        return "-"
    points = [_point(interval, discrete=discrete) for interval in complement(region)]
    if points and len(region) > 1 and all(point is not None for point in points):
        return f"not({', '.join(literal(point[0]) for point in points if point)})"
    return ", ".join(_interval(interval, literal, discrete=discrete) for interval in region) or "nothing"


def _point(interval: Interval, *, discrete: bool) -> tuple[Any] | None:
    """The one value of an interval that has only one."""
    low, high = interval
    if LEAST in interval or MOST in interval:
        return None
    if discrete:
        return (low[1],) if high[1] == low[1] + 1 else None
    return (low[1],) if low[1] == high[1] else None


def _interval(interval: Interval, literal: Callable[[Any], str], *, discrete: bool) -> str:
    low, high = interval
    point = _point(interval, discrete=discrete)
    if point is not None:
        return literal(point[0])
    ends = "" if high == MOST else literal(high[1] - 1 if discrete else high[1])
    closed = discrete or (high != MOST and high[2] == AFTER)
    if low == LEAST:
        return f"{'<=' if closed else '<'} {ends}"
    begins = literal(low[1])
    if high == MOST:
        return f"{'>=' if low[2] == BEFORE else '>'} {begins}"
    return f"{'[' if low[2] == BEFORE else '('}{begins}..{ends}{']' if closed else ')'}"
