"""What is sealed of those who stand in no register: packets of named parts, found by keyed words. No decisions here.

A packet has a slot like a person's, with a mark, so that nothing that is asked about people ever reaches it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
import shapely
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from numpy.typing import NDArray

from cityloom.keeper import protocol
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused

FIELDS = ("address", "place", "words", "contact", "photo", "party", "file")
"""What a packet may hold; a part is named for its field, with a number behind it where there are several."""
IN_REGION = "in-region"
MAX_PARTS = 16
MAX_PART_BYTES = 8 * 1024 * 1024
MAX_PACKET_BYTES = 24 * 1024 * 1024
_VERSION = b"\x01"
_NONCE_BYTES = 12
_NAME = re.compile(r"([a-z]{1,16})(-[1-9][0-9]?)?")


class _Place(msgspec.Struct, frozen=True):
    """Where a packet belongs: a point (WGS 84), or an area of the register."""

    lon: float | None = None
    lat: float | None = None
    area: str = ""


_places = msgspec.json.Decoder(_Place)


def fields_of(parts: Mapping[str, bytes]) -> set[str]:
    """The fields of a packet's parts. Raises: Refused for what is none, or too large."""
    found = [_NAME.fullmatch(name) for name in parts]
    if not parts or not all(found) or len(parts) > MAX_PARTS:
        raise protocol.malformed()
    most = max(map(len, parts.values()))
    if most > MAX_PART_BYTES or sum(map(len, parts.values())) > MAX_PACKET_BYTES:
        raise Refused("gate.too_large", "That is too large to be sealed: {value} bytes where {limit} are allowed;"
                      " send less.", value=most, limit=MAX_PART_BYTES)  # fmt: skip
    return {match[1] for match in found if match}


def chosen(parts: Mapping[str, bytes], fields: Sequence[str]) -> dict[str, bytes]:
    """The parts that belong to these fields."""
    return {name: part for name, part in parts.items() if name.partition("-")[0] in fields}


def sealed(key: bytes, subject: int, purpose: str, parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Each part, bound to its packet, its purpose and its name."""
    cipher, out = AESGCMSIV(key), {}
    for name, plain in parts.items():
        nonce = ids.random_bytes(_NONCE_BYTES)
        out[name] = _VERSION + nonce + cipher.encrypt(nonce, plain, _about(subject, purpose, name))
    return out


def parts_in(lengths: bytes, parts: bytes) -> list[bytes]:
    """The parts of a run. Raises: Refused where the lengths are not theirs."""
    if len(lengths) % 4 or not 0 < len(lengths) <= 4 * protocol.MAX_BATCH:
        raise protocol.malformed()
    each = np.frombuffer(lengths, "<i4").tolist()
    if min(each) < 0 or max(each) > MAX_PART_BYTES or sum(each) != len(parts):
        raise protocol.malformed()
    return protocol.cut(parts, each)


def sealed_run(
    keys: Sequence[bytes], subjects: NDArray[np.int64], purpose: str, name: str, parts: Sequence[bytes]
) -> list[bytes]:  # fmt: skip
    """What `sealed` makes of packets that have this part alone."""
    start = _about(0, purpose, name)[:-8]
    nonces = np.frombuffer(ids.random_bytes(_NONCE_BYTES * len(parts)), f"V{_NONCE_BYTES}").tolist()
    whom = subjects.astype(">i8").view("V8").tolist()
    return [_VERSION + nonce + AESGCMSIV(key).encrypt(nonce, plain, start + subject)
            for key, nonce, subject, plain in zip(keys, nonces, whom, parts, strict=True)]  # fmt: skip


def opened(key: bytes, subject: int, purpose: str, parts: Mapping[str, bytes]) -> dict[str, bytes] | None:
    """What `sealed` sealed; None where any part is not what was sealed for this packet."""
    cipher, out = AESGCMSIV(key), {}
    try:
        for name, part in parts.items():
            if part[:1] != _VERSION:
                return None
            nonce, rest = part[1 : 1 + _NONCE_BYTES], part[1 + _NONCE_BYTES :]
            out[name] = cipher.decrypt(nonce, rest, _about(subject, purpose, name))
    except (InvalidTag, ValueError):
        return None
    return out


def are_in_region(places: Sequence[bytes | None], region: protocol.Region) -> NDArray[np.bool_]:
    """Which places lie in any of the polygons, their borders included, or are one of the areas.

    What cannot be read as a place counts as inside: a warning too many does less harm than one too few.
    """
    read = [_place(place) for place in places]
    areas = set(region.areas)
    inside = np.array([place is None or place.area in areas for place in read], bool)
    at = [n for n, place in enumerate(read) if place and place.lon is not None and place.lat is not None]
    points = shapely.points(np.array([(read[number].lon, read[number].lat) for number in at]).reshape(-1, 2))
    for polygon in _polygons(region):
        inside[at] |= shapely.intersects(polygon, points)
    return inside


def _place(text: bytes | None) -> _Place | None:
    try:
        return None if text is None else _places.decode(text)
    except msgspec.MsgspecError:
        return None


def _polygons(region: protocol.Region) -> Iterator[shapely.Geometry]:
    for ring in region.polygons:
        corners = np.frombuffer(ring, "<f8") if len(ring) % 16 == 0 else np.zeros(0)
        if len(corners) < 6 or not np.isfinite(corners).all():
            raise protocol.malformed()
        polygon = shapely.make_valid(shapely.Polygon(corners.reshape(-1, 2)))
        shapely.prepare(polygon)
        yield polygon


def _about(subject: int, purpose: str, name: str) -> bytes:
    return b"\x00".join((b"cityloom packet 1", purpose.encode(), name.encode(), subject.to_bytes(8, "big")))
