"""A review is asked for: of a file, of the city's own cases, or of the same log with other choices."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityloom.insight import actions
from cityloom.insight.actions import Source
from cityloom.insight.domain import stages
from cityloom.insight.reviewing import keeping
from cityloom.insight.views.reviews import actor_of, type_titles, why_not
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

COLUMNS = ("case", "activity", "time", "start", "office")
_TEXTS = (*COLUMNS, "zone", "style", "object_type", "due", "ended", "limit_days")
_LONGEST = 200
_NOTHING = "Nothing was chosen; send a file, or choose a type of the city's own cases."
_NO_NUMBER = "{value} is no number of days; write one between 0 and {limit}."
_MOST_DAYS = 36_500
_NO_DAY = "{value} is no day; write it as 2026-11-28."


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def new(request: HttpRequest) -> HttpResponse:
    """Choose what is reviewed, and how."""
    by = actor_of(request)
    if request.method != "POST":
        return _form(request, {})
    try:
        key = actions.ask_for_review(source=_source(request), asked=_asked(request), by=by, at=clock.now())
    except Refused as refusal:
        return _form(request, {"refusal": sentence_of(refusal)}, status=422)
    return redirect("review", key)


@require_POST
@only_once
def again(request: HttpRequest, review_id: str) -> HttpResponse:
    """Have the same log reviewed with other choices."""
    row = keeping.found(review_id)
    asked = dict(row.asked) | {"outside": request.POST.getlist("outside")[:50]} | {
        name: request.POST.get(name, "")[:_LONGEST] for name in ("due", "ended", "limit_days")}  # fmt: skip
    asked.pop("model", None)
    _check_days(asked["limit_days"])
    source = Source(casetype=row.name) if row.form == "casetype" else Source(base=row.id)
    key = actions.ask_for_review(source=source, asked=asked, by=actor_of(request), at=clock.now())
    return redirect("review", key)


@require_POST
@only_once
def cancel(request: HttpRequest, review_id: str) -> HttpResponse:
    """End a review that nobody needs."""
    actions.cancel_review(review_id=review_id, by=actor_of(request), at=clock.now())
    return redirect("review", review_id)


def _source(request: HttpRequest) -> Source:
    sent, model = request.FILES.get("file"), request.FILES.get("model")
    casetype = request.POST.get("casetype", "")
    if sent:
        with_model = {"model": model.name or "model.bpmn", "model_content": model.read()} if model else {}
        return Source(file=sent.name or "log.csv", content=sent.read(), **with_model)
    if casetype in dict(type_titles()):
        return Source(casetype=casetype)
    raise Refused("insight.nothing_chosen", _NOTHING)


def _asked(request: HttpRequest) -> dict[str, Any]:
    said = {name: request.POST.get(name, "").strip()[:_LONGEST] for name in _TEXTS}
    _check_days(said["limit_days"])
    for name in ("since", "until"):
        said[name] = _day(request.POST.get(name, ""))
    steps = [line.strip()[:_LONGEST] for line in request.POST.get("outside", "").splitlines()]
    return said | {"outside": [one for one in steps if one][:50]}


def _check_days(text: str) -> None:
    try:
        fits = not text or 0 <= float(text) <= _MOST_DAYS
    except ValueError:
        fits = False
    if not fits:
        raise Refused("insight.no_days", _NO_NUMBER, value=text[:20], limit=_MOST_DAYS)


def _day(text: str) -> str:
    """A day as it is kept; "" for none."""
    if not text:
        return ""
    try:
        return clock.asked_for(f"{text[:10]}T00:00Z").date().isoformat()
    except ValueError as error:
        raise Refused("insight.no_day", _NO_DAY, value=text[:20]) from error


def _form(request: HttpRequest, more: dict[str, Any], status: int = 200) -> HttpResponse:
    titles = {"case": _("Case"), "activity": _("Step"), "time": _("Completed at"), "start": _("Begun at"),
              "office": _("Office (unit, role or group)")}  # fmt: skip
    said = request.POST if request.method == "POST" else {}
    return render(request, "insight/new_review.html", {
        "types": type_titles(), "why_not": why_not(actor_of(request)), "said": said,
        "columns": [(name, titles[name], said.get(name, "")) for name in COLUMNS], "most_open": stages.MOST_OPEN,
    } | more, status=status)  # fmt: skip
