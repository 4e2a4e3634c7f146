"""The declared layers as the map in the browser wants them, and tiles of them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.kernel import clock, mvt
from cityloom.kernel.actor import Actor
from cityloom.kernel.mvt import Tile
from cityloom.kernel.refused import Refused
from cityloom.registers.queries import CityFacts
from cityloom.ui import registry
from cityloom.ui.domain.declared import Card, Layer, LegendItem

GROUND, WORKS = "ground", "works"
"""The tile sets: what everybody may see, and what everybody who works here may; layers with roles are on their own."""
FIRST_ZOOM, LAST_ZOOM = 8, 16
"""Nearer than the last, the map enlarges its tiles: a unit is then 15 cm."""
ENCODING = 2
"""Raised when tiles of the same data come to look different."""
MOST_FEATURES = 5_000
"""What a live layer sends at once; a style with more is no map any more."""
_LONGEST_ID = 80
_BEYOND_M = 5_000.0
NAME = "@name"
_SHAPES = {"fill": "area", "line": "line", "circle": "point", "symbol": "point"}
_START_ZOOM = 15
_START_POINTS = (900, 640)


def described(city: CityFacts | None, actor: Actor | None, asked: Mapping[str, str]) -> dict[str, Any]:
    """All that the map needs to know; without an actor, only what everybody may see.

    What the page was asked for narrows the layers that ask of it.
    """
    shown = [one for one in registry.layers() if actor is not None or one.is_public]
    return {
        "version": version_of(city), "language": get_language(), "name": city.name if city else "",
        "synthetic": bool(city and city.is_synthetic), "attribution": city.attribution if city else "",
        "bounds": list(city.bounds) if city else None, "view": _view(city) if city else None,
        "sources": _sources(city, shown, actor) if city else {}, "open_sources": [GROUND],
        "sections": [{"key": key, "label": _section(key)} for key in dict.fromkeys(one.section for one in shown)],
        "layers": [_layer(one, actor, asked) for one in shown],
        "card": "/map/card/{layer}/{id}/", "search": "/map/search", "search_page": "/search/",
    }  # fmt: skip


def version_of(city: CityFacts | None) -> str | None:
    """What a tile's address begins with: it changes with the data and with the way in which they are drawn."""
    return f"{city.data_version}-{_declarations()}{_revisions()}" if city else None


def _revisions() -> str:
    """A few letters for what layers show besides the city's data; none where they show nothing of that kind."""
    said = "".join(registry.source_of(one.revision)() for one in _tile_layers() if one.revision)
    return hashlib.sha256(said.encode()).hexdigest()[:4] if said else ""


@lru_cache(maxsize=1)
def _declarations() -> str:
    tiles = [(one.key, one.source, set_of(one), one.min_zoom, one.max_zoom) for one in _tile_layers()]
    return hashlib.sha256(json.dumps([ENCODING, mvt.EXTENT, mvt.BUFFER, tiles]).encode()).hexdigest()[:8]


def set_of(layer: Layer) -> str:
    """The tile set that a layer is sent in: layers with the same readers share one, so that a tile is one request."""
    if layer.is_public:
        return GROUND
    return layer.key if layer.roles else WORKS


def layers_in(tiles: str, actor: Actor | None) -> list[Layer]:
    """The layers of a tile set that somebody may see; none where there is no such set or it is not theirs."""
    return [one for one in _tile_layers() if set_of(one) == tiles and _may(one, actor)]


def is_beyond(tile: Tile, city: CityFacts) -> bool:
    """Whether a tile lies so far from the city that nothing can be in it: it is neither drawn nor kept."""
    reach_m = max(city.reaches.values(), default=0.0) + _BEYOND_M
    west, south, east, north = tile.bounds(mvt.BUFFER)
    above = reach_m / 110_000
    aside = above / max(math.cos(math.radians(max(abs(city.bounds[1]), abs(city.bounds[3])))), 0.01)
    return (west > city.bounds[2] + aside or east < city.bounds[0] - aside
            or south > city.bounds[3] + above or north < city.bounds[1] - above)  # fmt: skip


def draw(tile: Tile, layers: Sequence[Layer]) -> bytes:
    """A tile of several layers; b"" where nothing lies in it."""
    west, south, east, north = tile.bounds(mvt.BUFFER)
    found = []
    for layer in layers:
        if layer.min_zoom <= tile.z < layer.max_zoom:
            features = registry.source_of(layer.source)(west, south, east, north, tile.z)
            found.append(mvt.Layer(layer.key, features.geometry, features.id, features.properties))
    return mvt.encode(tile, found)


def live(key: str, actor: Actor | None, at: datetime | None, asked: Mapping[str, str]) -> dict[str, Any]:
    """What a live layer shows: at most `MOST_FEATURES`, each with a number and the name that its card is found by.

    Raises: Refused `map.no_layer`.
    """
    layer = _readable(key, actor)
    if layer.kind != "live":
        raise _no_layer()
    told = registry.source_of(layer.source)(actor, at, *([_narrowing(layer, asked)] if layer.asks else []))
    found = told["features"]
    return {
        "type": "FeatureCollection", "at": clock.to_text(at or clock.now()),
        "left_out": told.get("left_out", 0) + max(len(found) - MOST_FEATURES, 0),
        "features": [_numbered(row, one) for row, one in enumerate(found[:MOST_FEATURES], start=1)],
    }  # fmt: skip


