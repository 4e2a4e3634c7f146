"""Live features as a layer gives them (RFC 7946)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_DECIMALS = 6  # a tenth of a metre

Feature = dict[str, Any]


def point(number: object, lon: float, lat: float, **properties: object) -> Feature:
    """A feature at a place."""
    place = [round(float(lon), _DECIMALS), round(float(lat), _DECIMALS)]
    return feature(number, {"type": "Point", "coordinates": place}, **properties)


def feature(number: object, geometry: Mapping[str, Any], **properties: object) -> Feature:
    """A feature whose geometry is GeoJSON already; what is None or "" is left out."""
    told = {key: value for key, value in properties.items() if value is not None and value != ""}
    return {"type": "Feature", "id": str(number), "geometry": geometry, "properties": told}


def collection(features: Iterable[Feature]) -> dict[str, Any]:
    """Features together."""
    return {"type": "FeatureCollection", "features": list(features)}
