"""What people do to cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityloom.bus import queries as bus
from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.display import LEVELS, said
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.routing.standing import catch_all_of
from cityloom.cases.policies import LONGEST_TEXT
from cityloom.cases.views.asking import actor
from cityloom.cases.views.calls import shown_once
from cityloom.cases.views.case import shown
from cityloom.cases.views.degrees import degrees
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of

_TURNS = {"pause": actions.pause, "resume": actions.resume, "extend": actions.extend}
_LISTS = ("choices",)
_ADDRESS = 200


@require_POST
@only_once
def step(request: HttpRequest, case_id: str) -> HttpResponse:
    """Take a step of the table, as it was shown."""
    sent = _sent(request, "step", "reason", "result")
    return do(request, case_id, _("Done."), lambda by, at, command: actions.take_step(
        case_id=case_id, by=by, at=at, command=command, seen=_seen(request), **sent))  # fmt: skip


@require_POST
@only_once
def note(request: HttpRequest, case_id: str) -> HttpResponse:
    """Write something down."""
    text, told = request.POST.get("text", ""), bool(request.POST.get("for_reporter"))
    return do(request, case_id, _("Written down."), lambda by, at, command: actions.note(
        case_id=case_id, by=by, at=at, command=command, for_reporter=told, text=text))  # fmt: skip


@require_POST
@only_once
def give(request: HttpRequest, case_id: str) -> HttpResponse:
    """Give the case to somebody of the unit."""
    sent = _sent(request, "handler", "reason")
    return do(request, case_id, _("Given."), lambda by, at, command: actions.give(
        case_id=case_id, by=by, at=at, command=command, **sent))  # fmt: skip


@require_POST
@only_once
def offer(request: HttpRequest, case_id: str) -> HttpResponse:
    """Offer the case to another unit."""
    sent = _sent(request, "unit", "reason")
    done = _("Offered; your unit leads until the other one takes it over.")
    return do(request, case_id, done, lambda by, at, command: actions.offer(
        case_id=case_id, by=by, at=at, command=command, **sent))  # fmt: skip


@require_POST
@only_once
def accept(request: HttpRequest, case_id: str) -> HttpResponse:
    """Take over what was offered to one's unit."""
    return do(request, case_id, _("Your unit leads from now on."), lambda by, at, command: actions.accept_offer(
        case_id=case_id, by=by, at=at, command=command, seen=_seen(request)))  # fmt: skip


@require_POST
@only_once
def turn(request: HttpRequest, case_id: str) -> HttpResponse:
    """Pause, resume or extend a clock."""
    act = _TURNS.get(request.POST.get("how", ""))
    if act is None:
        raise Http404
    sent = _sent(request, "clock", "reason")
    return do(request, case_id, _("Done."), lambda by, at, command: act(
        case_id=case_id, by=by, at=at, command=command, seen=_seen(request), **sent))  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def new(request: HttpRequest) -> HttpResponse:
    """Open a case, on behalf of a caller or for the city; the type is chosen first, all else is one page."""
    by, name = actor(request), (request.POST or request.GET).get("type", "")[:40]
    casetype = queries.newest_casetype(name) if name else None
    if request.method != "POST" or casetype is None:
        return _asked(request, by, casetype)
    if (wanted := request.POST.get("do", "")) in ("suggest", "show"):
        return _asked(request, by, casetype, suggested=_suggested(request, casetype) if wanted == "suggest" else None)
    try:
        asked = _filled(request, casetype)
        case_id = actions.open_case(asked, by=by, at=clock.now())
    except Refused as refusal:
        return _asked(request, by, casetype, refusal=sentence_of(refusal), status=422)
    if asked.secret:
        return shown_once(request, case_id, asked.secret)
    messages.success(request, _("The case is opened."))
    return redirect("case", case_id)


def _suggested(request: HttpRequest, casetype: CaseType) -> dict[str, Any]:
    """What the classifier hears in the words as they stand, which are not kept."""
    longest = (each.name for each in casetype.form if each.kind == "long-text")
    words = " ".join(request.POST.get(f"answer-{name}", "")[:LONGEST_TEXT] for name in longest)
    out = queries.try_routing(queries.Tried(casetype.name, "", None, None, words, "call", clock.now()))
    known = casetype.categories.get(out.decision.category)
    if out.decision.standing != "taken" or known is None:
        return {"category": "", "title": ""}
    return {"category": known.name, "title": said(known.title), "sure": f"{100 * out.decision.sure:.0f} %"}


