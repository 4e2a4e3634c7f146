"""An official decides an application in their own name: the result, conditions or grounds of the list, and why."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cityloom.bus import queries as bus
from cityloom.cases import actions, queries
from cityloom.cases.actions import Ruling
from cityloom.cases.approving.deciding import DECIDE
from cityloom.cases.display import said
from cityloom.cases.domain.casetypes import table
from cityloom.cases.policies import LONGEST_TEXT
from cityloom.cases.views import asked, decided
from cityloom.cases.views.asking import actor, type_of_row, what
from cityloom.cases.working import finding
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def decide(request: HttpRequest, case_id: str) -> HttpResponse:
    """What was applied for beside what may be decided; a refusal comes back with what was written."""
    by = actor(request)
    facts = queries.case_for(by, case_id)
    if request.method != "POST":
        return _page(request, by, facts)
    try:
        actions.decide_application(
            case_id=case_id, ruling=_ruling(request), by=by, at=bus.now_in(facts.exercise_id), seen=_seen(request),
            command=word_of(request),
        )  # fmt: skip
    except Refused as refusal:
        return _page(request, by, facts, sentence_of(refusal), status_of(refusal))
    messages.success(request, _("Decided."))
    return redirect("case", case_id)


def _ruling(request: HttpRequest) -> Ruling:
    """What was chosen. Raises: Refused `cases.valid_until`."""
    sent, text = request.POST, request.POST.get("valid_until", "").strip()
    try:
        until = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Refused("cases.valid_until", "{value} is no day; write it as in {limit}.", value=text[:24],
                      limit="2027-01-31") from error  # fmt: skip
    return Ruling(sent.get("result", "")[:40], sent.get("words", ""), sent.getlist("condition")[:60],
                  sent.getlist("ground")[:60], until)  # fmt: skip


def _seen(request: HttpRequest) -> int:
    text = request.POST.get("seen", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _page(request: HttpRequest, by: Actor, facts: Any, refusal: str = "", status: int = 200) -> HttpResponse:
    casetype, found = type_of_row(facts), finding.found(facts.id, by)
    step = next((each for each in table.next_steps(casetype, found.standing, by) if each.step.name == DECIDE), None)
    if not casetype.grounds:
        raise Http404
    words = queries.words_of(facts.id, by)
    sent = request.POST
    return render(request, "cases/decide.html", {
        "one": facts, "title": what(casetype, facts.category), "refusal": refusal, "longest": LONGEST_TEXT,
        "why_not": sentence_of(step.refusal) if step and step.refusal else "" if step else _(
            "This case is not where it could be decided; look at its next steps."),
        "results": [(name, said(casetype.results[name].title)) for name in (step.step.results if step else ())],
        "conditions": [(each.name, said(each.title)) for each in casetype.conditions if each.is_for(facts.category)],
        "grounds": [(each.name, said(each.title)) for each in casetype.grounds if each.is_for(facts.category)],
        "answers": asked.answered(casetype, facts.category, facts.answers | words.answers), "fault": words.fault,
        "rows": decided.decisions(facts, casetype), "seen": sent.get("seen") or facts.revision,
        "sent_result": sent.get("result", ""), "sent_conditions": sent.getlist("condition"),
        "sent_grounds": sent.getlist("ground"), "sent_words": sent.get("words", "")[:LONGEST_TEXT],
        "sent_until": sent.get("valid_until", "")[:24],
    }, status=status)  # fmt: skip
