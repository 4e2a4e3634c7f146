"""What service tasks can ask for. A process never changes a case's state: it asks, and the table of states decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cityloom.cases.models import ProcessWork
from cityloom.cases.processes.running import Facts, Service
from cityloom.cases.working import finding, moving
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_REASON = "The process asked for this step."


def take_step(work: ProcessWork, by: Actor, at: datetime) -> Facts:
    """Take a step of the case; its table says whether the city itself may, in the state in which it stands.

    Raises: Refused `cases.no_case`, and as `actions.take_step`.
    """
    case = work.run.case
    if case is None:
        raise Refused("cases.no_case", "This process runs in no case, so no step can be taken.")
    step = work.what.partition(":")[2]
    moving.move(finding.found(case.id, by), moving.Move(step, reason=_REASON, command=f"process {work.id}"), by, at)
    return {}


def offer_step(work: ProcessWork, by: Actor, at: datetime) -> Facts:
    """Offer a step of the case to whoever may take it, though the process goes on; the row of the work says so."""
    return {}


SERVICES: Mapping[str, Service] = {"step": take_step, "offer": offer_step}
