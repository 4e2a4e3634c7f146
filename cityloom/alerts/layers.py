"""What the map shows of the alerts: the areas of those that have left and are in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import shapely
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.alerts.domain import capxml, polygons
from cityloom.alerts.domain.cap import CapAlert, CapInfo
from cityloom.alerts.models import Alert, Delivery
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.ui.domain import geojson
from cityloom.ui.domain.declared import Card

_MOST = 200


def areas(actor: Actor | None, at: datetime | None) -> dict[str, Any]:
    """The areas of alerts in force, warnings only: an all-clear is no danger. Everybody sees those that have left."""
    instant = at or clock.now()
    rows = Alert.objects.filter(issued_at__lte=instant, expires_at__gt=instant).exclude(message_type="Cancel")
    found = list(_seen_by(actor, rows, instant).order_by("-issued_at", "id")[:_MOST])
    replaced = _replaced(instant)
    return geojson.collection(
        feature for row in found if row.identifier not in replaced for feature in _drawn(row, instant)
    )


def _seen_by(actor: Actor | None, rows: QuerySet[Alert], at: datetime) -> QuerySet[Alert]:
    left = Delivery.objects.filter(alert=OuterRef("pk"), state=Delivery.State.SENT, settled_at__lte=at)
    return rows if actor else rows.filter(Exists(left))


def _replaced(at: datetime) -> set[str]:
    """The identifiers that later alerts, issued by an instant, update or cancel."""
    later = Alert.objects.filter(issued_at__lte=at, expires_at__gt=at).exclude(references=[])
    named = (reference for references in later.values_list("references", flat=True)[:_MOST] for reference in references)
    return {reference.split(",")[1] for reference in named if reference.count(",") == 2}


def _drawn(row: Alert, at: datetime) -> list[geojson.Feature]:
    alert = capxml.parse(row.xml.encode())
    info = _in_language(alert)
    if "AllClear" in info.responses:
        return []
    texts = {text for area in info.areas for text in area.polygons if polygons.points_of(text)}
    shape = shapely.union_all([polygons.polygon_of(text) for text in sorted(texts)])
    if shape.is_empty:
        return []
    return [geojson.feature(
        row.id, shapely.geometry.mapping(shape), title=info.headline or info.event, state=info.severity,
        exercise=bool(row.exercise_id), incident=row.incident_id, until=clock.to_text(row.expires_at),
    )]  # fmt: skip


def card(actor: Actor | None, feature: str, at: datetime | None = None) -> Card | None:
    """An alert in the reader's language, as it left."""
    row = _seen_by(actor, Alert.objects.filter(id=feature), at or clock.now()).first()
    if row is None:
        return None
    info = _in_language(capxml.parse(row.xml.encode()))
    area = ", ".join(part.words for part in info.areas)
    facts = [
        (_("Area"), area), (_("What to do"), info.instruction), (_("Issued"), _when(row.issued_at)),
        (_("In force until"), _when(row.expires_at)),
    ]  # fmt: skip
    note = _("This is an exercise.") if row.exercise_id else ""
    return Card(info.headline or info.event, tuple(fact for fact in facts if fact[1]), note=note)


def _in_language(alert: CapAlert) -> CapInfo:
    wanted = "zh" if get_language() == "zh-hans" else "en"
    return next((info for info in alert.infos if info.language.casefold().startswith(wanted)), alert.infos[0])


def _when(instant: datetime) -> str:
    return str(date_format(localtime(instant), "Y-m-d H:i"))
