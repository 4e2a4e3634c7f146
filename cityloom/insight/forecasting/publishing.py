"""Forecasts are published: frozen with their digest, withdrawn only in sight, never changed or removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from cityloom.insight.domain import published
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.models import PublishedForecast
from cityloom.insight.studying import folders, keeping
from cityloom.insight.studying.folders import Kept
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

LONGEST = 120
_NONE = "There is no published forecast {value}; see cityloom insight forecasts list."
_TWICE = "This forecast was published before, as {value}; a forecast is published once."
_CHANGED = "The study's steps are not those that its digest is of; check it first (cityloom insight study check)."
_SUBJECT = "Say of what it is a forecast, in at most {limit} letters; forecasts of one subject are compared."
_REASON = "Say why it is withdrawn, in at most {limit} letters; the reason is shown with it."
_WITHDRAWN = "This forecast was withdrawn before; that and the reason stay with it."


@dataclass(frozen=True)
class Wanted:
    """What is published: the `study` (a folder, or the id of a stored one), of what it is, and what it is called."""

    study: str
    subject: str
    title: str = ""


def found(forecast_id: str) -> PublishedForecast:
    """A published forecast.

    Raises: Refused `insight.no_published`.
    """
    row = PublishedForecast.objects.filter(pk=forecast_id).first()
    if row is None:
        raise Refused("insight.no_published", _NONE, value=forecast_id[:40])
    return row


def latest(most: int = 200) -> list[PublishedForecast]:
    """Those that were published last, withdrawn ones with them; without their tables."""
    return list(PublishedForecast.objects.defer("table").order_by("-published_at", "-id")[:most])


def vintages(subject: str, most: int = 50) -> list[PublishedForecast]:
    """All forecasts of a subject, the newest first."""
    return list(PublishedForecast.objects.filter(subject=subject).order_by("-published_at", "-id")[:most])


def table_of(row: PublishedForecast) -> Table:
    """What was published."""
    return published.unpacked(row.table)


def is_intact(row: PublishedForecast) -> bool:
    """Whether what is kept is still what was published."""
    return table_of(row).digest() == row.digest


def publish(wanted: Wanted, by: Actor, at: datetime) -> PublishedForecast:
    """Freeze the forecast of a study.

    Raises: Refused `insight.forecast_subject`, `insight.forecast_changed`, `insight.published_before`, and as
    `published.to_publish`.
    """
    subject = " ".join(wanted.subject.split())
    if not subject or len(subject) > LONGEST:
        raise Refused("insight.forecast_subject", _SUBJECT, limit=LONGEST)
    kept = kept_study(wanted.study)
    if kept.digest != kept.study.digest():
        raise Refused("insight.forecast_changed", _CHANGED)
    table = published.to_publish(kept.study)
    digest = table.digest()
    periods = list(dict.fromkeys(table["period"].tolist()))
    with transaction.atomic():
        before = PublishedForecast.objects.filter(subject=subject, digest=digest).first()
        if before is not None:
            raise Refused("insight.published_before", _TWICE, value=before.pk)
        return PublishedForecast.objects.create(
            id=ids.new_ulid(), subject=subject, title=(" ".join(wanted.title.split()) or subject)[:LONGEST],
            kind=kept.study.kind, study_digest=kept.digest, digest=digest, table=published.packed(table),
            rows=table.rows, series=len(set(table["series"].tolist())), horizon=int(table["horizon"].max()),
            first_period=str(periods[0])[:20], last_period=str(periods[-1])[:20], published_at=at, by=by.account,
            unit=by.unit[:80],
        )  # fmt: skip


def withdraw(forecast_id: str, reason: str, by: Actor, at: datetime) -> PublishedForecast:
    """Say that a forecast does not hold any more; it stays, with its scorecard, the time and the reason.

    Raises: Refused `insight.no_published`, `insight.withdrawn_before`, `insight.withdrawal_reason`.
    """
    row = found(forecast_id)
    reason = " ".join(reason.split())
    if not reason or len(reason) > 2 * LONGEST:
        raise Refused("insight.withdrawal_reason", _REASON, limit=2 * LONGEST)
    changed = PublishedForecast.objects.filter(pk=row.pk, withdrawn_at=None).update(
        withdrawn_at=at, withdrawn_by=by.account, reason=reason)  # fmt: skip
    if not changed:
        raise Refused("insight.withdrawn_before", _WITHDRAWN)
    return found(forecast_id)


def kept_study(study: str) -> Kept:
    """A study of a folder, or a stored one by its id.

    Raises: Refused `insight.no_study`, `insight.study_broken`.
    """
    folder = Path(study)
    return folders.read(folder) if folder.is_dir() else keeping.kept(keeping.found(study).pk)