def _asked(
    request: HttpRequest, by: Actor, casetype: CaseType | None, refusal: str = "", status: int = 200,
    suggested: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    types = [one for one in map(queries.newest_casetype, queries.casetype_names()) if one.access.opened_by & by.roles]
    category = (suggested or {}).get("category") or (request.POST or request.GET).get("category", "")[:40]
    asked = casetype.fields_for(category) if casetype else ()
    return render(request, "cases/new.html", {
        "types": [(one.name, said(one.title), said(one.about)) for one in types], "chosen": casetype and casetype.name,
        "title": said(casetype.title) if casetype else "", "category": category, "refusal": refusal,
        "categories": [(one.name, said(one.title)) for one in casetype.categories.values()] if casetype else [],
        "fields": [_field(each, request) for each in asked], "longest": LONGEST_TEXT,
        "lon": request.POST.get("lon", ""), "lat": request.POST.get("lat", ""), "levels": LEVELS.items(),
        "address": request.POST.get("address", "")[:_ADDRESS], "call": request.POST.get("call", ""),
        "suggested": suggested, "may_be_unsaid": bool(casetype and catch_all_of(casetype.categories)),
    }, status=status)  # fmt: skip


def _field(each: Any, request: HttpRequest) -> dict[str, Any]:
    return {
        "one": each, "label": said(each.title), "help": said(each.help), "id": f"answer-{each.name}",
        "choices": [(one.value, said(one.title)) for one in each.choices],
        "value": request.POST.get(f"answer-{each.name}", ""), "values": request.POST.getlist(f"answer-{each.name}"),
    }  # fmt: skip


def _filled(request: HttpRequest, casetype: CaseType) -> Asked:
    category = request.POST.get("category", "")[:40]
    answers: dict[str, Any] = {}
    for each in casetype.fields_for(category):
        key = f"answer-{each.name}"
        answers[each.name] = request.POST.getlist(key) if each.kind in _LISTS else request.POST.get(key, "")
    lon, lat = _place(request)
    is_call, word = bool(request.POST.get("call")), word_of(request)
    return Asked(casetype.name, category, answers, lon, lat, origin="call" if is_call else "official", key=word,
                 secret=actions.new_code(word) if is_call and word else "")  # fmt: skip


def _place(request: HttpRequest) -> tuple[float | None, float | None]:
    """Where it is: degrees, else an address that the registers know. Raises: Refused `cases.place`, `cases.address`."""
    lon, lat = degrees(request.POST.get("lon", ""), 180), degrees(request.POST.get("lat", ""), 90)
    address = request.POST.get("address", "").strip()[:_ADDRESS]
    if (lon is not None and lat is not None) or not address:
        return lon, lat
    found = registers.geocoded(address)
    if found.lon is None or found.lat is None:
        raise Refused("cases.address", "The registers know no address like {value}; write street and house number, "
                      "give degrees, or leave the place empty.", value=address[:60])  # fmt: skip
    return found.lon, found.lat


def _sent(request: HttpRequest, *names: str) -> dict[str, str]:
    """What a form said; a text that is too long is refused by the action, not cut."""
    return {name: request.POST.get(name, "") for name in names}


def _seen(request: HttpRequest) -> int:
    text = request.POST.get("seen", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def do(request: HttpRequest, case_id: str, done: str, act: Callable[[Actor, datetime, str], object]) -> HttpResponse:
    """Do something in the name of whoever is signed in, then show the case: again, or with the refusal on it."""
    by = actor(request)
    at = bus.now_in(queries.case_for(by, case_id).exercise_id)
    try:
        act(by, at, word_of(request))
    except Refused as refusal:
        sent = {"sent_step": request.POST.get("step", ""), "sent_reason": request.POST.get("reason", "")[:LONGEST_TEXT]}
        return shown(request, case_id, status_of(refusal), refusal=sentence_of(refusal), **sent)
    messages.success(request, done)
    return redirect("case", case_id)
