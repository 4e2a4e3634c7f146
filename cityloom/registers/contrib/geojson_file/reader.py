"""Read GeoJSON features as rows: their properties, `lon` and `lat` of a point or of the middle of a shape, and the
shape itself as WKT in `geometry`, where a file has other features than points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import shapely

from cityloom.kernel.refused import Refused
from cityloom.registers.contrib.csv_file.reader import checked_header
from cityloom.registers.domain import shapes
from cityloom.registers.domain.tables import BATCH, MOST_SIGNS, Rows, Wanted

LARGEST_BYTES = 256 << 20
_LOOKED_AT = 10_000
_PLACE = ("lon", "lat", "geometry")


class GeoJson:
    """A GeoJSON FeatureCollection."""

    name = "geojson"

    def recognises(self, path: Path, start: bytes) -> bool:
        return path.suffix.lower() in (".geojson", ".json") and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")

    def open(self, path: Path, wanted: Wanted) -> GeoJsonTable:
        return GeoJsonTable(path, wanted)


class GeoJsonTable:
    """An open collection; features are numbered from 1. Coordinates are longitude, latitude (RFC 7946)."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        if path.stat().st_size > LARGEST_BYTES:
            raise Refused("registers.file_too_large", "{value} is larger than {limit}; ask for it as Parquet or CSV.",
                          value=path.name, limit="256 MB")  # fmt: skip
        try:
            document = msgspec.json.decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Refused("registers.file_broken", "{value} is no GeoJSON; ask for it again.", value=path.name
                          ) from error  # fmt: skip
        features = document.get("features") if isinstance(document, dict) else None
        self._features: list[Any] = features if isinstance(features, list) else []
        names: dict[str, None] = {}
        for feature in self._features[:_LOOKED_AT]:
            names.update(dict.fromkeys(_properties(feature)))
        self._names = [name for name in names if name not in _PLACE]
        self._has_shapes = any(_kind(feature) not in ("", "Point") for feature in self._features[:_LOOKED_AT])
        place = _PLACE if self._has_shapes else _PLACE[:2]
        self.header = checked_header([*self._names, *place] if self._features else [], path.name)
        self.how = replace(wanted, format="geojson")

    def batches(self) -> Iterator[Rows]:
        """The features as texts."""
        places = len(self.header) - len(self._names)
        for first in range(0, len(self._features), BATCH):
            batch = Rows()
            for number, feature in enumerate(self._features[first : first + BATCH], first + 1):
                properties = _properties(feature)
                fault = "" if isinstance(feature, dict) else "ragged"
                texts = [_text(properties.get(name)) for name in self._names]
                batch.add(number, texts + _place(feature)[:places], fault)
            yield batch


def _properties(feature: Any) -> dict[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _kind(feature: Any) -> str:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return str(geometry.get("type", "")) if isinstance(geometry, dict) else ""


def _place(feature: Any) -> list[str]:
    """Longitude, latitude and geometry of a feature; a geometry that cannot be read is told as it is written."""
    if not _kind(feature):
        return ["", "", ""]
    written = msgspec.json.encode(feature["geometry"])
    try:
        shape = shapely.from_geojson(written)
        point = shape.representative_point()
    except (shapely.errors.ShapelyError, ValueError):
        return ["", "", written.decode()[: MOST_SIGNS + 1]]
    text = shapely.to_wkt(shape, rounding_precision=9)
    if point.is_empty or shapely.get_num_coordinates(shape) > shapes.MOST_CORNERS:
        return ["", "", text[: shapes.MOST_SIGNS]]
    return [repr(round(point.x, 7)), repr(round(point.y, 7)), text]


def _text(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        return ""
    return (str(value).lower() if isinstance(value, bool) else str(value))[: MOST_SIGNS + 1]
