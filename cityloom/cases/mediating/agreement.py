"""What the sides agree on, item by item, and whether it is kept; time that runs out is said by itself."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from cityloom.cases import events, policies
from cityloom.cases.domain.clocks.running import What
from cityloom.cases.domain.disputes import agreeing, sides
from cityloom.cases.mediating import entering
from cityloom.cases.models import AgreementItem, CaseClock
from cityloom.cases.working import finding, moving, recording
from cityloom.cases.working.finding import Found
from cityloom.cases.working.recording import Deed
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

_WRITTEN_IN, _CHECKED_IN = ("in-mediation", "agreement"), ("agreement", "fulfilment")
_AT_ONCE = 200


def write(found: Found, side: str, words: str, until_on: date, command: str, by: Actor, at: datetime) -> int:
    """Write one item of an agreement down; return its number.

    Raises: Refused `cases.not_now`, `cases.outcome`, `cases.item_day`, `cases.many_items`, `cases.reason`.
    """
    row = found.row
    _check_state(found, _WRITTEN_IN)
    agreeing.check_outcome(side, sides.SIDES)
    agreeing.check_day(until_on, _today(at))
    number = AgreementItem.objects.filter(case=row).count() + 1
    if number > agreeing.MOST_ITEMS:
        raise Refused("cases.many_items", "An agreement has at most {limit} items; put some into one.",
                      limit=agreeing.MOST_ITEMS)  # fmt: skip
    sealed = recording.sealed(row, policies.needed_reason(words), by, at)
    with transaction.atomic():
        if entering.noted(found, "item", by, at, command, data={"number": number, "side": side}):
            AgreementItem.objects.create(
                id=ids.named_id("item", row.id, command), case=row, number=number, side=side, words_sealed=sealed,
                until_on=until_on, agreed_at=at,
            )  # fmt: skip
    return number


def check(found: Found, number: int, outcome: str, reason: str, command: str, by: Actor, at: datetime) -> None:
    """Say whether an item is fulfilled. All of them settle the dispute; one that is not leads back to mediation.

    What is fulfilled in part holds the follow-up until it is known whether the rest is; `dropped` is an item that the
    sides put something else in the place of.
    Raises: Refused `cases.not_now`, `cases.outcome`, `cases.no_item`, `cases.reason`.
    """
    agreeing.check_outcome(outcome, (*agreeing.CHECKED, agreeing.DROPPED))
    _check_state(found, _WRITTEN_IN if outcome == agreeing.DROPPED else _CHECKED_IN)
    item = AgreementItem.objects.filter(case=found.row, number=number).first()
    if item is None:
        raise Refused("cases.no_item", "There is no item {value} in this agreement; reload the page.", value=number)
    words = policies.cleaned(reason) if outcome == agreeing.FULFILLED else policies.needed_reason(reason)
    item.state, item.checked_at = outcome, at
    with transaction.atomic():
        data = {"number": number, "outcome": outcome}
        if entering.noted(found, "checked", by, at, command, text=words, data=data):
            item.save(update_fields=["state", "checked_at"])
            if found.row.state == "fulfilment":
                _go_on(found.row.id, outcome, words, command, by, at)


def ring(at: datetime, exercise_id: str) -> int:
    """Remind of items whose day is near, and say which are overdue, each once; return how many were."""
    today = _today(at)
    rows = AgreementItem.objects.filter(state=agreeing.OPEN, until_on__lte=today + agreeing.REMIND)
    rows = rows.filter(case__exercise_id=exercise_id, case__state="fulfilment").exclude(rang=agreeing.OVERDUE)
    return sum(_rang(item, today, at) for item in rows.select_related("case").order_by("until_on", "id")[:_AT_ONCE])


def _rang(item: AgreementItem, today: date, at: datetime) -> bool:
    what = agreeing.rings(item.state, item.until_on, today, item.rang)
    if not what:
        return False
    row, item.rang = finding.row_of(item.case.id), what
    deed = Deed(f"item-{what}", SYSTEM, at, f"{item.id} {what}", data={"number": item.number})
    fact = events.CaseNoted(row.id, row.casetype, deed.kind, at)
    try:
        with transaction.atomic():
            rang = recording.change(row, deed, {}, [fact])
            item.save(update_fields=["rang"])
    except Refused as refusal:
        if refusal.code != "cases.changed":  # somebody works on it just now: the next round says it
            raise
        return False
    return rang


def _go_on(case_id: str, outcome: str, words: str, command: str, by: Actor, at: datetime) -> None:
    """Where the case goes once an item is checked; looked at anew, since the item counts now."""
    found = finding.found(case_id, by)
    if outcome == agreeing.NOT:
        moving.move(found, moving.Move("breach", words, command=f"{command} step"), by, at)
    elif "fulfilment" in found.standing.facts:
        moving.move(found, moving.Move("fulfil", command=f"{command} step"), by, at)
    elif outcome == agreeing.PARTLY and CaseClock.objects.filter(case=found.row, standing="running",
                                                                 clock="follow-up").exists():  # fmt: skip
        moving.turn(found, What.PAUSED, "follow-up", words, f"{command} clock", by, at)


def _check_state(found: Found, states: tuple[str, ...]) -> None:
    if found.row.state not in states:
        raise Refused("cases.not_now", "That cannot be done where the case stands now; its next steps say what can.")


def _today(at: datetime) -> date:
    return timezone.localtime(at).date()
