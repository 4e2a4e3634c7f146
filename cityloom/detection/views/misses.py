"""What happened and was not detected: a list, and a form for duty officers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityloom.detection import actions, policies
from cityloom.detection.browsing import listing
from cityloom.detection.browsing.listing import Asked
from cityloom.detection.display import MISSED_BY, category_word
from cityloom.detection.forms import MissForm
from cityloom.detection.models import Miss
from cityloom.detection.views import pictures
from cityloom.detection.views.asking import actor_of, why_not
from cityloom.detection.views.detections import choices
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

PAGE = 30
_ASKED_AGAIN = {"detection.was_detected", "detection.miss_noted", "detection.miss_later", "detection.miss_source"}


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def misses(request: HttpRequest) -> HttpResponse:
    """What nothing was raised about, and the form to write such a thing down."""
    if request.method != "POST":
        return _page(request, MissForm(initial={name: request.GET.get(name, "")[:60] for name in _KNOWN}))
    by, form = actor_of(request), MissForm(request.POST)
    policies.check_can_judge(by)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        actions.note_miss(form.event, by=by, at=clock.now())
    except Refused as refusal:
        if refusal.code not in _ASKED_AGAIN:
            raise
        form.add_error(None, sentence_of(refusal))
        return _page(request, form, status=422)
    messages.success(request, _("Written down; it counts in the scorecard from now on."))
    return redirect("misses")


_KNOWN = ("category", "place", "happened_at", "source")


@require_POST
@only_once
def withdraw(request: HttpRequest, miss_id: str) -> HttpResponse:
    """Take back a note that was wrong."""
    actions.withdraw_miss(miss_id=miss_id, by=actor_of(request), at=clock.now())
    messages.success(request, _("Taken back; it does not count any more."))
    return redirect("misses")


def _page(request: HttpRequest, form: MissForm, status: int = 200) -> HttpResponse:
    words = request.GET.dict()
    asked = Asked.read(words | {"category": words.get("of_category", "")})
    page = Paginator(listing.misses(asked, clock.now()), PAGE).get_page(request.GET.get("page"))
    return render(request, "detection/misses.html", choices(asked) | {
        "form": form, "page": page, "rows": [_row(one) for one in page.object_list],
        "why_not": why_not(policies.check_can_judge, actor_of(request)),
    }, status=status)  # fmt: skip


def _row(row: Miss) -> dict[str, Any]:
    return {"one": row, "what": category_word(row.category), "where": pictures.place_words(row.lon, row.lat),
            "source": _(MISSED_BY.get(row.source, row.source)), "address": _address(row)}  # fmt: skip


def _address(row: Miss) -> str:
    """The page of the matter that was opened without a detection."""
    try:
        return reverse(row.kind, args=[row.matter_id]) if row.kind else ""
    except NoReverseMatch:
        return ""
