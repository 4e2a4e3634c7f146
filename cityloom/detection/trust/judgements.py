"""What people found detections to be: written down once each, the newest holds, what was said before stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from cityloom.bus import actions as bus
from cityloom.detection import policies
from cityloom.detection.domain.judging import DUPLICATE
from cityloom.detection.events import DetectionJudged
from cityloom.detection.models import Detection, Judgement, Outcome
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_ITSELF = "A detection is no duplicate of itself; give the number of the one that came first."
_OTHER = "There is no detection {value} in the same city or drill; copy the number from its page."
_CHAIN = "{value} was judged to be a duplicate too; give the one that came first, {limit}."


@dataclass(frozen=True)
class JudgementFacts:
    """What somebody said of a detection; `by` is an account's id."""

    verdict: str
    duplicate_of: str
    reason: str
    by: str
    unit: str
    role: str
    at: datetime


@dataclass(frozen=True)
class OutcomeFacts:
    """What a detection led to: `kind` names the matter's page, as in `incident`."""

    kind: str
    matter_id: str
    at: datetime


def judgements_of(detection_id: str) -> list[JudgementFacts]:
    """All that was said of a detection, newest first: the first one holds."""
    rows = Judgement.objects.filter(detection_id=detection_id).order_by("-at", "-id")
    columns = ("verdict", "duplicate_of", "reason", "by", "unit", "role", "at")
    return [JudgementFacts(*row) for row in rows.values_list(*columns)]


def outcomes_of(detection_id: str) -> list[OutcomeFacts]:
    """What a detection led to, oldest first."""
    rows = Outcome.objects.filter(detection_id=detection_id).order_by("at", "id")
    return [OutcomeFacts(*row) for row in rows.values_list("kind", "matter_id", "at")]


def with_verdict(rows: QuerySet[Detection]) -> QuerySet[Detection]:
    """The rows, each with `verdict`: what holds of it, "" where nobody has judged."""
    newest = Judgement.objects.filter(detection=OuterRef("pk")).order_by("-at", "-id").values("verdict")[:1]
    return rows.annotate(verdict=Coalesce(Subquery(newest), Value("")))


def duplicates_of(detection_id: str) -> list[str]:
    """The detections that were last judged to be duplicates of one."""
    rows = Judgement.objects.filter(duplicate_of=detection_id).values_list("detection_id", flat=True).distinct()
    return sorted(key for key in rows if judgements_of(key)[0].duplicate_of == detection_id)


@transaction.atomic
def write(row: Detection, verdict: str, reason: str, duplicate_of: str, by: Actor, at: datetime) -> str:
    """Add a judgement and announce it; return its id.

    Raises: Refused like `policies.check_judgement`, `detection.itself`, `detection.no_first`, `detection.chain`.
    """
    first = duplicate_of.strip() if verdict == DUPLICATE else ""
    words = policies.check_judgement(verdict, reason, first)
    if first:
        _check_first(row, first)
    role = next(iter(sorted(by.roles & policies.JUDGES)), "")
    made = Judgement.objects.create(
        id=ids.new_ulid(), detection=row, verdict=verdict, duplicate_of=first, reason=words, by=by.account,
        unit=by.unit[:80], role=role, at=at,
    )  # fmt: skip
    bus.publish(DetectionJudged(row.id, row.category, verdict, first, at), at=at, exercise_id=row.exercise_id)
    return made.id


def note_outcome(detection_id: str, kind: str, matter_id: str, at: datetime) -> None:
    """Write down what a detection led to; the same again changes nothing."""
    row = Outcome(detection_id=detection_id, kind=kind, matter_id=matter_id, at=at)
    Outcome.objects.bulk_create([row], ignore_conflicts=True)


def _check_first(row: Detection, first: str) -> None:
    if first == row.id:
        raise Refused("detection.itself", _ITSELF)
    if not Detection.objects.filter(pk=first, exercise_id=row.exercise_id).exists():
        raise Refused("detection.no_first", _OTHER, value=first[:26])
    said = judgements_of(first)
    if said and said[0].verdict == DUPLICATE:
        raise Refused("detection.chain", _CHAIN, value=first, limit=said[0].duplicate_of)
