"""What the map and the overview show of detections.

The user interface finds these by the names in `display`; no other capability imports them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cityloom.detection import queries
from cityloom.detection.browsing import listing
from cityloom.detection.browsing.listed_sensors import OUT, Listed, Sensors, states_of
from cityloom.detection.display import category_word, state_word, verdict_word
from cityloom.detection.domain.evidence import probability_words
from cityloom.detection.models import Detection
from cityloom.detection.trust.judgements import with_verdict
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.signals import queries as signals
from cityloom.signals.queries import Narrowed
from cityloom.ui.domain import geojson
from cityloom.ui.domain.declared import MOST_WORK, Card, WorkItem

_WINDOW = timedelta(days=1)
_MOST = 1_500
_MOST_LISTED = 5_000


def detections(_actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """What was detected within a day before an instant; false alarms stay, marked."""
    instant = at or clock.now()
    rows = Detection.objects.filter(raised_at__gt=instant - _WINDOW, raised_at__lte=instant)
    return geojson.collection(
        geojson.point(row.id, row.lon, row.lat, title=category_word(row.category), state=row.verdict,
                      exercise=bool(row.exercise_id), at=clock.to_text(row.raised_at), url=_page(row.id))
        for row in with_verdict(rows).order_by("-raised_at")[:_MOST]
    )  # fmt: skip


def failing(_actor: Actor | None, _at: datetime | None) -> dict[str, Any]:
    """Sensors that do not do their work now, by how they fail; what was known earlier is not told."""
    states = {one.datastream_id: one for one in queries.failed_sensors()[:_MOST]}
    found = signals.sensors_listed(Narrowed(only=tuple(states)), 0, _MOST)
    return geojson.collection(
        geojson.point(one.id, one.lon, one.lat, title=f"{one.name}: {state_word(states[one.id].state)}",
                      state=states[one.id].state, at=clock.to_text(states[one.id].since), url=_sensor(one.id))
        for one in found if one.lon is not None and one.lat is not None
    )  # fmt: skip


def listed(_actor: Actor | None, _at: datetime | None, asked: Mapping[str, str]) -> dict[str, Any]:
    """The sensors that a list is narrowed to, by their state now; what was known earlier is not told."""
    found = Sensors(Listed.read(dict(asked)))
    rows = found[:_MOST_LISTED]
    known = queries.states_now(one.id for one in rows) | states_of()
    states = {one.id: known.get(one.id, "unknown") if one.in_service else OUT for one in rows}
    told = geojson.collection(
        geojson.point(one.id, one.lon, one.lat, title=f"{one.name}: {state_word(states[one.id])}",
                      state=states[one.id], kind=one.kind, url=_sensor(one.id))
        for one in rows if one.lon is not None and one.lat is not None
    )  # fmt: skip
    return told | {"left_out": len(found) - len(rows)}


def card(_actor: Actor | None, feature: str, _at: datetime | None = None) -> Card | None:
    """A detection: when, how sure, and what was made of it."""
    row = with_verdict(Detection.objects.filter(pk=feature)).first()
    if row is None:
        return None
    facts = (
        (_("Raised"), str(date_format(localtime(row.raised_at), "Y-m-d H:i:s"))),
        (_("Probability, as computed"), probability_words(row.score, row.rule)),
        (_("Judged"), verdict_word(row.verdict)),
    )
    return Card(category_word(row.category), facts, url=_page(row.id))


def to_judge(_actor: Actor, _at: datetime | None) -> list[WorkItem]:
    """What nobody has judged, the oldest first."""
    return [
        WorkItem(category_word(row.category), _page(row.id), since=row.raised_at,
                 note=_("Was it real? Your answer feeds the scorecard."))
        for row in listing.waiting(MOST_WORK)
    ]  # fmt: skip


def _sensor(key: int) -> str:
    return reverse("sensor", args=[key])


def _page(key: str) -> str:
    return reverse("detection", args=[key])
