"""Report a problem: for everybody, without an account, without scripts, by keyboard alone."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cityloom.cases import actions, queries
from cityloom.cases.actions import Reported
from cityloom.cases.display import said
from cityloom.cases.domain.reporting import URGENT
from cityloom.cases.forms import ReportForm, categories
from cityloom.cases.views.visitors import check_not_too_often, visitor
from cityloom.files.domain import pictures
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import queries as signals
from cityloom.ui.once import only_once, word_of
from cityloom.ui.strangers import same_for_strangers
from cityloom.ui.words import sentence_of

INCOMPLETE, BUSY = 422, 429
_NEW, _WHOLE, _PARTLY = "?new=1", "", "&kept=partly"
_SAME, _OTHER = "same", "other"
"""What is sent where something is reported already: which one it is, or that it is none of them."""


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@same_for_strangers(60)
@only_once
def report(request: HttpRequest) -> HttpResponse:
    """The form; what was typed stays where something is missing, and where it may have been reported before."""
    if request.method != "POST":
        known = {name: request.GET.get(name, "")[:60] for name in ("category", "place") if name in request.GET}
        return _form(request, ReportForm(initial=known))
    form = ReportForm(request.POST, request.FILES)
    if request.POST.get(_SAME):
        return _me_too(request, form)
    if not form.is_valid():
        return _form(request, form, status=INCOMPLETE)
    if form.is_from_a_program:  # it is told that all went well
        return redirect("report-received", ids.new_ulid())
    try:
        return _taken(request, form)
    except Refused as refusal:
        form.add_error(None, sentence_of(refusal))
        return _form(request, form, status=BUSY)


@login_not_required
@never_cache
@require_safe
def received(request: HttpRequest, report_id: str) -> HttpResponse:
    """What whoever has reported something urgent takes away: a reference, and what happens next."""
    if not re.fullmatch(r"[0-9A-Z]{26}", report_id):
        raise Http404
    context = {"reference": signals.reference_of(report_id), "is_whole": request.GET.get("kept") != "partly"}
    try:
        card = signals.report_card(report_id)
    except Refused:  # a program was told the same
        return render(request, "cases/received.html", context)
    what = signals.report_words().get(card.category, card.category)
    context |= {"card": card, "what": what, "is_dangerous": card.category in signals.dangerous_reports()}
    return render(request, "cases/received.html", context)


def _taken(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """Take the report, unless whoever sends it has not yet seen what is reported there already."""
    sent = form.cleaned_data
    lon, lat = sent["place"]
    if sent["category"] not in URGENT and _OTHER not in request.POST:
        near = queries.near_matters(lon, lat, sent["category"], clock.now())
        if near:
            return _form(request, form, near=[_near(each) for each in near])
    reported = Reported(
        word_of(request) or ids.random_token(), sent["category"], lon, lat, sent["words"], form.photos, sent["reach"],
        sent["contact"], visitor(request),
    )  # fmt: skip
    taken = actions.report_problem(reported, by=SYSTEM, at=clock.now())
    if not taken.code:
        answer = redirect("report-received", taken.report_id)
        answer["Location"] += "" if taken.is_whole else "?kept=partly"
        return answer
    answer = redirect("my-report-of", taken.code)
    answer["Location"] += _NEW + (_WHOLE if taken.is_whole else _PARTLY)
    return answer


def _me_too(request: HttpRequest, form: ReportForm) -> HttpResponse:
    """Follow what somebody else reported: one more whom it concerns, and no report."""
    code = actions.new_code(word_of(request) or ids.random_token())
    try:
        check_not_too_often(request, "me-too")
        actions.say_me_too(case_id=request.POST.get(_SAME, "")[:26], secret=code, at=clock.now())
    except Refused as refusal:
        form.full_clean()
        form.add_error(None, sentence_of(refusal))
        return _form(request, form, status=BUSY)
    return redirect("my-report-of", code)


def _near(each: queries.NearMatter) -> dict[str, Any]:
    state = queries.newest_casetype("request").states.get(each.state)
    return {"one": each, "what": categories().get(each.category, each.category),
            "meaning": said(state.meaning) if state else ""}  # fmt: skip


def _form(
    request: HttpRequest, form: ReportForm, status: int = 200, near: list[dict[str, Any]] | None = None
) -> HttpResponse:
    context = {
        "form": form, "near": near, "dangerous": URGENT, "most_photos": pictures.MOST_PHOTOS,
        "most_mb": pictures.LARGEST_BYTES // 1024 // 1024,
        "photos_again": form.is_bound and any(name in request.FILES for name in form.photo_fields()),
        "photo_fields": [form[name] for name in form.photo_fields()],
    }  # fmt: skip
    return render(request, "cases/report.html", context, status=status)
