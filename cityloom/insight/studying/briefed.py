"""Studies whose warnings stand in the risk brief, since somebody who leads put them there."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from cityloom.insight.domain import stages
from cityloom.insight.models import BriefedStudy
from cityloom.insight.studies import kinds
from cityloom.insight.studying import keeping
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_OPEN = "This study has not come to its end; look at how far it is."
_NOTHING = "This study says of nothing that it may run short, so the risk brief has nothing to tell of it."


def foresees(study_id: str) -> int:
    """How many things a study that has come to its end says may run short."""
    kept = keeping.kept(study_id)
    return len(kinds.kind(kept.study.kind).foresee(kept.study))


def put(study_id: str, by: Actor, at: datetime) -> int:
    """Put a study into the brief, in the place of the one of the same kind and name that is there.

    Raises: Refused `insight.no_study`, `insight.study_open`, `insight.foresees_nothing`.
    """
    row = keeping.found(study_id)
    if row.state != stages.DONE:
        raise Refused("insight.study_open", _OPEN)
    kept = keeping.kept(study_id)
    foreseen = [asdict(one) for one in kinds.kind(row.kind).foresee(kept.study)]
    if not foreseen:
        raise Refused("insight.foresees_nothing", _NOTHING)
    with transaction.atomic():
        others = BriefedStudy.objects.filter(until=None, study__kind=row.kind, study__name=row.name).exclude(study=row)
        others.update(until=at)
        BriefedStudy.objects.update_or_create(study=row, defaults={
            "since": at, "until": None, "by": by.account, "unit": by.unit[:80], "foreseen": foreseen,
            "role": next(iter(sorted(by.roles)), "")[:32],
        })  # fmt: skip
    return len(foreseen)


def take(study_id: str, at: datetime) -> None:
    """Take a study out of the brief, if it is in it."""
    BriefedStudy.objects.filter(study=study_id, until=None).update(until=at)


def is_in(study_id: str) -> bool:
    """Whether a study stands in the brief."""
    return BriefedStudy.objects.filter(study=study_id, until=None).exists()
