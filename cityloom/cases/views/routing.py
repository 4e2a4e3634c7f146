"""The routing rules: those in force with what is to be said of them, a case tried by hand, a new version looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cityloom.accounts import queries as accounts
from cityloom.cases import actions, policies, queries
from cityloom.cases.domain.routing.rules import CHANNELS, Rules
from cityloom.cases.policies import LONGEST_TEXT
from cityloom.cases.queries import Tried
from cityloom.cases.views import ruling
from cityloom.cases.views.asking import actor
from cityloom.cases.views.degrees import degrees
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_LARGEST = 512 * 1024
_TYPE = "request"


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def routing(request: HttpRequest) -> HttpResponse:
    """The page, and what is done on it: `action` is try, check, put or withdraw."""
    by = actor(request)
    if request.method != "POST":
        return _page(request, by)
    act = _ACTIONS.get(request.POST.get("action", ""))
    if act is None:
        raise Http404
    try:
        return act(request, by)
    except Refused as refusal:
        return _page(request, by, status=422, refusal=sentence_of(refusal), text=_text(request))


def _try(request: HttpRequest, by: Actor) -> HttpResponse:
    sent = request.POST
    channel = sent.get("channel", "")
    tried = Tried(
        _TYPE, sent.get("category", "")[:40], degrees(sent.get("lon", ""), 180), degrees(sent.get("lat", ""), 90),
        policies.cleaned(sent.get("words", "")), channel if channel in CHANNELS else CHANNELS[0], clock.now(),
    )  # fmt: skip
    out = queries.try_routing(tried)
    return _page(request, by, tried=tried, outcome=ruling.outcome_words(out))


def _check(request: HttpRequest, by: Actor) -> HttpResponse:
    """Look at rules that somebody wrote, with what stands against them; nothing is kept."""
    text = _text(request)
    found = queries.city_rules_of(text)
    findings = queries.city_rules_findings(found)
    try:
        queries.check_city_rules(found, findings)
        fault = ""
    except Refused as refusal:
        fault = sentence_of(refusal)
    shown = {"candidate": ruling.shown(found, findings), "fault": fault, "text": text}
    return _page(request, by, status=422 if fault else 200, **shown)


def _put(request: HttpRequest, by: Actor) -> HttpResponse:
    number = actions.put_routing(text=_text(request), by=by, at=clock.now())
    messages.success(request, _("Version {number} of the rules is in force.").replace("{number}", str(number)))
    return redirect("case-routing")


def _withdraw(request: HttpRequest, by: Actor) -> HttpResponse:
    actions.withdraw_routing(by=by, at=clock.now())
    messages.success(request, _("No rules are in force any more."))
    return redirect("case-routing")


_ACTIONS: dict[str, Callable[[HttpRequest, Actor], HttpResponse]] = {
    "try": _try, "check": _check, "put": _put, "withdraw": _withdraw,
}  # fmt: skip


def _page(request: HttpRequest, by: Actor, status: int = 200, text: str = "", **more: Any) -> HttpResponse:
    now = queries.rules_in_force()
    number = request.GET.get("version", "")
    if number.isdecimal() and len(number) < 8:
        more |= {"older": {"number": int(number), "text": queries.rules_text(int(number))}}
    elif not text:
        text = queries.rules_text(now.number) if now else queries.example_routing().read_text(encoding="utf-8")
    return render(request, "cases/routing.html", {
        "number": now.number if now else None, "rules": _in_force(now.rules) if now else None, "text": text,
        "history": _history(), "may_rule": bool(policies.PUBLISHERS & by.roles), "longest": LONGEST_TEXT,
        "categories": ruling.categories_of(_TYPE), "channels": ruling.channels(),
    } | more, status=status)  # fmt: skip


def _in_force(found: Rules) -> dict[str, Any]:
    return ruling.shown(found, queries.city_rules_findings(found))


def _history() -> list[dict[str, Any]]:
    known = {one.number: one.name for one in queries.rules_versions()}
    people = {one.id: one.username for one in accounts.accounts(demo=True)}
    return [{"step": step, "name": known.get(step.number or 0, ""), "who": people.get(step.by, "")}
            for step in queries.rules_history()]  # fmt: skip


def _text(request: HttpRequest) -> str:
    """The rules that were uploaded, or else written."""
    file = request.FILES.get("file")
    content = file.read(_LARGEST + 1) if file else request.POST.get("text", "").encode()  # type: ignore[union-attr]
    return content.decode("utf-8", "replace")
