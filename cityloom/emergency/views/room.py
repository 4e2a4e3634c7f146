"""The incident room: the whole page, or one part of it."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.alerts import queries as alerts
from cityloom.emergency import policies, queries
from cityloom.emergency.domain.presence import Presence
from cityloom.emergency.views.page import Room, in_language, room_of
from cityloom.emergency.views.parts import PARTS
from cityloom.kernel import clock
from cityloom.signals import queries as signals

_present = Presence()


@require_safe
def incident(request: HttpRequest, incident_id: str) -> HttpResponse:
    """The incident with its map, its decision and everything that happened, or `?fragment=` of it."""
    room = room_of(request, incident_id)
    name = request.GET.get("fragment", "")
    if not name:
        return shown(request, room)
    if name not in PARTS:
        raise Http404
    template, part = PARTS[name]
    return render(request, template, {**shared(room), **part(room)})


def shown(request: HttpRequest, room: Room, refusal: str = "", status: int = 200) -> HttpResponse:
    """The whole room, with a refusal on it where there is one."""
    context = shared(room) | {"refusal": refusal, "others": [] if room.at else _others(room)}
    for _template, part in PARTS.values():
        context |= part(room)
    return render(request, "emergency/incident.html", context, status=status)


def shared(room: Room) -> dict[str, object]:
    """What every part knows."""
    proposal = room.proposal
    return {
        "incident": room.facts, "at": room.at, "revision": proposal.revision if proposal else 0,
        "here": f"/incidents/{room.incident_id}/",
    }  # fmt: skip


@require_safe
def presence(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Who else has this page open; asking says that the asker has."""
    queries.find_incident(incident_id)
    return render(request, "emergency/_presence.html", {"others": _others(room_of(request, incident_id))})


def _others(room: Room) -> list[tuple[str, str]]:
    """Who else is here, by role and unit; a reader is known by the account, in memory alone, for half a minute."""
    roles = policies.writing_roles(room.actor) or tuple(sorted(room.actor.roles))
    who = (roles[0] if roles else "", room.actor.unit)
    found = _present.note(room.incident_id, room.actor.account, who, clock.steady())
    return [(role, in_language(accounts.unit_names(unit)) if unit else "") for role, unit in found]


@require_safe
def still(request: HttpRequest, incident_id: str) -> FileResponse:
    """The masked picture of the scene."""
    scene_id = queries.incident(incident_id).scene_id
    picture = signals.still_of(scene_id) if scene_id else None
    if picture is None:
        raise Http404
    return FileResponse(picture.path.open("rb"), content_type=picture.media_type)


@require_safe
def alert_xml(request: HttpRequest, incident_id: str, alert_id: str) -> HttpResponse:
    """The alert as it leaves."""
    if alert_id not in {alert.id for alert in alerts.alerts_of(incident_id)}:
        raise Http404
    return HttpResponse(alerts.xml_of(alert_id), content_type="application/xml; charset=utf-8")
