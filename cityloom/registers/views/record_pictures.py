"""An entry on the ground around it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import shapely
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.browsing import around
from cityloom.registers.domain import plane
from cityloom.registers.domain.draft import shapes
from cityloom.registers.layers import ground
from cityloom.registers.views.zone_pictures import drawn, ground_in
from cityloom.ui.svgmap import Layer

_AROUND_M = 120.0
_HOUSES_WITHIN_M = 1_500.0
_ZOOM = 16
_MOST = 500
_SIZE = (960, 460)


def place_of(values: dict[str, Any]) -> shapely.Geometry | None:
    """Where an entry lies: its shape in WGS 84, else its point; None where neither is known."""
    if written := values.get("geometry"):
        return shapely.from_wkt(written)
    if values.get("lon") is None or values.get("lat") is None:
        return None
    return shapely.Point(values["lon"], values["lat"])


def picture_of(where: shapely.Geometry, title: str) -> SafeString:
    """A place, marked, on the ground, with the components and mains that are registered around it."""
    box = _box(where)
    marked = Layer("mark", [where], [title[:30]]) if where.geom_type == "Point" else Layer(
        "chosen", [where], legend=_("This entry"))  # fmt: skip
    return drawn([*ground_in(box, _ZOOM), *_houses(box), *_registered(box), marked], box, title, _SIZE)


def told_shape(written: str) -> str:
    """A shape in words: how long or how large, and how many corners it has."""
    shape = shapely.from_wkt(written)
    corners = int(shapely.get_num_coordinates(shape))
    if shapely.get_dimensions(shape) == 2:
        size = f"{float(plane.areas_m2(shapes([shape]))[0]):,.0f} m²"
    else:
        size = f"{float(plane.lengths_m(shapes([shape]))[0]):,.0f} m"
    return _("{size}, {corners} corners").format(size=size, corners=corners)


def _box(where: shapely.Geometry) -> tuple[float, float, float, float]:
    west, south, east, north = where.bounds
    metres = LocalProjection((west + east) / 2, (south + north) / 2).xy(
        np.array([(west + east) / 2 + 1]), np.array([(south + north) / 2 + 1])
    )[0]  # fmt: skip
    aside, above = (_AROUND_M / float(one) for one in metres)
    return west - aside, south - above, east + aside, north + above


def _registered(box: tuple[float, float, float, float]) -> list[Layer]:
    """City components and mains of a small rectangle, as far as there are any."""
    if not _is_small(box):
        return []
    lamps = islice(around.in_box("components", "lon, lat", box, _MOST), _MOST)
    points = [shapely.Point(lon, lat) for lon, lat in lamps]
    wkb = [bytes(one) for (one,) in islice(around.in_box("mains", "geometry", box, _MOST), _MOST) if one]
    found = (Layer("shape-4", list(shapely.from_wkb(shapes(wkb))), legend=_("Mains")),
             Layer("sensor", points, legend=_("City components")))  # fmt: skip
    return [layer for layer in found if len(layer.geometries)]


def _is_small(box: tuple[float, float, float, float]) -> bool:
    return (box[3] - box[1]) * 110_000 <= _HOUSES_WITHIN_M


def _houses(box: tuple[float, float, float, float]) -> list[Layer]:
    if not _is_small(box):
        return []
    return [Layer("building", ground.buildings(*box, _ZOOM).geometry)]
