"""The sections of a dispute on its case's page, and what people do there; the list that a supervisor has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.cases import actions, catalogue, queries
from cityloom.cases.display import said, word
from cityloom.cases.domain.disputes import sides
from cityloom.cases.mediating import naming, reading
from cityloom.cases.mediating.words import CAPACITIES, ITEMS, MARKS, OUTCOMES, SESSIONS, SIDES
from cityloom.cases.views.asking import actor
from cityloom.cases.working import finding
from cityloom.cases.working.finding import Found
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of

_LONGEST = 4_000
BY_SESSION = frozenset({"plan", "hear", "unplan"})
"""Steps that a session takes by being planned, held or not held; no button beside it."""
_MOST_STAFF = 200


def sections(found: Found, by: Actor, opened: dict[str, sides.Opened]) -> dict[str, Any]:
    """What the page of a dispute shows besides what every case has."""
    known = reading.mediation_of(found.row, by, clock.now())
    names = accounts.unit_names_of({one.unit for one in known.parties} - {""})
    staff = _staff()
    return {"dispute": {
        "parties": [_party(one, opened, names) for one in known.parties], "has_opened": bool(opened),
        "sessions": [_session(one, staff) for one in known.sessions], "fault": known.fault,
        "planned": next((one for one in known.sessions if one.state == "planned"), None),
        "items": [(one, word(SIDES, one.side), *_labelled(ITEMS, one.standing)) for one in known.items],
        "members": _members(found, known.members, known.declared, staff),
        "mediators": [(account, staff.get(account, "–")) for account in known.mediators],
        "must_declare": by.account in known.mediators and known.declared.get(by.account) != "no",
        "state": found.row.state, "sides": _choices(SIDES, ("one", "other")), "all_sides": _choices(SIDES),
        "capacities": _choices(CAPACITIES), "outcomes": _choices(OUTCOMES), "marks": _choices(MARKS),
        "units": accounts.units(), "today": timezone.localtime(clock.now()).date(),
    } | _naming(found)}  # fmt: skip


@require_POST
@only_once
def deed(request: HttpRequest, case_id: str) -> HttpResponse:
    """Do one thing in a dispute, and come back to its page."""
    act = _DEEDS.get(request.POST.get("what", ""))
    if act is None:
        raise Http404
    by, back = actor(request), request.POST.get("back", "")
    try:
        words = act(request, {"case_id": case_id, "by": by, "at": clock.now(), "command": word_of(request)})
    except Refused as refusal:
        return _refused(request, case_id, refusal, by, back)
    messages.success(request, words)
    if back == "named":
        return redirect("dispute", case_id)
    return redirect("case", case_id) if _still_sees(by, case_id) else redirect("cases")


@require_POST
def opening(request: HttpRequest, case_id: str) -> HttpResponse:
    """Open who the parties are, on the page that answers and nowhere else."""
    from cityloom.cases.views.case import shown  # the page shows these sections

    by = actor(request)
    queries.case_for(by, case_id)
    try:
        opened = actions.open_parties(case_id=case_id, by=by, at=clock.now())
    except Refused as refusal:
        return shown(request, case_id, status_of(refusal), refusal=sentence_of(refusal))
    answer = shown(request, case_id, opened=opened)
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
def disputes(request: HttpRequest) -> HttpResponse:
    """The disputes of a supervisor's branch: that they are there, their clocks, and who is still to be named."""
    by = actor(request)
    return render(request, "cases/disputes.html", {
        "rows": reading.existing_for(by, _overseen(by)), "now": clock.now(), "may": bool(_overseen(by)),
    })  # fmt: skip


@require_http_methods(["GET", "HEAD"])
def dispute(request: HttpRequest, case_id: str) -> HttpResponse:
    """Who is named in a dispute, for a supervisor who sees no more of it."""
    return _named(request, case_id)


def _named(request: HttpRequest, case_id: str, status: int = 200, **more: Any) -> HttpResponse:
    by = actor(request)
    found = finding.found(case_id, by)
    naming.check_can_name(found, by)
    known = reading.members_of(found.row)
    facts = queries.facts_of(case_id)
    context = {"one": facts, "members": _members(found, known, {}, _staff()), "now": clock.now()}
    return render(request, "cases/dispute.html", context | _naming(found) | more, status=status)


def _refused(request: HttpRequest, case_id: str, refusal: Refused, by: Actor, back: str) -> HttpResponse:
    from cityloom.cases.views.case import shown  # the page shows these sections

    page = _named if back == "named" or not _still_sees(by, case_id) else shown
    return page(request, case_id, status_of(refusal), refusal=sentence_of(refusal))


def _still_sees(by: Actor, case_id: str) -> bool:
    try:
        queries.case_for(by, case_id)
    except Refused:
        return False
    return True


def _overseen(by: Actor) -> list[str]:
    """Mediated types that an account's role supervises."""
    types = map(catalogue.newest, catalogue.names())
    return [one.name for one in types if one.is_mediated and one.access.seen_by & by.roles]


