"""What every answer carries, and how a refusal reaches a person."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render

from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'; connect-src 'self'"
)
_STATUS = {
    "no_evidence": 409, "no_appeal": 409, "no_basis": 409,
    "no_": 404, "unknown": 404, "not_your": 403, "not_local": 403, "not_watcher": 403, "not_reviewer": 403,
    "not_allowed": 403, "role": 403, "keeper_down": 503,
}  # fmt: skip
"""By the beginning of the last part of a refusal's code."""


_NUL = "\0"
_TEXT_KINDS = frozenset({
    "application/json", "application/geo+json", "application/manifest+json", "application/javascript", "image/svg+xml",
})  # fmt: skip


class ContentSecurityPolicy:
    """Allow nothing but the city's own files, and no inline script or style."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        live = getattr(settings, "CITYLOOM_LIVE_URL", "")
        self.policy = f"{_POLICY} {live}".strip()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        return response


class CompressText(GZipMiddleware):
    """Compress what is text, pages and style sheets alike; pictures, letters and tiles are small already.

    Django pads each answer by a random length, so that its size does not tell what a page and a guess have in common
    (BREACH), and masks its tokens anew for each page.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        is_text = kind.startswith("text/") or kind in _TEXT_KINDS
        if not is_text or kind == "text/event-stream":
            return response
        return super().process_response(request, response)


class RefuseNul:
    """Refuse the sign NUL: no browser sends one, nothing is named with one, and PostgreSQL stores none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name in [name for name, value in request.COOKIES.items() if _NUL in value]:
            del request.COOKIES[name]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Raise SuspiciousOperation, which becomes a page, for an address or a form with one."""
        try:
            form = request.POST
        except UnreadablePostError:  # whoever sent it has gone
            return
        if _NUL in request.path or any(_NUL in value for _name, values in form.lists() for value in values):
            raise SuspiciousOperation


class KeepPagesPrivate:
    """Let no cache keep what a signed-in person saw."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class ShowRefusals:
    """Answer a refusal that no view has caught with its sentence and a status in the 400s (503 for the keeper)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        status = status_of(exception)
        if request.accepts("text/html"):
            return render(request, "ui/refused.html", {"sentence": sentence_of(exception)}, status=status)
        return JsonResponse(exception.as_json(), status=status)


def status_of(refusal: Refused) -> int:
    """The HTTP status that goes with a refusal; 409 unless its code says more."""
    reason = refusal.code.rpartition(".")[2]
    return next((status for beginning, status in _STATUS.items() if reason.startswith(beginning)), 409)
