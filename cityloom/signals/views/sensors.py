"""The public list of sensors: what stands where, whose it is, what it measures and what not, how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from cityloom.registers import queries as registers
from cityloom.signals import queries
from cityloom.ui.strangers import same_for_strangers
from cityloom.ui.words import unmarked

PAGE = 25
_LONGEST = 80
_FOR_GOOD = gettext_noop("No end is set: the readings are about things and say nothing about anybody.")


@dataclass(frozen=True)
class About:
    """What a kind of sensor does, for people who live beside it."""

    title: str
    owner: str
    measures: str
    measures_not: str
    kept: str = _FOR_GOOD


ABOUT = {
    "pressure": About(
        gettext_noop("Water pressure"), gettext_noop("Water company"),
        gettext_noop("The pressure in a water main under the street, once a minute. A sudden fall means a burst."),
        gettext_noop("Not what a household uses: it sits on the main, before any house."),
    ),
    "flow": About(
        gettext_noop("Water flow"), gettext_noop("Water company"),
        gettext_noop("How much water runs through a main, once a minute."),
        gettext_noop("Not what a household uses: it sits on the main, before any house."),
    ),
    "settlement": About(
        gettext_noop("Movement of the ground"), gettext_noop("Road authority"),
        gettext_noop("By how many millimetres the ground beside a road sinks or rises, every five minutes."),
        gettext_noop("No sound, no pictures, no footsteps."),
    ),
    "traffic_speed": About(
        gettext_noop("Speed of traffic"), gettext_noop("Traffic department"),
        gettext_noop("The mean speed of all vehicles on a stretch of road, once a minute."),
        gettext_noop("No single vehicle, no plate, nobody's way through the city."),
    ),
    "rain": About(
        gettext_noop("Rain"), gettext_noop("Weather service"),
        gettext_noop("How much rain falls, every five minutes."), gettext_noop("Nothing else."),
    ),
    "level": About(
        gettext_noop("Level of a water tank"), gettext_noop("Water company"),
        gettext_noop("How high the water stands in a tank, every five minutes."), gettext_noop("Nothing else."),
    ),
    "water_level": About(
        gettext_noop("Level of water outdoors"), gettext_noop("Drainage department"),
        gettext_noop("How high the water stands in a river, a sewer or an underpass, every five minutes."),
        gettext_noop("Nothing else."),
    ),
    "methane": About(
        gettext_noop("Methane in a chamber"), gettext_noop("Gas company"),
        gettext_noop("How much gas there is in a chamber under the street, once a minute. Much means a leak."),
        gettext_noop("Not what a household uses: it stands in the street's chamber, not in a home."),
    ),
    "gas_pressure": About(
        gettext_noop("Pressure in a gas main"), gettext_noop("Gas company"),
        gettext_noop("The pressure in a gas main under the street, once a minute."),
        gettext_noop("Not what a household uses: it sits on the main, before any house."),
    ),
    "wind_speed": About(
        gettext_noop("Speed of the wind"), gettext_noop("Weather service"),
        gettext_noop("Weather, as the service measures or works it out."),
        gettext_noop("Nothing else."),
    ),
    "wind_from": About(
        gettext_noop("Where the wind comes from"), gettext_noop("Weather service"),
        gettext_noop("Weather, as the service measures or works it out."),
        gettext_noop("Nothing else."),
    ),
    "air_temperature": About(
        gettext_noop("Temperature of the air"), gettext_noop("Weather service"),
        gettext_noop("Weather, as the service measures or works it out."),
        gettext_noop("Nothing else."),
    ),
    "relative_humidity": About(
        gettext_noop("Humidity of the air"), gettext_noop("Weather service"),
        gettext_noop("Weather, as the service measures or works it out."),
        gettext_noop("Nothing else."),
    ),
    "air_pressure": About(
        gettext_noop("Pressure of the air"), gettext_noop("Weather service"),
        gettext_noop("Weather, as the service measures or works it out."),
        gettext_noop("Nothing else."),
    ),
    "camera": About(
        gettext_noop("Camera that reports scenes"), gettext_noop("Traffic department"),
        gettext_noop("That something is wrong on the road, such as a hole or a flood, and where."),
        gettext_noop("It knows no faces and reads no plates; it follows nobody. People are blotted out before a picture"
                     " is stored."),
        gettext_noop("A picture is kept with the scene that it shows. What shows nothing unusual is not stored."),
    ),
}  # fmt: skip
"""By kind of datastream. A city that adds a kind says here what it does."""


@login_not_required
@require_safe
@same_for_strangers(30)
def sensors(request: HttpRequest) -> HttpResponse:
    """Every sensor in a list that can be narrowed by kind and street; the map comes second."""
    kind = request.GET.get("kind", "") if request.GET.get("kind") in ABOUT else ""
    street = unmarked(request.GET.get("street", "")).strip()[:_LONGEST]
    page = _number(request.GET.get("page"))
    found = queries.sensors_for_everyone(kind=kind, street=street, first=(page - 1) * PAGE, most=PAGE + 1)
    context = {
        "kinds": _kinds(), "kind": kind, "street": street, "page": page, "total": queries.sensors_counted(kind, street),
        "rows": [_row(fact) for fact in found[:PAGE]], "has_more": len(found) > PAGE, "view": _view(found),
    }  # fmt: skip
    return render(request, "signals/sensors.html", context)


def _kinds() -> list[dict[str, Any]]:
    """Every kind that this city has, with how many of it there are."""
    counts = queries.sensor_counts()
    return [
        {"kind": kind, "count": counts[kind], "unit": queries.unit_of(kind)} | _words(about)
        for kind, about in ABOUT.items() if counts.get(kind)
    ]  # fmt: skip


def _words(about: About) -> dict[str, str]:
    names = ("title", "owner", "measures", "measures_not", "kept")
    return {name: gettext(getattr(about, name)) for name in names}


def _row(fact: queries.PublicSensor) -> dict[str, Any]:
    about = ABOUT.get(fact.kind)
    words = _words(about) if about else {"title": fact.kind, "owner": ""}
    return words | {"sensor": fact}


def _view(found: list[queries.PublicSensor]) -> str:
    """Where the map begins: at the first sensor of the list, else in the city's middle."""
    if found:
        return f"{found[0].lon:.5f},{found[0].lat:.5f},15"
    city = registers.city()
    west, south, east, north = city.bounds if city else (0.0, 0.0, 0.0, 0.0)
    return f"{(west + east) / 2:.5f},{(south + north) / 2:.5f},13"


def _number(text: str | None) -> int:
    """A page from an address; the first for anything else."""
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 7 else 1
