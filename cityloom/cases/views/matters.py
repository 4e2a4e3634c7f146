"""Matters that several people reported: which reports they are and why, on one map, and what people decide of them."""

from __future__ import annotations

from typing import Any

import shapely
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.cases import actions, queries
from cityloom.cases.domain.duplicates import matters as rules
from cityloom.cases.listing import matters
from cityloom.cases.listing.matters import Member
from cityloom.cases.listing.nearmatters import reporters_of
from cityloom.cases.queries import CaseFacts
from cityloom.cases.views import alike, deeds
from cityloom.cases.views.asking import actor, type_of_row, what
from cityloom.kernel.actor import Actor
from cityloom.kernel.geometry import circle
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui.ground import ground_layers
from cityloom.ui.once import only_once
from cityloom.ui.svgmap import Layer, Words, draw
from cityloom.ui.words import sentence_of

_LABELLED, _AROUND_M = 12, 60.0


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Matters with several reports, those that somebody reported last or those with most reports first."""
    order = request.GET.get("order", "")
    order = order if order in matters.ORDERS else matters.ORDERS[0]
    is_open = request.GET.get("state") != "over"
    rows = matters.largest(queries.rights(actor(request)), order, is_open=is_open)
    return render(request, "cases/matters.html", {
        "rows": [{"one": row, "title": what(type_of_row(row.lead), row.lead.category), "state": alike.state(row.lead)}
                 for row in rows],
        "order": order, "is_open": is_open, "most": matters.MOST_SHOWN,
    })  # fmt: skip


@require_safe
def matter(request: HttpRequest, case_id: str) -> HttpResponse:
    """One matter: its reports on a map and in a list, and why each is one of them."""
    by = actor(request)
    lead = queries.case_for(by, queries.case_for(by, case_id).matter)
    found = matters.members(lead.id)
    seen = {one.one.id for one in found if alike.may_see(by, one.one.id)}
    return render(request, "cases/matter.html", _shown(lead, found, seen, by))


@require_POST
@only_once
def join(request: HttpRequest, case_id: str) -> HttpResponse:
    """Let a case and another one, said by number or suggested, be one matter."""
    by, reason = actor(request), request.POST.get("reason", "")
    return deeds.do(request, case_id, _("They are one matter now."), lambda who, at, command: actions.join_matters(
        case_id=case_id, other=_other(request, by), by=who, at=at, reason=reason, command=command))  # fmt: skip


@require_POST
@only_once
def part(request: HttpRequest, case_id: str) -> HttpResponse:
    """Take a report out of its matter."""
    reason, done = request.POST.get("reason", ""), _("Taken out; it stands for itself, and nothing joins it again.")
    return deeds.do(request, case_id, done, lambda by, at, command: actions.part_from_matter(
        case_id=case_id, by=by, at=at, reason=reason, command=command))  # fmt: skip


@require_POST
@only_once
def lead(request: HttpRequest, case_id: str) -> HttpResponse:
    """Let a report go on for its matter."""
    reason, done = request.POST.get("reason", ""), _("This case goes on for the matter from now.")
    return deeds.do(request, case_id, done, lambda by, at, command: actions.let_lead(
        case_id=case_id, by=by, at=at, reason=reason, command=command))  # fmt: skip


@require_POST
@only_once
def apart(request: HttpRequest, case_id: str) -> HttpResponse:
    """Say that a case and another one are not the same."""
    by, done = actor(request), _("Noted; they are not suggested again.")
    return deeds.do(request, case_id, done, lambda who, at, command: actions.keep_apart(
        case_id=case_id, other=_other(request, by), by=who, at=at, command=command))  # fmt: skip


def _shown(lead: CaseFacts, found: list[Member], seen: set[str], by: Actor) -> dict[str, Any]:
    reports, people = len(found), reporters_of([lead.id])[lead.id]
    return {
        "lead": lead, "title": what(type_of_row(lead), lead.category), "state": alike.state(lead), "reporters": people,
        "reports": reports, "picture": _picture([one.one for one in found]),
        "rows": [alike.member(one) | {"is_seen": one.one.id in seen, "why_not": _why_not(one.one, reports, by)}
                 for one in found],
    }  # fmt: skip


def _why_not(one: CaseFacts, reports: int, by: Actor) -> str:
    """Why a report cannot be taken out by whoever looks; "" where it can."""
    try:
        rules.check_not_alone(reports)
        actions.check_may_decide(case_id=one.id, by=by)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def _other(request: HttpRequest, by: Actor) -> str:
    """The other case of a decision. Raises: Refused `cases.number`, `cases.unknown`, `cases.not_yours`."""
    key = request.POST.get("other", "")
    return queries.case_for(by, key[:26]).id if key else queries.case_numbered(by, request.POST.get("number", "")).id


def _picture(rows: list[CaseFacts]) -> SafeString | str:
    """The reports on the ground, the one that goes on as a star."""
    placed = [row for row in rows if row.lon is not None and row.lat is not None]
    if not placed:
        return ""
    points = [shapely.Point(row.lon, row.lat) for row in placed]
    box = shapely.union_all([circle(point.x, point.y, _AROUND_M) for point in points]).bounds
    joined = [at for at, row in enumerate(placed) if row.matter != row.id]
    first = [at for at, row in enumerate(placed) if row.matter == row.id]
    layers = [
        *ground_layers(registers.map_features(*box)),
        Layer("place", [points[at] for at in joined], [""] * len(joined) if len(joined) > _LABELLED
              else [placed[at].spoken for at in joined], _("joined with it")),
        Layer("centre", [points[at] for at in first], [placed[at].spoken for at in first],
              _("the report that goes on")),
    ]  # fmt: skip
    told = _("Where each report says that it is; the list below says it in words.")
    words = Words(_("The reports of this matter"), told)
    return mark_safe(draw(layers, bbox=box, words=words, size=(960, 480), key="matter"))  # noqa: S308 - drawn, and escaped, by ourselves
