"""What happened and was not detected: how it became known, and when a detection did speak of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from cityloom.kernel.geometry import distance_m

SOURCES = ("call", "report", "crew", "inspection", "department", "media", "incident")
"""How it became known; `incident` is a matter that people opened without a detection."""
NEAR_M = 300.0
NEAR = timedelta(days=1)
"""A detection so near, in place and time, was of the same event."""


def is_same(
    lon: float, lat: float, happened_at: datetime, other_lon: float, other_lat: float, since: datetime,
    until: datetime, radius_m: float = 0.0,
) -> bool:  # fmt: skip
    """Whether something between two instants, within `radius_m` of a place, was the same event."""
    near = distance_m(lon, lat, other_lon, other_lat) <= NEAR_M + radius_m
    return near and since - NEAR <= happened_at <= until + NEAR
