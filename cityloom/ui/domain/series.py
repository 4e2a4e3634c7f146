"""Counts over time, for the line beside a figure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta

HOURS = 24
Series = list[tuple[datetime, float]]
Span = tuple[datetime, datetime | None]
"""When something began, and when it ended; None while it lasts."""


def hours_to(at: datetime, hours: int = HOURS) -> list[datetime]:
    """An instant and those at full hours before it, in time order."""
    return [at - timedelta(hours=back) for back in range(hours, -1, -1)]


def lasting(spans: Iterable[Span], instants: Iterable[datetime]) -> Series:
    """How many spans lasted at each instant: from their beginning, until and without their end."""
    known = list(spans)
    begins = sorted(begin for begin, _ in known)
    ends = sorted(end for _, end in known if end is not None)
    return [(at, float(bisect_right(begins, at) - bisect_right(ends, at))) for at in instants]


def happened(times: Iterable[datetime], instants: list[datetime]) -> Series:
    """How many things happened between each instant (without it) and the one before."""
    known = sorted(times)
    edges = [bisect_right(known, at) for at in instants]
    return [(at, float(edge - before)) for at, before, edge in zip(instants[1:], edges, edges[1:], strict=False)]
