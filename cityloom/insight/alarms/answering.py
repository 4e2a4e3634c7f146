"""What an office says that an alarm was, with its reason; it may open a case for it at once."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.cases import actions as cases
from cityloom.insight import events, policies
from cityloom.insight.domain.persons import look_like_persons
from cityloom.insight.models import HotspotAlarm
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

ANSWERS = ("explained", "works", "opened", "nothing")
OF_USE = frozenset({"explained", "works", "opened"})
LONGEST, SHORTEST = 600, 3
_NONE = "There is no alarm {value}; look for it in the list."
_ANSWER = "Say what it was: one of {limit}."
_REASON = "Say how you know, in 3 to {limit} characters, and write nobody's name."
_OVER = "This alarm was answered already; its answer stands on its page."
_SPACES = re.compile(r"\s+")


def found(alarm_id: str, by: Actor) -> HotspotAlarm:
    """An alarm that somebody may read. Raises: Refused `insight.no_hotspot`, `insight.hotspot_reader`."""
    row = HotspotAlarm.objects.filter(id=alarm_id).first()
    if row is None:
        raise Refused("insight.no_hotspot", _NONE, value=alarm_id[:26])
    policies.check_can_read_hotspot(by, row.unit)
    return row


def answer(alarm_id: str, said: str, reason: str, words: str, by: Actor, at: datetime) -> str:
    """Keep an answer; return the id of the case that was opened, "" for none. `words` are those of the case.

    Raises: Refused `insight.no_hotspot`, `insight.hotspot_reader`, `insight.hotspot_answer`, `insight.hotspot_reason`,
    `insight.hotspot_over`, and what opening a case refuses.
    """
    row = found(alarm_id, by)
    policies.check_can_answer_hotspot(by, row.unit)
    reason = _SPACES.sub(" ", reason).strip()
    if said not in ANSWERS:
        raise Refused("insight.hotspot_answer", _ANSWER, limit=", ".join(ANSWERS))
    if not SHORTEST <= len(reason) <= LONGEST or look_like_persons([reason]):
        raise Refused("insight.hotspot_reason", _REASON, limit=LONGEST)
    if row.answer:
        raise Refused("insight.hotspot_over", _OVER)
    case = _opened(row, words, by, at) if said == "opened" else ""
    with transaction.atomic():
        kept = HotspotAlarm.objects.filter(id=row.id, answer="").update(
            answer=said, reason=reason, answered_at=at, by=by.account, role=min(by.roles, default=""), case=case
        )  # fmt: skip
        if not kept:
            raise Refused("insight.hotspot_over", _OVER)
        bus.publish(events.HotspotAnswered(row.id, row.category, row.unit, said, at), at=at)
    return case


def _opened(row: HotspotAlarm, words: str, by: Actor, at: datetime) -> str:
    """A case for the office, which knows the alarm by its link; the same alarm opens the same case."""
    return cases.open_case(
        cases.Asked(row.casetype, row.category, {"words": words}, row.lon, row.lat, unit=row.unit, origin="official",
                    key=f"hotspot {row.id}", links=[("hotspot", row.id)]), by=by, at=at)  # fmt: skip
