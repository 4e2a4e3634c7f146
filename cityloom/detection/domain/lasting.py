"""Tell what lasts, and tell it once: of findings at each look, those that are news.

A finding must have been there for as long as its cause asks. One that rests on a source of a finding that was told is
more of the same: a queue that dissolves moves, and gas spreads further than any picture of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cityloom.detection.domain.gathering import Finding
from cityloom.kernel.geometry import distance_m

_NEAR_M = 300.0
_LOOK_S = 600.0
"""Looks are at most so far apart; where there is no finding for longer, it has not lasted."""
_OVER_S = 3600.0
"""What has not been found for so long is over; what comes then is told anew."""


@dataclass
class _Track:
    category: str
    lon: float
    lat: float
    since_s: float
    last_s: float


@dataclass
class _Open:
    category: str
    sources: set[str]
    last_s: float


@dataclass
class Lasting:
    """Remembers what has been found where from when on, and told; `lasts_s` is by category, 0 where none is given."""

    lasts_s: Mapping[str, float]
    _tracks: list[_Track] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)

    def told(self, found: Sequence[Finding], at_s: float) -> list[Finding]:
        """Those of the findings of a look that are news. Looks are in order of time."""
        self._tracks = [track for track in self._tracks if at_s - track.last_s <= _LOOK_S]
        self._open = [one for one in self._open if at_s - one.last_s <= _OVER_S]
        return [one for one in found if self._is_news(one, at_s)]

    def lasted(self, found: Sequence[Finding], at_s: float) -> list[Finding]:
        """Those of the findings of a look that have been there for long enough, news or not."""
        self._tracks = [track for track in self._tracks if at_s - track.last_s <= _LOOK_S]
        return [one for one in found if at_s - self._since(one, at_s) >= self.lasts_s.get(one.category, 0.0)]

    def _is_news(self, one: Finding, at_s: float) -> bool:
        has_lasted = at_s - self._since(one, at_s) >= self.lasts_s.get(one.category, 0.0)
        sources = {item.source for item in one.evidence if item.weight > 0}
        known = next((each for each in self._open if each.category == one.category and each.sources & sources), None)
        if known is not None:
            known.sources |= sources
            known.last_s = at_s
        elif has_lasted:
            self._open.append(_Open(one.category, sources, at_s))
        return has_lasted and known is None

    def _since(self, one: Finding, at_s: float) -> float:
        """Since when it has been found here; the track follows it as its place gets clearer."""
        near = _NEAR_M + one.radius_m
        track = next((track for track in self._tracks if track.category == one.category
                      and distance_m(track.lon, track.lat, one.lon, one.lat) <= near), None)  # fmt: skip
        if track is None:
            track = _Track(one.category, one.lon, one.lat, at_s, at_s)
            self._tracks.append(track)
        track.lon, track.lat, track.last_s = one.lon, one.lat, at_s
        return track.since_s
