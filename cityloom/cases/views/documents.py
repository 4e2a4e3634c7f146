"""Photos and documents of a case: add, look at one, release a photo."""

from __future__ import annotations

import base64

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityloom.bus import queries as bus
from cityloom.cases import actions, queries
from cityloom.cases.actions import OpenedFile
from cityloom.cases.attaching import showing
from cityloom.cases.views.asking import actor, type_of_row, what
from cityloom.cases.views.case import shown
from cityloom.files.domain.pictures import MEDIA_TYPE
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of

_SANDBOX = "sandbox; default-src 'none'"


@require_POST
@only_once
def add(request: HttpRequest, case_id: str) -> HttpResponse:
    """Add what was chosen; a file that cannot be taken is said, and then none of them is kept."""
    sent = [(one.name or "", one.read()) for one in request.FILES.getlist("file")]
    by = actor(request)
    at = bus.now_in(queries.case_for(by, case_id).exercise_id)
    try:
        added = actions.attach(case_id=case_id, files=sent, by=by, at=at, command=word_of(request) or "")
    except Refused as refusal:
        return shown(request, case_id, status_of(refusal), refusal=sentence_of(refusal))
    messages.success(request, ngettext("{n} file added.", "{n} files added.", len(added)).format(n=len(added)))
    return redirect("case", case_id)


@require_POST
@never_cache
def one(request: HttpRequest, case_id: str, file_id: str) -> HttpResponse:
    """Open one file: a photo is shown, everything else is saved and never shown by the browser."""
    opened = actions.open_file(case_id=case_id, file_id=file_id, by=actor(request), at=clock.now())
    return _photo(request, case_id, opened) if opened.kind == "picture" else _saved(opened)


@require_POST
@only_once
def release(request: HttpRequest, case_id: str, file_id: str) -> HttpResponse:
    """Show a photo to everybody, or no longer."""
    act = actions.withhold_photo if request.POST.get("withhold") else actions.release_photo
    if act is actions.release_photo and not request.POST.get("looked"):
        refusal = _("Look at the photo first, and say that there is nobody in it.")
        return shown(request, case_id, 422, refusal=refusal)
    by = actor(request)
    at = bus.now_in(queries.case_for(by, case_id).exercise_id)
    act(case_id=case_id, file_id=file_id, by=by, at=at, command=word_of(request) or "")
    messages.success(request, _("Done."))
    return redirect("case", case_id)


@require_safe
@login_not_required
def released(request: HttpRequest, file_id: str) -> HttpResponse:
    """A photo that everybody may see."""
    try:
        content = showing.released_content(file_id)
    except Refused as refusal:
        raise Http404 from refusal
    return HttpResponse(content, content_type=MEDIA_TYPE, headers={
        "Content-Security-Policy": _SANDBOX, "Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*",
    })  # fmt: skip


def _photo(request: HttpRequest, case_id: str, opened: OpenedFile) -> HttpResponse:
    facts = queries.case_for(actor(request), case_id)
    casetype = type_of_row(facts)
    files = {each.id: each for each in queries.files_of(case_id)}
    context = {
        "one": facts, "title": what(casetype, facts.category), "case_url": reverse("case", args=[case_id]),
        "picture": f"data:{opened.media_type};base64,{base64.b64encode(opened.content).decode()}",
        "name": opened.name, "file_id": opened.id, "is_released": files[opened.id].is_released,
        "may_release": facts.confidentiality in ("open", "internal"),
    }  # fmt: skip
    return render(request, "cases/file.html", context)


def _saved(opened: OpenedFile) -> HttpResponse:
    return HttpResponse(opened.content, content_type=opened.media_type, headers={
        "Content-Disposition": content_disposition_header(True, opened.name) or "attachment",
        "Content-Security-Policy": _SANDBOX, "X-Content-Type-Options": "nosniff",
    })  # fmt: skip
