"""What departments' files say: each register as a list, and an entry with its history and sources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import shapely
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, policies, queries
from cityloom.registers.browsing import around, communities, entries, export, networks, overview, sought
from cityloom.registers.browsing.entries import Line
from cityloom.registers.display import (
    DISAGREEMENT_STATES,
    WHY,
    component_word,
    field_word,
    in_language,
    place_reason,
    register_word,
    value_word,
    word,
)
from cityloom.registers.domain.facts import Fact
from cityloom.registers.domain.kinds import REGISTERS
from cityloom.registers.models import SPOKEN
from cityloom.registers.views.record_pictures import picture_of, place_of, told_shape
from cityloom.ui.words import sentence_of

_A_PAGE = 50
_A_FEW = 10
_NEAR_M = 40.0
_NARROWING = ("area", "community", "division", "source", "gone")
_NEAR = ("organisations", "components", "fittings")
"""Registers of points, of which an entry's page says what lies close to it."""


@require_safe
def registers(request: HttpRequest) -> HttpResponse:
    """Every register: what is in it, from whom, how fresh; and a search through all of them."""
    text, today = request.GET.get("q", "")[:100].strip(), queries.today()
    found = [(register_word(name), address_of_list(name, q=text), lines(part.lines)) for name in entries.LISTED
             if text and (part := entries.listed(name, text=text, limit=_A_FEW)).lines]  # fmt: skip
    held = [(one, register_word(one.register), one.days_old(today), one.register in entries.LISTED)
            for one in overview.held()]  # fmt: skip
    return render(request, "registers/registers.html", {
        "held": held, "q": text,
        "loads": [(load, register_word(load.register), queries.looked_up(load)) for load in queries.loads()],
        "found": found,
    })  # fmt: skip


@require_safe
def register(request: HttpRequest, name: str) -> HttpResponse:
    """The entries of a register, by key, name or zone."""
    _check_known(name)
    asked = _asked(request, name)
    after, refusal = request.GET.get("after", "")[:64], ""
    try:
        part = _part(name, asked, after)
    except Refused as refused:
        part, refusal = entries.Listed([], ""), sentence_of(refused)
    kept = {field: value for field, value in asked.items() if value}
    further = urlencode(kept | {"after": part.after})
    return render(request, "registers/register.html", {
        "name": name, "title": register_word(name), "asked": asked, "refusal": refusal, "rows": lines(part.lines),
        "heads": [field_word(field) for field in entries.LISTED[name]], "further": further if part.after else "",
        "can_be_called": name in SPOKEN, "has_place": around.has_place(name), "is_first": not after,
        "why_not": _why_not(request), "kept": urlencode(kept), "upto": part.after, **_narrowing(name, asked),
        "plan": queries.zone_plan_on(queries.today()), "is_network": name in networks.NETWORKS,
        "spoken": field_word(SPOKEN.get(name, "")),
    }, status=409 if refusal else 200)  # fmt: skip


def _asked(request: HttpRequest, name: str) -> dict[str, str]:
    fields = ("q", "zone", "field", "of", *_NARROWING, *(one.name for one in sought.choices(name)))
    return {field: request.GET.get(field, "")[:100].strip() for field in fields}


