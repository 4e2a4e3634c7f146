"""What anybody may know of what is reported already near a place: category, state, since when, by how many."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Count, F, Q

from cityloom.cases import catalogue
from cityloom.cases.domain import numbers
from cityloom.cases.domain.duplicates.pairs import reach_m
from cityloom.cases.models import Case, CaseFollower
from cityloom.kernel import cells
from cityloom.kernel.geometry import LocalProjection

PUBLIC = Q(casetype="request", exercise_id="", confidentiality__in=("open", "internal"))
"""Of which cases the place, category, state and dates are told to anybody, as Open311 does."""
NEAR_M, MOST_NEAR = 80.0, 8


@dataclass(frozen=True)
class NearMatter:
    """An open matter near a place; `reporters` counts reports and those who said that they have the same."""

    case_id: str
    number: int
    metres: float
    category: str
    state: str
    since: datetime
    reporters: int

    @property
    def spoken(self) -> str:
        """The number as people say it."""
        return numbers.spoken(self.number)


def near(lon: float, lat: float, category: str, at: datetime) -> list[NearMatter]:
    """The open public matters of a category ("" for any) near a place, the nearest first."""
    radius = NEAR_M + 2 * reach_m(category)
    rows = Case.objects.filter(PUBLIC, is_open=True, matter=F("id"), cell__in=cells.cover_circle(lon, lat, radius))
    rows = rows.filter(category=category) if category else rows
    found = list(rows.filter(opened_at__lte=at).values_list(
        "id", "number", "lon", "lat", "category", "state", "opened_at", "version"))  # fmt: skip
    if not found:
        return []
    metres = np.hypot(*LocalProjection(lon, lat).xy([one[2] for one in found], [one[3] for one in found]).T)
    order = np.argsort(metres, kind="stable").tolist()
    shown = [at for at in order if metres[at] <= radius and _is_on_map(found[at][7])][:MOST_NEAR]
    counted = reporters_of([found[at][0] for at in shown])
    return [NearMatter(found[at][0], found[at][1], round(float(metres[at])), *found[at][4:7], counted[found[at][0]])
            for at in shown]  # fmt: skip


def _is_on_map(version: int) -> bool:
    return catalogue.casetype_of("request", version).access.is_on_map


def reporters_of(matters: Collection[str]) -> dict[str, int]:
    """How many people each matter concerns: its reports, and those who said that they have the same."""
    reports = Case.objects.filter(matter__in=matters).values("matter").annotate(count=Count("number"))
    found = {one["matter"]: one["count"] for one in reports}
    more = CaseFollower.objects.filter(case__matter__in=matters, is_first=False).values("case__matter")
    for one in more.annotate(count=Count("id")):
        found[one["case__matter"]] += one["count"]
    return found
