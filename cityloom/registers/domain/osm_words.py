"""Names and addresses out of tags, whatever the script."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from cityloom.registers.domain import osm_measures

Tags = Mapping[str, str]
LONGEST = 200
_LATIN = ("name:en", "int_name", "name:latin", "name:zh-Latn-pinyin", "name:ja-Latn", "name:ko-Latn", "name:sr-Latn")
_CHINESE = ("name:zh-Hans", "name:zh-CN", "name:zh", "name:zh-Hant")
_OTHER = ("official_name", "loc_name", "alt_name", "short_name", "addr:housename", "brand", "operator")


def tidy(text: str) -> str:
    """A text without control characters or doubled spaces, at most `LONGEST` characters."""
    kept = "".join(" " if unicodedata.category(char).startswith("C") else char for char in text[: 4 * LONGEST])
    return " ".join(kept.split())[:LONGEST]


def name_of(tags: Tags) -> str:
    """The name on the signs where that is in Latin letters, else a Latin one, else the one on the signs."""
    local = tidy(tags.get("name", ""))
    if local and _is_latin(local):
        return local
    return _first(tags, _LATIN) or local or _first(tags, _CHINESE)


def chinese_name_of(tags: Tags) -> str:
    """The Chinese name, if the tags give one."""
    local = tidy(tags.get("name", ""))
    return _first(tags, _CHINESE) or (local if _is_chinese(local) else "")


def place_name_of(tags: Tags) -> str:
    """The name of a facility: its own, else the name that it is called by in some other way."""
    return name_of(tags) or _first(tags, _OTHER)


def road_name_of(tags: Tags) -> str:
    """The name of a road, else its number."""
    return name_of(tags) or tidy(tags.get("ref", "").replace(";", " / "))


def street_of(tags: Tags) -> str:
    """The street of an address; in places without street names the place that houses are numbered by."""
    return _first(tags, ("addr:street", "addr:place", "addr:hamlet", "addr:full"))


def house_number_of(tags: Tags) -> str:
    """The house number of an address."""
    return _first(tags, ("addr:housenumber", "addr:conscriptionnumber", "addr:streetnumber"))


def levels_of(tags: Tags) -> float:
    """Storeys above the ground; NaN if unknown."""
    return osm_measures.levels(tags.get("building:levels") or tags.get("building:levels:aboveground") or "")


def height_of(tags: Tags) -> float:
    """Height in metres; NaN if unknown."""
    return osm_measures.metres(tags.get("height") or tags.get("building:height") or tags.get("est_height") or "")


def _first(tags: Tags, keys: tuple[str, ...]) -> str:
    return next((tidy(tags[key]) for key in keys if tags.get(key)), "")


def _is_latin(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return all(ord(char) < 0x250 or "LATIN" in unicodedata.name(char, "") for char in letters)


def has_ideographs(text: str) -> bool:
    """Whether a text has Chinese characters in it, as Chinese and Japanese names have."""
    return any("CJK" in unicodedata.name(char, "") for char in text)


def _is_chinese(text: str) -> bool:
    scripts = {unicodedata.name(char, "").split(" ")[0] for char in text if char.isalpha()}
    return "CJK" in scripts and not scripts & {"HIRAGANA", "KATAKANA", "HANGUL"}
