"""Corrections that residents ask for: what they asked and the answer, and the steward's list and decision."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, policies, queries
from cityloom.registers.display import CORRECTION_STATES, field_word, value_word
from cityloom.registers.domain.facts import CorrectionFacts, CorrectionWords
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_STATES = tuple(CORRECTION_STATES)


@accounts.for_residents
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """What a resident asked for, and a form to ask."""
    return _mine(request)


def _mine(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "rows": [_row(one) for one in queries.corrections_of(_actor(request).account)],
        "choices": [(register, [(f"{register}.{name}", field_word(name, register)) for name in names])
                    for register, names in queries.correctable().items()],
    } | more  # fmt: skip
    return render(request, "registers/my_corrections.html", context, status=status)


@accounts.for_residents
@require_POST
@only_once
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a correction."""
    said = {name: request.POST.get(name, "")[:3_000] for name in ("about", "key", "value", "reason", "none")}
    register, _dot, field = said["about"].partition(".")
    key = "" if register == "people" else said["key"].strip().upper()[:64]
    try:
        actions.ask_correction(register=register, key=key, field=field, value=said["value"], reason=said["reason"],
                               none=bool(said["none"]), by=_actor(request), at=clock.now())  # fmt: skip
    except Refused as refusal:
        return _mine(request, status_of(refusal), said=said, refusal=sentence_of(refusal))
    messages.success(request, _("Your request is with the data stewards. Its answer appears on this page."))
    return redirect("my-corrections")


@accounts.for_residents
@require_POST
def withdraw(request: HttpRequest, request_id: str) -> HttpResponse:
    """Take a request back."""
    actions.withdraw_correction(request_id, by=_actor(request), at=clock.now())
    messages.success(request, _("Your request is taken back."))
    return redirect("my-corrections")


@require_safe
def corrections(request: HttpRequest) -> HttpResponse:
    """What was asked for, the oldest first."""
    policies.check_can_decide(_actor(request))
    state = request.GET.get("state", "")
    state = state if state in _STATES else "asked"
    context = {"rows": [_row(one) for one in queries.corrections(state)], "chosen": state,
               "states": [(name, _(word)) for name, word in CORRECTION_STATES.items()]}  # fmt: skip
    return render(request, "registers/corrections.html", context)


@require_safe
def correction(request: HttpRequest, request_id: str) -> HttpResponse:
    """One request, its words closed."""
    policies.check_can_decide(_actor(request))
    return _one(request, request_id)


@require_POST
def open_it(request: HttpRequest, request_id: str) -> HttpResponse:
    """The same with what was written, which is shown once and kept by no cache."""
    opened = actions.open_correction(request_id, by=_actor(request), at=clock.now())
    return _one(request, request_id, opened)


@require_POST
@only_once
def decide(request: HttpRequest, request_id: str) -> HttpResponse:
    """Grant or refuse, with a reason that the asker reads."""
    chosen, reason = request.POST.get("decision", ""), request.POST.get("reason", "")
    act = {"grant": actions.grant_correction, "refuse": actions.refuse_correction}.get(chosen)
    if act is None:
        raise Http404
    try:
        act(request_id, reason=reason, by=_actor(request), at=clock.now())
    except Refused as refusal:
        if refusal.code in ("registers.role", "registers.no_correction"):
            raise
        return _one(request, request_id, status=status_of(refusal), refusal=sentence_of(refusal), reason=reason[:300])
    messages.success(request, _("Your decision is written down, and the resident sees it."))
    return redirect("correction", request_id)


def _one(
    request: HttpRequest, request_id: str, opened: CorrectionWords | None = None, status: int = 200, **more: Any
) -> HttpResponse:  # fmt: skip
    found = queries.correction(request_id[:26])
    joined, _pairs = queries.linked_with(found.register, found.key) if found.key else ([], [])
    entry = queries.believed(found.register, found.key, joined=joined) if found.key else None
    now = entry.fields.get(found.field) if entry else None
    context = _row(found) | {
        "opened": opened, "is_own": not found.key, "now": now,
        "now_says": value_word(found.field, now.value) if now and now.value is not None else "",
    } | more  # fmt: skip
    return render(request, "registers/correction.html", context, status=status)


def _row(one: CorrectionFacts) -> dict[str, Any]:
    return {"one": one, "field": field_word(one.field, one.register), "state": _(CORRECTION_STATES[one.state])}


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]
