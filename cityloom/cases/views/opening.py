"""What officials do with what is sealed: open how a reporter may be reached, and release words for everybody."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityloom.bus import queries as bus
from cityloom.cases import actions, queries
from cityloom.cases.models import ReleasedWords
from cityloom.cases.policies import LONGEST_TEXT
from cityloom.cases.views.asking import actor, type_of_row, what
from cityloom.cases.views.case import shown
from cityloom.cases.views.resident import private
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of


@private
@require_POST
def contact(request: HttpRequest, case_id: str) -> HttpResponse:
    """The page of a case with how its reporter may be reached, shown once and kept by no cache."""
    by = actor(request)
    at, reason = bus.now_in(queries.case_for(by, case_id).exercise_id), request.POST.get("reason", "")
    try:
        opened = actions.open_contact(case_id=case_id, reason=reason, by=by, at=at, command=word_of(request))
    except Refused as refusal:
        return shown(request, case_id, status_of(refusal), refusal=sentence_of(refusal),
                     sent_contact=reason[:LONGEST_TEXT])  # fmt: skip
    return shown(request, case_id, contact=opened)


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def release(request: HttpRequest, case_id: str) -> HttpResponse:
    """The sealed words beside those for everybody, which an official writes without persons."""
    by = actor(request)
    facts = queries.case_for(by, case_id)
    if request.method != "POST":
        return _release(request, facts)
    words = "" if request.POST.get("withdraw") else request.POST.get("words", "")
    if words.strip() and not request.POST.get("looked"):
        return _release(request, facts, 422, words, _("Read it once more, and say that it names nobody."))
    try:
        actions.release_words(case_id=case_id, words=words, by=by, at=bus.now_in(facts.exercise_id),
                              command=word_of(request))  # fmt: skip
    except Refused as refusal:
        return _release(request, facts, status_of(refusal), words, sentence_of(refusal))
    messages.success(request, _("Everybody can read it now.") if words.strip() else _("Nothing of it is public now."))
    return redirect("case", case_id)


def _release(
    request: HttpRequest, facts: queries.CaseFacts, status: int = 200, sent: str | None = None, refusal: str = ""
) -> HttpResponse:
    opened = queries.words_of(facts.id, actor(request))
    public = ReleasedWords.objects.filter(case__id=facts.id).values_list("words", flat=True).first() or ""
    original = str(opened.answers.get("words", ""))
    return render(request, "cases/release.html", {
        "one": facts, "title": what(type_of_row(facts), facts.category), "original": original, "public": public,
        "words": sent if sent is not None else public or original, "fault": opened.fault, "longest": LONGEST_TEXT,
        "refusal": refusal,
    }, status=status)  # fmt: skip
