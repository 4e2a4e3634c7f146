"""A study is asked for: with a question and tables of one's own, or as the example of its kind."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from cityloom.insight import actions
from cityloom.insight.domain import stages
from cityloom.insight.studies import kinds
from cityloom.insight.studies.kinds import InputSpec, Kind
from cityloom.insight.studying import questions
from cityloom.insight.studying.keeping import Sent
from cityloom.insight.telling import words
from cityloom.insight.views.reviews import actor_of
from cityloom.insight.views.studies import why_no_study
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_LONGEST = 120


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def new(request: HttpRequest, kind: str) -> HttpResponse:
    """Write a question of a kind, and send its tables."""
    one = kinds.kind(kind)
    if request.method != "POST":
        return _form(request, one, {})
    try:
        key = actions.ask_for_study(sent=_sent(request, one), by=actor_of(request), at=clock.now())
    except Refused as refusal:
        return _form(request, one, {"refusal": sentence_of(refusal)}, status=422)
    return redirect("study", key)


@require_POST
@only_once
def cancel(request: HttpRequest, study_id: str) -> HttpResponse:
    """End a study that nobody needs."""
    actions.cancel_study(study_id=study_id, by=actor_of(request), at=clock.now())
    return redirect("study", study_id)


@require_POST
@only_once
def brief_study(request: HttpRequest, study_id: str) -> HttpResponse:
    """Put what a study foresees into the risk brief, or take it out."""
    deed = actions.take_from_brief if request.POST.get("out") else actions.put_into_brief
    deed(study_id=study_id, by=actor_of(request), at=clock.now())
    return redirect("study", study_id)


def _sent(request: HttpRequest, one: Kind) -> Sent:
    name = " ".join(request.POST.get("name", "").split())[:_LONGEST]
    if request.POST.get("example") and one.example is not None:
        return Sent(one.name, name, is_example=True)
    files = {}
    for spec in one.inputs:
        file = request.FILES.get(f"table-{spec.name}")
        if file:
            files[spec.name] = (file.name or "", file.read())
    question = request.FILES.get("file")
    text = question.read().decode("utf-8-sig", "replace") if question else request.POST.get("question", "")
    return Sent(one.name, name, text.replace("\r\n", "\n"), files)


def _form(request: HttpRequest, one: Kind, more: dict[str, Any], status: int = 200) -> HttpResponse:
    said = request.POST if request.method == "POST" else {}
    return render(request, "insight/new_study.html", {
        "kind": one.name, "title": words.known(one.title), "about": words.known(one.about), "said": said,
        "question": said.get("question") or _first(one), "tables": [_table(spec) for spec in one.inputs],
        "why_not": why_no_study(actor_of(request)), "has_example": one.example is not None,
        "most_open": stages.MOST_OPEN,
    } | more, status=status)  # fmt: skip


def _first(one: Kind) -> str:
    """A question to begin with: the example's."""
    return questions.as_text(one.name, one.example()[0] if one.example else {}, {})


def _table(spec: InputSpec) -> dict[str, Any]:
    columns = [(name, words.known(about), name in spec.optional) for name, about in
               (*spec.columns.items(), *spec.optional.items())]  # fmt: skip
    return {"name": spec.name, "title": words.known(spec.title), "key": spec.key, "columns": columns,
            "needed": spec.needed}  # fmt: skip
