"""A person says of what category a case is: it is routed anew, and what the classifier got wrong is kept, not words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cityloom.cases import events, policies
from cityloom.cases.domain.routing import deciding
from cityloom.cases.domain.routing.categories import shipped
from cityloom.cases.domain.routing.deciding import TAKEN, Came, Decision
from cityloom.cases.domain.routing.standing import is_catch_all
from cityloom.cases.domain.ticking import RUNNING
from cityloom.cases.intake.desk import Desk, unit_of
from cityloom.cases.matters import joining
from cityloom.cases.models import Case, CaseClock, CaseHeard
from cityloom.cases.working import clocks, recording
from cityloom.cases.working.finding import Found
from cityloom.cases.working.recording import Deed
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_OVER = "This case is over, so its category stays as it is; reopen it first."
_FIXED = "The category of this case was fixed when it was opened; open another case for another matter."


@dataclass(frozen=True)
class Wanted:
    """What somebody says that a case is about; `kind` is a finer one of the city's categories, or ""."""

    category: str
    kind: str = ""
    reason: str = ""
    command: str = ""


def correct(found: Found, wanted: Wanted, by: Actor, at: datetime) -> int:
    """Give a case a category, and the unit that gets such cases; return the revision after it."""
    row, at = found.row, max(at, found.row.changed_at)
    heard = _check(found, wanted)
    desk = Desk()
    decision = _decided(row, wanted, heard, desk)
    unit = decision.unit or unit_of(found.casetype, wanted.category)
    turned = clocks.under(row, wanted.category, list(CaseClock.objects.filter(case=row)), at)
    deed = Deed("categorised", by, at, wanted.command, found.role(), text=policies.cleaned(wanted.reason),
                data=_why(row, decision, unit, desk))  # fmt: skip
    facts = _facts(row, wanted, unit, at)
    with transaction.atomic():
        if recording.change(row, deed, _columns(row, wanted, unit, turned), facts):
            clocks.save_many(turned)
            CaseHeard.objects.filter(case=row).update(kind=decision.kind, standing=TAKEN, put_right=wanted.category)
    if facts and not Case.objects.filter(matter=row.id).exclude(number=row.number).exists():
        joining.join_new([row], {}, at)
    return row.revision


def _check(found: Found, wanted: Wanted) -> CaseHeard:
    """What was heard in the case, where its category may be another one."""
    known = found.casetype.categories
    if wanted.category not in known:
        raise Refused("cases.no_category", "There is no category {value} here; there are: {limit}.",
                      value=wanted.category[:40] or "–", limit=", ".join(known) or "–")  # fmt: skip
    if not found.row.is_open:
        raise Refused("cases.category_over", _OVER)
    heard = CaseHeard.objects.filter(case=found.row).first()
    if heard is None:
        raise Refused("cases.category_fixed", _FIXED)
    return heard


def _decided(row: Case, wanted: Wanted, heard: CaseHeard, desk: Desk) -> Decision:
    stands = desk.standing(row).get(wanted.category, ())
    is_kind = wanted.kind in stands or (is_catch_all(wanted.category) and wanted.kind in shipped())
    kind = wanted.kind if is_kind else wanted.category
    came = Came(wanted.category, (), desk.area_of(row), timezone.localtime(row.opened_at), row.origin, heard.words)
    return deciding.ruled(Decision(wanted.category, kind, TAKEN), came, desk.rules_for(row))


def _columns(row: Case, wanted: Wanted, unit: str, turned: list[CaseClock]) -> dict[str, object]:
    ends = [clock.due_at for clock in turned if clock.due_at and clock.standing in RUNNING]
    due_at = min(ends, default=None)
    columns: dict[str, object] = {"category": wanted.category, "due_at": due_at,
                                  "rank": recording.rank_of(due_at, row.closed_at)}  # fmt: skip
    if unit == row.unit:
        return columns
    return columns | {"handler": "", "offered_unit": ""} | recording.placed(unit, row.confidentiality)


def _why(row: Case, decision: Decision, unit: str, desk: Desk) -> dict[str, object]:
    said: dict[str, object] = {"category": decision.category, "kind": decision.kind, "unit": unit,
                               "before": {"category": row.category, "unit": row.unit}}  # fmt: skip
    return said | ({"rule": decision.rule, "version": desk.version} if decision.rule is not None else {})


def _facts(row: Case, wanted: Wanted, unit: str, at: datetime) -> list[object]:
    facts: list[object] = []
    if wanted.category != row.category:
        facts.append(events.CaseCategorised(row.id, row.casetype, row.category, wanted.category, "person", unit, at))
    if unit != row.unit:
        facts.append(events.CaseGiven(row.id, row.casetype, unit, "routed", at))
    return facts
