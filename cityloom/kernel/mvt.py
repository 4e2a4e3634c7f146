"""Write vector tiles, a whole layer at a time: no Python loop runs over features.

Source: Mapbox Vector Tile Specification 2.1; tiles are numbered as in OGC Two Dimensional Tile Matrix Set,
WebMercatorQuad, with y from the north.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

EXTENT = 4096
BUFFER = 64
"""How far a tile reaches into its neighbours, in the units of which a tile has `EXTENT` a side."""
MOST_ZOOM = 24
_MOST_LAT = 85.05112877980659
_POINT, _LINE, _AREA = 1, 2, 3
_KIND_OF = np.array([_POINT, _LINE, _LINE, _AREA])
"""By shapely's type id: point, line, ring on its own, polygon."""
_SINGLE = 3
_MOVE, _DRAW, _CLOSE = 1, 2, 7
_FRAME = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
_FAR = 1 << 29  # units; nothing that is clipped to a tile is farther away

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]


@dataclass(frozen=True)
class Tile:
    """The square `x`, `y` of zoom `z`; its units run to the east and to the south from its north-western corner."""

    z: int
    x: int
    y: int

    @property
    def exists(self) -> bool:
        """Whether there is such a square."""
        return 0 <= self.z <= MOST_ZOOM and 0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z

    def bounds(self, buffer: float = 0.0) -> tuple[float, float, float, float]:
        """West, south, east and north in WGS 84, with `buffer` units added all round."""
        low, high = -buffer, EXTENT + buffer
        (west, east), (north, south) = self.lonlat(np.array([low, high]), np.array([low, high]))
        return float(west), float(south), float(east), float(north)

    def lonlat(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Longitudes and latitudes of points in tile units."""
        size = 1 << self.z
        across, down = (self.x + x / EXTENT) / size, (self.y + y / EXTENT) / size
        lat = np.degrees(np.arctan(np.sinh(math.pi * (1 - 2 * down))))
        return across * 360 - 180, np.clip(lat, -_MOST_LAT, _MOST_LAT)

    def units(self, lonlat: Floats) -> Floats:
        """Tile units, shape (n, 2), of longitudes and latitudes; not rounded."""
        size = float(1 << self.z)
        sine = np.sin(np.radians(np.clip(lonlat[:, 1], -_MOST_LAT, _MOST_LAT)))
        across = (lonlat[:, 0] + 180) / 360 * size - self.x
        down = (0.5 - np.arctanh(sine) / (2 * math.pi)) * size - self.y
        return np.column_stack([across, down]) * EXTENT

    @staticmethod
    def holding(lon: float, lat: float, z: int) -> Tile:
        """The tile of a zoom that holds a place."""
        x, y = Tile(z, 0, 0).units(np.array([[lon, lat]]))[0] // EXTENT
        last = (1 << z) - 1
        return Tile(z, min(max(int(x), 0), last), min(max(int(y), 0), last))


@dataclass(frozen=True)
class Layer:
    """Shapely geometries in WGS 84 with an id each (below 0: none) and columns of properties.

    A value that is None, NaN or infinite is left out of its feature; other types than text, bool, integer and float
    are written as text.
    """

    name: str
    geometry: Shapes
    id: Ints
    properties: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Parts:
    """Clipped geometry as runs of whole units: part k of feature `row[k]` is the next `count[k]` points of `xy`."""

    kind: int
    xy: Ints
    count: Ints
    row: Ints


def encode(tile: Tile, layers: Iterable[Layer]) -> bytes:
    """The tile as it is sent, not compressed; b"" where nothing lies in it."""
    with np.errstate(over="ignore", invalid="ignore"):  # coordinates may be anything, also what is no number
        return b"".join(_layer_bytes(tile, layer) for layer in layers)


def _layer_bytes(tile: Tile, layer: Layer) -> bytes:
    found = [parts for parts in _clipped(tile, layer.geometry) if len(parts.count)]
    if not found:
        return b""
    keys, values, columns = _dictionary(layer.properties)
    features = b"".join(_features(parts, layer.id, columns) for parts in found)
    head = b"\x78\x02" + _block(0x0A, layer.name.encode()) + features
    tail = b"".join(_block(0x1A, key.encode()) for key in keys) + b"".join(_block(0x22, value) for value in values)
    return _block(0x1A, head + tail + b"\x28" + _varint(EXTENT))


# --- geometry: clip, round, wind


def _clipped(tile: Tile, geometry: Shapes) -> list[_Parts]:
    """Points, lines and areas as they lie in the tile."""
    shapes, row = _simple(np.asarray(geometry, dtype=object))
    kind = _KIND_OF[shapely.get_type_id(shapes)]
    shapes, row, kind = _inside(tile, shapes, row, kind)
    return [
        _points(tile, shapes[kind == _POINT], row[kind == _POINT]),
        _lines(tile, shapes[kind == _LINE], row[kind == _LINE]),
        _areas(tile, shapes[kind == _AREA], row[kind == _AREA]),
    ]


def _simple(shapes: Shapes) -> tuple[Shapes, Ints]:
    """The single points, lines and polygons in all geometries, however deep, and the row of each."""
    parts, row = shapes, np.arange(len(shapes))
    while (shapely.get_type_id(parts) > _SINGLE).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        row = row[inner]
    real = (shapely.get_type_id(parts) >= 0) & ~shapely.is_empty(parts)
    return parts[real], row[real]


def _inside(tile: Tile, shapes: Shapes, row: Ints, kind: Ints) -> tuple[Shapes, Ints, Ints]:
    """What touches the tile with its buffer; lines and areas that cross its edge are cut, in tile units' own plane."""
    low, high = -BUFFER, EXTENT + BUFFER
    box = shapely.bounds(shapes).reshape(-1, 4)
    west, north = tile.units(box[:, [0, 3]]).T
    east, south = tile.units(box[:, [2, 1]]).T
    seen = (west <= high) & (east >= low) & (north <= high) & (south >= low)  # False for what is not a number
    whole = seen & (west >= low) & (east <= high) & (north >= low) & (south <= high)
    crossing = np.flatnonzero(seen & ~whole & (kind != _POINT))
    cut, where = _cut(tile, shapes[crossing], kind[crossing])
    where = crossing[where]
    order = np.argsort(np.concatenate([np.flatnonzero(whole), where]), kind="stable")
    all_shapes = np.concatenate([shapes[whole], cut])[order]
    all_rows = np.concatenate([row[whole], row[where]])[order]
    all_kinds = np.concatenate([kind[whole], kind[where]])[order]
    return all_shapes, all_rows, all_kinds


def _cut(tile: Tile, shapes: Shapes, kind: Ints) -> tuple[Shapes, Ints]:
    """The pieces of lines and areas inside the tile, in WGS 84, and which each came from."""
    if not len(shapes):
        return shapes, np.zeros(0, np.int64)
    flat = shapely.transform(shapes, tile.units)
    try:
        pieces, row = _simple(_framed(flat, kind))
    except shapely.errors.GEOSException:  # one of them cannot be cut at all
        pieces, row = _simple(np.array([_framed_or_none(*one) for one in zip(flat, kind, strict=True)], dtype=object))
    fits = _KIND_OF[shapely.get_type_id(pieces)] == kind[row]  # where an area only touches the frame, a line is left
    pieces = shapely.transform(pieces[fits], lambda xy: np.column_stack(tile.lonlat(xy[:, 0], xy[:, 1])))
    return pieces, row[fits]


def _framed(flat: Shapes, kind: Ints) -> Shapes:
    bad = (kind == _AREA) & ~shapely.is_valid(flat)
    flat[bad] = shapely.make_valid(flat[bad])
    return np.asarray(shapely.intersection(flat, _FRAME), dtype=object)


def _framed_or_none(flat: shapely.Geometry, kind: int) -> shapely.Geometry | None:
    try:
        return _framed(np.array([flat], dtype=object), np.array([kind]))[0]
    except shapely.errors.GEOSException:
        return None


def _rounded(tile: Tile, shapes: Shapes) -> tuple[Ints, Ints]:
    """Whole tile units of all points, and the shape of each; points that are no numbers are left out."""
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    units = tile.units(xy)
    real = np.isfinite(units).all(axis=1)
    if not real.all():
        units, owner = units[real], owner[real]
    return np.rint(np.clip(units, -_FAR, _FAR)).astype(np.int64), owner.astype(np.int64)


def _points(tile: Tile, shapes: Shapes, row: Ints) -> _Parts:
    """All points of a feature are one part."""
    xy, owner = _rounded(tile, shapes)
    features, count = np.unique(row[owner], return_counts=True)
    return _Parts(_POINT, xy, count, features)


def _lines(tile: Tile, shapes: Shapes, row: Ints) -> _Parts:
    xy, owner = _rounded(tile, shapes)
    xy, owner = _without_repeats(xy, owner)
    return _kept(_LINE, xy, owner, row, np.bincount(owner, minlength=len(shapes)) >= 2)


def _areas(tile: Tile, shapes: Shapes, row: Ints) -> _Parts:
    """Rings, the outer one first and clockwise on the screen, its holes after it the other way round."""
    rings, polygon = shapely.get_rings(shapes, return_index=True)
    is_outer = np.diff(polygon, prepend=-1) != 0
    xy, owner = _rounded(tile, rings)
    xy, owner = _without_repeats(xy, owner)
    xy, owner = _without_closing(xy, owner)
    area = _twice_area(xy, owner, len(rings))
    stays = (np.bincount(owner, minlength=len(rings)) >= 3) & (area != 0)
    stays &= stays[is_outer][np.cumsum(is_outer) - 1] if len(rings) else stays
    xy = _wound(xy, owner, (area > 0) != is_outer)
    return _kept(_AREA, xy, owner, row[polygon], stays)


def _without_repeats(xy: Ints, owner: Ints) -> tuple[Ints, Ints]:
    """Drop points that are where the one before them is."""
    moves = np.ones(len(xy), bool)
    moves[1:] = (xy[1:] != xy[:-1]).any(axis=1) | (owner[1:] != owner[:-1])
    return xy[moves], owner[moves]


def _without_closing(xy: Ints, owner: Ints) -> tuple[Ints, Ints]:
    """Drop the last point of a ring, which is its first again."""
    if not len(xy):
        return xy, owner
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    last = np.append(first[1:], len(xy)) - 1
    closing = last[(last > first) & (xy[first] == xy[last]).all(axis=1)]
    stays = np.ones(len(xy), bool)
    stays[closing] = False
    return xy[stays], owner[stays]


def _twice_area(xy: Ints, owner: Ints, count: int) -> Ints:
    """Twice the signed area of each ring; above 0 is clockwise on a screen whose y grows downwards."""
    if not len(xy):
        return np.zeros(count, np.int64)
    following = _following(owner)
    cross = xy[:, 0] * xy[following, 1] - xy[following, 0] * xy[:, 1]
    area = np.zeros(count, np.int64)
    np.add.at(area, owner, cross)
    return area


def _following(owner: Ints) -> Ints:
    """The place of the next point of the same ring, round and round."""
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    following = np.arange(1, len(owner) + 1)
    following[np.append(first[1:], len(owner)) - 1] = first
    return following


def _wound(xy: Ints, owner: Ints, turn: NDArray[np.bool_]) -> Ints:
    """Turn some rings round."""
    count = np.bincount(owner, minlength=len(turn))
    start = np.cumsum(count) - count
    place = np.arange(len(owner))
    mirrored = start[owner] + (start + count)[owner] - 1 - place
    return xy[np.where(turn[owner], mirrored, place)] if len(owner) else xy


def _kept(kind: int, xy: Ints, owner: Ints, row: Ints, stays: NDArray[np.bool_]) -> _Parts:
    count = np.bincount(owner, minlength=len(stays))
    return _Parts(kind, xy[stays[owner]], count[stays], row[stays])


# --- bytes


def _features(parts: _Parts, ids: Ints, columns: list[tuple[int, Ints]]) -> bytes:
    """The feature messages of one kind of geometry: all their numbers as one array, written in one go."""
    rows, first_part = np.unique(parts.row, return_index=True)
    drawn, drawn_count = _commands(parts, first_part)
    tags, tag_count = _tags(rows, columns)
    number = np.asarray(ids, np.int64)[rows]
    drawn_size = _sizes(drawn, drawn_count)
    tag_size = _sizes(tags, tag_count)
    has_id, has_tags = number >= 0, tag_count > 0
    body = drawn_size + tag_size + 3 + _width(drawn_size)
    body += has_id * (1 + _width(np.maximum(number, 0))) + has_tags * (1 + _width(tag_size))
    ones = np.ones(len(rows), np.int64)
    return _woven(
        [
            (0x12 * ones, ones), (body, ones), (0x08 * ones[has_id], has_id), (number[has_id], has_id),
            (0x12 * ones[has_tags], has_tags), (tag_size[has_tags], has_tags), (tags, tag_count),
            (0x18 * ones, ones), (parts.kind * ones, ones), (0x22 * ones, ones), (drawn_size, ones),
            (drawn, drawn_count),
        ]
    )  # fmt: skip


def _woven(fields: list[tuple[Ints, Ints]]) -> bytes:
    """Fields of many features, each as values and how many of them a feature has, written feature by feature."""
    counts = np.stack([np.asarray(count, np.int64) for _, count in fields], axis=1)
    start = np.cumsum(counts.ravel()).reshape(counts.shape) - counts
    woven = np.empty(int(counts.sum()), np.int64)
    for place, (values, _) in enumerate(fields):
        woven[_spread(start[:, place], counts[:, place])] = values
    return _varints(woven)


def _spread(start: Ints, count: Ints) -> Ints:
    """The places `start[k]`, `start[k]` + 1, ... of each run, one run after the other."""
    before = np.cumsum(count) - count
    return np.repeat(start - before, count) + np.arange(int(count.sum()))


def _commands(parts: _Parts, first_part: Ints) -> tuple[Ints, Ints]:
    """The geometry's integers, and how many of them each feature has."""
    moves = _zigzag(_moves(parts, first_part))
    moving, drawing, closing = _command_counts(parts)
    length = 1 + 2 * moving + (drawing > 0) * (1 + 2 * drawing) + closing
    start = np.cumsum(length) - length
    stream = np.empty(int(length.sum()), np.int64)
    stream[start] = _MOVE | moving << 3
    draws = drawing > 0
    stream[(start + 1 + 2 * moving)[draws]] = _DRAW | drawing[draws] << 3
    point = np.repeat(start + 1, parts.count) + 2 * _within(parts.count)
    point += np.repeat(draws.astype(np.int64), parts.count) * (_within(parts.count) > 0)
    stream[point], stream[point + 1] = moves[:, 0], moves[:, 1]
    if parts.kind == _AREA:
        stream[start + length - 1] = _CLOSE | 1 << 3
    return stream, np.add.reduceat(length, first_part)


def _command_counts(parts: _Parts) -> tuple[Ints, Ints, int]:
    if parts.kind == _POINT:
        return parts.count, np.zeros_like(parts.count), 0
    return np.ones_like(parts.count), parts.count - 1, int(parts.kind == _AREA)


def _moves(parts: _Parts, first_part: Ints) -> Ints:
    """From each point to the next; a feature starts from its tile's corner."""
    moves = np.diff(parts.xy, axis=0, prepend=parts.xy[:1] * 0)
    start = (np.cumsum(parts.count) - parts.count)[first_part]
    moves[start] = parts.xy[start]
    return moves


def _within(count: Ints) -> Ints:
    """0, 1, 2, ... inside each run."""
    return np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)


