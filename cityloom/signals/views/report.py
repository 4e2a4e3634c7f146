"""Report a problem: for everybody, without an account, without scripts, by keyboard alone."""

from __future__ import annotations

import ipaddress
import re

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cityloom.files.domain import pictures
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import actions, queries
from cityloom.signals.domain.categories import DANGEROUS
from cityloom.signals.forms import WORDS, ReportForm
from cityloom.ui.once import only_once, word_of
from cityloom.ui.strangers import same_for_strangers
from cityloom.ui.words import sentence_of

INCOMPLETE, BUSY = 422, 429
_WHOLE, _PARTLY = "", "?kept=partly"


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@same_for_strangers(60)
@only_once
def report(request: HttpRequest) -> HttpResponse:
    """The form; what was typed stays where something is missing."""
    if request.method != "POST":
        known = {name: request.GET.get(name, "")[:60] for name in ("category", "place") if name in request.GET}
        return _form(request, ReportForm(initial=known))
    form = ReportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, form, status=INCOMPLETE)
    if form.is_from_a_program:  # it is told that all went well
        return redirect("report-received", ids.new_ulid())
    lon, lat = form.cleaned_data["place"]
    problem = actions.Problem(
        _token(request), form.cleaned_data["category"], lon, lat, form.cleaned_data["words"], form.photos,
        caller=_visitor(request),
    )  # fmt: skip
    try:
        received = actions.receive(problem, by=SYSTEM, at=clock.now())
    except Refused as refusal:
        form.add_error(None, sentence_of(refusal))
        return _form(request, form, status=BUSY)
    answer = redirect("report-received", received.report_id)
    answer["Location"] += _WHOLE if received.is_whole else _PARTLY
    return answer


@login_not_required
@never_cache
@require_safe
def received(request: HttpRequest, report_id: str) -> HttpResponse:
    """What whoever has reported takes away: a reference, and what happens next."""
    if not re.fullmatch(r"[0-9A-Z]{26}", report_id):
        raise Http404
    context = {"reference": queries.reference_of(report_id), "is_whole": request.GET.get("kept") != "partly"}
    try:
        card = queries.report_card(report_id)
    except Refused:  # a program was told the same
        return render(request, "signals/received.html", context)
    context |= {
        "card": card, "what": _(WORDS[card.category]) if card.category in WORDS else card.category,
        "is_dangerous": card.category in DANGEROUS,
    }  # fmt: skip
    return render(request, "signals/received.html", context)


def _form(request: HttpRequest, form: ReportForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form, "most_photos": pictures.MOST_PHOTOS, "most_mb": pictures.LARGEST_BYTES // 1024 // 1024,
        "photos_again": form.is_bound and any(name in request.FILES for name in form.photo_fields()),
        "photo_fields": [form[name] for name in form.photo_fields()],
    }  # fmt: skip
    return render(request, "signals/report.html", context, status=status)


def _token(request: HttpRequest) -> str:
    """The form's own word; a form without one counts as new."""
    return word_of(request) or ids.random_token()


def _visitor(request: HttpRequest) -> str:
    """The network that a report comes from; only a digest of it is kept, with a key that changes every day."""
    address = request.META.get("REMOTE_ADDR", "")
    if settings.CITYLOOM_BEHIND_TLS:
        address = request.META.get("HTTP_X_FORWARDED_FOR", address).rpartition(",")[2].strip()
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
