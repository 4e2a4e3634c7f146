"""Findings over time: what goes on is one detection, told once and told better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cityloom.detection.domain.gathering import Finding
from cityloom.kernel.geometry import distance_m

LASTS_S = 3_600.0
"""What was last seen so long ago is over."""


@dataclass(frozen=True)
class Open:
    """What was told of a cause and may go on; `sources` are those that speak for it."""

    key: str
    category: str
    lon: float
    lat: float
    radius_m: float
    last_at: datetime
    sources: frozenset[str]


def speaking(finding: Finding) -> frozenset[str]:
    """The sources that speak for a finding."""
    return frozenset(item.source for item in finding.evidence if item.weight > 0)


def may_go_on(one: Open, at: datetime) -> bool:
    """Whether what was told is not over yet."""
    return (at - one.last_at).total_seconds() <= LASTS_S


def goes_on(finding: Finding, known: Iterable[Open]) -> Open | None:
    """What a finding is more of: of one cause, not long over, of the same sources or at the same place."""
    sources = speaking(finding)
    near = [(-len(sources & one.sources), _metres(finding, one), one.key, one) for one in known
            if one.category == finding.category and may_go_on(one, finding.at)]
    same = [row for row in near if row[0] < 0 or row[1] <= finding.radius_m + row[3].radius_m]
    return min(same)[3] if same else None


def merged(known: Open, finding: Finding) -> Open:
    """The same after a finding: at its place, and seen until now."""
    return Open(known.key, known.category, finding.lon, finding.lat, finding.radius_m, max(known.last_at, finding.at),
                known.sources | speaking(finding))  # fmt: skip


def _metres(finding: Finding, one: Open) -> float:
    return distance_m(finding.lon, finding.lat, one.lon, one.lat)
