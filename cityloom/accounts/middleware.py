"""What holds for each request: its session counts at one device and for a time; residents and staff keep apart."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse

from cityloom.accounts import actions, queries
from cityloom.accounts.contrib.allauth.adapters import agent_of
from cityloom.accounts.policies import StepUpNeeded
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

log = logging.getLogger(__name__)
Next = Callable[[HttpRequest], HttpResponse]


class KeepSessionsInBounds:
    """Treat a session that has ended, or that comes from another device, as nobody's.

    The device's cookie is SameSite=Strict: a person who follows a link from elsewhere arrives without it, once, and
    gets a page that loads itself again from here.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.session_fault = ""  # type: ignore[attr-defined]
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            fault = _fault(request)
            if fault == "elsewhere" and _comes_from_another_site(request):
                return render(request, "accounts/again.html", {"again": request.get_full_path()})
            if fault:
                _forget(request, fault)
            else:
                actions.touch_session(session=request.session[queries.SESSION_KEY], at=clock.now())
        response = self.get_response(request)
        device = getattr(request, "new_device", "")
        if device:
            response.set_cookie(
                queries.DEVICE_COOKIE, device, max_age=queries.session_bounds().longest_s, httponly=True,
                secure=request.is_secure(), samesite="Strict", path="/",
            )  # fmt: skip
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        fault = request.session_fault  # type: ignore[attr-defined]
        if not fault or not getattr(view, "login_required", True):
            return None
        asked = {"next": request.get_full_path(), "why": fault}
        return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode(asked)}")


class KeepResidentsApart:
    """Let residents reach what is marked for them and nothing else, and people who work here none of it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not request.user.is_authenticated or not getattr(view, "login_required", True):
            return None
        if hasattr(view, "for_everyone"):
            return None
        is_resident = request.user.kind == "resident"
        if is_resident == hasattr(view, "for_residents"):
            return None
        refusal = _STAFF_ONLY if is_resident else _RESIDENTS_ONLY
        return render(request, "ui/refused.html", {"sentence": sentence_of(refusal)}, status=403)


class AskToStepUp:
    """Answer an act that wants a fresh proof with the page that asks for it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StepUpNeeded) or not request.accepts("text/html"):
            return None
        return HttpResponseRedirect(f"{reverse('step-up')}?{urlencode({'next': _page_of(request)})}")


_STAFF_ONLY = Refused("accounts.role", "This page is for people who work for the city; yours is the overview.")
_RESIDENTS_ONLY = Refused("accounts.role", "This page is for residents; sign in as one to see your own data.")


def _fault(request: HttpRequest) -> str:
    return queries.session_fault(
        request.session, account=request.user.pk, device=request.COOKIES.get(queries.DEVICE_COOKIE, ""),
        agent=agent_of(request), at=clock.now(),
    )  # fmt: skip


def _forget(request: HttpRequest, fault: str) -> None:
    """Go on as nobody; a session of another device stays as it is for the one whose it is."""
    log.warning("session refused: %s", fault)
    if fault == "elsewhere":
        request.session = type(request.session)()
    else:
        request.session.flush()
    request.user = AnonymousUser()
    request.session_fault = fault  # type: ignore[attr-defined]


def _comes_from_another_site(request: HttpRequest) -> bool:
    strange = request.headers.get("Sec-Fetch-Site") == "cross-site"
    return strange and request.method in ("GET", "HEAD") and queries.DEVICE_COOKIE not in request.COOKIES


def _page_of(request: HttpRequest) -> str:
    """The page to come back to: the one that was asked for, or the one whose form was sent."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    sent_from = urlsplit(request.META.get("HTTP_REFERER", ""))
    return sent_from.path if sent_from.netloc == request.get_host() else reverse("front")
