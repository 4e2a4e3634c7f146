"""An application for whoever holds its code: how it stands, why, what follows, and a person's review on request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.cases import actions, catalogue, queries
from cityloom.cases.display import said
from cityloom.cases.domain import followcode, numbers
from cityloom.cases.domain.approvals import fitting
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.ticking import RUNNING
from cityloom.cases.policies import LONGEST_TEXT
from cityloom.cases.queries import CaseFacts
from cityloom.cases.views import certificate as paper
from cityloom.cases.views import decided
from cityloom.cases.views.resident import private
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of


@private
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Where somebody types the code of an application."""
    if request.method != "POST":
        return render(request, "cases/application_code.html")
    text = request.POST.get("code", "")[:80]
    try:
        code = followcode.heard(text)
        queries.followed(code)
    except Refused as refusal:
        said = {"text": text, "refusal": sentence_of(refusal)}
        return render(request, "cases/application_code.html", said, status=422)
    return redirect("application", code)


@private
@login_not_required
@require_safe
def application(request: HttpRequest, code: str) -> HttpResponse:
    """How an application stands."""
    return _page(request, code)


@private
@login_not_required
@require_POST
@only_once
def deed(request: HttpRequest, code: str, what: str) -> HttpResponse:
    """Ask for a review, answer what was asked, or withdraw; then show it again, or with the refusal on it."""
    facts, act = _facts(code), _DEEDS.get(what)
    if act is None:
        raise Http404
    words = request.POST.get("words", "")
    try:
        done = act(facts.id, followcode.heard(code), words, bus.now_in(facts.exercise_id), word_of(request))
    except Refused as refusal:
        sent = {"sent": what, "sent_words": words[:LONGEST_TEXT]}
        return _page(request, code, status_of(refusal), refusal=sentence_of(refusal), **sent)
    messages.success(request, done)
    return redirect("application", code)


@private
@login_not_required
@require_safe
def certificate(request: HttpRequest, code: str) -> HttpResponse:
    """The permit as a page to print, or as a PDF (`?as=pdf`)."""
    return paper.answered(request, _facts(code))


def _page(request: HttpRequest, code: str, status: int = 200, **more: Any) -> HttpResponse:
    facts = _facts(code)
    casetype = catalogue.casetype_of(facts.casetype, facts.version)
    rows = decided.decisions(facts, casetype)
    state, category = casetype.states[facts.state], casetype.categories.get(facts.category)
    steps = {step.name for step in casetype.steps if facts.state in step.sources and "reporter" in step.who}
    return render(request, "cases/application.html", {
        "one": facts, "code": code, "shown_code": followcode.shown(code), "rows": rows, "state": said(state.title),
        "title": said(category.title if category else casetype.title), "meaning": said(state.meaning),
        "standing": decided.standing(rows), "silent": decided.silent(facts, casetype), "steps": steps,
        "unit": accounts.unit_names_of({facts.unit}).get(facts.unit, facts.unit), "due": _due(facts),
        "reviews": _reviews(facts.id), "is_new": request.GET.get("new") == "1", "question": _question(facts),
    } | more, status=status)  # fmt: skip


def _facts(code: str) -> CaseFacts:
    """Raises: Http404, for what is no code as for one that opens nothing, or another kind of matter."""
    try:
        own = queries.followed(followcode.heard(code)).own
        known = catalogue.casetype_of(own.casetype, own.version)
        if known.step(fitting.AT_ONCE) is None:
            raise Http404
        return queries.facts_of(own.id)
    except Refused as refusal:
        raise Http404 from refusal


def _due(facts: CaseFacts) -> datetime | None:
    """By when it is to be decided."""
    ends = [one.due_at for one in queries.clocks_of(facts.id) if one.due_at and one.standing in RUNNING]
    return min(ends, default=None) if facts.is_open else None


def _reviews(case_id: str) -> list[dict[str, Any]]:
    found = [queries.facts_of(key) for key in queries.cases_linked_with("case", case_id, open_only=False)]
    return [_review(one, catalogue.casetype_of(one.casetype, one.version)) for one in found if one.casetype == "review"]


def _review(one: CaseFacts, casetype: CaseType) -> dict[str, Any]:
    state = casetype.states[one.state]
    result = casetype.results.get(one.result)
    return {"spoken": numbers.spoken(one.number), "state": said(state.title), "meaning": said(state.meaning),
            "result": said(result.title) if result else "", "due_at": one.due_at, "is_open": one.is_open}  # fmt: skip


def _question(facts: CaseFacts) -> str:
    """What an official asked of the applicant, opened by the city for whoever holds the code."""
    last = next((each for each in reversed(queries.history_of(facts.id)) if each.step == "ask-applicant"), None)
    if facts.state != "waiting" or last is None:
        return ""
    return queries.question_of(facts.id, last.id)


def _reviewed(case_id: str, secret: str, words: str, at: datetime, command: str) -> str:
    actions.ask_review(case_id=case_id, secret=secret, words=words, at=at)
    return _("A supervisor looks at the decision again; you see here what comes of it. Until then it stands.")


def _answered(case_id: str, secret: str, words: str, at: datetime, command: str) -> str:
    actions.take_step_as_reporter(case_id=case_id, secret=secret, step="answer", reason=words, at=at, command=command)
    return _("Thank you: those who work on it can read it now.")


def _withdrawn(case_id: str, secret: str, words: str, at: datetime, command: str) -> str:
    actions.take_step_as_reporter(case_id=case_id, secret=secret, step="withdraw", reason=words, at=at, command=command)
    return _("Your application is withdrawn.")


_DEEDS = {"review": _reviewed, "answer": _answered, "withdraw": _withdrawn}
