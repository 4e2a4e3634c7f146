"""What the register answers about plans of zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import shapely


@dataclass(frozen=True)
class PlanFacts:
    """A plan; `figures` has `zones`, `cells`, `uneven`, `spread`, `compactness`, and `moved` where it follows another;
    `counted` has how many of each kind its loads were counted from, `counted_from` which register they came from.

    `is_in_force` is on the day that was asked about.
    """

    id: str
    name: str
    state: str
    based_on: str
    wanted: int
    weights: Mapping[str, float]
    figures: Mapping[str, Any]
    made_at: datetime
    changed_at: datetime
    published_at: datetime | None
    valid_from: date | None
    valid_until: date | None
    is_in_force: bool


@dataclass(frozen=True)
class ZoneFacts:
    """A zone: `share` is its load in shares of its subdistrict's mean, `reason` why it is not even."""

    number: int
    code: str
    unit_id: str
    subdistrict_id: str
    cells: int
    load: float
    share: float
    area_m2: float
    compactness: float
    reason: str
    outline: shapely.Geometry

    @property
    def deviation(self) -> float:
        """How far from the mean, in percent."""
        return (self.share - 1) * 100


@dataclass(frozen=True)
class SubdistrictFacts:
    """The zones of one subdistrict summed up: `least` and `most` are loads in shares of their mean."""

    id: str
    zones: int
    uneven: int
    mean: float
    least: float
    most: float
    compactness: float


@dataclass(frozen=True)
class BorderCell:
    """A cell at the edge of a zone, and a zone that it could join, with the loads that both would have then."""

    cell: int
    load: float
    to_code: str
    share_here: float
    share_there: float


@dataclass(frozen=True)
class Effect:
    """What a change by hand did: the zones concerned as they were and as they are."""

    before: Sequence[ZoneFacts]
    after: Sequence[ZoneFacts]


@dataclass(frozen=True)
class PlanDifference:
    """One plan beside another: cells that change zones, and by zone (code, load before, load after), the largest first.

    `only_before` and `only_after` are cells that one of the plans does not have.
    """

    before: PlanFacts
    after: PlanFacts
    cells: int
    moved: int
    only_before: int
    only_after: int
    changed: Sequence[tuple[str, float, float]]

    @property
    def moved_share(self) -> float:
        """Of the cells that both have."""
        return self.moved / self.cells if self.cells else 0.0