def _zigzag(values: Ints) -> Ints:
    return values << 1 ^ values >> 63


def _tags(rows: Ints, columns: list[tuple[int, Ints]]) -> tuple[Ints, Ints]:
    """Pairs of key and value of the features, and how many numbers each has."""
    if not columns:
        return np.zeros(0, np.int64), np.zeros(len(rows), np.int64)
    value = np.stack([values[rows] for _, values in columns], axis=1)
    key = np.broadcast_to(np.array([key for key, _ in columns]), value.shape)
    there = value >= 0
    pairs = np.stack([key[there], value[there]], axis=1)
    return pairs.ravel(), 2 * there.sum(axis=1)


def _dictionary(properties: Mapping[str, NDArray[Any]]) -> tuple[list[str], list[bytes], list[tuple[int, Ints]]]:
    """The layer's keys and values, each once, and for each column the number of each row's value (-1: none)."""
    known: dict[bytes, int] = {}
    columns = [(key, _numbered(column, known)) for key, column in enumerate(properties.values())]
    return list(properties), list(known), columns


def _numbered(column: NDArray[Any], known: dict[bytes, int]) -> Ints:
    column = np.asarray(column)
    if column.dtype == object or column.dtype.kind in "USmM":
        typed = [(type(value), value) for value in map(_plain, column.tolist())]  # 1, 1.0 and True are equal
        number = {key: _number(key[1], known) for key in dict.fromkeys(typed)}
        return np.array([number[key] for key in typed], np.int64)
    different, row = np.unique(column, return_inverse=True)
    numbers = np.array([_number(value, known) for value in different.tolist()], np.int64)
    return numbers[row] if len(numbers) else np.zeros(0, np.int64)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def _number(value: object, known: dict[bytes, int]) -> int:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return -1
    return known.setdefault(_value_bytes(value), len(known))


