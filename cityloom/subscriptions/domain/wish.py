"""What somebody wants to be warned of, how it is sealed, and by which words it is found. Pure values."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from cityloom.kernel import cells
from cityloom.kernel.refused import Refused

SEVERITIES = ("Minor", "Moderate", "Severe", "Extreme")
"""From the least to the greatest, as CAP names them."""
LANGUAGES = ("zh-Hans", "en")
CELL = cells.COARSE
"""Places are found by cells of 0.74 km2, and tested exactly by the keeper."""
FIELDS = ("address", "place")


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where: a point (WGS 84) or an area of the city; `label` is what the subscriber calls it."""

    lon: float | None = None
    lat: float | None = None
    area: str = ""
    label: str = ""


class Wish(msgspec.Struct, frozen=True):
    """A place, the least severity that is wanted, and whether the word that all is clear is wanted too."""

    place: Place
    severity: Literal["Minor", "Moderate", "Severe", "Extreme"] = "Minor"
    all_clear: bool = True


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to reach a subscriber: an e-mail address, or a browser's push endpoint with its keys (base64url).

    `secret` opens the page where the subscription is changed; `site` is where that page lies.
    """

    way: Literal["mail", "push"]
    to: str
    language: Literal["zh-Hans", "en"]
    secret: str
    site: str
    p256dh: str = ""
    auth: str = ""


class _Sealed(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part `place`: the keeper reads its first three."""

    lon: float | None = None
    lat: float | None = None
    area: str = ""
    label: str = ""
    severity: str = "Minor"
    all_clear: bool = True


def parts_of(wish: Wish, address: Address) -> dict[str, bytes]:
    """What is sealed."""
    place = wish.place
    plain = _Sealed(place.lon, place.lat, place.area, place.label, wish.severity, wish.all_clear)
    return {"address": msgspec.json.encode(address), "place": msgspec.json.encode(plain)}


def address_of(part: bytes) -> Address:
    """What `parts_of` sealed."""
    return msgspec.json.decode(part, type=Address)


def wish_of(part: bytes) -> Wish:
    """What `parts_of` sealed."""
    plain = msgspec.json.decode(part, type=_Sealed)
    return msgspec.convert(
        {"place": Place(plain.lon, plain.lat, plain.area, plain.label), "severity": plain.severity,
         "all_clear": plain.all_clear}, type=Wish, from_attributes=True,
    )  # fmt: skip


def words_of(wish: Wish, to: str) -> list[bytes]:
    """What a subscription is found by: its place with what is wanted there, and its address."""
    place = _place_word(wish.place)
    found = [_word("warn", place, wish.severity), address_word(to)]
    return [*found, _word("clear", place)] if wish.all_clear else found


def address_word(to: str) -> bytes:
    """What every subscription of one address is found by."""
    return b"to/" + hashlib.sha256(to.strip().casefold().encode()).hexdigest()[:40].encode()


def words_for(cover: Sequence[int], areas: Sequence[str], severity: str, *, all_clear: bool) -> list[bytes]:
    """What all subscriptions that an alert may be for are found by."""
    places = [f"{cell:x}" for cell in cover] + [_area_word(area) for area in areas]
    if all_clear:
        return [_word("clear", place) for place in places]
    return [_word("warn", place, least) for place in places for least in at_most(severity)]


def at_most(severity: str) -> Sequence[str]:
    """The severities up to one; all of them for one that nobody could tell."""
    return SEVERITIES[: SEVERITIES.index(severity) + 1] if severity in SEVERITIES else SEVERITIES


def branches(unit_ids: Sequence[str]) -> list[str]:
    """Units and all that they belong to: `city/d01/s02` also means `city/d01`; the city itself last."""
    found: dict[str, None] = {}
    for unit in unit_ids:
        steps = unit.split("/")
        found |= dict.fromkeys("/".join(steps[:count]) for count in range(len(steps), 0, -1))
    return list(found)


def check_place(place: Place) -> None:
    """Raise Refused `places.nowhere` for a place that is none."""
    if not place.area and (place.lon is None or place.lat is None):
        raise Refused("places.nowhere", "Name an address, a district or a point on the map.")


def _place_word(place: Place) -> str:
    check_place(place)
    return _area_word(place.area) if place.area else f"{cells.cell_of(place.lon, place.lat, CELL):x}"  # type: ignore[arg-type]


def _area_word(area: str) -> str:
    return hashlib.sha256(area.encode()).hexdigest()[:24]


def _word(*parts: str) -> bytes:
    return "/".join(parts).encode()
