"""An entry on the ground around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.domain import plane
from cityloom.registers.domain.draft import shapes
from cityloom.registers.layers import ground
from cityloom.registers.views.zone_pictures import drawn, ground_in
from cityloom.ui.svgmap import Layer

_AROUND_M = 120.0
_HOUSES_WITHIN_M = 1_500.0
_ZOOM = 16


def place_of(values: dict[str, Any]) -> shapely.Geometry | None:
    """Where an entry lies: its shape in WGS 84, else its point; None where neither is known."""
    if written := values.get("geometry"):
        return shapely.from_wkt(written)
    if values.get("lon") is None or values.get("lat") is None:
        return None
    return shapely.Point(values["lon"], values["lat"])


def picture_of(where: shapely.Geometry, title: str, near: Sequence[shapely.Geometry] = ()) -> SafeString:
    """A place, marked, on the ground; `near` are points of what lies around it."""
    box = _box(where)
    marked = Layer("mark", [where], [title[:30]]) if where.geom_type == "Point" else Layer(
        "chosen", [where], legend=_("This entry"))  # fmt: skip
    layers = [*ground_in(box, _ZOOM), *_houses(box), Layer("place", list(near), legend=_("Near it")), marked]
    return drawn(layers, box, title)


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


def _houses(box: tuple[float, float, float, float]) -> list[Layer]:
    if (box[3] - box[1]) * 110_000 > _HOUSES_WITHIN_M:
        return []
    return [Layer("building", ground.buildings(*box, _ZOOM).geometry)]
