"""What an official writes down for somebody who calls: urgent things for those on duty, all else as a case."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cityloom.cases import actions, policies, queries
from cityloom.cases.actions import Reported
from cityloom.cases.domain import followcode
from cityloom.cases.domain.reporting import ANONYMOUS
from cityloom.cases.forms import CallForm
from cityloom.cases.views.asking import actor
from cityloom.cases.views.resident import private
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of


@private
@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def take(request: HttpRequest) -> HttpResponse:
    """Write down what a caller tells; what was typed stays where something is missing."""
    by = actor(request)
    why_not = _why_not(by)
    if request.method != "POST":
        return _form(request, CallForm(initial={"reach": ANONYMOUS}), why_not)
    form = CallForm(request.POST)
    if why_not or not form.is_valid():
        return _form(request, form, why_not, 403 if why_not else 422)
    try:
        return _taken(request, form, by)
    except Refused as refusal:
        form.add_error(None, sentence_of(refusal))
        return _form(request, form, "", status_of(refusal))


def _taken(request: HttpRequest, form: CallForm, by: Actor) -> HttpResponse:
    sent = form.cleaned_data
    lon, lat = sent["place"]
    reported = Reported(
        word_of(request) or ids.random_token(), sent["category"], lon, lat, sent["words"], (), sent["reach"],
        sent["contact"], origin="call",
    )  # fmt: skip
    taken = actions.report_problem(reported, by=by, at=clock.now())
    if not taken.is_whole:
        messages.warning(request, _("Its words could not be sealed just now, so they were not kept."))
    if taken.code:
        return shown_once(request, taken.case_id, taken.code)
    messages.success(request, _("The call is written down, and counts with sensors and other reports from now on."))
    return redirect("report-card", taken.report_id)


@private
def shown_once(request: HttpRequest, case_id: str, code: str) -> HttpResponse:
    """The reference to read out, and the caller's code, which nobody can show again."""
    case = queries.facts_of(case_id)
    followed = queries.followed(code)
    ends = [one.due_at for one in queries.clocks_of(followed.lead.id) if one.due_at]
    address = request.build_absolute_uri(reverse("my-report-of", args=[code]))
    return render(request, "cases/call_taken.html", {
        "case": case, "code": followcode.shown(code), "address": address, "due": max(ends, default=None),
    })  # fmt: skip


def _why_not(by: Actor) -> str:
    """Whoever may open a request takes calls; that urgent ones are for duty officers is said when one comes."""
    try:
        policies.check_can_open(queries.newest_casetype("request"), by)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def _form(request: HttpRequest, form: CallForm, why_not: str, status: int = 200) -> HttpResponse:
    return render(request, "cases/take_call.html", {"form": form, "why_not": why_not}, status=status)
