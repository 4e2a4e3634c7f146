"""Where an address is: the building, a place between its neighbours, the street, or the area, with how sure that is.

Houses are held as columns, by street and then by number, so that a city of a million buildings takes some tens of
megabytes; a look-up is two binary searches.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cityloom.registers.domain import plane
from cityloom.registers.domain.address_standard import Standard, name_key, standard, town_stem
from cityloom.registers.domain.draft import Floats, Ints, Texts
from cityloom.registers.domain.names import by_language

LEVELS = ("building", "number", "street", "area", "ambiguous", "none")
"""`building` is the one that is meant, `number` a place between its neighbours in the street, `ambiguous` says which
ones could be meant, `none` why none is."""
_SPLIT = re.compile(r"(\d{1,9})(.*)", re.S)
_SAME_SPOT_M = 60.0
_BESIDE_M = 30.0
_BEYOND = 20
"""A number that is so much above the last or below the first known one is looked for at that end."""
_MOST = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A building, street or area that may be meant; `building` is 0 where it is none."""

    building: int
    words: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Found:
    """Where an address is: its level, a place where there is one, the distance that it is true within, and why so."""

    level: str
    lon: float | None = None
    lat: float | None = None
    within_m: float | None = None
    building: int = 0
    reason: str = ""
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Houses:
    """Houses in columns; `id` is the building's, 0 for an address that a department has; `is_known` whose number is."""

    id: Ints
    street: Texts
    number: Texts
    name: Texts
    lon: Floats
    lat: Floats
    is_known: np.ndarray


@dataclass(frozen=True)
class Lines:
    """Streets, or areas, in columns: names in both languages, the middle, and how far from it they reach in metres."""

    name: Texts
    name_zh: Texts
    lon: Floats
    lat: Floats
    reach_m: Floats


