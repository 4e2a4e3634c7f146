"""Alerts as anybody may read them: a list, a page each, the CAP message itself, and a feed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed, Enclosure
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.alerts import queries
from cityloom.alerts.queries import CheckedAlert, PublicAlert, PublicWords
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui.svgmap import Layer, Words, draw

_DAYS = 30
_MOST = 50
_GROUND_UP_TO = 0.05
"""Degrees: in a wider picture single buildings cannot be told apart, and only the area is drawn."""
_KEPT_S = 600
_MAJOR = ("motorway", "trunk", "primary", "secondary", "tertiary", "arterial")


@login_not_required
@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """The alerts of the last month, those in force first."""
    found = [(alert, said(alert.words)) for alert in _public()]
    return render(request, "alerts/alerts.html", {"alerts": found, "days": _DAYS})


@login_not_required
@require_safe
def alert(request: HttpRequest, alert_id: str) -> HttpResponse:
    """One alert: what to do, where, since when, and whether it still holds."""
    checked = _checked(alert_id)
    words = said(checked.public.words)
    context = {
        "alert": checked.public, "words": words, "map": _map(checked, words),
        "bounds": ",".join(f"{edge:.6f}" for edge in _bbox(checked)),
    }  # fmt: skip
    return render(request, "alerts/alert.html", context)


@login_not_required
@require_safe
def cap(request: HttpRequest, alert_id: str) -> HttpResponse:
    """The message exactly as it left."""
    _checked(alert_id)
    return HttpResponse(queries.xml_of(alert_id), content_type="application/cap+xml")


@login_not_required
@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The alerts as Atom, each with its CAP message. Source: RFC 4287."""
    city = registers.city()
    title = _("Warnings in {city}").format(city=city.name) if city else _("Warnings")
    made = Atom1Feed(
        title=title, link=request.build_absolute_uri(reverse("alerts")), description=title, language=get_language(),
        feed_url=request.build_absolute_uri(),
    )  # fmt: skip
    for one in _public():
        words = said(one.words)
        link = request.build_absolute_uri(reverse("alert", args=[one.id]))
        enclosure = Enclosure(f"{link}cap.xml", str(len(queries.xml_of(one.id))), "application/cap+xml")
        made.add_item(
            title=words.headline or words.event, link=link, description=words.instruction or words.description,
            unique_id=f"urn:cityloom:alert:{one.id}", pubdate=one.issued_at, updateddate=one.issued_at,
            enclosures=[enclosure],
        )  # fmt: skip
    return HttpResponse(made.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def said(words: Mapping[str, PublicWords]) -> PublicWords:
    """What an alert says in the reader's language, else in English, else in any."""
    wanted = "zh" if get_language() == "zh-hans" else "en"
    for beginning in (wanted, "en", ""):
        for language, found in words.items():
            if language.lower().startswith(beginning):
                return found
    return PublicWords("", "", "", "", "")


def _public() -> list[PublicAlert]:
    found = queries.public_alerts(clock.now(), days=_DAYS, most=_MOST)
    return [one for one in found if _is_for_everybody(is_exercise=one.is_exercise)]


def _checked(alert_id: str) -> CheckedAlert:
    try:
        checked = queries.checked_alert(alert_id, clock.now())
    except Refused as refused:
        raise Http404 from refused
    if not _is_for_everybody(is_exercise=checked.public.is_exercise):
        raise Http404
    return checked


def _is_for_everybody(*, is_exercise: bool) -> bool:
    """In a city of real people an exercise is shown to those who hold it, so that it frightens nobody."""
    city = registers.city()
    return not is_exercise or city is None or city.is_synthetic


def _bbox(checked: CheckedAlert) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(np.array(checked.polygons, dtype=object)).tolist()
    wide, tall = max((east - west) * 0.15, 0.0015), max((north - south) * 0.15, 0.0015)
    return west - wide, south - tall, east + wide, north + tall


def _map(checked: CheckedAlert, words: PublicWords) -> SafeString:
    """The area on the city's ground, drawn once for all readers of a language."""
    name = f"alert-map:{checked.public.id}:{get_language()}"
    return mark_safe(cache.get_or_set(name, lambda: _drawn(checked, words), _KEPT_S))  # noqa: S308 - draw() escapes


def _drawn(checked: CheckedAlert, words: PublicWords) -> str:
    bbox, city = _bbox(checked), registers.city()
    layers: list[Layer] = []
    if max(bbox[2] - bbox[0], bbox[3] - bbox[1]) <= _GROUND_UP_TO and city:
        ground = registers.map_features(*bbox)
        kinds = [str(kind).removesuffix("_link") in _MAJOR for kind in ground.road_kind]
        layers = [Layer("green", ground.green), Layer("water", ground.water), Layer("building", ground.building)]
        for style, is_major in (("road", False), ("road-major", True)):
            chosen = [at for at, major in enumerate(kinds) if major is is_major]
            layers.append(Layer(style, ground.road[chosen], [str(ground.road_name[at]) for at in chosen]))
    layers.append(Layer("zone", checked.polygons, legend=_("Area of the warning")))
    notice = _("EXERCISE") if checked.public.is_exercise else ""
    description = _("Map of the area of the warning: {area}.").format(area=words.area)
    return draw(layers, bbox=bbox, words=Words("", description, city.attribution if city else "", notice),
                size=(960, 560), key="alert")  # fmt: skip
