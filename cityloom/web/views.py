"""The front page, the operator's dead letters, and the city's own health."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cityloom.accounts import queries as accounts
from cityloom.alerts import queries as alerts
from cityloom.bus import actions as bus_actions
from cityloom.bus import queries as bus
from cityloom.emergency import queries as emergency
from cityloom.fieldwork import queries as fieldwork
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.web.portal import views as portal

_MOST = 50


@login_not_required
@require_GET
def front(request: HttpRequest) -> HttpResponse:
    """The residents' portal; for people who work here: what goes on, and what waits for them."""
    if request.session_fault:  # type: ignore[attr-defined]
        return redirect_to_login("/", f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'why': request.session_fault})}")
    if not request.user.is_authenticated or request.user.kind == "resident":  # type: ignore[union-attr]
        return portal.home(request)
    actor = accounts.as_actor(request.user)  # type: ignore[arg-type]
    context = {
        "waiting": emergency.waiting_for(actor), "notices": _notices(actor), "tasks": fieldwork.my_tasks(actor),
        "languages": fieldwork.languages_of(actor.account), "incidents": emergency.recent_incidents(_MOST),
        "dead": len(bus.dead_letters()) if actor.has("operator") else 0,
    }  # fmt: skip
    return render(request, "web/front.html", context)


@require_GET
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


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """The processes, as the supervisor last saw them."""
    return render(request, "web/health.html", {"processes": _processes(), "database": connection.vendor})


@login_not_required
@require_GET
def alive(request: HttpRequest) -> HttpResponse:
    """Say that pages can be made; the supervisor asks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("well", content_type="text/plain")


def _notices(actor: Actor) -> list[emergency.NoticeFacts]:
    """What the actor's department has not answered yet."""
    departments = [role.removeprefix("department-") for role in sorted(actor.roles) if role.startswith("department-")]
    return [
        notice
        for department in departments
        for notice in emergency.notices_for(department)
        if notice.state != "acknowledged"
    ]


def _operator(request: HttpRequest) -> Actor:
    actor = accounts.as_actor(request.user)  # type: ignore[arg-type]
    if not actor.has("operator"):
        raise Refused("web.role", "You cannot work on dead letters: only an operator may; ask one to sign in.")
    return actor


def _processes() -> dict[str, Any]:
    try:
        facts = json.loads(Path(settings.CITYLOOM["STATUS_FILE"]).read_text())
    except (OSError, ValueError):
        return {}
    return dict(facts.get("processes", {}))