@dataclass(frozen=True)
class Index:
    """What addresses are looked up in; `value` and `tail` of the houses of street s lie from `start[s]` to
    `start[s + 1]`, ascending."""

    streets: dict[str, tuple[int, ...]]
    spoken: list[str]
    start: Ints
    value: Ints
    tail: Ints
    tails: list[str]
    id: Ints
    lon: Floats
    lat: Floats
    middle_lon: Floats
    middle_lat: Floats
    reach_m: Floats
    named: dict[str, tuple[Candidate, ...]] = field(default_factory=dict)
    areas: dict[str, tuple[tuple[Candidate, float], ...]] = field(default_factory=dict)

    def find(self, text: str, home: str = "") -> Found:
        """Where an address is. Never fails."""
        return self.place(standard(text, home))

    def place(self, wanted: Standard) -> Found:
        """Where an address in its standard form is."""
        streets = self._streets(wanted.street)
        if streets and wanted.number:
            found = self._at_number(streets, wanted)
            if found is not None:
                return found
        named = self._by_name(wanted)
        if named is not None:
            return named
        if streets:
            return self._on_street(streets, wanted)
        return self._in_area(wanted)

    def _streets(self, key: str) -> tuple[int, ...]:
        """The streets that are called so, else those that are called so without the word for a street."""
        if not key:
            return ()
        return self.streets.get(key) or self.streets.get(bare(key), ()) or ()

    def _at_number(self, streets: tuple[int, ...], wanted: Standard) -> Found | None:
        """The building with a number, or a place between its neighbours."""
        value, tail = _split(wanted.number)
        if value < 0:
            return None
        rows = [row for street in streets for row in self._exact(street, value, tail)]
        if rows:
            return self._one_of(rows, f"{wanted.number}")
        between = [found for street in streets if (found := self._between(street, value))]
        if len(between) == 1:
            return between[0]
        return None

    def _exact(self, street: int, value: int, tail: str) -> list[int]:
        """The rows with exactly this number; where no letter fits, all with the number before it."""
        low, high = int(self.start[street]), int(self.start[street + 1])
        first = low + int(np.searchsorted(self.value[low:high], value, side="left"))
        last = low + int(np.searchsorted(self.value[low:high], value, side="right"))
        rows = list(range(first, last))
        exact = [row for row in rows if self.tails[self.tail[row]] == tail]
        return exact or rows

    def _one_of(self, rows: list[int], number: str) -> Found:
        """A building, or several that are as likely; those that stand together count as one place."""
        lons, lats = self.lon[rows], self.lat[rows]
        spread = _spread_m(lons, lats)
        if spread <= _SAME_SPOT_M:
            reason = "the building with this number" if len(rows) == 1 else f"{len(rows)} buildings with this number"
            return Found("building", float(lons[0]), float(lats[0]), round(spread + 0.0, 1), int(self.id[rows[0]]),
                         reason, self._candidates(rows) if len(rows) > 1 else ())  # fmt: skip
        return Found("ambiguous", reason=f"{len(rows)} buildings have this street and number",
                     candidates=self._candidates(rows))  # fmt: skip

    def _candidates(self, rows: Sequence[int]) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(int(self.id[row]), self._words(row), float(self.lon[row]), float(self.lat[row]))
            for row in list(rows)[:_MOST]
        )

    def _words(self, row: int) -> str:
        street = int(np.searchsorted(self.start, row, side="right")) - 1
        return f"{self.spoken[street]} {self.value[row]}{self.tails[self.tail[row]]}"

    def _between(self, street: int, value: int) -> Found | None:
        """A place between the known numbers below and above, on the side of the number's parity where that has both."""
        low, high = int(self.start[street]), int(self.start[street + 1])
        rows = np.arange(low, high)[self.value[low:high] > 0]
        same = rows[self.value[rows] % 2 == value % 2]
        for chosen, words in ((same, "on its side of the street"), (rows, "in the street")):
            place = int(np.searchsorted(self.value[chosen], value))
            if 0 < place < len(chosen):
                return self._interpolated(int(chosen[place - 1]), int(chosen[place]), value, words)
        return self._at_end(rows, value)

    def _interpolated(self, before: int, after: int, value: int, words: str) -> Found:
        share = (value - int(self.value[before])) / max(1, int(self.value[after]) - int(self.value[before]))
        lon = self.lon[before] + (self.lon[after] - self.lon[before]) * share
        lat = self.lat[before] + (self.lat[after] - self.lat[before]) * share
        apart = _spread_m(self.lon[[before, after]], self.lat[[before, after]])
        reason = f"between numbers {self.value[before]} and {self.value[after]} {words}"
        return Found("number", float(lon), float(lat), round(max(apart, _BESIDE_M), 1), 0, reason,
                     self._candidates([before, after]))  # fmt: skip

    def _at_end(self, rows: Ints, value: int) -> Found | None:
        """Just beyond the first or last known number: there, within what the numbers beyond it can take."""
        if not len(rows):
            return None
        last = int(rows[0] if value < self.value[rows[0]] else rows[-1])
        beyond = abs(value - int(self.value[last]))
        if beyond > _BEYOND:
            return None
        reason = f"just beyond number {self.value[last]}, the last that is known"
        return Found("number", float(self.lon[last]), float(self.lat[last]), _BESIDE_M + 15.0 * beyond, 0, reason,
                     self._candidates([last]))  # fmt: skip

    def _by_name(self, wanted: Standard) -> Found | None:
        """A building by its name, or by that of its estate with its own number."""
        for key in (f"{wanted.compound} {wanted.building}".strip(), wanted.compound):
            found = self.named.get(key, ())
            if found:
                return _of_named(found)
        return None

    def _on_street(self, streets: tuple[int, ...], wanted: Standard) -> Found:
        why = f"no number near {wanted.number} is known there" if wanted.number else "the address tells no number"
        if (
            len(streets) > 1
            and _spread_m(self.middle_lon[list(streets)], self.middle_lat[list(streets)]) > _SAME_SPOT_M
        ):
            listed = tuple(
                Candidate(0, self.spoken[one], float(self.middle_lon[one]), float(self.middle_lat[one]))
                for one in streets[:_MOST]
            )
            return Found("ambiguous", reason=f"{len(streets)} streets are called so", candidates=listed)
        one = streets[0]
        return Found("street", float(self.middle_lon[one]), float(self.middle_lat[one]),
                     round(float(self.reach_m[one]), 1), 0, f"the middle of {self.spoken[one]}: {why}")  # fmt: skip

    def _in_area(self, wanted: Standard) -> Found:
        """The smallest area that is named and known."""
        said = wanted.street or wanted.compound or wanted.community
        for key in (wanted.community, wanted.town, wanted.street, wanted.compound):
            found = self.areas.get(key, ()) if key else ()
            if len(found) == 1:
                area, reach = found[0]
                return Found("area", area.lon, area.lat, round(reach, 1), 0, f"the middle of {area.words}", ())
        return Found("none", reason="the city knows no such street, building or area" if said else
                     "the address names no street, building or area")  # fmt: skip


