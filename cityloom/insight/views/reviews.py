"""Reviews of processes: the list, and one with everything that its log shows."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.cases import queries as cases
from cityloom.insight import policies
from cityloom.insight.display import STATES, state_word
from cityloom.insight.domain import stages
from cityloom.insight.models import Review
from cityloom.insight.reviewing import keeping, waiting
from cityloom.insight.reviewing.telling import shown, titled
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of


def actor_of(request: HttpRequest) -> Actor:
    """Whoever is signed in."""
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def why_not(by: Actor) -> str:
    """Why somebody may not ask for a review; "" where they may."""
    try:
        policies.check_can_review(by)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


@require_safe
def reviews(request: HttpRequest) -> HttpResponse:
    """All reviews, and the way to a new one."""
    by = actor_of(request)
    policies.check_can_read(by)
    rows = [{"one": row, "state": state_word(row.state), "look": STATES[row.state][1]} for row in keeping.latest()]
    return render(request, "insight/reviews.html", {"rows": rows, "why_not": why_not(by), "types": type_titles()})


def type_titles() -> list[tuple[str, str]]:
    """The city's own types of cases whose history may be reviewed, with their titles."""
    types = [cases.newest_casetype(name) for name in cases.casetype_names()]
    return [(one.name, titled(one.title)) for one in types if one.access.confidentiality != "secret"]


@require_safe
def review(request: HttpRequest, review_id: str) -> HttpResponse:
    """One review; `?map=80` is the map of those ways that cover 80 in 100 cases, `?fragment=state` how far it is."""
    by = actor_of(request)
    policies.check_can_read(by)
    row = keeping.found(review_id)
    context = state_of(row) | {"why_not": why_not(by)}
    if request.GET.get("fragment"):
        return render(request, "insight/_state.html", context)
    if row.state == stages.DONE:
        context |= shown(row.result, request.GET.get("map", ""))
    return render(request, "insight/review.html", context)


@require_safe
def as_json(request: HttpRequest, review_id: str) -> HttpResponse:
    """What is kept of a review, for programs."""
    policies.check_can_read(actor_of(request))
    row = keeping.found(review_id)
    answer = HttpResponse(json.dumps(row.result, ensure_ascii=False, indent=1), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="review-{row.id}.json"'
    return answer


def state_of(row: Review) -> dict[str, Any]:
    """How far a review is."""
    refusal = waiting.refusal_of(row)
    return {
        "review": row,
        "state": state_word(row.state),
        "look": STATES[row.state][1],
        "is_open": row.state in stages.OPEN,
        "is_done": row.state == stages.DONE,
        "share": round(100 * row.done / row.of),
        "is_stopping": row.state == stages.RUNNING and bool(row.cancelled_at),
        "refusal": sentence_of(refusal) if refusal else "",
    }
