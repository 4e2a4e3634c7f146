"""What somebody who reported a matter sees and does with their secret: no account, no scripts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.bus import queries as bus
from cityloom.cases import actions, queries
from cityloom.cases.domain import followcode
from cityloom.cases.domain.approvals.fitting import AT_ONCE
from cityloom.cases.policies import LONGEST_TEXT
from cityloom.cases.views import following
from cityloom.cases.views.asking import type_of_row
from cityloom.files.domain import pictures
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of

View = Callable[..., HttpResponse]


def private(view: View) -> View:
    """A page whose address opens a case stays with whoever has it: no search engine, no cache, no other site.

    With `no-referrer` a browser would send the page's own forms without an origin, and they would be refused.
    """

    @wraps(view)
    def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        answer = view(request, *args, **kwargs)
        answer["Cache-Control"] = "no-store"
        answer["Referrer-Policy"] = "same-origin"
        answer["X-Robots-Tag"] = "noindex, nofollow"
        return answer

    return answered


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def my_report(request: HttpRequest) -> HttpResponse:
    """Where somebody types the code that they were given."""
    if request.method != "POST":
        return render(request, "cases/my_report_code.html", {"longest": 80})
    text = request.POST.get("code", "")[:80]
    try:
        code = followcode.heard(text)
        queries.followed(code)
    except Refused as refusal:
        said = {"text": text, "refusal": sentence_of(refusal)}
        return render(request, "cases/my_report_code.html", said, status=422)
    return redirect("my-report-of", code)


@private
@login_not_required
@require_safe
def my_report_of(request: HttpRequest, code: str) -> HttpResponse:
    """How a matter stands, in plain words, and what may be done about it; an application has a page of its own."""
    own = _followed(code).own
    if type_of_row(own).step(AT_ONCE) is not None:
        return redirect("application", followcode.heard(code))
    return _page(request, code)


@private
@login_not_required
@require_POST
@only_once
def deed(request: HttpRequest, code: str, what: str) -> HttpResponse:
    """Do something about a matter, then show it: again, or with the refusal on it and what was typed."""
    act = _DEEDS.get(what)
    if act is None:
        raise Http404
    followed = _followed(code)
    try:
        done = act(request, followcode.heard(code), bus.now_in(followed.lead.exercise_id))
    except Refused as refusal:
        sent = {"sent": what, "sent_text": request.POST.get("text", "")[: LONGEST_TEXT + 1],
                "sent_solved": request.POST.get("solved", "")}  # fmt: skip
        return _page(request, code, status_of(refusal), refusal=sentence_of(refusal), **sent)
    messages.success(request, done)
    return redirect("my-report-of" if _is_there(code) else "my-report", *([code] if _is_there(code) else []))


def _page(request: HttpRequest, code: str, status: int = 200, **more: Any) -> HttpResponse:
    followed = _followed(code)
    context = following.told(followed, code, bus.now_in(followed.lead.exercise_id))
    context |= {"is_new": request.GET.get("new") == "1", "is_partly": request.GET.get("kept") == "partly"}
    return render(request, "cases/my_report.html", context | more, status=status)


def _followed(code: str) -> queries.Followed:
    """Raises: Http404, for what is no code as for one that opens nothing."""
    try:
        return queries.followed(followcode.heard(code))
    except Refused as refusal:
        raise Http404 from refusal


def _is_there(code: str) -> bool:
    try:
        _followed(code)
    except Http404:
        return False
    return True


def _solved(request: HttpRequest, code: str, at: datetime) -> str:
    stars = request.POST.get("satisfaction", "")
    follows = actions.answer_whether_solved(
        secret=code, solved=request.POST.get("solved", ""), at=at, reason=request.POST.get("text", ""),
        satisfaction=int(stars) if stars.isdecimal() and len(stars) < 3 else None,
    )  # fmt: skip
    return following.thanks_for(follows)


def _more(request: HttpRequest, code: str, at: datetime) -> str:
    sent = request.FILES.get("photo")
    photos = [(str(sent.name), sent.read(pictures.LARGEST_BYTES + 1))] if sent else []  # type: ignore[union-attr]
    text = request.POST.get("text", "")
    actions.say_more(secret=code, text=text, files=photos, at=at, command=word_of(request))
    return _("Thank you: those who work on it can read it now.")


def _withdrawn(request: HttpRequest, code: str, at: datetime) -> str:
    ended = actions.withdraw_report(secret=code, reason=request.POST.get("text", ""), at=at, command=word_of(request))
    return _("Your report is withdrawn.") if ended else _(
        "You do not follow it any more. Others reported the same, so it goes on.")  # fmt: skip


def _reopened(request: HttpRequest, code: str, at: datetime) -> str:
    actions.reopen_as_reporter(secret=code, reason=request.POST.get("text", ""), at=at, command=word_of(request))
    return _("It goes on; the unit reads why.")


def _another_look(request: HttpRequest, code: str, at: datetime) -> str:
    actions.ask_for_another_look(secret=code, reason=request.POST.get("text", ""), at=at)
    return _("A supervisor looks at it again; you see here what comes of it.")


_DEEDS = {"solved": _solved, "more": _more, "withdraw": _withdrawn, "reopen": _reopened, "look": _another_look}
