"""Questions about shapes, asked of many at once; distances and lengths are in degrees, as the coordinates are.

Source: OGC 18-088, table 23; OGC 06-103r4 for the relations between shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Shapes = NDArray[np.object_]
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "geo.intersects": shapely.intersects, "st_intersects": shapely.intersects, "st_equals": shapely.equals,
    "st_disjoint": shapely.disjoint, "st_touches": shapely.touches, "st_within": shapely.within,
    "st_overlaps": shapely.overlaps, "st_crosses": shapely.crosses, "st_contains": shapely.contains,
}  # fmt: skip
MEASURES = frozenset({"geo.distance", "geo.length"})
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "eq": np.equal, "ne": np.not_equal, "gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal,
}


def literal(text: object) -> shapely.Geometry:
    """The shape that well-known text means. Raises: Refused `signals.sta_shape`."""
    plain = str(text).partition(";")[2] if str(text).upper().startswith("SRID=") else str(text)
    try:
        return shapely.from_wkt(plain)
    except shapely.errors.ShapelyError:
        raise Refused("signals.sta_shape", "“{value}” is no shape; write it as well-known text, as in"
                      " geography'POINT(120.1 30.2)'.", value=plain[:40]) from None  # fmt: skip


def of_json(texts: list[str]) -> Shapes:
    """The shapes of GeoJSON texts; None for what is none."""
    return np.asarray(shapely.from_geojson(np.array(texts, dtype=object), on_invalid="ignore"), dtype=object)


def related(name: str, first: Any, second: Any) -> Any:
    """Whether shapes stand in a relation."""
    return RELATIONS[name](first, second)


def matches(first: Any, second: Any, pattern: str) -> Any:
    """Whether shapes relate by a DE-9IM pattern. Raises: Refused `signals.sta_pattern`."""
    if len(pattern) != 9 or set(pattern) - set("012TF*"):
        raise Refused("signals.sta_pattern", "“{value}” is no pattern of nine signs out of 0, 1, 2, T, F and *.",
                      value=pattern[:20])  # fmt: skip
    return shapely.relate_pattern(first, second, pattern)


def measured(name: str, *shapes: Any) -> Any:
    """The distance between shapes, or the length of one."""
    return shapely.distance(*shapes) if name == "geo.distance" else shapely.length(*shapes)


def compared(word: str, left: Any, right: Any) -> Any:
    """A comparison of numbers by its word; nothing is true of what is not a number."""
    return np.isfinite(left) & _COMPARED[word](left, right)