def _of_named(found: tuple[Candidate, ...]) -> Found:
    spread = _spread_m(np.array([one.lon for one in found]), np.array([one.lat for one in found]))
    if len(found) == 1 or spread <= _SAME_SPOT_M:
        return Found("building", found[0].lon, found[0].lat, round(spread, 1), found[0].building,
                     "the building of this name", found if len(found) > 1 else ())  # fmt: skip
    return Found("ambiguous", reason=f"{len(found)} buildings are called so", candidates=found[:_MOST])


def _spread_m(lons: Floats, lats: Floats) -> float:
    """The diagonal of the rectangle around some places."""
    if len(lons) < 2:
        return 0.0
    kx, ky = plane.scales(np.array([float(lats.mean())]))
    return float(np.hypot((lons.max() - lons.min()) * kx[0], (lats.max() - lats.min()) * ky[0]))


def _split(number: str) -> tuple[int, str]:
    """A house number as its value and what follows; -1 where it begins with no digit."""
    found = _SPLIT.match(number)
    return (int(found[1]), found[2]) if found else (-1, "")


_KINDS = frozenset({
    "street", "avenue", "road", "lane", "drive", "court", "place", "square", "boulevard", "rua", "rue", "travessa",
    "largo", "praca", "alameda", "estrada", "calcada", "via", "quai", "way", "terrace", "chemin", "impasse", "allee",
})  # fmt: skip


def bare(key: str) -> str:
    """A street's name in its standard form without the word for its kind."""
    words = key.split()
    if len(words) > 1 and words[0] in _KINDS:
        words = words[1:]
    elif len(words) > 1 and words[-1] in _KINDS:
        words = words[:-1]
    return " ".join(words)


def built(houses: Houses, streets: Lines, areas: Lines) -> Index:
    """Build the index of a city."""
    spoken, number_of = _spoken(houses, streets)
    row = np.flatnonzero((houses.street != "").astype(bool) & houses.is_known)
    street = np.array([number_of[name] for name in houses.street[row].tolist()], np.int64)
    split = [_split(_number_key(number)) for number in houses.number[row].tolist()]
    tails = list(dict.fromkeys(tail for _value, tail in split))
    place = {tail: at for at, tail in enumerate(tails)}
    value = np.array([max(number, 0) for number, _tail in split], np.int64)
    tail = np.array([place[one] for _number, one in split], np.int64)
    order = np.lexsort((tail, value, street)) if len(row) else np.zeros(0, np.int64)
    start = np.searchsorted(street[order], np.arange(len(spoken) + 1))
    middle_lon, middle_lat, reach = _middles(houses, streets, number_of, len(spoken))
    return Index(
        _keys(spoken, streets), spoken, start, value[order].astype(np.int32), tail[order].astype(np.int32), tails,
        houses.id[row][order], houses.lon[row][order], houses.lat[row][order], middle_lon, middle_lat, reach,
        _named(houses), _areas(areas),
    )  # fmt: skip


