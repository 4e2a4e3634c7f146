"""A matter in plain words for whoever reported it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from cityloom.accounts import queries as accounts
from cityloom.cases import queries
from cityloom.cases.display import said
from cityloom.cases.domain import followcode, numbers, verdicts
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.ticking import RUNNING
from cityloom.cases.domain.verdicts import Follows
from cityloom.cases.listing.followed import Followed, may_add_as_reporter, reporters_of, reviews_followed, way_on_of
from cityloom.cases.listing.toldfollowers import Told, account_for
from cityloom.cases.views.asking import type_of_row, what
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

_THANKS = {
    Follows.CLOSE: gettext_noop("Thank you. The matter is closed; within the time to answer you can reopen it."),
    Follows.GO_ON: gettext_noop("Thank you. It goes on; the unit reads why."),
    Follows.TELL: gettext_noop("Thank you. The unit reads why; you can ask for another look at it as well."),
    Follows.COUNT: gettext_noop("Thank you. Your answer is counted."),
}
_TOLD = {
    "opened": gettext_noop("Received"), "taken-over": gettext_noop("Another unit has taken it over"),
    "noted": gettext_noop("Written for you"), "paused": gettext_noop("The time limit stands still"),
    "resumed": gettext_noop("The time limit goes on"), "extended": gettext_noop("More time was given"),
    "reminded": gettext_noop("The unit was reminded of the time limit"),
    "overdue": gettext_noop("The time limit is over; the unit above was told"),
    "attached": gettext_noop("A photo was added"),
    "released": gettext_noop("A description was made public"),
}  # fmt: skip
_SATISFIED = (
    (5, gettext_noop("very satisfied")), (4, gettext_noop("satisfied")), (3, gettext_noop("neither")),
    (2, gettext_noop("not satisfied")), (1, gettext_noop("not satisfied at all")),
)  # fmt: skip


def thanks_for(follows: Follows) -> str:
    """What is said to somebody who has answered whether it is solved."""
    return _(_THANKS[follows])


def told(followed: Followed, code: str, at: datetime) -> dict[str, Any]:
    """The page of a matter."""
    lead, casetype = followed.lead, type_of_row(followed.lead)
    account, way_on = account_for(followed), way_on_of(followed, at)
    state, answers = casetype.states[lead.state], may_add_as_reporter(followed)
    return {
        "code": code, "shown_code": followcode.shown(followcode.heard(code)), "title": what(casetype, lead.category),
        "spoken": numbers.spoken(followed.own.number), "lead_spoken": numbers.spoken(lead.number),
        "followed": followed, "state": said(state.title), "meaning": said(state.meaning), "where": _where(followed),
        "result": said(casetype.results[lead.result].title) if lead.result in casetype.results else "",
        "steps": _steps(followed, casetype, way_on.ended), "reporters": reporters_of(lead),
        "account": account, "history": [_one(each) for each in reversed(account.history)], "way_on": way_on,
        "is_waiting": state.pauses and lead.is_open, "question": _question(account.history) if state.pauses else "",
        "may_add": answers.may_add, "may_withdraw": answers.may_withdraw, "expected": _expected(followed, casetype, at),
        "satisfied": [(number, _(words)) for number, words in _SATISFIED],
        "reviews": [_review(each) for each in reviews_followed(followcode.heard(code))],
    }  # fmt: skip


def _steps(followed: Followed, casetype: CaseType, ended: verdicts.Ended | None) -> list[dict[str, Any]]:
    """From received to over: what has come, with when where that is known, and what is still to come."""
    lead = followed.lead
    unit = accounts.unit_names_of({lead.unit}).get(lead.unit, lead.unit)
    begun = lead.state != casetype.first.name or bool(lead.handler)
    steps = [
        {"words": _("Received"), "at": followed.own.opened_at, "is_there": True},
        {"words": _("With {unit}").format(unit=unit), "is_there": True},
        {"words": _("In work"), "is_there": begun},
    ]
    if verdicts.asked_in(casetype):
        steps.append({"words": _("Done, says the unit"), "at": ended and ended.at, "is_there": bool(ended)})
    over = said(casetype.states[lead.state].title) if not lead.is_open else _("Closed")
    steps.append({"words": over, "at": lead.closed_at, "is_there": not lead.is_open})
    last = max(at for at, step in enumerate(steps) if step["is_there"])
    return [step | {"is_now": at == last} for at, step in enumerate(steps)]


def _expected(followed: Followed, casetype: CaseType, at: datetime) -> dict[str, Any] | None:
    """By when the matter is to be done, as its clocks say; the one of the reporter's silence is no promise."""
    promised = {clock.name for clock in casetype.clocks if not clock.deemed or not clock.since}
    ends = [one for one in queries.clocks_of(followed.lead.id)
            if one.clock in promised and one.due_at and one.standing in RUNNING]  # fmt: skip
    if not followed.lead.is_open or not ends:
        return None
    last = max(ends, key=lambda one: one.due_at or at)
    return {"at": last.due_at, "is_provisional": last.is_provisional, "is_late": last.due_at and last.due_at < at}


def _one(each: Told) -> dict[str, Any]:
    casetype = type_of_row(each.case)
    state, result = casetype.states.get(each.after), casetype.results.get(each.result)
    return {
        "one": each, "words": said(state.title) if state and each.kind == "stepped" else _(_TOLD[each.kind]),
        "meaning": said(state.meaning) if state and each.kind == "stepped" else "",
        "result": said(result.title) if result else "",
    }  # fmt: skip


def _question(history: list[Told]) -> str:
    """What was asked of whoever reported it, most lately."""
    return next((one.text for one in reversed(history) if one.kind == "stepped" and not one.is_mine and one.text), "")


def _review(row: Any) -> dict[str, str]:
    casetype = type_of_row(row)
    state = casetype.states[row.state]
    result = casetype.results.get(row.result)
    return {"spoken": numbers.spoken(row.number), "state": said(state.title), "meaning": said(state.meaning),
            "result": said(result.title) if result else ""}  # fmt: skip


def _where(followed: Followed) -> str:
    row = followed.own
    if row.lon is None or row.lat is None:
        return ""
    try:
        return registers.area_words(row.lon, row.lat)["zh-Hans" if get_language() == "zh-hans" else "en"]
    except Refused:
        return ""
