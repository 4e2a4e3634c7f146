"""What was found of causes becomes detections: each raised once, and told better while it lasts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.detection.domain.evidence import Evidence
from cityloom.detection.domain.following import LASTS_S, Open, goes_on
from cityloom.detection.domain.gathering import Finding
from cityloom.detection.events import DetectionRaised
from cityloom.detection.models import Detection
from cityloom.kernel import clock, ids

_LASTS = timedelta(seconds=LASTS_S)
_PLACES = 5
_BETTER, _AGAIN_S = 0.5, 60.0
"""Log-odds and seconds by which a finding must be further for what is kept of it to be written anew."""


def tell(findings: Sequence[Finding], at: datetime, exercise_id: str = "") -> list[str]:
    """Write findings down, each as a new detection or as more of one that lasts; return those that are new."""
    new = []
    for finding in findings:
        with transaction.atomic():
            rows = {row.id: row for row in _open_of(finding, exercise_id)}
            same = goes_on(finding, [_as_open(row) for row in rows.values()])
            if same is not None:
                _renew(rows[same.key], finding)
            elif key := _raise(finding, at, exercise_id):
                new.append(key)
    return new


def is_told(sources: Iterable[str], causes: Iterable[str], at: datetime) -> bool:
    """Whether a detection of one of these causes lasts for which all these sources speak."""
    wanted = set(sources)
    rows = Detection.objects.filter(exercise_id="", rule="", category__in=list(causes), last_at__gt=at - _LASTS)
    return any(wanted <= _as_open(row).sources for row in rows)


def _open_of(finding: Finding, exercise_id: str) -> list[Detection]:
    return list(Detection.objects.filter(exercise_id=exercise_id, category=finding.category, rule="",
                                         last_at__gte=finding.at - _LASTS).order_by("raised_at", "id"))  # fmt: skip


def _as_open(row: Detection) -> Open:
    sources = frozenset(item["source"] for item in row.evidence if item["weight"] > 0)
    return Open(row.id, row.category, row.lon, row.lat, row.radius_m, row.last_at, sources)


def _raise(finding: Finding, at: datetime, exercise_id: str) -> str:
    """A new detection with its event; "" where the very same is there already, as after a kill."""
    key = ids.named_id("detection", exercise_id, finding.category, finding.evidence[0].source,
                       clock.to_text(finding.first_at))  # fmt: skip
    _, is_new = Detection.objects.get_or_create(id=key, defaults={
        "exercise_id": exercise_id, "category": finding.category, "first_at": finding.first_at, "raised_at": at,
        **_facts(finding),
    })  # fmt: skip
    if not is_new:
        return ""
    _take_over(key, finding, exercise_id)
    event = DetectionRaised(key, finding.category, finding.lon, finding.lat, finding.score, finding.first_at, at)
    bus.publish(event, at=at, exercise_id=exercise_id, event_id=ids.named_id("raised", key))
    return key


def _renew(row: Detection, finding: Finding) -> None:
    """Add what is new; where a finding is surer than all before, its place and its words take their place."""
    fresh = {item.source for item in finding.evidence if item.weight > 0} - _as_open(row).sources
    surer = finding.score >= row.score + _BETTER
    if not surer and not fresh and (finding.at - row.last_at).total_seconds() < _AGAIN_S:
        return
    row.last_at = max(row.last_at, finding.at)
    if surer:
        told = {item.source for item in finding.evidence}
        facts = _facts(finding)
        facts["evidence"] += [item for item in row.evidence if item["source"] not in told and item["weight"] > 0]
        for name, value in (facts | {"last_at": row.last_at}).items():
            setattr(row, name, value)
    else:
        known = {item["source"] for item in row.evidence}
        row.evidence += [_plain(item) for item in finding.evidence if item.source in fresh - known]
    row.save(update_fields=["lon", "lat", "radius_m", "score", "evidence", "last_at", "places"])


def _facts(finding: Finding) -> dict[str, object]:
    return {
        "lon": finding.lon, "lat": finding.lat, "radius_m": finding.radius_m, "score": finding.score,
        "last_at": finding.at, "evidence": [_plain(item) for item in finding.evidence],
        "places": [list(place) for place in finding.places[:_PLACES]],
    }  # fmt: skip


def _take_over(key: str, finding: Finding, exercise_id: str) -> None:
    """What rules said of the same streams a moment ago is part of it from now on, and told no more by itself."""
    sources = {item.source for item in finding.evidence if item.weight > 0}
    rows = Detection.objects.filter(exercise_id=exercise_id, part_of="", last_at__gt=finding.at - _LASTS)
    same = [row.id for row in rows.exclude(rule="") if {item["source"] for item in row.evidence} <= sources]
    Detection.objects.filter(id__in=same).update(part_of=key)


def _plain(item: Evidence) -> dict[str, object]:
    return dataclasses.asdict(item) | {"at": clock.to_text(item.at)}
