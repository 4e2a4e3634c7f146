"""A dispute for those who work on it: who may do what before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cityloom.cases import events, policies
from cityloom.cases.domain.casetypes.casetype import MEDIATOR
from cityloom.cases.models import Case, CaseEvent, CaseMember
from cityloom.cases.working import finding, recording
from cityloom.cases.working.finding import Found
from cityloom.cases.working.recording import Deed
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

NO, YES = "no", "yes"


def dispute_for(case_id: str, by: Actor) -> Found:
    """A dispute for one of those whom it names.

    Raises: Refused `cases.unknown`, `cases.no_dispute`, `cases.no_role`.
    """
    found = finding.found(case_id, by)
    check_is_dispute(found)
    policies.check_can_work(found.roles, by)
    return found


def check_is_dispute(found: Found) -> None:
    """Raises: Refused `cases.no_dispute`."""
    if not found.casetype.is_mediated:
        raise Refused("cases.no_dispute", "A case of this kind has no parties; open a dispute for it.")


def mediators_of(row: Case) -> list[str]:
    """The accounts that a dispute names as its mediators now."""
    return list(CaseMember.objects.filter(case=row, role=MEDIATOR, until=None).values_list("account", flat=True))


def declared_by(row: Case) -> dict[str, str]:
    """What each account declared last: `yes` where it has an interest in the matter, `no` where it has none."""
    rows = CaseEvent.objects.filter(case=row, kind="declared").order_by("revision").values_list("account", "data")
    return {account: str(data.get("interest", "")) for account, data in rows}


def check_has_declared(row: Case, account: str) -> None:
    """Raises: Refused `cases.not_declared`, where a mediator has not said yet that nothing ties them to it."""
    if declared_by(row).get(account) != NO:
        raise Refused("cases.not_declared", "The mediator has to declare first that nothing ties them to the matter.")


def noted(
    found: Found, kind: str, by: Actor, at: datetime, command: str, *, text: str = "",
    data: Mapping[str, object] | None = None,
) -> bool:  # fmt: skip
    """Write down what was done, in the caller's transaction; False where another process has done it meanwhile."""
    role = found.role() or next(iter(sorted(by.roles)), "")
    deed = Deed(kind, by, at, command, role, text=text, data=data or {})
    fact = events.CaseNoted(found.row.id, found.row.casetype, kind, at)
    return recording.change(found.row, deed, {}, [fact])
