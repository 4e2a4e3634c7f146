"""The daily look for hot spots over the city's own cases: by place and category, never by person."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cityloom.bus import actions as bus
from cityloom.cases import queries as cases
from cityloom.insight import events
from cityloom.insight.domain.hotspots.watching import Noticed, Watch, noticed
from cityloom.insight.domain.small import told
from cityloom.insight.models import HotspotAlarm, HotspotLook
from cityloom.kernel import cells, ids
from cityloom.kernel.refused import Refused

WATCHED = ("request",)
"""Types of cases that come from outside, of which a rise says something about a place."""
RESOLUTION, COARSE, MOST_PLACES = 9, 8, 2_500
"""Cells of about 0.1 km2, or of 0.7 where cases lie in more than 2,500 of them."""
QUIET = timedelta(days=28)
"""So long after its answer the same place and category is not told again."""
_SHARE_OF_OFFICE = 0.1


@dataclass(frozen=True)
class Looked:
    """What a look was over, and the ids of the alarms that it raised or brought up to date."""

    day: date
    cases: int
    places: int
    categories: int
    raised: Sequence[str]
    renewed: Sequence[str]


def is_due(day: date) -> bool:
    """Whether nobody has looked on a day."""
    return not HotspotLook.objects.filter(day=day).exists()


def usual_watch() -> Watch:
    """How this city looks."""
    return replace(Watch(), per_year=settings.CITYLOOM_HOTSPOT_ALARMS_PER_YEAR)


def look(at: datetime, watch: Watch) -> Looked:
    """Look at the days before the instant's; the same day again finds the same, and tells nothing twice."""
    day = timezone.localtime(at).date()
    raised, renewed, seen, places, kinds = list[str](), list[str](), 0, 0, 0
    for name in WATCHED:
        counts = _counts(name, day, watch)
        seen, places, kinds = (
            seen + int(counts.counts.sum()),
            places + len(counts.cells),
            kinds + len(counts.categories),
        )
        for at_row in (row for row, category in enumerate(counts.categories) if category):
            for one in _noticed(counts, at_row, day, watch):
                key, is_new = _tell(counts, at_row, one, watch, at)
                if key:
                    (raised if is_new else renewed).append(key)
    HotspotLook.objects.update_or_create(
        day=day, defaults={"looked_at": at, "cases": seen, "places": places, "categories": kinds, "raised": len(raised)}
    )
    return Looked(day, seen, places, kinds, raised, renewed)


def _counts(casetype: str, day: date, watch: Watch) -> cases.PlaceCounts:
    since = day - timedelta(days=watch.days)
    found = cases.counts_by_place(casetype, since, day, RESOLUTION)
    return found if len(found.cells) <= MOST_PLACES else cases.counts_by_place(casetype, since, day, COARSE)


def _noticed(counts: cases.PlaceCounts, row: int, day: date, watch: Watch) -> list[Noticed]:
    category = counts.categories[row]
    lonlat = np.array([cells.centre_of(int(one)) for one in counts.cells]).reshape(-1, 2)
    weekday = np.array([one.weekday() for one in counts.days])
    seed = zlib.crc32(f"{counts.casetype} {category} {day}".encode())
    return noticed(counts.counts[row].astype(np.float64), lonlat, weekday, counts.is_off, watch, seed,
                   _watches(counts.units, category))  # fmt: skip


def _watches(units: Mapping[str, Mapping[str, int]], category: str) -> int:
    """How many categories the office of this one answers for: those of which it has a tenth of the cases or more."""
    office = Counter(units[category]).most_common(1)[0][0]
    return sum(1 for has in units.values() if has.get(office, 0) >= _SHARE_OF_OFFICE * sum(has.values()))


def _tell(counts: cases.PlaceCounts, row: int, one: Noticed, watch: Watch, at: datetime) -> tuple[str, bool]:
    """Raise an alarm, or bring the one of the same place and category up to date; ("", False) where it was answered."""
    members = [str(int(cell)) for cell in counts.cells[one.cluster.places]]
    facts = _facts(counts, row, one, members, watch, at)
    before = _before(counts.categories[row], set(members), at)
    if before is not None:
        if before.answer or facts["until_on"] == before.until_on:
            return "", False
        facts |= {"unit": before.unit, "since_on": min(before.since_on, facts["since_on"])}
        HotspotAlarm.objects.filter(id=before.id).update(**facts)
        return before.id, False
    with transaction.atomic():
        made = HotspotAlarm.objects.create(id=ids.new_ulid(), raised_at=at, **facts)
        bus.publish(
            events.HotspotRaised(made.id, made.category, made.unit, made.lon, made.lat, made.since_on.isoformat(),
                                 round(made.recurrence_years, 2), at), at=at, event_id=made.id)  # fmt: skip
    return made.id, True


def _before(category: str, members: set[str], at: datetime) -> HotspotAlarm | None:
    """An alarm of the category that is open, or was answered lately, and shares a place with this one."""
    for row in HotspotAlarm.objects.filter(category=category).order_by("-raised_at")[:200]:
        is_near = row.answered_at is None or row.answered_at > at - QUIET
        if is_near and members & set(row.cells):
            return row
    return None


def _facts(counts: cases.PlaceCounts, row: int, one: Noticed, members: list[str], watch: Watch, at: datetime
           ) -> dict[str, Any]:  # fmt: skip
    cluster, category = one.cluster, counts.categories[row]
    lon, lat = cells.centre_of(int(counts.cells[cluster.places[0]]))
    first, last = (counts.days[watch.past + end] for end in (cluster.since, cluster.until - 1))
    return {
        "casetype": counts.casetype, "category": category, "unit": _office(counts, category, lon, lat, at),
        "seen_at": at, "since_on": first, "until_on": last, "lon": lon, "lat": lat, "radius_m": round(cluster.radius),
        "cells": members, "observed": int(cluster.observed), "expected": round(cluster.expected, 2),
        "p_value": one.p_value, "recurrence_years": min(one.years, 1e6),
        "weeks": [[counts.days[end].isoformat(), told(round(seen)), round(usual, 1)] for end, seen, usual in one.weeks],
        "others": _others(counts, row, one, watch), "watch": asdict(watch),
    }  # fmt: skip


def _office(counts: cases.PlaceCounts, category: str, lon: float, lat: float, at: datetime) -> str:
    """Who would get a case of the category there today; else whoever had most of them."""
    try:
        return cases.try_routing(cases.Tried(counts.casetype, category, lon, lat, "", "web", at)).unit
    except Refused:
        return Counter(counts.units[category]).most_common(1)[0][0]


def _others(counts: cases.PlaceCounts, row: int, one: Noticed, watch: Watch) -> list[list[Any]]:
    """The other categories in the same places and days: how many, and how many are usual; small counts are not told."""
    here = counts.counts[:, one.cluster.places].sum(axis=1)
    span = slice(watch.past + one.cluster.since, watch.past + one.cluster.until)
    seen = here[:, span].sum(axis=1)
    usual = here[:, : watch.past].sum(axis=1) * ((span.stop - span.start) / watch.past)
    return [[name, told(int(seen[at])), round(float(usual[at]), 1)] for at, name in enumerate(counts.categories)
            if at != row and (seen[at] or usual[at] >= 1)]  # fmt: skip
