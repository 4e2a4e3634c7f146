"""Detections: a list, one with its evidence drawn, and what somebody makes of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.detection import actions, policies, queries
from cityloom.detection.browsing import listing
from cityloom.detection.browsing.listing import Asked
from cityloom.detection.display import MATTERS, STATES, VERDICTS, category_word, verdict_word
from cityloom.detection.domain.evidence import probability_words
from cityloom.detection.domain.judging import LONGEST_REASON
from cityloom.detection.models import Detection
from cityloom.detection.views import evidence, pictures
from cityloom.detection.views.asking import actor_of, why_not
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

PAGE = 30
_ASKED_AGAIN = {"detection.verdict", "detection.which", "detection.reason", "detection.itself", "detection.no_first",
                "detection.chain"}  # fmt: skip


@require_safe
def detections(request: HttpRequest) -> HttpResponse:
    """What was detected, narrowed by category, verdict and time; the city's own, or those of drills."""
    asked = Asked.read(request.GET.dict())
    rows = listing.detections(asked, clock.now())
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "detection/detections.html", choices(asked) | {
        "page": page, "rows": [_row(one) for one in page.object_list],
        "why_not": why_not(policies.check_can_judge, actor_of(request)),
    })  # fmt: skip


@require_safe
def detection(request: HttpRequest, detection_id: str) -> HttpResponse:
    """One of them: what, where, how sure, why, what it led to, and what people made of it."""
    return _page(request, detection_id)


@require_POST
@only_once
def judge(request: HttpRequest, detection_id: str) -> HttpResponse:
    """Write down whether it was real, with a reason."""
    sent = {name: request.POST.get(name, "")[:LONGEST_REASON] for name in ("verdict", "reason", "duplicate_of")}
    found = queries.detection(detection_id)
    try:
        actions.judge(detection_id=found.id, by=actor_of(request), at=bus.now_in(found.exercise_id), **sent)
    except Refused as refusal:
        if refusal.code not in _ASKED_AGAIN:
            raise
        return _page(request, detection_id, refusal=sentence_of(refusal), sent=sent, status=422)
    messages.success(request, _("Written down; it counts in the scorecard from now on."))
    return redirect("detection", detection_id)


def choices(asked: Asked) -> dict[str, Any]:
    """What lists of detections can be narrowed by."""
    return {
        "asked": asked, "categories": [(one, category_word(one)) for one in listing.categories()],
        "verdicts": [(listing.OPEN, verdict_word("")), *((key, _(word)) for key, word in VERDICTS.items())],
        "periods": [("day", _("a day")), ("week", _("a week")), ("month", _("30 days")), ("year", _("a year"))],
    }  # fmt: skip


def _page(request: HttpRequest, detection_id: str, status: int = 200, **more: Any) -> HttpResponse:
    found = queries.detection(detection_id)
    said = [
        {"one": one, "word": verdict_word(one.verdict), "look": STATES[one.verdict]}
        for one in queries.judgements_of(detection_id)
    ]
    context = {
        "one": found, "what": category_word(found.category), "where": pictures.place_words(found.lon, found.lat),
        "probability": probability_words(found.score, found.rule), "said": said,
        "units": accounts.unit_names_of({row["one"].unit for row in said}),
        "led_to": [_matter(one) for one in queries.outcomes_of(detection_id)],
        "duplicates": queries.duplicates_of(detection_id),
        "why_not": why_not(policies.check_can_judge, actor_of(request)),
        "verdicts": [(key, _(word)) for key, word in VERDICTS.items()], "longest": LONGEST_REASON,
    }  # fmt: skip
    return render(request, "detection/detection.html", context | evidence.part(found) | more, status=status)


def _matter(one: queries.OutcomeFacts) -> dict[str, Any]:
    """A matter that it led to, with its page where there is one."""
    try:
        address = reverse(one.kind, args=[one.matter_id])
    except NoReverseMatch:
        address = ""
    return {"one": one, "word": _(MATTERS.get(one.kind, one.kind)), "address": address,
            "tasks": evidence.tasks_of(one.matter_id)}  # fmt: skip


def _row(row: Detection) -> dict[str, Any]:
    verdict = row.verdict  # type: ignore[attr-defined] # annotated
    return {
        "one": row, "what": category_word(row.category), "where": pictures.place_words(row.lon, row.lat),
        "verdict": verdict_word(verdict), "look": STATES.get(verdict, ""),
        "probability": probability_words(row.score, row.rule), "sources": len(row.evidence),
    }  # fmt: skip
