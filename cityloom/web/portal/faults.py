"""Pages for what cannot be shown: unknown addresses, refused forms, too much at once, and our own defects."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_noop

from cityloom.kernel import ids

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """What a page says: what is wrong, and what to do instead."""

    status: int
    code: str
    title: str
    sentence: str


NOT_FOUND = Fault(
    404, "web.not_found", gettext_noop("This page is not here"),
    gettext_noop("The address may be mistyped, or what it showed has been removed or has ended."),
)  # fmt: skip
FORBIDDEN = Fault(
    403, "web.forbidden", gettext_noop("This is not open to you"),
    gettext_noop("Sign in as somebody who may see it, or go back to where you came from."),
)  # fmt: skip
FORM_REFUSED = Fault(
    403, "web.form_refused", gettext_noop("The form could not be taken"),
    gettext_noop("It was open for a long time, or your browser sends no cookies. Nothing was changed: go back, load the"
                 " page again, and send it once more."),
)  # fmt: skip
BAD_REQUEST = Fault(
    400, "web.bad_request", gettext_noop("This could not be read"),
    gettext_noop("What your browser sent is not what this page takes, or it was too much. Nothing was changed."),
)  # fmt: skip
NO_PAGE = Fault(
    405, "web.no_page", gettext_noop("There is nothing to read at this address"),
    gettext_noop("It only takes forms, for instance one that was sent before you signed in. Nothing was changed: go"
                 " back to the page with the form, and send it once more."),
)  # fmt: skip
DEFECT = Fault(
    500, "web.defect", gettext_noop("Something is broken here"),
    gettext_noop("It is our fault, not yours, and it has been noted. Try again in a few minutes."),
)  # fmt: skip


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """An address that leads nowhere."""
    return _answer(request, NOT_FOUND)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A page that is not for whoever asks."""
    return _answer(request, FORBIDDEN)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the proof that it came from this city's page."""
    return _answer(request, FORM_REFUSED)


def no_page(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """A page in place of the empty answer to a method that an address does not take."""
    said = _answer(request, NO_PAGE)
    said.headers["Allow"] = answer.headers.get("Allow", "")
    return said


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """A request that cannot be read."""
    return _answer(request, BAD_REQUEST)


def defect(request: HttpRequest) -> HttpResponse:
    """An error of ours, under a reference; the page needs nothing that may itself be broken."""
    reference = ids.new_ulid()[-10:]
    log.error("defect %s", reference)
    words = {"fault": DEFECT, "title": gettext(DEFECT.title), "sentence": gettext(DEFECT.sentence)}
    if not request.accepts("text/html"):
        return JsonResponse({"code": DEFECT.code, "reference": reference}, status=500)
    return HttpResponse(render_to_string("web/portal/defect.html", words | {"reference": reference}), status=500)


def _answer(request: HttpRequest, fault: Fault) -> HttpResponse:
    if not request.accepts("text/html"):
        return JsonResponse({"code": fault.code, "sentence": fault.sentence}, status=fault.status)
    context = {"fault": fault, "title": gettext(fault.title), "sentence": gettext(fault.sentence)}
    return render(request, "web/portal/fault.html", context, status=fault.status)
