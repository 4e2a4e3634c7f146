"""The city below what a picture shows: parks, water, buildings and roads, drawn alike on every page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import shapely
from django.utils.translation import gettext as _

from cityloom.ui.svgmap import Layer

BBox = tuple[float, float, float, float]
_MAJOR = ("motorway", "trunk", "primary", "secondary", "tertiary", "arterial")
_MINOR_WAYS = ("footway", "path", "steps", "cycleway", "pedestrian", "track")


class Ground(Protocol):
    """What lies below: `registers.queries.map_features`."""

    building: Sequence[shapely.Geometry]
    road: Sequence[shapely.Geometry]
    road_name: Sequence[str]
    road_kind: Sequence[str]
    water: Sequence[shapely.Geometry]
    green: Sequence[shapely.Geometry]


def ground_layers(ground: Ground) -> list[Layer]:
    """The layers of a picture, from the first up."""
    kinds = [_road_style(kind) for kind in ground.road_kind]
    roads = [
        Layer(style, [road for road, kind in zip(ground.road, kinds, strict=True) if kind == style],
              [str(name) for name, kind in zip(ground.road_name, kinds, strict=True) if kind == style])
        for style in ("path", "road", "road-major")
    ]  # fmt: skip
    return [
        Layer("green", ground.green, legend=_("Parks")), Layer("water", ground.water, legend=_("Water")),
        Layer("building", ground.building, legend=_("Buildings")), *roads,
    ]  # fmt: skip


def with_margin(bbox: BBox, share: float = 0.08) -> BBox:
    """A bounding box with some room around it, never narrower than about 600 m."""
    west, south, east, north = bbox
    wide, tall = east - west, north - south
    x, y = max(wide * share, 0.003 - wide / 2), max(tall * share, 0.003 - tall / 2)
    return west - x, south - y, east + x, north + y


def _road_style(kind: str) -> str:
    base = kind.removesuffix("_link")
    return "road-major" if base in _MAJOR else "path" if base in _MINOR_WAYS else "road"
