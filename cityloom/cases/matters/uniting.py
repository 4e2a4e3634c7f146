"""Two matters that are one: the case that came first goes on, all others are joined with it, each with its history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from cityloom.cases import catalogue
from cityloom.cases.domain.duplicates import matters
from cityloom.cases.models import Case, CasePair
from cityloom.cases.working import finding, moving
from cityloom.cases.working.moving import Move
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor

JOIN, PART = "join", "part"


@dataclass(frozen=True)
class Why:
    """What speaks for it: a probability and its parts, or a person's reason."""

    chance: float | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


def locked(matter_ids: Collection[str]) -> dict[str, Case]:
    """The cases that go on, held until the transaction ends; those that no longer lead are left out.

    In the order of their numbers, so that two who unite the same matters wait for each other and do not block.
    """
    rows = Case.objects.select_for_update().filter(id__in=set(matter_ids)).order_by("number")
    return {row.id: row for row in rows if row.matter == row.id}


def unite(first: str, second: str, why: Why, by: Actor, at: datetime) -> str:
    """Let two matters be one; return the id of the case that goes on, the one that came first.

    What was said of pairs of their reports is over: they are one matter now, and can be parted again.

    Raises: Refused `cases.matter_itself`, `cases.matter_types`, `cases.matter_full`, `cases.matter_moved`, and what the
    table of states refuses for the case that came later.
    """
    with transaction.atomic():
        rows = locked([first, second])
        lead, *rest = sorted(rows.values(), key=lambda row: row.number) or [None]
        types = {key: row.casetype for key, row in rows.items()}
        matters.check_two(first, second, types, is_open=lead is not None and lead.is_open)
        later = rest[0]
        moved = members_of(later.id)
        matters.check_room(len(moved) + Case.objects.filter(matter=lead.id).count())
        join(later, lead, why, by, at)
        Case.objects.filter(matter=later.id).update(matter=lead.id)
        CasePair.objects.filter(_between(moved, lead.id)).delete()
    return lead.id


def members_of(matter_id: str) -> list[int]:
    """The numbers of the cases of a matter, in order."""
    return list(Case.objects.filter(matter=matter_id).order_by("number").values_list("number", flat=True))


def are_apart(one: Sequence[int], matter_id: str) -> bool:
    """Whether a person has said that one of these reports is not of that matter."""
    return CasePair.objects.filter(says="apart").filter(_between(one, matter_id)).exists()


def _between(numbers: Sequence[int], matter_id: str) -> Q:
    return Q(one__in=numbers, other__matter=matter_id) | Q(other__in=numbers, one__matter=matter_id)


def join(row: Case, lead: Case, why: Why, by: Actor, at: datetime) -> None:
    """Take the step of the table that joins a case with another, with what speaks for it in its history."""
    moving.move(finding.of_row(row, by), step_of(row, lead, why), by, at)


def step_of(row: Case, lead: Case, why: Why) -> Move:
    """The step that joins a case with another."""
    about = [("case", lead.id, "goes on as")]
    data = {"lead": lead.number} | ({"chance": round(why.chance, 3)} if why.chance is not None else {})
    return Move(JOIN, why.reason, "", ids.named_id("joined", row.id, row.revision), about, data | dict(why.parts))


def can_join(casetype: str, version: int) -> bool:
    """Whether cases of a type can be joined: its table of states says how."""
    return catalogue.casetype_of(casetype, version).step(JOIN) is not None
