"""Dates as offices write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

FORMS = {
    "YYYY-MM-DD": r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})",
    "YYYY/MM/DD": r"(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})",
    "YYYY.MM.DD": r"(?P<y>\d{4})\.(?P<m>\d{1,2})\.(?P<d>\d{1,2})",
    "YYYYMMDD": r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    "YYYY年MM月DD日": r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})日",
    "DD/MM/YYYY": r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})",
    "DD.MM.YYYY": r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",
    "MM/DD/YYYY": r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})",
}
"""The forms that a mapping may name; a time of day behind any of them is let go."""
_TIME = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_READ = {name: re.compile(form + _TIME, re.ASCII) for name, form in FORMS.items()}
_CLOCK = re.compile(r"[ T](\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d", re.ASCII)
_EARLIEST = 1600


def read(text: str, form: str) -> tuple[str, str]:
    """A date as YYYY-MM-DD with an empty word, or an empty date with what is wrong: `not_a_date`, `no_such_date`."""
    found = _READ[form].fullmatch(text)
    if not found:
        return "", "not_a_date"
    try:
        day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        return "", "no_such_date"
    return (day.isoformat(), "") if day.year >= _EARLIEST else ("", "no_such_date")


def instant(text: str, form: str, zone: tzinfo) -> tuple[int | None, str]:
    """An instant in microseconds since 1970 with an empty word, or what is wrong with it.

    A date in the form, with or without a time of day, or ISO 8601; without an offset it is meant in `zone`.
    """
    day, fault = read(text, form)
    try:
        clock = _CLOCK.search(text)
        iso = text if _ISO.match(text) else ""
        found = datetime.fromisoformat(f"{day}T{_padded(clock[1])}" if day and clock else day or iso)
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        passed = aware - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None, fault or "not_a_date"
    return (passed // timedelta(microseconds=1), "") if aware.year >= _EARLIEST else (None, "no_such_date")


def _padded(time: str) -> str:
    """A time of day with two digits for the hour."""
    return time if time[1].isdigit() else f"0{time}"


def forms_of(texts: Sequence[str], share: float = 0.9) -> list[str]:
    """The forms in which at least this share of texts are dates, the likeliest first."""
    if not texts:
        return []
    right = {form: sum(not read(text, form)[1] for text in texts) for form in FORMS}
    return sorted((form for form, count in right.items() if count >= share * len(texts)), key=lambda form: -right[form])