def card(key: str, feature: str, actor: Actor | None, at: datetime | None) -> Card:
    """What a click on a feature shows.

    Raises: Refused `map.no_layer` or `map.no_feature`.
    """
    layer = _readable(key, actor)
    found = registry.source_of(layer.card)(actor, feature, at) if layer.card and len(feature) <= _LONGEST_ID else None
    if found is None:
        raise Refused("map.no_feature", "Nothing on the map has that number any more; load the map again.")
    return found  # type: ignore[no-any-return]


def _readable(key: str, actor: Actor | None) -> Layer:
    layer = registry.layer(key)
    if layer is None or not _may(layer, actor):
        raise _no_layer()
    return layer


def _no_layer() -> Refused:
    return Refused("map.no_layer", "There is no such layer, or your role does not see it; look it up in the list of "
                   "layers.")  # fmt: skip


def _numbered(number: int, feature: Mapping[str, Any]) -> dict[str, Any]:
    properties = {"id": str(feature["id"])} | dict(feature["properties"])
    return {"type": "Feature", "id": number, "geometry": feature["geometry"], "properties": properties}


def _tile_layers() -> list[Layer]:
    return [one for one in registry.layers() if one.kind == "tile"]


def _may(layer: Layer, actor: Actor | None) -> bool:
    return layer.is_public if actor is None else registry.may_see(layer.roles, actor)


def _sources(city: CityFacts, layers: Sequence[Layer], actor: Actor | None) -> dict[str, Any]:
    sets = dict.fromkeys(set_of(one) for one in layers if one.kind == "tile" and _may(one, actor))
    return {
        tiles: {
            "type": "vector", "tiles": [f"/tiles/{version_of(city)}/{tiles}/{{z}}/{{x}}/{{y}}.mvt"],
            "minzoom": FIRST_ZOOM, "maxzoom": LAST_ZOOM, "bounds": _widened(city.bounds),
        }
        for tiles in sets
    }  # fmt: skip


def _widened(bounds: tuple[float, float, float, float]) -> list[float]:
    """The city's bounds and a little more: rivers and parks reach beyond the last building."""
    west, south, east, north = bounds
    return [round(west - 0.02, 6), round(south - 0.02, 6), round(east + 0.02, 6), round(north + 0.02, 6)]


def _view(city: CityFacts) -> list[float]:
    """The middle of the city, as near as it fits on a screen, and not so far that buildings are lost."""
    west, south, east, north = city.bounds
    wide = max((east - west) / 360, 1e-6) * 512 / _START_POINTS[0]
    high = max((north - south) / math.cos(math.radians((south + north) / 2)) / 360, 1e-6) * 512 / _START_POINTS[1]
    zoom = min(-math.log2(max(wide, high)), 17)
    return [round((west + east) / 2, 6), round((south + north) / 2, 6), round(max(zoom, FIRST_ZOOM + 0.5), 2)]


def _narrowing(layer: Layer, asked: Mapping[str, str]) -> dict[str, str]:
    return {word: asked[word][:_LONGEST_ID] for word in layer.asks if asked.get(word)}


def _layer(layer: Layer, actor: Actor | None, asked: Mapping[str, str]) -> dict[str, Any]:
    common = {"key": layer.key, "label": _(layer.label), "section": layer.section, "kind": layer.kind}
    if not _may(layer, actor):
        return common | {"why_not": _(layer.why_not) or _("Your role does not see this layer.")}
    words = urlencode(_narrowing(layer, asked))
    address = f"/map/live/{layer.key}.json{'?' * bool(words)}{words}"
    found = {"source": set_of(layer)} if layer.kind == "tile" else {"url": address}
    return common | found | {
        "style": [_styled(style) for style in layer.style],
        "legend": [_legend(item, layer.style) for item in layer.legend], "on": layer.is_on,
        "public": layer.is_public, "minzoom": layer.min_zoom, "maxzoom": layer.max_zoom, "card": bool(layer.card),
        "events": sorted(layer.events),
    }  # fmt: skip


def _legend(item: LegendItem, styles: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """With the shape in which the map draws it: that of the first style that uses its colour."""
    using = (style["type"] for style in styles if f'"{item.swatch}"' in json.dumps(style))
    return {"swatch": item.swatch, "label": _(item.label), "shape": _SHAPES.get(next(using, ""), "area")}


def _styled(value: Any) -> Any:
    """A style with the reader's language in it."""
    if value == NAME:
        first, second = ("name_zh", "name") if get_language() == "zh-hans" else ("name", "name_zh")
        return ["coalesce", ["get", first], ["get", second]]
    if isinstance(value, Mapping):
        return {key: _styled(part) for key, part in value.items()}
    return [_styled(part) for part in value] if isinstance(value, (list, tuple)) else value


def _section(key: str) -> str:
    return {
        "ground": _("Ground"), "works": _("Mains and valves"), "signals": _("Sensors and reports"),
        "situation": _("Incidents"), "fieldwork": _("Help on the way"), "alerts": _("Alerts"),
    }.get(key, key)  # fmt: skip
