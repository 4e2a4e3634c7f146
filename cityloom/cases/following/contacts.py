"""How reporters may be reached who gave it in confidence: opened for a reason, in the log of the gate, and erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cityloom.cases import events, policies
from cityloom.cases.following.reporting import PURPOSE
from cityloom.cases.models import CaseContact
from cityloom.cases.working import finding, recording
from cityloom.cases.working.recording import Deed
from cityloom.gate import actions as gate
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

_OPEN_FOR = timedelta(minutes=10)
OPENED = "opened-contact"


def opened(case_id: str, reason: str, command: str, by: Actor, at: datetime) -> str:
    """Open how the reporter of a case may be reached; the reason stands in the case, the opening in the gate's log.

    Raises: Refused `cases.no_role`, `cases.reason`, `cases.no_contact`, and from the gate.
    """
    found = finding.found(case_id, by)
    policies.check_can_work(found.roles, by)
    why = policies.needed_reason(reason)
    packet = CaseContact.objects.filter(case=found.row).values_list("packet", flat=True).first()
    if packet is None:
        raise Refused("cases.no_contact", "Nobody has said how to be reached in this case; write a note for the person"
                      " who reported it instead.")  # fmt: skip
    grant_id = gate.grant(by=SYSTEM, at=at, purpose=PURPOSE, subjects=[packet], fields=["contact"], holder=by.account,
                          until=at + _OPEN_FOR)  # fmt: skip
    parts = gate.open_packets(by=by, at=at, grant_id=grant_id, packets=[packet], fields=["contact"]).get(packet)
    if parts is None:
        raise Refused("cases.contact_erased", "How to reach the person who reported it has been erased.")
    if not recording.is_done(found.row, command):
        deed = Deed(OPENED, by, max(at, found.row.changed_at), command, found.role(), text=why)
        recording.change(found.row, deed, {}, [events.CaseNoted(found.row.id, found.row.casetype, OPENED, at)])
    return parts.get("contact", b"").decode()


def erase(numbers: Sequence[int], by: Actor, at: datetime) -> None:
    """Erase the contacts of cases that are erased."""
    rows = CaseContact.objects.filter(case__in=numbers)
    packets = list(rows.values_list("packet", flat=True))
    if packets:
        gate.erase_packets(by=by, at=at, purpose=PURPOSE, packets=packets)
        rows.delete()
