"""Apply for something: choose, fill in (or let registers do it), check, send; granted at once where a rule says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.display import said
from cityloom.cases.domain import answers, followcode
from cityloom.cases.domain.approvals import fitting, prefill
from cityloom.cases.domain.casetypes.casetype import CaseType, Category
from cityloom.cases.views import asked as form
from cityloom.cases.views.asking import actor
from cityloom.gate import queries as gate
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of

PROOF = "proof"


@login_not_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """What can be applied for, and how long each may take."""
    groups = []
    for casetype in map(queries.newest_casetype, queries.casetype_names()):
        if casetype.step(fitting.AT_ONCE) is not None:
            rows = [_offer(casetype, one) for one in casetype.categories.values()]
            groups.append({"title": said(casetype.title), "about": said(casetype.about), "rows": rows})
    return render(request, "cases/apply.html", {"groups": groups})


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def fill(request: HttpRequest, name: str, category: str) -> HttpResponse:
    """The questions; what was typed comes back with what registers fill in, or with what does not fit."""
    casetype, one = _found(name, category)
    given = form.answers_in(request.POST, casetype.fields_for(category))
    do = request.POST.get("do", "")
    if do == "fill":
        return _filled(request, casetype, one, given)
    if do == "check":
        return _checked(request, casetype, one, given)
    return _form(request, casetype, one, given, proof=request.POST.get(PROOF, ""))


@login_not_required
@never_cache
@require_POST
@only_once
def send(request: HttpRequest, name: str, category: str) -> HttpResponse:
    """Send what was checked; decided in this request where a rule grants it."""
    casetype, one = _found(name, category)
    given = form.answers_in(request.POST, casetype.fields_for(category))
    by, proof = _applicant(request), request.POST.get(PROOF, "")
    is_official = bool(by.account) and not by.has("resident")
    code = followcode.code_of(ids.random_bytes(13))
    asked = Asked(
        name, category, given, origin="official" if is_official else "web", key=word_of(request), secret=code,
        files=_files(request, casetype, one),
    )  # fmt: skip
    vouched = actions.vouched_for(proof, name, category, given, by=by) if proof else {}
    try:
        applied = actions.apply(asked, by=by if is_official else SYSTEM, at=clock.now(), vouched=vouched)
    except Refused as refusal:
        return _checked(request, casetype, one, given, sentence_of(refusal), status_of(refusal))
    if is_official:
        messages.success(request, _("Taken in. Give the applicant this code, to see how it stands: {code}")
                         .format(code=followcode.shown(code)))  # fmt: skip
        return redirect("case", applied.case_id)
    answer = redirect("application", code)
    answer["Location"] += "?new=1"
    return answer


def _applicant(request: HttpRequest) -> Actor:
    """Whoever is signed in; somebody without an account has none."""
    return actor(request) if request.user.is_authenticated else Actor("", "", frozenset())


def _found(name: str, category: str) -> tuple[CaseType, Category]:
    try:
        casetype = queries.newest_casetype(name)
    except Refused as refusal:
        raise Http404 from refusal
    if casetype.step(fitting.AT_ONCE) is None or category not in casetype.categories:
        raise Http404
    return casetype, casetype.categories[category]


def _offer(casetype: CaseType, one: Category) -> dict[str, Any]:
    known = next((clock for clock in casetype.clocks if clock.name == "decision"), None)
    silence = any(clock.deemed and not clock.since and clock.is_for(one.name) for clock in casetype.clocks)
    return {"type": casetype.name, "name": one.name, "title": said(one.title), "about": said(one.about),
            "limit": casetype.limit_of(known, one.name) if known else None, "is_at_once": _decides(one),
            "silence_grants": silence}  # fmt: skip


def _decides(one: Category) -> bool:
    try:
        return bool(one.table) and queries.table_version(one.table).standing != "withdrawn"
    except Refused:
        return False


def _filled(request: HttpRequest, casetype: CaseType, one: Category, given: Mapping[str, Any]) -> HttpResponse:
    """With what the registers say, as the resident who is signed in has just agreed to."""
    by = _applicant(request)
    if not by.has("resident"):
        raise Http404
    try:
        known, proof = actions.fill_in(casetype.name, one.name, given, by=by, at=clock.now())
    except Refused as refusal:
        return _form(request, casetype, one, given, refusal=sentence_of(refusal), status=status_of(refusal))
    return _form(request, casetype, one, given, known, proof=proof)


def _form(
    request: HttpRequest, casetype: CaseType, one: Category, given: Mapping[str, Any],
    known: Mapping[str, Any] | None = None, *, refusal: str = "", status: int = 200, proof: str = "",
) -> HttpResponse:  # fmt: skip
    by = _applicant(request)
    wishes = [wish for each in casetype.fields_for(one.name) if (wish := prefill.wish_of(each))]
    asks_person = any(wish.source == prefill.PERSON for wish in wishes)
    return render(request, "cases/apply_form.html", _head(casetype, one) | {
        "fields": form.questions(casetype, one.name, given, known or {}), "refusal": refusal, PROOF: proof,
        "is_filled": known is not None, "may_fill": asks_person and by.has("resident"), "asks_person": asks_person,
        "is_official": bool(by.account) and not by.has("resident"), "basis": _basis() if asks_person else "",
    }, status=status)  # fmt: skip


def _checked(
    request: HttpRequest, casetype: CaseType, one: Category, given: Mapping[str, Any], refusal: str = "",
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    """What will be sent, to be looked at once more; what does not fit leads back to the questions."""
    proof = request.POST.get(PROOF, "")
    try:
        read = answers.read(casetype, one.name, given)
    except Refused as wrong:
        return _form(request, casetype, one, given, refusal=sentence_of(wrong), status=422, proof=proof)
    return render(request, "cases/apply_check.html", _head(casetype, one) | {
        "answers": form.answered(casetype, one.name, read.clear | read.sealed), "refusal": refusal, PROOF: proof,
        "hidden": [(key, value) for key in request.POST if key.startswith("answer-")
                   for value in request.POST.getlist(key)],
        "evidence": [(each.name, said(each.title), said(each.help), each.is_required)
                     for each in casetype.evidence if each.is_for(one.name)],
    }, status=status)  # fmt: skip


def _files(request: HttpRequest, casetype: CaseType, one: Category) -> list[tuple[str, bytes, str]]:
    asked = [each.name for each in casetype.evidence if each.is_for(one.name)]
    return [(file.name or "", file.read(), name) for name in asked for file in request.FILES.getlist(f"file-{name}")]


def _head(casetype: CaseType, one: Category) -> dict[str, Any]:
    return {"type": casetype.name, "category": one.name, "title": said(one.title), "about": said(one.about)}


def _basis() -> str:
    """The law by which registers fill in; "" where the keeper does not answer."""
    try:
        return gate.basis_of("applications").article
    except Refused:
        return ""
