"""The front page, the operator's dead letters, and the city's own health."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.alerts import queries as alerts
from cityloom.bus import actions as bus_actions
from cityloom.bus import queries as bus
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of
from cityloom.web import overview
from cityloom.web.portal import views as portal
from cityloom.web.processes import processes


@login_not_required
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """The residents' portal; for people who work here: what goes on, and what waits for them."""
    if request.session_fault:  # type: ignore[attr-defined]
        return redirect_to_login("/", f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'why': request.session_fault})}")
    if not request.user.is_authenticated or request.user.kind == "resident":  # type: ignore[union-attr]
        return portal.home(request)
    return _overview(request)


def _overview(request: HttpRequest) -> HttpResponse:
    """The overview; for a page that is out of date one part of it, or several (`fragment=a,b`) by their names."""
    actor = accounts.as_actor(request.user)  # type: ignore[arg-type]
    fault = ""
    try:
        at = overview.instant_from(request.GET.get("at", ""))
    except Refused as refusal:
        at, fault = None, sentence_of(refusal)
    page, asked = request.GET.get("page", ""), request.GET.get("fragment", "")
    request.GET = request.GET.copy()  # type: ignore[assignment]
    request.GET.pop("fragment", None)  # type: ignore[attr-defined]  # the ways to other pages lead to whole ones
    context: dict[str, Any] = {"at": at, "fault": fault, "query": urlencode({"at": at.isoformat()}) if at else ""}
    parts = [part for part in dict.fromkeys(asked.split(",")) if part in overview.PARTS]
    if parts:
        texts = {
            part: render_to_string(f"web/overview/_{part}.html", context | overview.context_for(part, actor, at, page),
                                   request)
            for part in parts
        }  # fmt: skip
        return JsonResponse(texts) if "," in asked else HttpResponse(texts[asked])
    newest = overview.moments(None, overview.MARKS)
    if at and at > max([clock.now(), *(moment.at for moment in newest[:1])]):  # an exercise may be ahead of us
        at, fault = None, _("That moment is still to come; what is known now is shown.")
        context |= {"at": at, "fault": fault, "query": ""}
    for part in overview.PARTS:
        context |= overview.context_for(part, actor, at, page, newest) | {f"{part}_types": overview.types_of(part)}
    scrub = overview.scrub(at, newest)
    context |= {
        "scrub": scrub, "marks_json": json.dumps(scrub.marks), "page_number": page if page.isdigit() else "1",
        "at_iso": at.isoformat() if at else "", "is_live": at is None, "map_template": _map_template(),
        "at_local": timezone.localtime(at).strftime("%Y-%m-%dT%H:%M:%S") if at else "",
    }  # fmt: skip
    return render(request, "web/front.html", context)


def _map_template() -> str:
    """The map in a page, where this installation has one."""
    try:
        get_template("ui/_map.html")
    except TemplateDoesNotExist:
        return ""
    return "ui/_map.html"


@require_safe
def dead_letters(request: HttpRequest) -> HttpResponse:
    """Handlers that gave up and alerts that did not leave, for an operator."""
    _operator(request)
    context = {"letters": bus.dead_letters(), "undelivered": alerts.undelivered()}
    return render(request, "web/dead_letters.html", context)


@require_POST
def replay(request: HttpRequest) -> HttpResponse:
    """Give a dead letter another set of attempts."""
    actor = _operator(request)
    event_id, handler = request.POST.get("event", ""), request.POST.get("handler", "")
    bus_actions.replay(event_id=event_id, handler=handler, by=actor, at=clock.now())
    messages.success(request, _("The event is delivered again in a moment."))
    return redirect("dead-letters")


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """The processes, as the supervisor last saw them."""
    return render(request, "web/health.html", {"processes": processes(), "database": connection.vendor})


@login_not_required
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """Say that pages can be made; the supervisor asks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("well", content_type="text/plain")


def _operator(request: HttpRequest) -> Actor:
    actor = accounts.as_actor(request.user)  # type: ignore[arg-type]
    if not actor.has("operator"):
        raise Refused("web.role", "You cannot work on dead letters: only an operator may; ask one to sign in.")
    return actor