def _naming(found: Found) -> dict[str, Any]:
    """Whom it can name: those of any unit whose role may open parties, for each role that the type names."""
    roles = [(name, said(found.casetype.roles[name].title)) for name in found.casetype.named]
    staff = [one for one in accounts.accounts(demo=True) if one.is_active and naming.OPENERS & set(one.roles)]
    near = sorted(staff, key=lambda one: (one.unit != found.row.unit, one.username))
    return {"roles": roles, "staff": [(one.id, one.username, one.unit) for one in near[:_MOST_STAFF]]}


def _staff() -> dict[str, str]:
    return {one.id: one.username for one in accounts.accounts(demo=True)}


def _members(
    found: Found, members: list[tuple[str, str]], declared: dict[str, str], staff: dict[str, str]
) -> list[dict[str, str]]:
    return [
        {"role": role, "title": said(found.casetype.roles[role].title), "account": account,
         "name": staff.get(account, "–"), "declared": declared.get(account, "")}
        for role, account in members if role in found.casetype.roles
    ]  # fmt: skip


def _party(one: Any, opened: dict[str, sides.Opened], names: dict[str, str]) -> dict[str, Any]:
    seen = opened.get(one.id)
    return {
        "one": one, "side": word(SIDES, one.side), "capacity": word(CAPACITIES, one.capacity),
        "unit": names.get(one.unit, one.unit), "name": seen.name if seen else "",
        "contact": seen.contact if seen else "",
    }  # fmt: skip


def _session(one: reading.SessionFacts, staff: dict[str, str]) -> dict[str, Any]:
    label, look = _labelled(SESSIONS, one.state)
    return {"one": one, "label": label, "look": look, "absent": word(SIDES, one.absent) if one.absent else "",
            "mediator": staff.get(one.mediator, "–")}  # fmt: skip


def _labelled(words: dict[str, tuple[str, str]], key: str) -> tuple[str, str]:
    label, look = words.get(key, (key, ""))
    return _(label), look


def _choices(words: dict[str, str], some: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(key, _(label)) for key, label in words.items() if not some or key in some]


# What is sent.

Sent = dict[str, Any]


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "")[: _LONGEST + 1]


def _number(request: HttpRequest) -> int:
    text = request.POST.get("number", "")
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _add(request: HttpRequest, sent: Sent) -> str:
    names = ("side", "capacity", "name", "contact", "unit")
    actions.add_party(**sent, number=_text(request, "identity"), **{name: _text(request, name) for name in names})
    return _("Written down and sealed.")


def _mark(request: HttpRequest, sent: Sent) -> str:
    actions.mark_party(**sent, party=_text(request, "party"), what=_text(request, "mark"))
    return _("Written down.")


def _declare(request: HttpRequest, sent: Sent) -> str:
    interest = request.POST.get("interest") != "no"
    if actions.declare(**sent, interest=interest, number=_text(request, "identity"), text=_text(request, "text")):
        return _("Declared: nothing ties you to the matter.")
    return _("You do not mediate here; somebody else is to be named. The case is closed to you from now on.")


def _name(request: HttpRequest, sent: Sent) -> str:
    actions.name_member(**sent, role=_text(request, "role"), account=_text(request, "account"))
    return _("Named.")


def _leave(request: HttpRequest, sent: Sent) -> str:
    actions.end_member(**sent, role=_text(request, "role"), account=_text(request, "account"))
    return _("No longer named.")


def _plan(request: HttpRequest, sent: Sent) -> str:
    on = _moment(_text(request, "on"))
    actions.plan_session(**sent, on=on, mediator=_text(request, "mediator"), place=_text(request, "place"))
    return _("The session is planned; invite the sides.")


def _end(request: HttpRequest, sent: Sent) -> str:
    names = ("outcome", "absent", "minutes")
    actions.end_session(**sent, number=_number(request), **{name: _text(request, name) for name in names})
    return _("Written down.")


def _write(request: HttpRequest, sent: Sent) -> str:
    day = _day(_text(request, "until"))
    actions.write_item(**sent, side=_text(request, "side"), words=_text(request, "words"), until_on=day)
    return _("Written down and sealed.")


def _check(request: HttpRequest, sent: Sent) -> str:
    actions.check_item(**sent, number=_number(request), outcome=_text(request, "outcome"),
                       reason=_text(request, "reason"))  # fmt: skip
    return _("Written down.")


_DEEDS: dict[str, Callable[[HttpRequest, Sent], str]] = {
    "party": _add, "mark": _mark, "declare": _declare, "name": _name, "leave": _leave, "plan": _plan, "end": _end,
    "item": _write, "check": _check,
}  # fmt: skip


def _moment(text: str) -> datetime:
    """A time as a form sends it, in the city's zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("cases.moment", "Write the day and the time, as in {limit}.", limit="2026-11-02 09:30") from error
    return at if at.tzinfo else timezone.make_aware(at)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("cases.day", "Write the day, as in {limit}.", limit="2026-11-02") from error
