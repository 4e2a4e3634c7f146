"""Spans of local time: which hour, day, week, month or year instants fall into, where a zone says what a day is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
_QUARTER_US = _HOUR_US // 4
_STEPS = {"minute": 60_000_000, "hour": _HOUR_US}
_LETTERS = {"month": "M", "year": "Y"}


@dataclass(frozen=True)
class Spans:
    """For each instant the number of its span, and the spans' begins and ends as texts with the zone's offset."""

    number: Ints
    text: Sequence[str]


def spans(at_us: Ints, unit: str, every: int, zone: tzinfo) -> Spans:
    """The spans that instants fall into, in order; an hour that a clock shows twice is two."""
    if not len(at_us):
        return Spans(np.zeros(0, np.int64), [])
    offset = _offsets(at_us, zone)
    wall = at_us + offset
    begin = _begins(wall, unit, every)
    if unit in _STEPS and every * _STEPS[unit] <= _HOUR_US:
        starts, number = _numbered(begin - offset)
        ends = starts + every * _STEPS[unit]
    else:
        walls, number = _numbered(begin)
        starts, ends = (np.array([_instant(int(one), zone) for one in edge], np.int64)
                        for edge in (walls, _nexts(walls, unit, every)))  # fmt: skip
    text = [f"{_text(first, zone)}/{_text(last, zone)}"
            for first, last in zip(starts.tolist(), ends.tolist(), strict=True)]  # fmt: skip
    return Spans(number.astype(np.int64), text)


def edges(first_us: int, last_us: int, unit: str, zone: tzinfo, most: int) -> list[int] | None:
    """Where spans of a day or longer meet that hold two instants and all between; None where they are more than `most`.

    A span is what lies from one edge until before the next.
    """
    if unit in _STEPS:
        return None
    ends = np.array([first_us, last_us], np.int64)
    wall, last = _begins(ends + _offsets(ends, zone), unit, 1)[:, None]
    found = [_instant(int(wall[0]), zone)]
    while wall[0] <= last[0]:
        if len(found) > most:
            return None
        wall = _nexts(wall, unit, 1)
        found.append(_instant(int(wall[0]), zone))
    return found


def _numbered(values: Ints) -> tuple[Ints, Ints]:
    """The different values in order, and for each value which it is; what comes in order is not sorted again."""
    steps = np.diff(values)
    if (steps < 0).any():
        return np.unique(values, return_inverse=True)
    is_new = np.r_[True, steps > 0]
    return values[is_new], np.cumsum(is_new) - 1


def _begins(wall: Ints, unit: str, every: int) -> Ints:
    """Where the spans of wall times begin, by the wall."""
    if unit in _STEPS:
        step, day = every * _STEPS[unit], wall // _DAY_US * _DAY_US
        return day + (wall - day) // step * step
    if unit in _LETTERS:
        months = wall.astype("datetime64[us]").astype(f"datetime64[{_LETTERS[unit]}]")
        return months.astype("datetime64[us]").astype(np.int64)
    days = wall // _DAY_US
    return (days if unit == "day" else days - (days + 3) % 7) * _DAY_US


def _nexts(walls: Ints, unit: str, every: int) -> Ints:
    if unit in _LETTERS:
        months = walls.astype("datetime64[us]").astype(f"datetime64[{_LETTERS[unit]}]") + 1
        return months.astype("datetime64[us]").astype(np.int64)
    if unit in _STEPS:
        return np.minimum(walls + every * _STEPS[unit], (walls // _DAY_US + 1) * _DAY_US)
    return walls + (7 if unit == "week" else 1) * _DAY_US


def _offsets(at_us: Ints, zone: tzinfo) -> Ints:
    """How far the clocks of a zone are ahead of UTC at instants: looked up by the day, or quarter of an hour where
    they change."""
    days, day_of = _numbered(at_us // _DAY_US)
    by_day = np.array([_offset(int(one) * _DAY_US, zone) for one in days], np.int64)
    after = np.array([_offset((int(one) + 1) * _DAY_US, zone) for one in days], np.int64)
    found = by_day[day_of]
    changing = np.flatnonzero((by_day != after)[day_of])
    if len(changing):
        quarters, place = np.unique(at_us[changing] // _QUARTER_US, return_inverse=True)
        found[changing] = np.array([_offset(int(one) * _QUARTER_US, zone) for one in quarters], np.int64)[place]
    return found


def _offset(at_us: int, zone: tzinfo) -> int:
    ahead = (_EPOCH + at_us * _US).astimezone(zone).utcoffset() or timedelta()
    return ahead // _US


def _instant(wall: int, zone: tzinfo) -> int:
    """When clocks of a zone show a time; the first time, where they do twice."""
    shown = (_EPOCH + wall * _US).replace(tzinfo=zone)
    return (shown - _EPOCH) // _US


def _text(at_us: int, zone: tzinfo) -> str:
    return (_EPOCH + at_us * _US).astimezone(zone).isoformat().replace("+00:00", "Z")
