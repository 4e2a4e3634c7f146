"""Made-up reports: matters that several people report, others beside them, and the same again later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.madeup.wordings import LANGUAGES, vocabulary
from cityloom.cases.domain.madeup.writing import Matter, text_of
from cityloom.cases.domain.routing.categories import shipped
from cityloom.kernel import ids

DAY_S = 86_400.0
CENTRE = 116.4, 39.9
"""Any place will do; nothing of the city there is used."""
BESIDE, AGAIN, WRONG_SISTER, WRONG_ELSE = 0.08, 0.10, 0.06, 0.04
"""How many matters have another of their kind 15 to 60 m beside their reach, or come again after repair; how many
reports are put into a sister category, or a strange one."""
_ERRORS_M = {"app": 8.0, "map": 15.0, "call": 30.0}
_MARKED = frozenset({
    "street-lamp", "traffic-signal", "sign-damaged", "manhole-cover", "bin-overflowing", "lift-broken",
})  # fmt: skip
_METRES = 111_195.0


@dataclass(frozen=True)
class Reported:
    """Reports in the order of their times, as columns; `matter` is the truth, `ends_s` when each matter was settled."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    error_m: NDArray[np.float64]
    at_s: NDArray[np.float64]
    category: list[str]
    text: list[str]
    matter: NDArray[np.int64]
    ends_s: NDArray[np.float64]


@dataclass(frozen=True)
class _True:
    category: str
    x: float
    y: float
    begins_s: float
    ends_s: float
    street: int
    number: int
    mark: str
    thing: int
    trouble: int


def reported(matters: int, seed: int, part: str, *, side_km: float = 5.0, days: float = 60.0,
             beside: float = BESIDE) -> Reported:  # fmt: skip
    """Reports of about `matters` matters in a square; a fifth of all reports say what somebody has said before."""
    rng = ids.seeded(seed, "made-up matters", part)
    found: list[_True] = []
    while len(found) < matters:
        found += _family(side_km * 1_000, days * DAY_S, beside, rng)
    rows = [row for number, one in enumerate(found) for row in _reports(number, one, part, rng)]
    rows.sort(key=lambda row: row[3])
    lon, lat, error, at, category, text, matter = zip(*rows, strict=True)
    ends = np.array([one.ends_s for one in found])
    return Reported(np.array(lon), np.array(lat), np.array(error), np.array(at), list(category), list(text),
                    np.array(matter), ends)  # fmt: skip


def _family(side_m: float, length_s: float, beside: float, rng: np.random.Generator) -> list[_True]:
    """A matter, perhaps one like it beside it, perhaps the same again after it was settled."""
    known = list(shipped())
    begins = rng.random() * length_s
    one = _true(known[int(rng.integers(len(known)))], rng.random() * side_m, rng.random() * side_m, begins, rng)
    found = [one]
    if rng.random() < beside:
        away = rng.uniform(15, 60) + _apart_m(one.category)
        turn = rng.uniform(0, 2 * np.pi)
        begins = one.begins_s + rng.uniform(-0.5, 1.0) * (one.ends_s - one.begins_s)
        found.append(_true(one.category, one.x + away * np.cos(turn), one.y + away * np.sin(turn), begins, rng))
    if rng.random() < AGAIN:
        found.append(_true(one.category, one.x, one.y, one.ends_s + rng.exponential(10 * DAY_S), rng))
    return found


def _apart_m(category: str) -> float:
    """Two matters that people notice from afar are not side by side: that would be one."""
    reach = shipped()[category].reach_m
    return 2 * reach if reach > 15 else 0.0


def _true(category: str, x: float, y: float, begins_s: float, rng: np.random.Generator) -> _True:
    mark = str(int(rng.integers(1_000, 9_999))) if category in _MARKED and rng.random() < 0.5 else ""
    street, number = int(y // 120), 1 + int(x % 1_500 / 12) * 2
    return _True(category, x, y, begins_s, begins_s + rng.gamma(2.0, 6.0) * DAY_S, street, number, mark,
                 int(rng.integers(90)), int(rng.integers(90)))  # fmt: skip


def _reports(number: int, one: _True, part: str, rng: np.random.Generator) -> list[tuple]:
    count = 1 if rng.random() < 0.78 else 2 + int(rng.geometric(0.5)) - 1
    times = np.sort(np.minimum(rng.exponential(0.3, count), 0.98))
    return [_report(number, one, one.begins_s + share * (one.ends_s - one.begins_s), part, rng) for share in times]


def _report(number: int, one: _True, at_s: float, part: str, rng: np.random.Generator) -> tuple:
    channel = ("app", "map", "call")[int(rng.choice(3, p=[0.5, 0.3, 0.2]))]
    error = _ERRORS_M[channel]
    reach = shipped()[one.category].reach_m
    east, north = rng.normal(0, error * (3 if rng.random() < 0.05 else 1) / np.sqrt(2), 2) + _disc(reach, rng)
    lon = CENTRE[0] + (one.x + east) / (_METRES * np.cos(np.radians(CENTRE[1])))
    lat = CENTRE[1] + (one.y + north) / _METRES
    language = LANGUAGES[int(rng.random() < 0.8)]
    things = len(vocabulary(language, part).things[one.category])
    troubles = len(vocabulary(language, part).troubles[one.category])
    told = Matter(
        one.category, int(rng.integers(things)), one.trouble if rng.random() < 0.6 else int(rng.integers(troubles)),
        one.street, _house(one.number, rng), one.mark if rng.random() < 0.5 else "", list(shipped()),
    )  # fmt: skip
    return lon, lat, error, at_s, _category(one.category, rng), text_of(told, language, part, rng), number


def _disc(reach_m: float, rng: np.random.Generator) -> NDArray[np.float64]:
    turn, away = rng.uniform(0, 2 * np.pi), reach_m * np.sqrt(rng.random())
    return np.array([np.cos(turn), np.sin(turn)]) * away


def _house(number: int, rng: np.random.Generator) -> int:
    kind = rng.random()
    if kind < 0.7:
        return number
    return max(1, number + 2 * int(rng.integers(-1, 2))) if kind < 0.9 else int(rng.integers(1, 250))


def _category(true: str, rng: np.random.Generator) -> str:
    known, kind = shipped(), rng.random()
    if kind < WRONG_SISTER:
        sisters = [key for key, one in known.items() if one.path[1] == known[true].path[1]]
        return sisters[int(rng.integers(len(sisters)))]
    return list(known)[int(rng.integers(len(known)))] if kind < WRONG_SISTER + WRONG_ELSE else true