def _value_bytes(value: object) -> bytes:
    if isinstance(value, bool):
        return b"\x38" + (b"\x01" if value else b"\x00")
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 64:
        return b"\x28" + _varint(value) if value >= 0 else b"\x30" + _varint(value << 1 ^ value >> 63)
    if isinstance(value, float):
        return b"\x19" + np.float64(value).tobytes()
    return _block(0x0A, str(value).encode(errors="replace"))


def _block(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _width(values: Ints) -> Ints:
    """How many bytes each number takes as a varint."""
    width = np.ones(values.shape, np.int64)
    most = int(values.max(initial=0))
    for bits in range(7, most.bit_length(), 7):
        width += values >= 1 << bits
    return width


def _sizes(values: Ints, count: Ints) -> Ints:
    """How many bytes the varints of each run take."""
    total = np.concatenate([[0], np.cumsum(_width(values))])
    end = np.cumsum(count)
    return total[end] - total[end - count]


def _varints(values: Ints) -> bytes:
    """All numbers as varints, one after the other."""
    width = _width(values)
    end = np.cumsum(width)
    written = np.empty(int(end[-1]) if len(end) else 0, np.uint8)
    start = end - width
    for place in range(int(width.max(initial=0))):
        reaches = width > place
        more = (width[reaches] > place + 1) * 0x80
        written[start[reaches] + place] = values[reaches] >> 7 * place & 0x7F | more
    return written.tobytes()
