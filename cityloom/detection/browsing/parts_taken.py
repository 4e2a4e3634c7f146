"""The detections in which a stream took part."""

from __future__ import annotations

from datetime import datetime

from django.db.models import TextField
from django.db.models.functions import Cast

from cityloom.detection.models import Detection
from cityloom.detection.trust.judgements import with_verdict


def detections_with(datastream_id: int, since: datetime, most: int) -> list[Detection]:
    """Those raised after an instant for which the stream spoke, newest first, each with its `verdict`."""
    rows = with_verdict(Detection.objects.filter(raised_at__gt=since))
    named = rows.annotate(text=Cast("evidence", TextField())).filter(text__contains=f'"datastream:{datastream_id}"')
    return list(named.order_by("-raised_at", "id")[:most])
