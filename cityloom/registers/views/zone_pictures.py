"""Zones as pictures: the colour is the load, or the shape, and tables beside them say the same."""

from __future__ import annotations

from collections.abc import Sequence

import h3.api.basic_int as h3
import numpy as np
import shapely
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from cityloom.registers import queries
from cityloom.registers.domain.answers import CityFacts
from cityloom.registers.domain.zoning_answers import BorderCell, ZoneFacts
from cityloom.registers.layers import ground
from cityloom.ui.svgmap import Layer, Words, draw

LOAD_EDGES = (0.9, 0.97, 1.03, 1.1)
SHAPE_EDGES = (0.3, 0.4, 0.5, 0.6)
_ZOOM = 12
_MOST_LABELS = 60
_MARGIN = 0.06


def legend_of(show: str) -> list[str]:
    """What the five colours mean, from the first to the last."""
    if show == "shape":
        return [
            _("Compactness under 0.3"), _("0.3 to 0.4"), _("0.4 to 0.5"), _("0.5 to 0.6"), _("0.6 and more"),
        ]  # fmt: skip
    return [
        _("Load under 90 % of the mean"), _("90 to 97 %"), _("97 to 103 %"), _("103 to 110 %"), _("over 110 %"),
    ]  # fmt: skip


def picture_of(zones: Sequence[ZoneFacts], show: str, title: str) -> SafeString:
    """The zones over the ground, each with the last digits of its identifier where there are few."""
    layers = [*ground_in(_box(zones)), *_coloured(zones, show)]
    if len(zones) <= _MOST_LABELS:
        points = [zone.outline.representative_point() for zone in zones]
        layers.append(Layer("mark", points, [zone.code[-6:] for zone in zones]))
    return drawn(layers, _box(zones), title)


def zone_picture(zone: ZoneFacts, around: Sequence[ZoneFacts], cells: Sequence[BorderCell]) -> SafeString:
    """A zone among its neighbours, the cells that could leave it numbered as in the table."""
    box = _box([zone], margin=0.5)
    near = [one for one in around if shapely.box(*box).intersects(one.outline)]
    numbers = {cell: number for number, cell in enumerate(dict.fromkeys(one.cell for one in cells), 1)}
    points = [shapely.Point(h3.cell_to_latlng(cell)[::-1]) for cell in numbers]
    layers = [
        *ground_in(box), *_coloured(near, "load"), Layer("chosen", [zone.outline], legend=_("This zone")),
        Layer("mark", points, [str(number) for number in numbers.values()], _("A cell that could leave it")),
    ]  # fmt: skip
    return drawn(layers, box, zone.code)


def _coloured(zones: Sequence[ZoneFacts], show: str) -> list[Layer]:
    values = np.array([zone.compactness if show == "shape" else zone.share for zone in zones])
    kind, edges = ("shape", SHAPE_EDGES) if show == "shape" else ("load", LOAD_EDGES)
    step = np.digitize(values, edges)
    return [
        Layer(f"{kind}-{number + 1}", [zones[row].outline for row in np.flatnonzero(step == number)], legend=words)
        for number, words in enumerate(legend_of(show))
    ]


def ground_in(box: tuple[float, float, float, float], zoom: int = _ZOOM) -> list[Layer]:
    """Green, water and roads of a rectangle."""
    land, roads = ground.land(*box, zoom), ground.roads(*box, zoom)
    if not len(land.id) and not len(roads.id):
        return []
    kinds = land.properties.get("kind", np.empty(0, object))
    return [
        Layer("green", land.geometry[kinds == "green"]), Layer("water", land.geometry[kinds == "water"]),
        Layer("road-major", roads.geometry),
    ]  # fmt: skip


def _box(zones: Sequence[ZoneFacts], margin: float = _MARGIN) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds([zone.outline for zone in zones]).tolist()
    aside, above = (east - west) * margin, (north - south) * margin
    return west - aside, south - above, east + aside, north + above


def drawn(
    layers: Sequence[Layer], box: tuple[float, float, float, float], title: str, size: tuple[int, int] = (960, 680)
) -> SafeString:  # fmt: skip
    """The picture, under the city's attribution."""
    city: CityFacts | None = queries.city()
    words = Words(
        title, _("The table below says the same in words."), city.attribution if city else "",
        _("SYNTHETIC DATA") if city and city.is_synthetic else "",
    )  # fmt: skip
    return mark_safe(draw(layers, bbox=box, words=words, key="zones", size=size))  # noqa: S308 - drawn, and escaped, by ourselves