def _narrowing(name: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the list of a register can be narrowed down by."""
    by = {one.name: asked[one.name] for one in sought.choices(name)}
    every = communities.communities() if around.has_place(name) else []
    return {
        "choices": [(one.name, field_word(one.name), by[one.name], [
            (value, value_word(one.name, value)) for value in one.choices]) for one in sought.choices(name)],
        "sources": queries.source_names(), "has_division": "division" in REGISTERS[name].names,
        "areas": [(str(number), f"{word(kind)}: {in_language((title, zh or title))}")
                  for number, kind, title, zh in sought.areas()],
        "communities": [in_language(one.labels) for one in every] if len(every) <= communities.MOST_OFFERED else [],
        "is_narrow": any(by.values()) or any(asked[field] for field in _NARROWING),
    }  # fmt: skip


def _part(name: str, asked: Mapping[str, str], after: str) -> entries.Listed:
    if asked["field"] and asked["of"]:
        return entries.referring_to(name, asked["field"], asked["of"], after, _A_PAGE)
    area = zone_outline(asked["zone"]) if asked["zone"] and around.has_place(name) else None
    by = sought.sought(name, asked)
    return entries.narrowed(name, by, text=asked["q"], after=after, area=area, limit=_A_PAGE)


def zone_outline(code: str) -> shapely.Geometry:
    """The outline of a zone of the plan in force. Raises: Refused `zones.no_zone`, `registers.no_plan`."""
    plan = queries.zone_plan_on(queries.today())
    if plan is None:
        raise Refused("registers.no_plan", "No plan of work zones is in force, so nothing can be listed by zone; leave "
                      "the zone empty.")  # fmt: skip
    return queries.zone_of_plan(plan.id, code).outline


@require_safe
def export_register(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """The entries as a file, each with its source; for stewards."""
    _check_known(name)
    policies.check_can_export(_actor(request))
    form = "geojson" if request.GET.get("form") == "geojson" and around.has_place(name) else "csv"
    zone = request.GET.get("zone", "")[:15]
    pieces = export.written(name, form, text=request.GET.get("q", "")[:100].strip(),
                            area=zone_outline(zone) if zone and around.has_place(name) else None,
                            by=sought.sought(name, _asked(request, name)))  # fmt: skip
    kinds = {"csv": "text/csv; charset=utf-8", "geojson": "application/geo+json"}
    answer = StreamingHttpResponse(pieces, content_type=kinds[form])
    answer["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return answer


@require_safe
def organisation(request: HttpRequest, key: str) -> HttpResponse:
    """What each source says of an organisation, as it is known now or was on a day."""
    return _page(request, "organisations", key, request.GET.get("known", ""))


@require_safe
def entry(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """What each source says of an entry, as it is known now or was on a day."""
    _check_known(name)
    if name == "organisations":
        return redirect("organisation", key)
    return _page(request, name, key, request.GET.get("known", ""))


@require_POST
def open_people(request: HttpRequest, key: str, record: int, name: str = "organisations") -> HttpResponse:
    """The same, with whom one record names; shown once and kept by no cache."""
    _check_known(name)
    opened = actions.open_people(name, key, record, by=_actor(request), at=clock.now())
    return _page(request, name, key, "", record, opened)


def _page(
    request: HttpRequest, name: str, key: str, known: str, record: int = 0, opened: dict[str, str] | None = None
) -> HttpResponse:  # fmt: skip
    at, key = _end_of(known), key[:64]
    others, joins = queries.linked_with(name, key, at)
    facts = queries.facts_of(name, key, known_at=at)
    if not facts and not known:
        raise Http404
    facts += [fact for other in others for fact in queries.facts_of(name, other, known_at=at)]
    facts.sort(key=lambda fact: -fact.record)
    believed = queries.believed(name, key, known_at=at, joined=others)
    values = believed.values if believed else {}
    before, behind = entries.neighbours(name, key)
    where = place_of(values)
    title = title_of(name, key, values)
    context: dict[str, Any] = {
        "register": name, "list_title": register_word(name), "list_url": address_of_list(name), "key": key,
        "known": known, "title": title, "others": [(other, address_of(name, other)) for other in others],
        "joins": joins, "is_gone": _is_gone(facts),
        "believed": _believed(name, facts, believed), "row_of_source": [
            _row(fact, opened if fact.record == record else None) for fact in facts if fact.is_current],
        "timeline": _timeline(facts), "may_open": bool(_actor(request).roles & policies.OPENERS),
        "before": address_of(name, before) if before else "", "behind": address_of(name, behind) if behind else "",
        "refers": _referring(name, key), "disagreements": [
            (one, field_word(one.field), _(DISAGREEMENT_STATES[one.state]))
            for one in queries.disagreements_of(name, key, others)],
        "kept": queries.facts_about(name, key, _A_FEW),
        "picture": picture_of(where, title) if where is not None else "", **_around(name, key, where),
    }  # fmt: skip
    return render(request, "registers/entry.html", context)


def _is_gone(facts: list[Fact]) -> bool:
    return bool(facts) and not any(fact.is_current and not fact.is_gone for fact in facts)


def title_of(name: str, key: str, values: Mapping[str, Any]) -> str:
    """What an entry is called."""
    if name == "components":
        return str(values.get("name") or component_word(key))
    if name == "mains" and values.get("network"):
        return f"{value_word('network', values['network'])} {key}"
    return str(values.get("name") or values.get("address") or key)


def lines(found: Any) -> list[dict[str, Any]]:
    """Entries of a list as a table shows them."""
    return [_line(one) for one in found]


def _line(one: Line) -> dict[str, Any]:
    told = {field: value_word(field, value) for field, value in one.values.items()}
    if one.register == "components" and not told["name"]:
        told["name"] = component_word(one.key)
    return {"key": one.key, "url": address_of(one.register, one.key), "source": one.source,
            "cells": [(field_word(field), value) for field, value in told.items()],
            "words": " · ".join(value for value in told.values() if value)}  # fmt: skip


def address_of(name: str, key: str) -> str:
    """Where the page of an entry is."""
    if name == "organisations":
        return reverse("organisation", args=[key])
    return reverse("register-entry", args=[name, key])


def address_of_list(name: str, **asked: str) -> str:
    """Where the list of a register is."""
    known = {field: value for field, value in asked.items() if value}
    return reverse("register", args=[name]) + (f"?{urlencode(known)}" if known else "")


def _believed(name: str, facts: list[Fact], believed: Any) -> list[dict[str, Any]]:
    """Each value that holds, with its source, row and load, why it holds, and who says otherwise."""
    by_record = {fact.record: fact for fact in facts}
    return [
        {
            "field": field_word(one.field), "value": _told(one.field, one.value),
            "url": _link(name, one.field, one.value),
            "source": one.source, "why": _(WHY[one.why]), "fact": by_record.get(one.record),
            "others": [(said.source, _told(one.field, said.value)) for said in one.others],
        }
        for one in (believed.fields.values() if believed else ()) if one.value is not None
    ]  # fmt: skip


def _told(field: str, value: Any) -> str:
    return told_shape(str(value)) if field == "geometry" else value_word(field, value)


def _link(name: str, field: str, value: Any) -> str:
    """Where the entry is that a field refers to."""
    other = entries.refers_to(name, field)
    return address_of(other, str(value)) if other else ""


def _row(fact: Fact, opened: dict[str, str] | None) -> dict[str, Any]:
    told = [(field_word(name), _told(name, value)) for name, value in fact.values.items()]
    placed = queries.places_by_address([fact.record]).get(fact.record)
    if placed is not None and placed.lon is not None:
        told.append((_("Place by its address"), _("{lon}, {lat}, within {metres} m: {reason}").format(
            lon=f"{placed.lon:.6f}", lat=f"{placed.lat:.6f}", metres=round(placed.within_m or 0),
            reason=place_reason(placed.reason),
        )))  # fmt: skip
    named = [(field_word(name), value) for name, value in (opened or {}).items()]
    return {"fact": fact, "told": told, "named": named}


def _timeline(facts: list[Fact]) -> list[dict[str, Any]]:
    """What was said, the latest first, each with what it changed of its source's word before."""
    out, said = [], {}
    for fact in reversed(facts):
        before: Fact | None = said.get(fact.origin.source)
        names = dict.fromkeys([*fact.values, *(before.values if before else ())])
        changed = [
            (field_word(name), _told(name, before.values.get(name, "")), _told(name, fact.values.get(name, "")))
            for name in names if before and before.values.get(name) != fact.values.get(name) and not fact.is_gone
        ]  # fmt: skip
        out.append({"fact": fact, "changed": changed, "is_first": before is None})
        said[fact.origin.source] = fact
    return out[::-1]


def _referring(name: str, key: str) -> list[dict[str, Any]]:
    """What refers to an entry, the first few of each register."""
    return [
        {"title": register_word(other), "field": field_word(field), "rows": lines(part.lines),
         "all": address_of_list(other, field=field, of=key) if part.after else ""}
        for other, field, part in entries.referring(name, key, _A_FEW)
    ]  # fmt: skip


def _around(name: str, key: str, where: shapely.Geometry | None) -> dict[str, Any]:
    """The zone of an entry, and what lies close to it."""
    if where is None:
        return {"zone": None, "near": []}
    middle = where.representative_point()
    return {"zone": zone_link(middle.x, middle.y), "near": near_to(middle.x, middle.y, without=(name, key))}


def zone_link(lon: float, lat: float) -> tuple[str, str] | None:
    """Identifier and address of the work zone of a place."""
    day = queries.today()
    plan, found = queries.zone_plan_on(day), queries.zone_at(lon, lat, day)
    return (found.code, reverse("zone", args=[plan.id, found.code])) if plan and found else None


def near_to(lon: float, lat: float, without: tuple[str, str] = ("", ""), within_m: float = _NEAR_M) -> list[Any]:
    """The entries of points that lie close to a place, by register."""
    out = []
    for other in _NEAR:
        keys = [key for key in around.keys_near(other, lon, lat, within_m, _A_PAGE * 4) if (other, key) != without]
        if keys:
            out.append((register_word(other), lines(entries.of_keys(other, keys[:_A_FEW])), len(keys) > _A_FEW))
    return out


def _check_known(name: str) -> None:
    if name not in entries.LISTED:
        raise Http404


def _why_not(request: HttpRequest) -> str:
    try:
        policies.check_can_export(_actor(request))
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def _end_of(day: str) -> datetime | None:
    """The end of a day in the city's zone.

    Raises: Refused `registers.bad_date`.
    """
    if not day:
        return None
    try:
        return (clock.asked_for(day[:10], queries.time_zone()) + timedelta(days=1)).astimezone(UTC)
    except ValueError as error:
        raise Refused("registers.bad_date", "{value} is no date; write it as 2026-11-22.", value=day[:40]) from error


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]
