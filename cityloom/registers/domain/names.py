"""How something is found by what it is called: from any of its words on, in any script, whatever its accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.registers.domain import plane
from cityloom.registers.domain.draft import Draft, Floats, Ints, Texts

LONGEST = 40
"""Signs of a name that are compared; more are cut off."""
_MOST_STARTS = 12
_HAN = "\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # and kana
_WORD_STARTS = re.compile(rf"(?<![^\s])\S|(?<=[^\s{_HAN}])[{_HAN}]|(?<=[{_HAN}])[{_HAN}]|(?<=[{_HAN}])[^\s{_HAN}]")
_BOTH = re.compile(rf"(?P<latin>[^{_HAN}]*[^\W\d][^{_HAN}]*) (?P<han>[{_HAN}][{_HAN}\d\W]*)")
_NOT_WORDS = re.compile(r"[\W_]+")
_PLAIN = re.compile("(?:[A-Za-z0-9\u4e00-\u9fef]+(?: [A-Za-z0-9\u4e00-\u9fef]+)*)?")
"""What only loses its capitals; most names of a register, and ten times as fast."""
_NUMBERED = re.compile(r"(?P<street>.*?[^\W\d].*?)[\s,，]*(?P<number>\d[0-9A-Za-z/-]{0,11})\s*号?\s*$")
_NUMBER_FIRST = re.compile(r"\s*(?P<number>\d[0-9A-Za-z/-]{0,11})[\s,]+(?P<street>[^\W\d].*)$")


def folded(text: str) -> str:
    """A text as it is compared: one width, no case, no accents, no punctuation, single spaces."""
    if _PLAIN.fullmatch(text):
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).casefold()
    if any(map(unicodedata.combining, plain)):
        plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return _NOT_WORDS.sub(" ", unicodedata.normalize("NFC", plain)).strip()


def starts(name: str) -> list[str]:
    """A folded name from each of its words on; of Chinese, from each sign on."""
    whole = folded(name)
    places = [found.start() for found in _WORD_STARTS.finditer(whole)][:_MOST_STARTS]
    return list(dict.fromkeys(whole[place : place + LONGEST] for place in places))


def by_language(name: str) -> tuple[str, str]:
    """A name that is written in both scripts, as in `Lan River 澜江`, in each; the whole name twice where it is not."""
    found = _BOTH.fullmatch(name)
    return (found["latin"].strip(), found["han"].strip()) if found else (name, name)


def address(text: str) -> tuple[str, str] | None:
    """Street and house number, if a text names both in either order."""
    found = _NUMBERED.match(text) or _NUMBER_FIRST.match(text)
    return (found["street"].strip(" ,，"), found["number"]) if found else None


@dataclass(frozen=True)
class Named:
    """Things with a name: rows of their own table, counted from 1 as their ids are."""

    kind: str
    id: Ints
    about: Texts
    name: Texts
    name_zh: Texts
    lon: Floats
    lat: Floats


def columns(named: list[Named]) -> dict[str, list[object]]:
    """Rows of the table of names, in the order in which they are searched."""
    rows = sorted(row for one in named for row in _rows(one))
    names = ("folded", "kind", "row_id", "about", "name", "name_zh", "lon", "lat")
    values = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
    return {"id": list(range(1, len(rows) + 1)), **dict(zip(names, values, strict=True))}


def _rows(named: Named) -> Iterator[tuple]:
    listed = (named.id.tolist(), named.about, named.name, named.name_zh, named.lon.tolist(), named.lat.tolist())
    for number, about, name, name_zh, lon, lat in zip(*listed, strict=True):
        for start in dict.fromkeys([*starts(name), *starts(name_zh)]):
            yield start.encode(errors="replace"), named.kind, number, about, name[:200], name_zh[:200], lon, lat


def of_draft(draft: Draft) -> list[Named]:
    """Everything in a draft that people call by a name."""
    places, houses, areas = draft.places, draft.buildings, draft.areas
    called = np.flatnonzero((houses.name != "").astype(bool) & ~_filled(draft))
    lon, lat = plane.middles(houses.footprint[called]) if len(called) else (np.zeros(0), np.zeros(0))
    found = [
        Named("place", _ids(len(places)), places.kind, places.name, _blank(len(places)), places.lon, places.lat),
        Named("building", called + 1, houses.use[called], houses.name[called], _blank(len(called)), lon, lat),
        _streets(draft), _land(draft),
    ]
    if len(areas):
        lon, lat = plane.middles(areas.geometry)
        found.append(Named("area", _ids(len(areas)), areas.kind, areas.name, areas.name_zh, lon, lat))
    return found


def _filled(draft: Draft) -> NDArray[np.bool_]:
    """Buildings that a place of the same name fills: the place is found already."""
    places = draft.places
    filled = np.zeros(len(draft.buildings), bool)
    inside = places.building >= 0
    same = places.name[inside] == draft.buildings.name[places.building[inside]]
    filled[places.building[inside][same.astype(bool)]] = True
    return filled


def _land(draft: Draft) -> Named:
    """Each river, wood and lake once, where the first piece of that name lies; parks are among the places."""
    land = draft.land
    parks = set(draft.places.name.tolist())
    first = {name: row for row, name in reversed(list(enumerate(land.name.tolist()))) if name and name not in parks}
    rows = np.array(sorted(first.values()), np.int64)
    about = np.array([f"land-{kind}" for kind in land.kind[rows]], dtype=object)
    lon, lat = plane.middles(land.geometry[rows]) if len(rows) else (np.zeros(0), np.zeros(0))
    return Named("land", rows + 1, about, land.name[rows], _blank(len(rows)), lon, lat)


def _streets(draft: Draft) -> Named:
    """Each street once, at the middle of one of its pieces."""
    roads = draft.roads
    pieces: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(roads.name.tolist(), roads.name_zh.tolist(), strict=True)):
        if key[0] or key[1]:
            pieces.setdefault(key, []).append(row)
    rows = np.array([of_one[len(of_one) // 2] for of_one in pieces.values()], np.int64)
    middle = shapely.get_coordinates(shapely.line_interpolate_point(roads.geometry[rows], 0.5, normalized=True))
    lon, lat = middle.reshape(-1, 2).T
    return Named("street", rows + 1, roads.kind[rows], roads.name[rows], roads.name_zh[rows], lon, lat)


def _ids(count: int) -> Ints:
    return np.arange(1, count + 1)


def _blank(count: int) -> Texts:
    return np.full(count, "", dtype=object)
