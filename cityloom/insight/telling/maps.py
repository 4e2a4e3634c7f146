"""Maps of studies as SVG: points, or units of the city, in five steps of a value, with a frame, a scale and north."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.insight.telling.charts import framed
from cityloom.insight.telling.parts import MOST_LINES, Spots
from cityloom.ui.charts import number as plain_number
from cityloom.ui.domain import marks
from cityloom.ui.domain.paths import BBox, Frame, fitted, polygon_data

CLASSES = 5
_SIZE, _LEAST_DEGREES = (760, 480), 0.002
_NAMED = 12
_SIGN = 7.0  # pixels that a letter takes at the most, mostly
"""Up to so many places have their names in the picture."""
_MOST_RADIUS = 16.0


def draw(one: Spots, outlines: Mapping[str, shapely.Geometry], *, paper: bool = False) -> str:
    """An SVG element; "" where nothing has a place."""
    shapes = [outlines.get(code) for code in one.areas]
    box = _box(one, [shape for shape in shapes if shape is not None])
    if box is None:
        return ""
    frame = fitted(box, _SIZE)
    width, height = _SIZE
    drawn = f'<rect class="edge ground" x=".5" y=".5" width="{width - 1}" height="{height - 1}"/>'
    kinds = _classes(one)
    for at, shape in enumerate(shapes):
        if shape is not None:
            data = polygon_data(frame.to_pixels(np.array([shape], object)), 0.8, 2)
            drawn += (f'<g transform="scale(.1)"><path class="{kinds[at]}" d="{data}"><title>{escape(one.labels[at])}'
                      f"</title></path></g>")  # fmt: skip
    drawn += _circles(one, frame, kinds) if not one.areas else ""
    drawn += marks.scale_bar(frame.scale, 16, height - 14, 150) + marks.north_arrow(width - 31, 31)
    return framed(one.title, drawn, width, height, paper=paper)


def legend(one: Spots) -> list[tuple[str, str]]:
    """The classes of the picture with their words."""
    if one.kinds:
        return [(f"s{at % MOST_LINES + 1}", name) for at, name in enumerate(one.kinds)]
    few = _few(one.value)
    if len(few):
        return [(f"v{place}", text) for place, text in zip(_spaced(len(few)), _edge_words(few), strict=True)]
    edges = _edges(one.value)
    text = _edge_words(edges)
    return [(f"v{at + 1}", f"{text[at]} – {text[at + 1]}") for at in range(len(edges) - 1)]


def _circles(one: Spots, frame: Frame, kinds: list[str]) -> str:
    known = np.flatnonzero(np.isfinite(one.lon) & np.isfinite(one.lat))
    if not len(known):
        return ""
    xy = shapely.get_coordinates(frame.to_pixels(shapely.points(one.lon[known], one.lat[known])))
    sizes = np.where(np.isfinite(one.size), np.clip(one.size, 0, None), 0)[known]
    largest = sizes.max(initial=0.0)
    radius = 5 + (_MOST_RADIUS - 5) * np.sqrt(sizes / largest) if largest else np.full(len(known), 5.0)
    drawn = ""
    for place in np.argsort(-radius, kind="stable"):
        at, (x, y) = known[place], xy[place]
        label = escape(one.labels[at])
        drawn += (f'<circle class="{kinds[at]}" cx="{x:.1f}" cy="{y:.1f}" r="{radius[place]:.1f}">'
                  f"<title>{label}</title></circle>")
        if len(known) <= _NAMED and label:
            away = radius[place] + 3
            is_outside = x + away + _SIGN * len(one.labels[at]) > _SIZE[0]
            beside = f'x="{x - away:.1f}" text-anchor="end"' if is_outside else f'x="{x + away:.1f}"'
            drawn += f'<text class="name" {beside} y="{y + 4:.1f}">{label}</text>'
    return drawn


def _classes(one: Spots) -> list[str]:
    """The class of each place; "v0" where the value is not known."""
    if one.kinds:
        return [f"s{int(value) % MOST_LINES + 1}" for value in one.value]
    few = _few(one.value)
    if len(few):
        place_of = dict(zip(few.tolist(), _spaced(len(few)), strict=True))
        return [f"v{place_of.get(value, 0)}" for value in _rounded(one.value).tolist()]
    edges = _edges(one.value)
    places = np.searchsorted(edges[1:-1], _rounded(one.value), side="right") + 1
    return [f"v{place if np.isfinite(value) else 0}" for place, value in zip(places, one.value, strict=True)]


def _few(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The different values where there are no more of them than classes; else none."""
    different = np.unique(_rounded(values[np.isfinite(values)]))
    return different if len(different) <= CLASSES else np.zeros(0)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values to six digits: what differs by less is the same on a map."""
    return np.array([float(f"{one:.6g}") for one in values.tolist()], np.float64)


def _spaced(count: int) -> list[int]:
    """Classes as far from each other as they can be."""
    return [CLASSES] if count == 1 else [1 + round(at * (CLASSES - 1) / (count - 1)) for at in range(count)]


def _edge_words(edges: NDArray[np.float64]) -> list[str]:
    """Bounds with as many digits as tell each from the next."""
    for digits in range(2, 16):
        said = [float(f"{edge:.{digits}g}") for edge in edges]
        if len(set(said)) == len(said):
            break
    return [plain_number(one) for one in said] if len({plain_number(one) for one in said}) == len(said) else [
        f"{one:g}" for one in said]  # fmt: skip


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bounds of at most five classes, each with about as many places."""
    known = _rounded(values[np.isfinite(values)])
    return np.unique(np.quantile(known, np.linspace(0, 1, CLASSES + 1))) if len(known) else np.zeros(0)


def _box(one: Spots, shapes: list[shapely.Geometry]) -> BBox | None:
    if one.areas:
        if not shapes:
            return None
        west, south, east, north = shapely.total_bounds(np.array(shapes, object)).tolist()
    else:
        known = np.isfinite(one.lon) & np.isfinite(one.lat) & (np.abs(one.lat) <= 85) & (np.abs(one.lon) <= 180)
        if not known.any():
            return None
        lon, lat = one.lon[known], one.lat[known]
        west, south, east, north = float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())
    x, y = max((east - west) * 0.08, _LEAST_DEGREES), max((north - south) * 0.08, _LEAST_DEGREES)
    return west - x, max(south - y, -89), east + x, min(north + y, 89)
