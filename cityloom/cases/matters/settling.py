"""What happens to the case that goes on happens to those that are joined with it: each says so in its own history."""

from __future__ import annotations

from datetime import datetime

from cityloom.cases import catalogue
from cityloom.cases.events import CaseMoved, CaseNoted
from cityloom.cases.matters import parting
from cityloom.cases.matters.uniting import JOIN, PART
from cityloom.cases.models import Case, CaseSketch
from cityloom.cases.working import recording
from cityloom.cases.working.recording import Deed
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

FOLLOWED, WITHDRAWN = "followed", "withdrawn"
_TAKEN_BACK = "The first report was taken back. 首件已由反映人撤回。"


def follow(moved: CaseMoved, event_id: str, at: datetime) -> int:
    """Say in each joined case what became of the one that goes on; return how many there are.

    Each in a transaction of its own, once for each event: killed between any two, it goes on.
    """
    lead = Case.objects.filter(id=moved.case_id, matter=moved.case_id).first()
    if lead is None or moved.step in (JOIN, PART):
        return 0
    CaseSketch.objects.filter(case__matter=lead.id).update(is_live=lead.is_open)
    joined = list(Case.objects.filter(matter=lead.id).exclude(id=lead.id).order_by("number"))
    if joined and moved.result == WITHDRAWN:
        _take_over(lead, event_id, at)
    else:
        for row in joined:
            _note(row, lead, moved, event_id, at)
    return len(joined)


def _note(row: Case, lead: Case, moved: CaseMoved, event_id: str, at: datetime) -> None:
    data = {"lead": lead.number, "state": moved.after} | ({"result": moved.result} if moved.result else {})
    deed = Deed(FOLLOWED, SYSTEM, max(at, row.changed_at), ids.named_id(FOLLOWED, event_id), "", data=data)
    if not recording.is_done(row, deed.command):
        changes = {"result": lead.result or _joined_result(row)}
        recording.change(row, deed, changes, [CaseNoted(row.id, row.casetype, FOLLOWED, at)])


def _take_over(lead: Case, event_id: str, at: datetime) -> None:
    """Whoever reported first has taken it back: the others have not, so the next one goes on."""
    try:
        parting.pass_on(lead, _TAKEN_BACK, ids.named_id("taken back", event_id), SYSTEM, at)
    except Refused as refusal:
        if refusal.code not in ("cases.state", "cases.no_step"):
            raise


def _joined_result(row: Case) -> str:
    """The result of a case that is joined with one that is under way."""
    step = catalogue.casetype_of(row.casetype, row.version).step(JOIN)
    return step.results[0] if step is not None and len(step.results) == 1 else ""