def _number_key(number: str) -> str:
    return re.sub(r"\s+", "", number).upper().removesuffix("号")


def _spoken(houses: Houses, streets: Lines) -> tuple[list[str], dict[str, int]]:
    """Each street's name once, whether it has houses or not, and its number."""
    names = dict.fromkeys([*filter(None, houses.street.tolist()), *filter(None, streets.name.tolist())])
    return list(names), {name: at for at, name in enumerate(names)}


def _keys(spoken: list[str], streets: Lines) -> dict[str, tuple[int, ...]]:
    """Streets by each way of calling them: as they are, in Chinese, and without the word for a street."""
    number_of = {name: at for at, name in enumerate(spoken)}
    found: dict[str, dict[int, None]] = {}
    pairs = list(number_of.items())
    both = zip(streets.name.tolist(), streets.name_zh.tolist(), strict=True)
    pairs += [(zh, number_of[name]) for name, zh in both if name and zh]
    for name, at in pairs:
        found.setdefault(name_key(name), {})[at] = None
    for name, at in pairs:
        short = bare(name_key(name))
        if short not in found or at in found[short] or len(short) < 4:
            found.setdefault(short, {})[at] = None
    return {key: tuple(several) for key, several in found.items() if key}


def _middles(
    houses: Houses, streets: Lines, number_of: dict[str, int], count: int
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """The middle of each street, by its course else by its houses, and how far from it the farthest of both is."""
    named = [(number_of[name], row) for row, name in enumerate(streets.name.tolist()) if name]
    of_line = np.array([at for at, _row in named], np.int64)
    rows = np.array([row for _at, row in named], np.int64)
    with_street = np.array([row for row, name in enumerate(houses.street.tolist()) if name], np.int64)
    of_house = np.array([number_of[name] for name in houses.street[with_street].tolist()], np.int64)
    at = np.concatenate([of_line, of_house])
    lon = np.concatenate([streets.lon[rows], houses.lon[with_street]])
    lat = np.concatenate([streets.lat[rows], houses.lat[with_street]])
    own = np.concatenate([streets.reach_m[rows], np.zeros(len(with_street))])
    number = np.maximum(np.bincount(at, minlength=count), 1)
    middle_lon, middle_lat = np.bincount(at, lon, count) / number, np.bincount(at, lat, count) / number
    kx, ky = plane.scales(middle_lat[at])
    away = np.hypot((lon - middle_lon[at]) * kx, (lat - middle_lat[at]) * ky) + own
    reach = np.zeros(count)
    np.maximum.at(reach, at, away)
    return middle_lon, middle_lat, reach


def _named(houses: Houses) -> dict[str, tuple[Candidate, ...]]:
    found: dict[str, list[Candidate]] = {}
    for row in np.flatnonzero(houses.name != "").tolist():
        one = Candidate(int(houses.id[row]), houses.name[row], float(houses.lon[row]), float(houses.lat[row]))
        for name in dict.fromkeys(_both(houses.name[row])):
            found.setdefault(name_key(name), []).append(one)
    return {key: tuple(several) for key, several in found.items() if key}


def _both(name: str) -> tuple[str, ...]:
    return (name, *by_language(name))


def _areas(areas: Lines) -> dict[str, tuple[tuple[Candidate, float], ...]]:
    found: dict[str, dict[str, tuple[Candidate, float]]] = {}
    for row, (name, name_zh) in enumerate(zip(areas.name.tolist(), areas.name_zh.tolist(), strict=True)):
        one = (Candidate(0, name or name_zh, float(areas.lon[row]), float(areas.lat[row])), float(areas.reach_m[row]))
        for said in filter(None, (name, name_zh, town_stem(name), town_stem(name_zh))):
            found.setdefault(name_key(said), {})[name or name_zh] = one
    return {key: tuple(several.values()) for key, several in found.items() if key}
