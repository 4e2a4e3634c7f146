"""A detection on the ground around it: how far it may be off, its sources and their distances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import shapely
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.detection.queries import DetectionFacts, EvidenceFacts
from cityloom.kernel.geometry import circle
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui.ground import BBox, ground_layers, with_margin
from cityloom.ui.svgmap import Layer, Words, draw

_SIZE = (960, 560)


class Source(Protocol):
    """A source as it is drawn."""

    @property
    def item(self) -> EvidenceFacts: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def metres(self) -> int: ...


def box_of(found: DetectionFacts, items: Sequence[EvidenceFacts]) -> BBox:
    """What the map shows: the circle and every source, with some room."""
    west, south, east, north = circle(found.lon, found.lat, found.radius_m).bounds
    lons, lats = [item.lon for item in items], [item.lat for item in items]
    return with_margin((min([west, *lons]), min([south, *lats]), max([east, *lons]), max([north, *lats])), 0.12)


def picture_of(found: DetectionFacts, said: Sequence[Source]) -> SafeString:
    """The picture; a table beside it says the same."""
    box = box_of(found, [one.item for one in said])
    centre = shapely.Point(found.lon, found.lat)
    points = [shapely.Point(one.item.lon, one.item.lat) for one in said]
    layers = [
        *ground_in(box),
        Layer("reach", [circle(found.lon, found.lat, found.radius_m)], legend=_("Where it is, as far as is known")),
        Layer("sight", [shapely.LineString([centre, point]) for point in points if not point.equals(centre)],
              legend=_("Distance to a source")),
        Layer("mark", points, [f"{one.name or one.kind} · {one.metres} m" for one in said], _("What speaks for it")),
        Layer("centre", [centre], legend=_("Most likely place")),
    ]  # fmt: skip
    return mark_safe(draw(layers, bbox=box, words=_around(found), size=_SIZE, key="detection"))  # noqa: S308 - drawn, and escaped, by ourselves


def sensor_picture(lon: float, lat: float, name: str) -> SafeString:
    """A sensor on the ground around it."""
    box = with_margin(circle(lon, lat, 150.0).bounds)
    layers = [*ground_in(box), Layer("mark", [shapely.Point(lon, lat)], [name[:30]])]
    words = _words(_("The place of the sensor; its street and coordinates stand above."))
    return mark_safe(draw(layers, bbox=box, words=words, size=(960, 400), key="sensor"))  # noqa: S308 - drawn, and escaped, by ourselves


def ground_in(box: BBox) -> list[Layer]:
    """The city below; nothing where no city is loaded."""
    try:
        return ground_layers(registers.map_features(*box))
    except Refused:
        return []


def place_words(lon: float, lat: float) -> str:
    """Words for a place in the reader's language; none where no city is loaded."""
    try:
        area = registers.area_words(lon, lat)
    except Refused:
        return ""
    return area["zh-Hans" if get_language() == "zh-hans" else "en"]


def _around(found: DetectionFacts) -> Words:
    return _words(_("The table below says the same in words."), [_("EXERCISE")] * bool(found.exercise_id))


def _words(description: str, notes: Sequence[str] = ()) -> Words:
    city = registers.city()
    marks = [*notes, *[_("SYNTHETIC DATA")] * bool(city and city.is_synthetic)]
    return Words("", description, city.attribution if city else "", " · ".join(marks))
