"""New cases are taken in: of what category, whose, and which are one matter; in batches, each once.

What was heard in the words is a row beside the case. A batch changes its cases in one transaction, joins duplicates and
marks the rows last: killed in between, it is done again, and what was done already is found to be.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from cityloom.cases import catalogue, events
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.routing.deciding import DOUBTED, Decision
from cityloom.cases.domain.ticking import RUNNING
from cityloom.cases.intake.desk import Desk, unit_of
from cityloom.cases.matters import joining
from cityloom.cases.models import Case, CaseClock, CaseHeard
from cityloom.cases.working import clocks, recording
from cityloom.cases.working.recording import Change, Deed
from cityloom.kernel import disk
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
BATCH = 100
WAITING = "waiting"


@dataclass(frozen=True)
class Came:
    """A case that came in, what was decided of it, the unit that gets it, and whether anything is changed for that."""

    heard: CaseHeard
    decision: Decision
    unit: str
    is_moved: bool

    @property
    def row(self) -> Case:
        """The case itself."""
        return self.heard.case

    def note(self) -> None:
        """Note what became of it; what somebody works on already is told what the classifier would have said."""
        is_other = self.decision.category != self.row.category
        self.heard.kind = self.decision.kind
        self.heard.standing = DOUBTED if is_other and not self.is_moved else self.decision.standing
        if self.decision.sure and self.is_moved:
            self.heard.said = self.decision.category


def take_in(case_id: str, at: datetime) -> int:
    """Take a case in, with others of its time that wait; return how many. One that was taken in changes nothing.

    Where one of them cannot be taken in, none of the others has to wait for it: this one is tried alone.
    """
    mine = CaseHeard.objects.filter(case__id=case_id, standing=WAITING).values_list("case_id", "case__exercise_id")
    number, exercise_id = next(iter(mine), (0, ""))
    if not number:
        return 0
    rows = _waiting(number, exercise_id)
    try:
        count = _take(rows, at)
    except Exception as error:  # whatever it is, it is this one's or another's: alone it shows whose
        if len(rows) == 1 or disk.is_full(error):
            raise
        log.warning("A batch of %d new cases could not be taken in: %s", len(rows), type(error).__name__)
        count = _take(_waiting(number, exercise_id)[:1], at)
    if CaseHeard.objects.filter(case_id=number, standing=WAITING).exists():
        raise Refused("cases.changed_again", "Somebody changed this case just now; it is taken in at the next try.")
    return count


def _waiting(number: int, exercise_id: str) -> list[CaseHeard]:
    rows = CaseHeard.objects.filter(standing=WAITING, case_id__gte=number, case__exercise_id=exercise_id)
    return list(rows.select_related("case").defer("case__sealed").order_by("case_id")[:BATCH])


def _take(rows: Sequence[CaseHeard], at: datetime) -> int:
    desk = Desk()
    came = [_came(desk, one) for one in rows]
    for one in came:
        one.note()
    lost = _move(came, desk.version, at)
    whole = [one for one in came if one.row.number not in lost]
    joining.join_new([one.row for one in whole], {}, at)
    _mark([(one.heard.kind, one.heard.said, one.heard.standing, one.row.number) for one in whole])
    return len(whole)


def _mark(rows: Sequence[tuple[str, str, str, int]]) -> None:
    """Note what became of many: one statement, many values."""
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE cases_caseheard SET kind = %s, said = %s, standing = %s WHERE case_id = %s", rows)


def _came(desk: Desk, heard: CaseHeard) -> Came:
    row, decision = heard.case, desk.decide(heard)
    casetype = catalogue.casetype_of(row.casetype, row.version)
    unit = row.unit if heard.is_placed else decision.unit or unit_of(casetype, decision.category)
    is_other = (row.category, row.unit) != (decision.category, unit)
    return Came(heard, decision, unit, _is_free(heard, casetype) and (is_other or decision.rule is not None))


def _is_free(heard: CaseHeard, casetype: CaseType) -> bool:
    """Whether nobody works on a case, and it was not routed before; files may have been added."""
    row = heard.case
    return not heard.kind and not row.handler and not row.offered_unit and row.state == casetype.first.name


def _move(came: Sequence[Came], version: int | None, at: datetime) -> set[int]:
    """Change the cases that are moved, with the clocks of those that are of another category now.

    Return the numbers of those that somebody else changed meanwhile: they wait for another look.
    """
    moved = [one for one in came if one.is_moved]
    turned = _turned([one for one in moved if one.row.category != one.decision.category], at)
    changes = [_change(one, version, turned.get(one.row.number), at) for one in moved]
    with transaction.atomic():
        kept = {row.number for row in recording.change_many(changes)}
        clocks.save_many([clock for number in sorted(kept) for clock in turned.get(number, ())])
        lost = {one.row.number for one in moved} - kept
        _mark([(one.heard.kind, one.heard.said, WAITING, one.row.number) for one in came if one.row.number not in lost])
    return lost


def _turned(others: Sequence[Came], at: datetime) -> dict[int, list[CaseClock]]:
    """The running clocks of cases as they stand by the limits of another category, by the cases' numbers."""
    held: dict[int, list[CaseClock]] = {one.row.number: [] for one in others}
    for clock in CaseClock.objects.filter(case__in=list(held)) if held else ():
        held[clock.case_id].append(clock)
    return {
        one.row.number: clocks.under(one.row, one.decision.category, held[one.row.number], at) for one in others
    }  # fmt: skip


def _change(one: Came, version: int | None, turned: Sequence[CaseClock] | None, at: datetime) -> Change:
    row, decision = one.row, one.decision
    ends = [clock.due_at for clock in turned or () if clock.due_at and clock.standing in RUNNING]
    due_at = row.due_at if turned is None else min(ends, default=None)
    columns = {"category": decision.category, "due_at": due_at, "rank": recording.rank_of(due_at, row.closed_at)}
    deed = Deed("routed", SYSTEM, max(at, row.changed_at), "taken-in", "city", data=_why(one, version))
    return Change(row, deed, columns | recording.placed(one.unit, row.confidentiality), _facts(one, at))


def _why(one: Came, version: int | None) -> Mapping[str, object]:
    """What the history says: what was before, and whether a rule or the classifier decided."""
    row, decision = one.row, one.decision
    said: dict[str, object] = {"category": decision.category, "kind": decision.kind, "unit": one.unit,
                               "before": {"category": row.category, "unit": row.unit}}  # fmt: skip
    if decision.rule is not None and not one.heard.is_placed:
        said |= {"rule": decision.rule, "version": version}
    if decision.sure:
        said |= {"sure": round(decision.sure, 3), "classifier": one.heard.classifier}
    return said


def _facts(one: Came, at: datetime) -> list[object]:
    row, category, facts = one.row, one.decision.category, list[object]()
    if category != row.category:
        facts.append(events.CaseCategorised(row.id, row.casetype, row.category, category, "classifier", one.unit, at))
    if one.unit != row.unit:
        facts.append(events.CaseGiven(row.id, row.casetype, one.unit, "routed", at))
    return facts
