"""What was reported, for those on duty; words and photos open one report at a time, and each opening is logged."""

from __future__ import annotations

import base64

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.files.domain.pictures import MEDIA_TYPE
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.signals import actions, policies, queries
from cityloom.signals.domain.categories import DANGEROUS
from cityloom.signals.forms import WORDS, CallForm
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of

PAGE = 30
_LISTED = 600


@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """The latest calls and reports by category, place and time."""
    policies.check_can_read_reports(_actor(request))
    source = request.GET.get("source", "") if request.GET.get("source") in ("web", "call") else ""
    page = Paginator(queries.recent_reports(_LISTED, source=source), PAGE).get_page(request.GET.get("page"))
    rows = [_row(card) for card in page.object_list]
    return render(request, "signals/reports.html", {"rows": rows, "page": page, "source": source})


@require_safe
def one(request: HttpRequest, report_id: str) -> HttpResponse:
    """One report, its words and photos closed."""
    policies.check_can_read_reports(_actor(request))
    return render(request, "signals/one_report.html", _row(queries.report_card(report_id)))


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def take(request: HttpRequest) -> HttpResponse:
    """Write down what a caller tells; what was typed stays where something is missing."""
    by = _actor(request)
    if request.method != "POST":
        return _call_form(request, CallForm(), by)
    policies.check_can_take_calls(by)
    form = CallForm(request.POST)
    if not form.is_valid():
        return _call_form(request, form, by, 422)
    lon, lat = form.cleaned_data["place"]
    problem = actions.Problem(word_of(request) or ids.random_token(), form.cleaned_data["category"], lon, lat,
                              form.cleaned_data["words"])  # fmt: skip
    received = actions.take_call(problem, by=by, at=clock.now())
    messages.success(request, _("The call is written down, and counts with sensors and other reports from now on."))
    if not received.is_whole:
        messages.warning(request, _("Its words could not be sealed just now, so they were not kept."))
    return redirect("report-card", received.report_id)


def _call_form(request: HttpRequest, form: CallForm, by: Actor, status: int = 200) -> HttpResponse:
    try:
        policies.check_can_take_calls(by)
        why_not = ""
    except Refused as refusal:
        why_not = sentence_of(refusal)
    return render(request, "signals/take_call.html", {"form": form, "why_not": why_not}, status=status)


@require_POST
def open_it(request: HttpRequest, report_id: str) -> HttpResponse:
    """The same with words and photos, which are shown once and kept by no cache."""
    by = _actor(request)
    opened = actions.open_report(report_id=report_id, by=by, at=clock.now())
    pictures = [f"data:{MEDIA_TYPE};base64,{base64.b64encode(photo).decode()}" for photo in opened.photos]
    context = _row(queries.report_card(report_id)) | {"opened": opened, "pictures": pictures}
    return render(request, "signals/one_report.html", context)


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def _row(card: queries.ReportCard) -> dict[str, object]:
    area = registers.area_words(card.lon, card.lat)
    return {
        "card": card, "what": _(WORDS[card.category]) if card.category in WORDS else card.category,
        "where": area["zh-Hans" if get_language() == "zh-hans" else "en"], "is_dangerous": card.category in DANGEROUS,
    }  # fmt: skip
