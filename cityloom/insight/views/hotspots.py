"""Hot spots: the alarms of one's branch with their map, and one with its question and what the office answers."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.insight import actions, policies
from cityloom.insight.alarms import answering, drawing, listing, words
from cityloom.insight.domain.small import FEWEST
from cityloom.insight.models import HotspotAlarm
from cityloom.insight.views.reviews import actor_of
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

PAGE = 20
_ASKED_AGAIN = {"insight.hotspot_answer", "insight.hotspot_reason"}


@require_safe
def hotspots(request: HttpRequest) -> HttpResponse:
    """The alarms of somebody's branch, on a map and as a list, and how many were of use."""
    by = actor_of(request)
    page = Paginator(listing.alarms_for(by), PAGE).get_page(request.GET.get("page"))
    rows = [_row(one) for one in page.object_list]
    scores = listing.scores(by, clock.now())
    return render(request, "insight/hotspots.html", {
        "page": page, "rows": rows, "last": listing.last_look(), "per_year": settings.CITYLOOM_HOTSPOT_ALARMS_PER_YEAR,
        "picture": drawing.picture_of_all([one["one"] for one in rows], [one["what"] for one in rows]) if rows else "",
        "scores": [{"one": one, "what": words.category_of(one.casetype, one.category)} for one in scores],
        "raised": sum(one.raised for one in scores), "answered": sum(one.answered for one in scores),
        "of_use": sum(one.of_use for one in scores), "least": FEWEST,
    })  # fmt: skip


@require_safe
def hotspot(request: HttpRequest, alarm_id: str) -> HttpResponse:
    """One alarm: the question, the area, the categories, the weeks, and the answer."""
    return _page(request, answering.found(alarm_id, actor_of(request)), {})


@require_POST
@only_once
def answer(request: HttpRequest, alarm_id: str) -> HttpResponse:
    """Say what it was."""
    by = actor_of(request)
    said = {name: request.POST.get(name, "")[: answering.LONGEST + 1] for name in ("answer", "reason")}
    try:
        case = actions.answer_hotspot(alarm_id=alarm_id, answer=said["answer"], reason=said["reason"], by=by,
                                      at=clock.now())  # fmt: skip
    except Refused as refusal:
        if refusal.code not in _ASKED_AGAIN:
            raise
        more = {"refusal": sentence_of(refusal), "sent": said}
        return _page(request, answering.found(alarm_id, by), more, status=422)
    return redirect("case", case) if case else redirect("hotspot", alarm_id)


def _page(request: HttpRequest, row: HotspotAlarm, more: dict[str, Any], status: int = 200) -> HttpResponse:
    others = [{"what": words.category_of(row.casetype, name), "seen": seen, "usual": usual}
              for name, seen, usual in row.others]  # fmt: skip
    return render(request, "insight/hotspot.html", _row(row) | {
        "question": words.question_of(row), "picture": drawing.picture_of(row), "weeks": drawing.weeks_of(row),
        "others": others, "times": row.observed / row.expected if row.expected else None, "least": FEWEST,
        "unit": accounts.unit_names_of({row.unit}).get(row.unit, row.unit), "longest": answering.LONGEST,
        "answers": [(name, _(word)) for name, (word, _look) in words.ANSWER_WORDS.items()],
        "why_not": _why_not(actor_of(request), row.unit), "sent": {},
    } | more, status=status)  # fmt: skip


def _row(row: HotspotAlarm) -> dict[str, Any]:
    word, look = words.answer_word(row.answer)
    return {"one": row, "what": words.category_of(row.casetype, row.category), "where": words.place_of(row),
            "state": word, "look": look}  # fmt: skip


def _why_not(by: Actor, unit: str) -> str:
    try:
        policies.check_can_answer_hotspot(by, unit)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""
