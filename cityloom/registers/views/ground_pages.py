"""A building or a place of the city's map: what the map, departments and the zones know of it, on one page."""

from __future__ import annotations

from typing import Any

import shapely
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.registers.browsing import around, entries
from cityloom.registers.display import register_word, word
from cityloom.registers.domain.suppressed import told_count
from cityloom.registers.layers import cards
from cityloom.registers.models import Building, Place, Resident
from cityloom.registers.views.record_pictures import picture_of
from cityloom.registers.views.records import address_of, lines, near_to, zone_link

_SAME_M = 25.0
"""A department's building whose point lies so close to a building of the map is taken for it."""
_WALL_DEGREES = 1e-4  # about ten metres: points of doors lie before the wall
_A_FEW = 10
_MOST = 500


@require_safe
def building(request: HttpRequest, number: int) -> HttpResponse:
    """A building of the map."""
    row = Building.objects.filter(id=number).first()
    card = cards.building(accounts.as_actor(request.user), str(number))  # type: ignore[arg-type]
    if row is None or card is None:
        raise Http404
    footprint = shapely.from_wkb(bytes(row.footprint))
    said = around.keys_near("buildings", row.lon, row.lat, row.reach_m + _SAME_M, _MOST)[:_A_FEW]
    people = Resident.objects.filter(
        dwelling_id__gte=row.first_dwelling_id, dwelling_id__lt=row.first_dwelling_id + row.dwellings
    )
    context: dict[str, Any] = {
        "card": card, "picture": picture_of(footprint, card.title), "dwellings": row.dwellings,
        "people": told_count(people.count()) if row.dwellings else "",
        "said": lines(entries.of_keys("buildings", said)),
        "refers": [part for key in said for part in _referring(key)],
        "inside": _inside(footprint), "zone": zone_link(row.lon, row.lat),
        "places": [(place.name or word(place.kind), reverse("city-place", args=[place.id]))
                   for place in Place.objects.filter(building_id=number)[:_A_FEW]],
        "near": near_to(row.lon, row.lat, within_m=row.reach_m + _SAME_M), "is_building": True,
    }  # fmt: skip
    return render(request, "registers/ground.html", context)


@require_safe
def place(request: HttpRequest, number: int) -> HttpResponse:
    """A school, a hospital, a park or another place of the map."""
    row = Place.objects.filter(id=number).first()
    card = cards.place(accounts.as_actor(request.user), str(number))  # type: ignore[arg-type]
    if row is None or card is None:
        raise Http404
    point = shapely.Point(row.lon, row.lat)
    said = around.keys_in("places", point.buffer(4 * _WALL_DEGREES), _MOST)[:_A_FEW]
    return render(request, "registers/ground.html", {
        "card": card, "picture": picture_of(point, card.title), "said": lines(entries.of_keys("places", said)),
        "zone": zone_link(row.lon, row.lat), "near": near_to(row.lon, row.lat, within_m=4 * _SAME_M),
        "house": reverse("city-building", args=[row.building_id]) if row.building_id else "",
    })  # fmt: skip


def _inside(footprint: shapely.Geometry) -> list[dict[str, Any]]:
    keys = around.keys_in("organisations", footprint.buffer(_WALL_DEGREES), _MOST)
    return lines(entries.of_keys("organisations", keys[:_A_FEW]))


def _referring(key: str) -> list[dict[str, Any]]:
    """What refers to a department's building: its dwellings."""
    return [
        {"title": _("{register} of {key}").format(register=register_word(other), key=key), "rows": lines(part.lines),
         "all": address_of("buildings", key) if part.after else ""}
        for other, _field, part in entries.referring("buildings", key, _A_FEW)
    ]  # fmt: skip
