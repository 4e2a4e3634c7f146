"""New reports that are each a matter of their own join others: many in one transaction, each as if by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, prefetch_related_objects

from cityloom.cases.domain.duplicates.joining import MOST_MEMBERS
from cityloom.cases.matters import uniting
from cityloom.cases.matters.uniting import Why
from cityloom.cases.models import Case, CasePair
from cityloom.cases.working import clocks, entering, finding, moving, recording
from cityloom.cases.working.moving import Planned
from cityloom.cases.working.recording import Change
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused


@dataclass(frozen=True)
class Wish:
    """A new case that is surely about the matter of another one, with what speaks for it."""

    row: Case
    matter: str
    why: Why


def unite_all(wishes: Sequence[Wish], at: datetime) -> dict[str, str]:
    """Join what can be joined; return the cases that go on, by the ids of those joined.

    Left out is what is no simple case: whatever others have joined, what came before the matter, what is held or full.
    """
    with transaction.atomic():
        rows = [wish.row for wish in wishes]
        held = uniting.locked({one.id for one in rows} | {wish.matter for wish in wishes})
        counts = Counter(Case.objects.filter(matter__in=list(held)).values_list("matter", flat=True))
        barred = _barred(rows)
        prefetch_related_objects([held[row.id] for row in rows if row.id in held], "clocks")
        gone: dict[str, Case] = {}
        plans: list[tuple[Change, Planned]] = []
        for wish in wishes:
            row, lead = held.get(wish.row.id), _lead(wish.matter, held, gone)
            if row is None or lead is None or row.number in barred or not _fits(row, lead, counts):
                continue
            planned = _planned(row, lead, wish.why, at)
            if planned is not None:
                gone[row.id] = lead
                counts[lead.id] += 1
                columns = dict(planned.columns) | {"matter": lead.id}
                plans.append((Change(row, planned.deed, columns, planned.facts, planned.before), planned))
        _write(plans, at)
    return {key: lead.id for key, lead in gone.items()}


def _barred(rows: Sequence[Case]) -> set[int]:
    """The cases of which anything was said of a pair: they are looked at one by one."""
    numbers = [row.number for row in rows]
    found = CasePair.objects.filter(Q(one__in=numbers) | Q(other__in=numbers)).values_list("one_id", "other_id")
    return {number for pair in found for number in pair}


def _lead(matter: str, held: Mapping[str, Case], gone: Mapping[str, Case]) -> Case | None:
    """The case that goes on for a matter, which may have joined another one just now."""
    return gone[matter] if matter in gone else held.get(matter)


def _fits(row: Case, lead: Case, counts: Mapping[str, int]) -> bool:
    is_alone = counts.get(row.id, 0) == 1
    return is_alone and lead.number < row.number and lead.is_open and counts.get(lead.id, 0) < MOST_MEMBERS


def _planned(row: Case, lead: Case, why: Why, at: datetime) -> Planned | None:
    try:
        return moving.plan(finding.of_row(row, SYSTEM), uniting.step_of(row, lead, why), SYSTEM, at)
    except Refused:  # it stands where it cannot be joined: then a person decides
        return None


def _write(plans: Sequence[tuple[Change, Planned]], at: datetime) -> None:
    """Write them all; the rows are held, so nobody is faster."""
    recording.change_many([change for change, _ in plans])
    clocks.save_many([clock for _, planned in plans for clock in planned.clocks])
    for change, planned in plans:
        entering.entered(change.row, finding.of_row(change.row, SYSTEM).casetype, planned.before, at)
