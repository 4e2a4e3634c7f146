"""Alarms of hot spots for somebody: those of their branch, what waits for an answer, and how many were of use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, QuerySet
from django.urls import reverse

from cityloom.insight import policies
from cityloom.insight.alarms.answering import OF_USE
from cityloom.insight.alarms.words import question_of
from cityloom.insight.models import HotspotAlarm, HotspotLook
from cityloom.kernel.actor import Actor
from cityloom.ui.domain.declared import MOST_WORK, WorkItem

_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Score:
    """Alarms of a year by category: raised, answered, and of use: explained, known works, or a case was opened."""

    category: str
    casetype: str
    raised: int
    answered: int
    of_use: int


def alarms_for(by: Actor) -> QuerySet[HotspotAlarm]:
    """The alarms of somebody's branch, those that wait first, then the newest."""
    unit = policies.hotspot_branch(by)
    rows = HotspotAlarm.objects.filter(Q(unit=unit) | Q(unit__startswith=f"{unit}/"))
    return rows.order_by(F("answered_at").desc(nulls_first=True), "-raised_at")


def open_alarms_in(unit: str) -> list[HotspotAlarm]:
    """The alarms of a branch that wait for an answer, the rarest first."""
    rows = HotspotAlarm.objects.filter(Q(unit=unit) | Q(unit__startswith=f"{unit}/"), answer="")
    return list(rows.order_by("-recurrence_years")[:MOST_WORK])


def in_words(alarm_ids: Sequence[str]) -> list[str]:
    """Alarms as lines for a terminal."""
    rows = HotspotAlarm.objects.filter(id__in=alarm_ids).order_by("-recurrence_years")
    return [
        f"{question_of(one)} {one.observed} / {one.expected:.1f} → {one.unit} "
        f"({one.recurrence_years:.1f} a; /insight/hotspots/{one.id}/)" for one in rows
    ]  # fmt: skip


def scores(by: Actor, at: datetime) -> Sequence[Score]:
    """The scorecard of the last year, in somebody's branch."""
    rows = alarms_for(by).filter(raised_at__gte=at - _YEAR).order_by("casetype", "category").values(
        "casetype", "category")  # fmt: skip
    counted = rows.annotate(raised=Count("id"), answered=Count("id", filter=~Q(answer="")),
                            of_use=Count("id", filter=Q(answer__in=OF_USE)))  # fmt: skip
    return [Score(one["category"], one["casetype"], one["raised"], one["answered"], one["of_use"]) for one in counted]


def last_look() -> HotspotLook | None:
    """When somebody last looked."""
    return HotspotLook.objects.order_by("-day").first()


def work_of(by: Actor, _at: datetime) -> list[WorkItem]:
    """Alarms that wait for an answer of somebody's office."""
    if not policies.can_answer_hotspots(by):
        return []
    return [
        WorkItem(question_of(one), reverse("hotspot", args=[one.id]), urgency="today", since=one.raised_at)
        for one in alarms_for(by).filter(answer="")[:MOST_WORK]
    ]
