"""Periods as they are written, as numbers that follow each other: days, weeks, months, quarters, years."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from cityloom.kernel.refused import Refused

SEASONS = {"day": 7, "week": 52, "month": 12, "quarter": 4, "year": 1}
"""The frequencies, and how many periods of each make a season."""
_EPOCH = date(1970, 1, 1)
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_MONTH = re.compile(r"(\d{4})[-/.]?M?(\d{1,2})")
_QUARTER = re.compile(r"(\d{4})[- ]?[Qq]([1-4])")
_WEEK = re.compile(r"(\d{4})[- ]?[Ww](\d{1,2})")
_YEAR = re.compile(r"(\d{4})(?:\.0*)?")
_NUMBER = re.compile(r"\d{4,5}(?:\.0*)?")
_LAST_YEAR = 3000
_BAD = "{value} is no period by {limit}; write 2025-03-31, 2025-W13, 2025-03, 2025-Q1 or 2025."
_FREQUENCY = "There is no frequency that is called {value}; there are {limit}."


def ordinals(texts: Sequence[str], frequency: str) -> list[int]:
    """The number of each period; a date is the period that it lies in, a number above 3000 days since 1970.

    Raises: Refused `insight.no_frequency`, `insight.bad_period`.
    """
    if frequency not in SEASONS:
        raise Refused("insight.no_frequency", _FREQUENCY, value=frequency[:40], limit=", ".join(SEASONS))
    known: dict[str, int] = {}
    for text in texts:
        if text not in known:
            known[text] = _ordinal(text.strip(), frequency)
    return [known[text] for text in texts]


def label(ordinal: int, frequency: str) -> str:
    """How a period is written."""
    if frequency == "year":
        return str(ordinal)
    if frequency == "quarter":
        return f"{ordinal // 4}-Q{ordinal % 4 + 1}"
    if frequency == "month":
        return f"{ordinal // 12}-{ordinal % 12 + 1:02d}"
    if frequency == "week":
        year, week, _ = date.fromordinal(ordinal * 7 + 1).isocalendar()
        return f"{year}-W{week:02d}"
    return date.fromordinal(ordinal).isoformat()


def _ordinal(text: str, frequency: str) -> int:
    try:
        found = _of_text(text, frequency)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Refused("insight.bad_period", _BAD, value=text[:40] or "—", limit=frequency)
    return found


def _of_text(text: str, frequency: str) -> int | None:
    if (year := _YEAR.fullmatch(text)) and int(year[1]) <= _LAST_YEAR:
        return {"year": int(year[1])}.get(frequency)
    if quarter := _QUARTER.fullmatch(text):
        return {"quarter": int(quarter[1]) * 4 + int(quarter[2]) - 1, "year": int(quarter[1])}.get(frequency)
    if week := _WEEK.fullmatch(text):
        return {"week": (date.fromisocalendar(int(week[1]), int(week[2]), 1).toordinal() - 1) // 7}.get(frequency)
    if (month := _MONTH.fullmatch(text)) and 1 <= int(month[2]) <= 12 and frequency in ("day", "week"):
        return None
    found = _day_of(text)
    return None if found is None else _of_day(found, frequency)


def _day_of(text: str) -> date | None:
    """The day that a text names, or the first of its month."""
    if _NUMBER.fullmatch(text) and float(text) > _LAST_YEAR:
        return _EPOCH + timedelta(days=int(float(text)))
    if day := _DAY.fullmatch(text):
        return date(*(int(part) for part in day.groups()))
    month = _MONTH.fullmatch(text)
    return date(int(month[1]), int(month[2]), 1) if month else None


def _of_day(day: date, frequency: str) -> int:
    return {
        "day": day.toordinal(), "week": (day.toordinal() - 1) // 7, "month": day.year * 12 + day.month - 1,
        "quarter": day.year * 4 + (day.month - 1) // 3, "year": day.year,
    }[frequency]  # fmt: skip
